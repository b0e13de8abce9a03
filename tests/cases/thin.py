#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on the ungraded cases with part of their evidence taken away.

usage: thin.py [--program WHYRST] [--only WAY] [--verbose] [--all] [--update]

What is left is captures alone, all of them or one of several, the frames of one direction in them,
one log of several, or all of it with the captures' clock moved, so that the logs' clocks are wrong.
A cause that the truth does not accept may come out of that, but not with confidence.  thin.json
holds the floors, see altered.py.
"""
import struct
import sys
import tempfile
from pathlib import Path

import altered

CARD = Path(__file__).resolve().parent / "thin.json"
SHIFTS = {"clock ahead by 3.5 s": 3.5, "clock behind by 3.5 s": -3.5,
          "clock ahead by 40 s": 40, "clock ahead by 3 h": 10800}


def is_log(name):
    return name.startswith("logs/")


def moved(data, seconds):
    """A pcap file with another clock; None where it is none."""
    units = altered.MAGIC.get(data[:4])
    if units is None:
        return None
    out, at = bytearray(data), 24
    while at + 16 <= len(out):
        whole, part, kept, _ = struct.unpack_from("<4I", out, at)
        when = whole * units + part + round(seconds * units)
        struct.pack_into("<2I", out, at, when // units, when % units)
        at += 16 + kept
    return bytes(out)


def directions(truth):
    """(whose frames, the filter that leaves those alone)."""
    ends = {c["server"].rpartition(":")[::2] for c in truth.get("connections", []) if c.get("server")}
    for whose, side in ("servers", "src"), ("clients", "dst"):
        yield whose, " or ".join(f"({side} host {ip.strip('[]')} and {side} port {port})"
                                 for ip, port in sorted(ends))


def ways(folder, truth):
    """(name of the way, inputs and options, seconds by which captures are moved)."""
    inputs = truth["inputs"]
    captures, logs = list(filter(altered.is_capture, inputs)), list(filter(is_log, inputs))
    rest = [i for i in inputs if not altered.is_capture(i)]
    yield "captures alone", captures, 0
    for whose, leave in directions(truth):
        if leave:
            yield f"frames of {whose} alone", ["--filter", leave, *captures], 0
    if len(captures) > 1 and not any("_0000" in c for c in captures):  # a ring is one capture
        for capture in captures:
            yield "one capture", [capture, *rest], 0
            yield "one capture alone", [capture], 0
    if len(logs) > 1:
        for log in logs:
            yield "one log", [i for i in inputs if not is_log(i) or i == log], 0
    if logs and all(moved((folder / c).read_bytes(), 0) for c in captures):
        for name, seconds in SHIFTS.items():
            yield name, inputs, seconds


def judge(program, folder, truth, way, inputs, seconds):
    if seconds:
        with tempfile.TemporaryDirectory() as scratch:
            altered.place(folder, inputs, scratch, lambda data: moved(data, seconds))
            records = altered.run(program, Path(scratch), inputs)
    else:
        records = altered.run(program, folder, inputs)
    name = f"{folder.name} {' '.join(inputs)}"
    return altered.told(way, name, truth.get("connections", []), records)


if __name__ == "__main__":
    sys.exit(altered.main(__doc__.splitlines()[0], CARD, ways, judge))
