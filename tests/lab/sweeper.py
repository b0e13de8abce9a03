#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service that looks for idle connections now and then: `sweeper.py ADDRESS PORT IDLE EVERY`.

It echoes each message.  Every EVERY seconds it closes all connections that said nothing for IDLE
seconds, as many pools and servers do.
"""
import select
import socket
import sys
import time


def main():
    address, port, idle, every = sys.argv[1], *map(float, sys.argv[2:5])
    door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((address, int(port)))
    door.listen(64)
    heard = {}
    sweep = time.monotonic() + every
    while True:
        ready = select.select([door, *heard], [], [], max(0.0, sweep - time.monotonic()))[0]
        for s in ready:
            if s is door:
                s = door.accept()[0]
                heard[s] = time.monotonic()
                continue
            text = s.recv(65536)
            heard[s] = time.monotonic()
            if text:
                s.sendall(b"ok " + text)
            else:
                del heard[s]
                s.close()
        now = time.monotonic()
        if now < sweep:
            continue
        sweep = now + every
        for s in [s for s, when in heard.items() if now - when >= idle]:
            del heard[s]
            s.close()


main()
