#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An ssh client that pads its traffic with SSH_MSG_IGNORE and tries wrong passwords, or logs in and
asks for nothing: `padded.py ADDRESS PORT USER [PASSWORD]`.  It ends when the server hangs up."""
import socket
import sys
import threading
import time

import paramiko


def pad(link):
    while link.is_active():
        link.send_ignore(97)
        time.sleep(0.05)


def main():
    address, port, user = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    link = paramiko.Transport(socket.create_connection((address, port), 20))
    link.start_client(timeout=20)
    threading.Thread(target=pad, args=(link,), daemon=True).start()
    try:
        for word in sys.argv[4:] or ("sesame", "open", "please"):
            try:
                link.auth_password(user, word, fallback=False)
            except paramiko.AuthenticationException:
                pass
        while sys.argv[4:] and link.is_active():
            time.sleep(0.05)
    except (paramiko.SSHException, EOFError, OSError):
        pass
    link.close()


main()
