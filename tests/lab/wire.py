# SPDX-License-Identifier: Apache-2.0
"""A cable with a length: delay, loss, duplication, reordering and cuts in user space.

In: two packet sockets, one at each end.  Out: the same frames later, or never.
Stands in for netem, which many lab kernels do not have.  `tap` sees every frame and may drop or
answer it, which is what a middlebox does.
"""
import heapq
import itertools
import os
import select
import socket
import threading
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4


class Wire:
    """Joins interface a and interface b (both inside one namespace) frame by frame."""

    def __init__(self, host, if_a, if_b, rng, delay=0.0, jitter=0.0):
        self.delay, self.jitter, self.rng = delay, jitter, rng
        self.cut = False  # True: both directions silent
        self.cut_to = None  # "a" or "b": frames towards that end are lost
        self.loss = self.duplicate = self.reorder = 0.0
        self.rate = 0  # bytes a second towards each end; 0: no limit
        self.free = {"a": 0.0, "b": 0.0}
        self.rules = []  # callables (frame, towards) -> None, "drop" or seconds of extra delay
        self.sockets = {}
        for end, name in (("a", if_a), ("b", if_b)):
            s = host.socket(socket.SOCK_RAW, socket.AF_PACKET, socket.htons(ETH_P_ALL))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.bind((name, ETH_P_ALL))
            s.setblocking(False)
            self.sockets[end] = s
        self.queue, self.count = [], itertools.count()
        self.last = {"a": 0.0, "b": 0.0}
        self.lock = threading.Lock()
        self.wake_r, self.wake_w = os.pipe()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.running = True
        self.thread.start()

    def inject(self, frame, towards, after=0.0):
        """Puts a frame of one's own on the wire."""
        with self.lock:
            heapq.heappush(self.queue, (time.monotonic() + after, next(self.count), towards, frame))
        os.write(self.wake_w, b"x")

    def take(self, frame, towards):
        if self.cut or self.cut_to == towards:
            return
        extra = 0.0
        for rule in list(self.rules):
            verdict = rule(frame, towards)
            if verdict == "drop":
                return
            extra += verdict or 0.0
        if self.loss and self.rng.random() < self.loss:
            return
        now = time.monotonic()
        due = now + self.delay + self.rng.random() * self.jitter + extra
        if self.rate:
            self.free[towards] = max(now, self.free[towards]) + len(frame) / self.rate
            due += self.free[towards] - now
        if self.reorder and self.rng.random() < self.reorder:
            due += self.delay * 0.5 + 0.002
        elif not extra:
            due = max(due, self.last[towards])
            self.last[towards] = due
        copies = 2 if self.duplicate and self.rng.random() < self.duplicate else 1
        with self.lock:
            for n in range(copies):
                heapq.heappush(self.queue, (due + n * 0.0004, next(self.count), towards, frame))

    def loop(self):
        other = {"a": "b", "b": "a"}
        by_fd = {s.fileno(): (end, s) for end, s in self.sockets.items()}
        while self.running:
            with self.lock:
                wait = self.queue[0][0] - time.monotonic() if self.queue else 0.5
            ready, _, _ = select.select([*by_fd, self.wake_r], [], [], max(0, min(wait, 0.5)))
            for fd in ready:
                if fd == self.wake_r:
                    os.read(self.wake_r, 64)
                    continue
                end, s = by_fd[fd]
                while True:
                    try:
                        frame, meta = s.recvfrom(70000)
                    except (BlockingIOError, OSError):
                        break
                    if meta[2] != PACKET_OUTGOING:
                        self.take(frame, other[end])
            now = time.monotonic()
            while True:
                with self.lock:
                    if not self.queue or self.queue[0][0] > now:
                        break
                    _, _, towards, frame = heapq.heappop(self.queue)
                try:
                    self.sockets[towards].send(frame)
                except OSError:
                    pass

    def close(self):
        self.running = False
        os.write(self.wake_w, b"x")
        self.thread.join(2)
        for s in self.sockets.values():
            s.close()
        os.close(self.wake_r)
        os.close(self.wake_w)
