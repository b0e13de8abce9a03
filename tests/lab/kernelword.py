# SPDX-License-Identifier: Apache-2.0
"""The kernel's own word: why it sent each RST, and its log lines.

In: a tracefs instance of the case's own, and /dev/kmsg from where it stood. Out: (time, source,
destination, state, reason) rows; kernel lines handed to the host that owns them.
"""
import os
import re
import select
import threading
import time

TRACING = "/sys/kernel/tracing"
LINE = re.compile(
    r"\s(\d+\.\d+): tcp_send_reset: skbaddr=(\S+) skaddr=\S+ src=(\S+) dest=(\S+) "
    r"state=(\S+) reason=(\S+)"
)


def split(end):
    addr, port = end.rsplit(":", 1)
    addr = addr.strip("[]")
    return (addr[7:] if addr.startswith("::ffff:") else addr), int(port)


class Trace:
    """Records tcp:tcp_send_reset while it lives."""

    def __init__(self, case):
        self.path = f"{TRACING}/instances/whyrst-lab-{os.getpid()}-{case.name}"
        os.mkdir(self.path)
        self.put("trace_clock", "mono")
        self.put("buffer_size_kb", "512")
        self.put("events/tcp/tcp_send_reset/enable", "1")
        self.offset = time.time() - time.monotonic()

    def put(self, name, value):
        with open(f"{self.path}/{name}", "w") as f:
            f.write(value)

    def rows(self):
        """(unix time, (src, sport), (dst, dport), answers a segment, state, reason) per RST
        sent."""
        with open(f"{self.path}/trace") as f:
            for line in f:
                m = LINE.search(line)
                if m:
                    skb, src, dst = m[2], split(m[3]), split(m[4])
                    answers = not (skb.strip("0x") == "" or "null" in skb)
                    yield float(m[1]) + self.offset, src, dst, answers, m[5], m[6]

    def text(self, addresses):
        """The trace as the kernel of the host with these addresses would have it: the head, and the
        lines of RSTs that it sent."""
        with open(f"{self.path}/trace") as f:
            return "".join(
                line
                for line in f
                if line.startswith("#")
                or ((m := LINE.search(line)) and split(m[3])[0] in addresses)
            )

    def close(self):
        try:
            self.put("events/tcp/tcp_send_reset/enable", "0")
            os.rmdir(self.path)
        except OSError:
            time.sleep(0.3)
            os.rmdir(self.path)


def plain(text):
    """A kernel line without the name of the machine that ran the lab: the release loses its local
    part."""
    release = os.uname().release
    return re.sub(
        r"\(\S+@\S+\)", "(kernel@build)", text.replace(release, release.split("-")[0] + "-lab")
    )


class KernelLog:
    """Follows /dev/kmsg for all cases; gives each line to the hosts whose marks it holds."""

    def __init__(self):
        self.hosts, self.lock, self.running = [], threading.Lock(), True
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.block = None  # the host whose OOM report is being printed
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def add(self, host, sink):
        with self.lock:
            self.hosts.append((host, sink))

    def remove(self, host):
        with self.lock:
            self.hosts = [(h, s) for h, s in self.hosts if h is not host]

    def owner(self, text):
        for host, sink in self.hosts:
            if any(mark in text for mark in host.kernel_marks):
                return host, sink
        return None

    def loop(self):
        while self.running:
            if not select.select([self.fd], [], [], 0.3)[0]:
                continue
            try:
                record = os.read(self.fd, 8192).decode("utf-8", "replace")
            except OSError:
                continue
            head, _, text = record.partition(";")
            text = text.split("\n")[0]
            priority, _seq, usec = head.split(",")[:3]
            with self.lock:
                found = self.owner(text) or self.block
                if not found:
                    continue
                if "invoked oom-killer" in text:
                    self.block = found
                elif "Killed process" in text:
                    self.block = None
                text = plain(text)
                stamp = f"<{int(priority) & 7}>[{int(usec) / 1e6:12.6f}] {text}\n"
                os.write(found[1], stamp.encode())

    def close(self):
        self.running = False
        self.thread.join(1)
        os.close(self.fd)
