# SPDX-License-Identifier: Apache-2.0
"""The ungraded cases with their evidence altered in some way, and what whyrst says of them then.

A test gives the ways; here are the cases, the runs, the counts and the floors that they are held
to: for each way, how many causes that the truth does not accept may be told with 0.6 and more, and
with 0.7 and more, and how many accepted ones there were.
"""
import argparse
import json
import os
import struct
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import score as scoring

TOP = Path(__file__).resolve().parent.parent.parent
RUN_SECONDS = 120
LEVELS = (60, 70)  # hundredths of confidence
MAGIC = {b"\xd4\xc3\xb2\xa1": 10**6, b"\x4d\x3c\xb2\xa1": 10**9}  # little-endian pcap: units a second


def is_capture(name):
    return ".pcap" in name


def cases():
    for path in sorted((TOP / "samples").glob("*/truth.json")) + sorted(
            (TOP / "tests" / "corpus").glob("*/truth.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        if not truth.get("graded", True) and any(map(is_capture, truth["inputs"])):
            yield path.parent, truth


def is_ethernet(path):
    """Whether it is a classic pcap file, little-endian, of Ethernet."""
    head = path.read_bytes()[:24]
    return head[:4] in MAGIC and head[20:24] == b"\1\0\0\0"


def records(data):
    """[(time in the file's units, the record's bytes)] of a classic pcap file."""
    units, at, rows = MAGIC[data[:4]], 24, []
    while at + 16 <= len(data):
        whole, part, kept, _ = struct.unpack_from("<4I", data, at)
        rows.append((whole * units + part, data[at:at + 16 + kept]))
        at += 16 + kept
    return rows


def renumbered(connections, numbers):
    """Those whose reset is still there, by the numbers that frames have now."""
    for c in connections:
        if c["rst_frame"] in numbers:
            yield {**c, "rst_frame": numbers[c["rst_frame"]], "aka": [],
                   "rst_frames": [numbers[n] for n in c["rst_frames"] if n in numbers]}


def renumbered_in(capture, connections, numbers):
    """The same where one capture of several has other numbers now; the others tell as before."""
    for c in connections:
        rows = [{**row, "rst_frame": numbers.get(row["rst_frame"]),
                 "rst_frames": [numbers[n] for n in row["rst_frames"] if n in numbers]}
                if row["capture"] == capture else row for row in (c, *c.get("aka", []))]
        rows = [{k: row[k] for k in ("capture", "rst_frame", "rst_frames")} for row in rows
                if row["rst_frame"] is not None]
        if rows:
            yield {**c, **rows[0], "aka": rows[1:]}


def place(folder, inputs, scratch, alter):
    """The inputs under their own names, captures as alter(bytes) makes them."""
    for name in inputs:
        target = Path(scratch) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_capture(name):
            target.write_bytes(alter((folder / name).read_bytes()))
        else:
            target.symlink_to((folder / name).resolve())


def run(program, folder, inputs):
    done = subprocess.run([str(program), "--format", "json", *inputs], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=RUN_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{folder.name}: exit status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(way, name, connections, records):
    """[(way, confidence in hundredths, accepted, text)] of one run."""
    diagnoses = [r for r in records if r["type"] == "diagnosis"]
    rows = []
    for connection, diagnosis in scoring.pairs(connections, diagnoses)[0]:
        if diagnosis is None or diagnosis["cause"] == "undetermined":
            continue
        accepted = scoring.as_list(connection["cause"])
        rows.append((way, int(diagnosis["confidence"] * 100 + 1e-6), diagnosis["cause"] in accepted,
                     f"{name} frame {diagnosis['frame']}: "
                     f"{diagnosis['cause']} {diagnosis['confidence']:.2f}, not {accepted[0]}"))
    return rows


def counted(rows):
    counts = {}
    for way, confidence, accepted, _ in rows:
        row = counts.setdefault(way, Counter({"accepted": 0, **{f"wrong_{n}": 0 for n in LEVELS}}))
        row["accepted"] += accepted
        for level in LEVELS:
            row[f"wrong_{level}"] += not accepted and confidence >= level
    return {way: dict(row) for way, row in sorted(counts.items())}


def worse(row, floor):
    return [f"{key}: {row.get(key, 0)}, was {was}" for key, was in floor.items()
            if (row.get(key, 0) < was if key == "accepted" else row.get(key, 0) > was)]


def report(counts, floors, rows, options):
    bad = 0
    for n, (way, floor) in enumerate(floors.items(), 1):
        faults = worse(counts.get(way, {}), floor)
        bad += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {n} - {way}: {counts.get(way)}")
        for text in faults:
            print(f"#   {text}")
        for name, confidence, accepted, text in rows:
            if name == way and not accepted and (options.all or confidence >= LEVELS[0]) and (
                    faults or options.verbose or options.all):
                print(f"#   {text}")
    print(f"1..{len(floors)}")
    return bad


def options_of(title):
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--program", default=str(TOP / "build" / "whyrst"))
    parser.add_argument("--only", help="this way alone")
    parser.add_argument("--verbose", action="store_true", help="every wrong cause told at 0.6")
    parser.add_argument("--all", action="store_true", help="every wrong cause")
    parser.add_argument("--update", action="store_true", help="rewrite the floors")
    return parser.parse_args()


def main(title, card, jobs_of, judge):
    """jobs_of(folder, truth) gives tuples that begin with a way; judge(program, folder, truth, *job)
    gives rows of told()."""
    options = options_of(title)
    program = Path(options.program).resolve()
    jobs = [(folder, truth, *job) for folder, truth in cases() for job in jobs_of(folder, truth)
            if options.only in (None, job[0])]
    with ThreadPoolExecutor(min(os.cpu_count() or 2, 8)) as pool:
        rows = [row for some in pool.map(lambda job: judge(program, *job), jobs) for row in some]
    counts = counted(rows)
    if options.update and not options.only:
        card.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    floors = json.loads(card.read_text(encoding="utf-8"))
    if options.only:
        floors = {way: floor for way, floor in floors.items() if way == options.only}
    return 1 if report(counts, floors, rows, options) else 0
