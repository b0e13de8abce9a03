# SPDX-License-Identifier: Apache-2.0
"""What happens to evidence on its way: cut, shifted, mirrored, tagged, split, rotated.

In: a finished case folder and its shape.  Out: the same folder, changed as a real one would be;
truth is resolved after.
"""
import datetime
import glob
import gzip
import os
import re
import struct
import subprocess

import pcapfile
import rawpacket
from pcapfile import EN10MB

ISO = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})([+-]\d\d:\d\d)")
BSD = re.compile(rb"^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ")
SYSLOGS = ("syslog", "auth.log", "kern.log")


def drop_start(path, n):
    """The capture began mid-stream: its first n frames were never taken."""
    rows = list(pcapfile.records(path))
    pcapfile.write(path, rows[0][0], [r[1:] for r in rows[n:]])


def truncate(path, _):
    """The disk was full: the last record is cut in the middle, behind one that was whole."""
    with open(path, "rb") as f:
        data = f.read()
    _, t, raw, orig = list(pcapfile.records(path))[-1]
    with open(path, "wb") as f:
        f.write(data + struct.pack("<IIII", int(t) + 1, 7, len(raw) + 40, orig + 40) + raw[:30])


def vlan(path, tag):
    """The mirror port tags frames (802.1Q)."""

    def change(t, raw, orig):
        return t, raw[:12] + struct.pack("!HH", 0x8100, tag) + raw[12:], orig + 4

    pcapfile.rewrite(path, change, link=EN10MB)


def outer_ipv4(proto, inner):
    """The mirror's own packet, from one documentation address to another."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inner), 0, 0, 64, proto, 0)
    head += bytes([203, 0, 113, 1, 203, 0, 113, 2])
    head = head[:10] + struct.pack("!H", rawpacket.checksum(head)) + head[12:]
    return bytes.fromhex("525400aa0002525400aa0001") + b"\x08\x00" + head + inner


def gre(path, _):
    """A mirror that sends whole frames through GRE."""

    def change(t, raw, orig):
        frame = outer_ipv4(47, struct.pack("!HH", 0, 0x6558) + raw)
        return t, frame, orig + len(frame) - len(raw)

    pcapfile.rewrite(path, change, link=EN10MB)


def vxlan(path, number):
    """A mirror that sends whole frames through VXLAN."""

    def change(t, raw, orig):
        body = struct.pack("!BBHI", 8, 0, 0, number << 8) + raw
        udp = struct.pack("!HHHH", 49152 + len(raw) % 999, 4789, 8 + len(body), 0)
        frame = outer_ipv4(17, udp + body)
        return t, frame, orig + len(frame) - len(raw)

    pcapfile.rewrite(path, change, link=EN10MB)


def mirror_twice(path, _):
    """The mirror port copies each frame on its way in and on its way out."""
    pcapfile.rewrite(path, lambda t, raw, orig: [(t, raw, orig), (t + 0.000004, raw, orig)])


def swap(path, every):
    """Two capture queues: every so often a pair of neighbours is written in the wrong order."""
    rows = list(pcapfile.records(path))
    body = [r[1:] for r in rows]
    for i in range(every, len(body) - 1, every):
        if body[i + 1][0] - body[i][0] < 0.0005:
            body[i], body[i + 1] = body[i + 1], body[i]
    pcapfile.write(path, rows[0][0], body)


def shift_capture(path, seconds):
    pcapfile.rewrite(path, lambda t, raw, orig: (t + seconds, raw, orig))


def ring(path, files):
    """A ring buffer: several files in a row instead of one."""
    rows = list(pcapfile.records(path))
    size = len(rows) // files + 1
    for i in range(files):
        part = rows[i * size : (i + 1) * size]
        name = (
            path[:-5]
            + "_%05d" % (i + 1)
            + datetime.datetime.fromtimestamp(part[0][1], datetime.timezone.utc).strftime(
                "_%Y%m%d%H%M%S"
            )
            + ".pcap"
        )
        pcapfile.write(name, rows[0][0], [r[1:] for r in part])
    os.remove(path)


def logs(folder):
    return [
        p
        for p in glob.glob(folder + "/**/*", recursive=True)
        if os.path.basename(p) in SYSLOGS
    ]


def shift_line(line, seconds):
    delta = datetime.timedelta(seconds=seconds)
    m = ISO.match(line)
    if m:
        t = datetime.datetime.fromisoformat(m[1].decode()) + delta
        return t.isoformat(timespec="microseconds").encode() + line[m.end(1) :]
    m = BSD.match(line)
    if m:
        year = datetime.datetime.now().year
        t = datetime.datetime.strptime(f"{year} {m[1].decode()}", "%Y %b %d %H:%M:%S") + delta
        return (
            t.strftime("%b ").encode()
            + b"%2d" % t.day
            + t.strftime(" %H:%M:%S").encode()
            + line[m.end(1) :]
        )
    return line


def shift_logs(folder, seconds):
    """The log host's clock was wrong by this much; a dict has a figure for each host."""
    if isinstance(seconds, dict):
        for host, own in seconds.items():
            shift_logs(os.path.join(folder, "logs", host), own)
        return
    for path in logs(folder):
        with open(path, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        with open(path, "wb") as f:
            f.write(b"".join(shift_line(x, seconds) for x in lines))


def rotate(folder, _):
    """logrotate came by: the oldest third is in NAME.2.gz, the next in NAME.1."""
    for path in logs(folder):
        with open(path, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        a, b = len(lines) // 3, 2 * len(lines) // 3
        if a:
            with open(path + ".2.gz", "wb") as f:
                f.write(gzip.compress(b"".join(lines[:a]), mtime=0))
            for name, part in ((path + ".1", lines[a:b]), (path, lines[b:])):
                with open(name, "wb") as f:
                    f.write(b"".join(part))


CAPTURE_STEPS = {
    "drop_start": drop_start,
    "swap": swap,
    "mirror_twice": mirror_twice,
    "vlan": vlan,
    "gre": gre,
    "vxlan": vxlan,
    "time_shift": shift_capture,
    "truncate": truncate,
    "ring": ring,
}
LOG_STEPS = {"time_shift": shift_logs, "log_shift": shift_logs, "rotate": rotate}


def apply(folder, shape):
    """Changes the folder as its shape asks; returns by how many seconds all clocks were moved."""
    shape = dict(shape)
    if shape.pop("new_year", False):
        first = min(t for p in glob.glob(folder + "/*.pcap") for _, t, _, _ in pcapfile.records(p))
        last = max(t for p in glob.glob(folder + "/*.pcap") for _, t, _, _ in pcapfile.records(p))
        shape["time_shift"] = int(
            datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc).timestamp()
            - (first + last) / 2
        )
    for step, change in CAPTURE_STEPS.items():
        if shape.get(step):
            for path in glob.glob(folder + "/*.pcap"):
                change(path, shape[step])
    for name, seconds in shape.get("clocks", {}).items():  # this machine's clock was wrong
        shift_capture(os.path.join(folder, name), seconds)
    for step, change in LOG_STEPS.items():
        if shape.get(step):
            change(folder, shape[step])
    return shape.get("time_shift", 0)


def to_pcapng(folder):
    """Converts the captures in place, once truth is resolved; frame numbers stay."""
    for path in glob.glob(folder + "/*.pcap"):
        subprocess.run(
            ["editcap", "-F", "pcapng", path, path + "ng"], check=True, capture_output=True
        )
        os.remove(path)
    for name in ("truth.json", "README.md"):
        with open(os.path.join(folder, name)) as f:
            text = f.read()
        with open(os.path.join(folder, name), "w") as f:
            f.write(re.sub(r"\.pcap\b", ".pcapng", text))
