#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small file server: `giver.py ADDRESS PORT`.  A client says how many bytes it wants; the server
writes them and closes at once, so that the kernel is left with what is still unsent."""
import socket
import sys
import threading


def serve(guest):
    wanted = int(guest.recv(64))
    guest.sendall(b"x" * wanted)
    guest.close()


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    door.bind((address, port))
    door.listen(64)
    while True:
        guest, _ = door.accept()
        threading.Thread(target=serve, args=(guest,), daemon=True).start()


main()
