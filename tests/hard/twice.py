#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Long captures, which are read twice and not everywhere the second time, plain and as gzip, against
the same as bzip2, which are read once: all must tell the same, and the resets and streams that tshark
sees.

usage: twice.py WHYRST.  Speaks TAP; without tshark that comparison is left out.
"""
import bz2
import gzip
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cases")]

import oracle  # noqa: E402
from wire import *  # noqa: E402,F401,F403

STRETCH = 16384  # frames that are passed together, at most


def filler(n, start, step=50):
    """n frames of connections that nobody resets."""
    frames, port = [], 20000
    while len(frames) < n:
        port = 20000 + (port - 19999) % 40000
        talk = Talk(sport=port, dport=443, start=start, step=step).open()
        talk.say(0, b"x" * 40).say(1, b"y" * 40)
        talk.client(FIN | ACK)
        talk.server(FIN | ACK)
        talk.client(ACK)
        frames += talk.frames
        start = talk.time
    return frames[:n]


def merged(*parts):
    return sorted((frame for part in parts for frame in part), key=lambda frame: frame[0])


def talk_with_reset(sport, start, data=b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", **more):
    talk = Talk(sport=sport, start=start, **more).open()
    talk.client(PSH | ACK, data=data)
    talk.server(ACK)
    talk.server(RST | ACK)
    return talk


def at_both_ends():
    """Resets in the first and in the last stretch, none between."""
    middle = filler(2 * STRETCH + 99, T0 + 500_000)
    return merged(talk_with_reset(1111, T0).frames, middle,
                  talk_with_reset(1112, middle[-1][0] + 1000).frames)


def over_a_gap():
    """One connection whose question and reset lie stretches apart, and its tuple used again."""
    talk = Talk(sport=1111).open()
    talk.client(PSH | ACK, data=b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    middle = filler(2 * STRETCH + 99, talk.time + 1000)
    talk.time = middle[-1][0]
    talk.server(RST | ACK)
    again = talk_with_reset(1111, talk.time + 2_000_000, isn=(900_000, 800_000))
    return merged(talk.frames, middle, again.frames)


def in_pieces():
    """A question in two fragments, in stretches of their own."""
    talk = Talk(sport=1111).open()
    body = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"." * 100
    first, second = fragments(talk.segment(0, PSH | ACK, data=body), 96)
    before = filler(2 * STRETCH - 10, talk.time + 1000)
    talk.time = before[-1][0]
    talk.frame(first)
    between = filler(100, talk.time, step=10)
    talk.time = between[-1][0]
    talk.frame(second)
    talk.server(RST | ACK)
    return merged(talk.frames, before, between, filler(2 * STRETCH, talk.time + 1000))


def none():
    return filler(2 * STRETCH, T0)


def as_pcap(frames):
    return b"".join([pcap([])] + [struct.pack("<IIII", t // 1_000_000, t % 1_000_000, len(data),
                                              len(data)) + data for t, data in frames])


def as_pcapng(frames):
    """A second interface is described in the middle, and the frames behind it are of that one."""
    half = len(frames) // 2
    parts = [pcapng([], [1])]
    for i, (t, data) in enumerate(frames):
        if i == half:
            parts.append(block(1, struct.pack("<HHI", 1, 0, 0)))
        parts.append(block(6, struct.pack("<IIIII", int(i >= half), t >> 32, t & 0xffffffff,
                                          len(data), len(data)) + data))
    return b"".join(parts)


def told(whyrst, path):
    done = subprocess.run([whyrst, "--format", "json", path.name], cwd=path.parent,
                          stdout=subprocess.PIPE, check=True)
    text = done.stdout.replace(b".gz", b"").replace(b".bz2", b"")
    return [record for record in map(json.loads, text.splitlines()) if record["type"] != "input"]


def faults_of(whyrst, data, folder, suffix):
    path = folder / ("x" + suffix)
    path.write_bytes(data)
    twice = told(whyrst, path)
    for packed, pack in ((".bz2", bz2.compress), (".gz", gzip.compress)):
        other = folder / ("x" + suffix + packed)
        other.write_bytes(pack(data, 1))
        if told(whyrst, other) != twice:
            yield f"as {packed} it tells another story"
    if not shutil.which("tshark"):
        return
    resets, claimed = oracle.resets(path), oracle.claims(twice, path.name)
    if sorted(resets) != sorted(claimed):
        yield f"RST frames: {sorted(claimed)}, tshark has {sorted(resets)}"
    for d in twice:
        if d["type"] == "diagnosis" and any(resets.get(f) != d["stream"] for f in d["rst_frames"]):
            yield f"stream {d['stream']}, tshark has {resets}"


def main():
    makers = [at_both_ends, over_a_gap, in_pieces, none]
    writers = {".pcap": as_pcap, ".pcapng": as_pcapng}
    whyrst = str(Path(sys.argv[1]).resolve())
    print(f"1..{len(makers) * len(writers)}")
    n = bad = 0
    for make in makers:
        frames = make()
        for suffix, write in writers.items():
            n += 1
            with tempfile.TemporaryDirectory() as folder:
                faults = list(faults_of(whyrst, write(frames), Path(folder), suffix))
            bad += bool(faults)
            print(f"{'not ' if faults else ''}ok {n} - {make.__name__}{suffix}")
            for fault in faults:
                print(f"#   {fault}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
