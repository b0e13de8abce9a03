#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on the ungraded cases with part of their evidence taken away.

usage: thin.py [--program WHYRST] [--only WAY] [--verbose] [--update]

What is left is captures alone, all of them or one of several, the frames of one direction in them,
one log of several, or all of it with the captures' clock moved, so that the logs' clocks are wrong.
A cause that the truth does not accept may come out of that, but not with confidence.  thin.json
holds, for each way, how many wrong causes may be told with 0.6 and more, and with 0.7 and more, and
how many accepted ones there were.
"""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import score as scoring

TOP = Path(__file__).resolve().parent.parent.parent
CARD = Path(__file__).resolve().parent / "thin.json"
RUN_SECONDS = 120
LEVELS = (60, 70)  # hundredths of confidence
SHIFTS = {"clock ahead by 3.5 s": 3.5, "clock behind by 3.5 s": -3.5,
          "clock ahead by 40 s": 40, "clock ahead by 3 h": 10800}
MAGIC = {b"\xd4\xc3\xb2\xa1": 10**6, b"\x4d\x3c\xb2\xa1": 10**9}  # little-endian pcap: units a second


def is_capture(name):
    return ".pcap" in name


def is_log(name):
    return name.startswith("logs/")


def cases():
    for path in sorted((TOP / "samples").glob("*/truth.json")) + sorted(
            (TOP / "tests" / "corpus").glob("*/truth.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        if not truth.get("graded", True) and any(map(is_capture, truth["inputs"])):
            yield path.parent, truth


def moved(data, seconds):
    """A pcap file with another clock; None where it is none."""
    units = MAGIC.get(data[:4])
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
    captures, logs = list(filter(is_capture, inputs)), list(filter(is_log, inputs))
    rest = [i for i in inputs if not is_capture(i)]
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


def place(folder, inputs, seconds, scratch):
    """The inputs under their own names, captures moved."""
    for name in inputs:
        target = Path(scratch) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_capture(name):
            target.write_bytes(moved((folder / name).read_bytes(), seconds))
        else:
            target.symlink_to((folder / name).resolve())


def run(program, folder, inputs):
    done = subprocess.run([str(program), "--format", "json", *inputs], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=RUN_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{folder.name}: exit status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(program, job):
    """[(way, confidence in hundredths, accepted, text)] of one run."""
    folder, truth, way, inputs, seconds = job
    if seconds:
        with tempfile.TemporaryDirectory() as scratch:
            place(folder, inputs, seconds, scratch)
            records = run(program, Path(scratch), inputs)
    else:
        records = run(program, folder, inputs)
    diagnoses = [r for r in records if r["type"] == "diagnosis"]
    told = []
    for connection, diagnosis in scoring.pairs(truth.get("connections", []), diagnoses)[0]:
        if diagnosis is None or diagnosis["cause"] == "undetermined":
            continue
        accepted = scoring.as_list(connection["cause"])
        told.append((way, int(diagnosis["confidence"] * 100 + 1e-6), diagnosis["cause"] in accepted,
                     f"{folder.name} {' '.join(inputs)} frame {diagnosis['frame']}: "
                     f"{diagnosis['cause']} {diagnosis['confidence']:.2f}, not {accepted[0]}"))
    return told


def counted(told):
    counts = {}
    for way, confidence, accepted, _ in told:
        row = counts.setdefault(way, Counter({"accepted": 0, **{f"wrong_{n}": 0 for n in LEVELS}}))
        row["accepted"] += accepted
        for level in LEVELS:
            row[f"wrong_{level}"] += not accepted and confidence >= level
    return {way: dict(row) for way, row in sorted(counts.items())}


def worse(row, floor):
    return [f"{key}: {row.get(key, 0)}, was {was}" for key, was in floor.items()
            if (row.get(key, 0) < was if key == "accepted" else row.get(key, 0) > was)]


def report(counts, floors, told, options):
    bad = 0
    for n, (way, floor) in enumerate(floors.items(), 1):
        faults = worse(counts.get(way, {}), floor)
        bad += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {n} - {way}: {counts.get(way)}")
        for text in faults:
            print(f"#   {text}")
        for name, confidence, accepted, text in told:
            if name == way and not accepted and confidence >= LEVELS[0] and (
                    faults or options.verbose):
                print(f"#   {text}")
    print(f"1..{len(floors)}")
    return bad


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(TOP / "build" / "whyrst"))
    parser.add_argument("--only", help="this way alone")
    parser.add_argument("--verbose", action="store_true", help="every wrong cause told at 0.6")
    parser.add_argument("--update", action="store_true", help="rewrite thin.json")
    return parser.parse_args()


def main():
    options = options_of()
    program = Path(options.program).resolve()
    jobs = [(folder, truth, *way) for folder, truth in cases() for way in ways(folder, truth)
            if options.only in (None, way[0])]
    with ThreadPoolExecutor(min(os.cpu_count() or 2, 8)) as pool:
        told = [row for rows in pool.map(lambda job: judge(program, job), jobs) for row in rows]
    counts = counted(told)
    if options.update and not options.only:
        CARD.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    floors = json.loads(CARD.read_text(encoding="utf-8"))
    if options.only:
        floors = {way: floor for way, floor in floors.items() if way == options.only}
    return 1 if report(counts, floors, told, options) else 0


if __name__ == "__main__":
    sys.exit(main())
