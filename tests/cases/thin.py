#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on the ungraded cases with part of their evidence taken away.

usage: thin.py [--program WHYRST] [--only WAY] [--verbose] [--all] [--update]

What is left is captures alone, all of them or one of several, the frames of one direction or with
some flags in them, the first bytes of each frame or frames of each connection, what came late, just
before the reset or up to the last one, or all frames but those that were lost, in the only capture
or in one of several, one log of several, or all of it with the captures' clock moved, so that the
logs' clocks are wrong. A cause that the truth does not accept may come out of that, but not with
confidence. thin.json holds the floors, see altered.py.
"""
import random
import re
import struct
import sys
import tempfile
from collections import Counter
from pathlib import Path

import altered
from recaptured import tcp_at

CARD = Path(__file__).resolve().parent / "thin.json"
SHIFTS = {"clock ahead by 3.5 s": 3.5, "clock behind by 3.5 s": -3.5,
          "clock ahead by 40 s": 40, "clock ahead by 3 h": 10800}


# way: bits of the TCP flags of which one is set
FLAGS = {"frames with RST": 4, "frames with SYN or RST": 6, "frames with SYN, FIN or RST": 7}
SNAPLENS = 54, 96  # headers without timestamps, and tcpdump's long ago
SNAPLEN = re.compile(r"(\d+) bytes of each frame")
NO_LOG = ", and no log"
ONE_LOSES = "one capture of several lost a third of its frames"
HEADS = {"six segments of each connection": 6}  # and its RSTs
LEADS = {"it begins 1 ms before the reset": 0.001, "it begins 1 s before the reset": 1}


# way: the numbers of the frames that are left, of n and those of resets; chance is the case's own
CUTS = {
    "the first quarter is missing": lambda n, resets, _: range((min(resets) - 1) // 4 + 1, n + 1),
    "the first half is missing": lambda n, resets, _: range((min(resets) - 1) // 2 + 1, n + 1),
    "it ends at the last reset": lambda n, resets, _: range(1, max(resets) + 1),
    "a tenth of the frames was lost": lambda n, resets, chance: lost(n, resets, chance, 0.1),
    "a third of the frames was lost": lambda n, resets, chance: lost(n, resets, chance, 0.33)}


def lost(n, resets, chance, share):
    return [i for i in range(1, n + 1) if i in resets or chance.random() > share]


def heads(rows, n):
    """The numbers of those frames."""
    seen = Counter()
    for i, (_, record) in enumerate(rows, 1):
        frame = record[16:]
        at = tcp_at(frame)
        if at is None:
            continue
        size = 4 if frame[at - 20] == 0x45 else 16  # the addresses stand before the TCP header
        ends = frozenset([(frame[at - 2 * size:at - size], frame[at:at + 2]),
                          (frame[at - size:at], frame[at + 2:at + 4])])
        seen[ends] += not frame[at + 13] & 4
        if seen[ends] <= n or frame[at + 13] & 4:
            yield i


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


def shortened(data, snaplen):
    """A pcap file of which each record has no more bytes than that; as it is where it is none."""
    if data[:4] not in altered.MAGIC:
        return data
    out, at = [data[:24]], 24
    while at + 16 <= len(data):
        whole, part, kept, length = struct.unpack_from("<4I", data, at)
        left = min(kept, snaplen)
        out += [struct.pack("<4I", whole, part, left, length), data[at + 16:at + 16 + left]]
        at += 16 + kept
    return b"".join(out)


def with_flags(mask):
    return f"(ip and tcp[13] & {mask} != 0) or (ip6 and ip6[6] = 6 and ip6[53] & {mask} != 0)"


def directions(truth):
    """(whose frames, the filter that leaves those alone)."""
    ends = {c["server"].rpartition(":")[::2] for c in truth.get("connections", []) if c.get("server")}
    for whose, side in ("servers", "src"), ("clients", "dst"):
        yield whose, " or ".join(f"({side} host {ip.strip('[]')} and {side} port {port})"
                                 for ip, port in sorted(ends))


def cut(data, way, resets):
    """A pcap file of which that part is left, and the numbers that frames have now by those before."""
    rows = altered.records(data)
    if way in LEADS:
        begin = rows[min(resets) - 1][0] - LEADS[way] * altered.MAGIC[data[:4]]
        left = [i for i, (when, _) in enumerate(rows, 1) if when >= begin]
    elif way in HEADS:
        left = list(heads(rows, HEADS[way]))
    else:
        left = list(CUTS[way](len(rows), resets, random.Random(len(data))))
    return (data[:24] + b"".join(rows[i - 1][1] for i in left),
            {before: now for now, before in enumerate(left, 1)})


def ways(folder, truth):
    """(name of the way, inputs and options, seconds by which captures are moved or a capture)."""
    inputs = truth["inputs"]
    captures, logs = list(filter(altered.is_capture, inputs)), list(filter(is_log, inputs))
    rest = [i for i in inputs if not altered.is_capture(i)]
    yield "captures alone", captures, 0
    for whose, leave in directions(truth):
        if leave:
            yield f"frames of {whose} alone", ["--filter", leave, *captures], 0
    for name, mask in FLAGS.items():
        yield f"{name} alone", ["--filter", with_flags(mask), *inputs], 0
        yield f"{name} alone{NO_LOG}", ["--filter", with_flags(mask), *captures], 0
    for snaplen in SNAPLENS:
        yield f"{snaplen} bytes of each frame", inputs, 0
        yield f"{snaplen} bytes of each frame{NO_LOG}", captures, 0
    if len(captures) > 1 and not any("_0000" in c for c in captures):  # a ring is one capture
        for capture in captures:
            yield "one capture", [capture, *rest], 0
            yield "one capture alone", [capture], 0
            if truth.get("connections") and (folder / capture).read_bytes()[:4] in altered.MAGIC:
                yield ONE_LOSES, inputs, capture
    if len(captures) == 1 and truth.get("connections") and altered.is_ethernet(
            folder / captures[0]):
        for name in (*CUTS, *HEADS, *LEADS):
            yield name, inputs, 0
        for name in (*HEADS, *LEADS):
            yield f"{name}{NO_LOG}", captures, 0
    if len(logs) > 1:
        for log in logs:
            yield "one log", [i for i in inputs if not is_log(i) or i == log], 0
    if logs and all(moved((folder / c).read_bytes(), 0) for c in captures):
        for name, seconds in SHIFTS.items():
            yield name, inputs, seconds


def judge_cut(program, folder, truth, way, inputs):
    capture = next(filter(altered.is_capture, inputs))
    resets = {c["rst_frame"] for c in truth["connections"]}
    data, numbers = cut((folder / capture).read_bytes(), way.removesuffix(NO_LOG), resets)
    with tempfile.TemporaryDirectory() as scratch:
        altered.place(folder, inputs, scratch, lambda _: data)
        records = altered.run(program, Path(scratch), inputs)
    connections = list(altered.renumbered(truth["connections"], numbers))
    return altered.told(way, folder.name, connections, records)


def judge_lossy(program, folder, truth, way, inputs, capture):
    data = (folder / capture).read_bytes()
    rows, chance = altered.records(data), random.Random(f"{folder.name} {capture}")
    left = lost(len(rows), (), chance, 0.33)
    numbers = {before: now for now, before in enumerate(left, 1)}
    with tempfile.TemporaryDirectory() as scratch:
        altered.place(folder, inputs, scratch, lambda data: data)
        (Path(scratch) / capture).write_bytes(data[:24] + b"".join(rows[i - 1][1] for i in left))
        records = altered.run(program, Path(scratch), inputs)
    connections = list(altered.renumbered_in(capture, truth["connections"], numbers))
    return altered.told(way, f"{folder.name} {capture}", connections, records)


def judge(program, folder, truth, way, inputs, seconds):
    if way == ONE_LOSES:
        return judge_lossy(program, folder, truth, way, inputs, seconds)
    if way.removesuffix(NO_LOG) in (*CUTS, *HEADS, *LEADS):
        return judge_cut(program, folder, truth, way, inputs)
    snaplen = SNAPLEN.match(way)
    if seconds or snaplen:
        def alter(data):
            return shortened(data, int(snaplen[1])) if snaplen else moved(data, seconds)
        with tempfile.TemporaryDirectory() as scratch:
            altered.place(folder, inputs, scratch, alter)
            records = altered.run(program, Path(scratch), inputs)
    else:
        records = altered.run(program, folder, inputs)
    name = f"{folder.name} {' '.join(inputs)}"
    return altered.told(way, name, truth.get("connections", []), records)


if __name__ == "__main__":
    sys.exit(altered.main(__doc__.splitlines()[0], CARD, ways, judge))
