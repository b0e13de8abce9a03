#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small service that dies on demand: `service.py NAME ADDRESS PORT`.

It echoes each message.  "nap S" makes it sleep, "crash" dereferences a null pointer, "eat"
allocates until it is killed, "exit" ends it.  One thread, so whatever arrives during a nap stays
unread.
"""
import ctypes
import select
import socket
import sys
import time

PR_SET_NAME = 15


def obey(text):
    for word in text.decode("ascii", "replace").split(";"):
        verb, _, rest = word.strip().partition(" ")
        if verb == "nap":
            time.sleep(float(rest))
        elif verb == "crash":
            ctypes.string_at(0)
        elif verb == "exit":
            sys.exit(1)
        elif verb == "eat":
            hoard = []
            while True:
                hoard.append(bytearray(b"x" * (1 << 20)))


def main():
    name, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ctypes.CDLL("libc.so.6").prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
    door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((address, port))
    door.listen(64)
    guests = []
    while True:
        for s in select.select([door, *guests], [], [])[0]:
            if s is door:
                guests.append(door.accept()[0])
                continue
            try:
                text = s.recv(65536)
            except OSError:
                text = b""
            if text:
                obey(text)
                s.sendall(b"ok " + text)
            else:
                guests.remove(s)
                s.close()


main()
