#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy that passes on how a half ends: `forwarder.py ADDRESS PORT TO PORT IDLE`.

A FIN becomes a FIN and a reset a reset, as with Envoy and user-mode networks.  Where it cannot reach
TO it drops the client's connection, and after IDLE seconds of silence it closes both halves.
"""
import select
import socket
import struct
import sys
import time


def dropped(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class Session:
    def __init__(self, front, back):
        self.other = {front: back, back: front}
        self.heard = time.monotonic()

    def move(self, s):
        """False: the session is over."""
        self.heard = time.monotonic()
        try:
            text = s.recv(65536)
            if text:
                self.other[s].sendall(text)
                return True
        except OSError:
            for end in self.other:
                dropped(end)
            return False
        self.close()
        return False

    def close(self):
        for end in self.other:
            end.close()


def main():
    address, port, to, to_port, idle = sys.argv[1:6]
    door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((address, int(port)))
    door.listen(64)
    sessions = {}
    while True:
        for s in select.select([door, *sessions], [], [], 0.05)[0]:
            if s is door:
                front = door.accept()[0]
                time.sleep(0.02)  # by then a request that follows at once has come
                try:
                    back = socket.create_connection((to, int(to_port)), 3)
                except OSError:
                    front.close()
                    continue
                back.settimeout(None)
                sessions[front] = sessions[back] = Session(front, back)
            elif s in sessions and not sessions[s].move(s):
                gone = sessions[s]
                for end in gone.other:
                    del sessions[end]
        quiet = {x for x in sessions.values() if time.monotonic() - x.heard >= float(idle)}
        for gone in quiet:
            gone.close()
            for end in gone.other:
                del sessions[end]


if __name__ == "__main__":
    main()
