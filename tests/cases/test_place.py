#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two captures taken at one place at the same time must tell what one of them tells, once.

usage: test_place.py WHYRST.  Makes a second capture of samples' packets, as a second writer on the
same wire would: cut by a snapshot length, cooked as `-i any` does, of some ports only, begun late;
each a few microseconds apart.  Connections and resets count once, the evidence is of the capture
that shows most, and the report says that both were taken at one place.
"""
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
NAMES = ("forged-reset", "ssh-max-startups", "unread-data-close")
TOLD = ("client", "server", "sender", "phase", "mechanism", "cause", "conn_state", "history",
        "bytes")


def frames_of(path):
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, wire = struct.unpack_from("<IIII", data, at)
        yield seconds * 1_000_000 + micros, data[at + 16:at + 16 + length], wire
        at += 16 + length


def written(path, frames, link=1, snaplen=262144):
    path.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, snaplen, link) + b"".join(
        struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(data), wire) + data
        for time, data, wire in frames))


def cooked(data):
    """LINUX_SLL: packet type, ARPHRD, length and address of the sender, protocol."""
    return struct.pack("!HHH", 0, 1, 6) + data[6:12] + b"\0\0" + data[12:]


def even_ports(data):
    header = 14 + (data[14] & 15) * 4
    return data[12:14] == b"\x08\0" and sum(struct.unpack_from("!HH", data, header)) % 4 < 2


# name: (frames of the second capture, its link type, its snapshot length)
SECOND = {
    "cut by a snapshot length": (lambda f: [(t + 2, d[:68], w) for t, d, w in f], 1, 68),
    "cooked": (lambda f: [(t + 3, cooked(d), w + 2) for t, d, w in f], 113, 262144),
    "of some ports": (lambda f: [(t + 1, d, w) for t, d, w in f if even_ports(d)], 1, 262144),
    "begun late": (lambda f: [(t + 1, d, w) for t, d, w in f[len(f) // 3:]], 1, 262144)}


def run(whyrst, folder, form, names):
    return subprocess.run([whyrst, "--format", form, *names], cwd=folder, stdout=subprocess.PIPE,
                          check=True).stdout.decode()


def records_of(whyrst, folder, names):
    return [json.loads(line) for line in run(whyrst, folder, "json", names).splitlines()]


def verdicts(records):
    return sorted(json.dumps([d.get(k) for k in TOLD]) for d in records if d["type"] == "diagnosis")


def faults(whyrst, folder, names):
    whole, records = (records_of(whyrst, folder, n) for n in (["whole.pcap"], names))
    yield from (f"only of the whole: {v}" for v in verdicts(whole) if v not in verdicts(records))
    yield from (f"only of both: {v}" for v in verdicts(records) if v not in verdicts(whole))
    if records[-1]["connections"] != whole[-1]["connections"]:
        yield f"{records[-1]['connections']} connections, not {whole[-1]['connections']}"
    if records[-1]["reset_connections"] != whole[-1]["reset_connections"]:
        yield "resets are counted twice"
    captures = [r for r in records if r["type"] == "capture"]
    if {r["vantage"] for r in captures} != {1} or any("series" in r for r in captures):
        yield "not taken as two captures of one place"
    text = " ".join(run(whyrst, folder, "text", names).split())
    if f"taken at the same place as {captures[0]['capture']}" not in text:
        yield "the report does not say so"


def main():
    bad, whyrst = 0, str(Path(sys.argv[1]).resolve())
    for name in NAMES:
        frames = list(frames_of(sorted((SAMPLES / name).glob("*.pcap"))[-1]))
        for shape, (make, link, snaplen) in SECOND.items():
            with tempfile.TemporaryDirectory() as folder:
                written(Path(folder) / "whole.pcap", frames)
                written(Path(folder) / "second.pcap", make(frames), link, snaplen)
                found = [f"{n[0]} first: {f}" for n in (["whole.pcap", "second.pcap"],
                                                        ["second.pcap", "whole.pcap"])
                         for f in faults(whyrst, folder, n)]
            bad += len(found)
            for fault in found:
                print(f"{name}, {shape}: {fault}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
