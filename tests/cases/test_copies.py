#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A capture that lies there twice tells nothing more, nor does one that was stopped before the other.

usage: test_copies.py WHYRST.  Runs every sample as it stands, and with a copy of each capture under
another name: the same resets with the same verdicts, as sure, and for the same reasons.  Then every
ungraded case of several captures with copies that hold the first half of their packets: the same
senders, mechanisms and causes.
"""
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import altered

TOLD = ("time", "sender", "phase", "mechanism", "cause", "severity", "confidence")


def verdicts(program, folder, inputs):
    """Every diagnosis: whose connection, what is told, and what packets show.  Which captures show
    that a RST arose between them is left out: the copies do, too."""
    return sorted(("%(ip)s %(port)d" % d["client"] + " %(ip)s %(port)d" % d["server"],
                   [d.get(k) for k in TOLD],
                   sorted(e["says"] for e in d["evidence"]
                          if e["kind"] == "packet" and ", taken " not in e["says"]))
                  for d in altered.run(program, folder, inputs) if d["type"] == "diagnosis")


def half(data):
    """The first half of its records; of a pcapng file, which has others as well, all."""
    if data[:4] not in altered.MAGIC:
        return data
    found = altered.records(data)
    return data[:24] + b"".join(record for _, record in found[:len(found) // 2])


def compare(program, folder, inputs, halved):
    """What differs; empty: nothing."""
    with tempfile.TemporaryDirectory() as made:
        copies = []
        for n, name in enumerate(filter(altered.is_capture, inputs)):
            data = (folder / name).read_bytes()
            copies.append(Path(made) / f"z{n}")
            copies[-1].write_bytes(half(data) if halved else data)
        here, there = (verdicts(program, folder, v) for v in (inputs, [*inputs, *copies]))
    if halved:
        here, there = ([(d[0], d[1][1:-2]) for d in v] for v in (here, there))
    wrong = [] if len(here) == len(there) else [f"{len(here)} diagnoses, then {len(there)}"]
    return wrong + [f"{a}, then {b}" for a, b in zip(here, there) if a != b]


def main(program):
    cases = [(folder, truth["inputs"]) for folder, truth in altered.cases()]
    jobs = [(*c, False) for c in cases if c[0].parent.name == "samples"]
    jobs += [(*c, True) for c in cases if sum(map(altered.is_capture, c[1])) > 1]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda job: compare(program, *job), jobs))
    for n, ((folder, _, halved), wrong) in enumerate(zip(jobs, found), 1):
        print(f"{'not ' if wrong else ''}ok {n} - {folder.name}{' and halves' if halved else ''}")
        for line in wrong:
            print(f"# {line}")
    print(f"1..{len(jobs)}")
    return 1 if any(found) or not jobs else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
