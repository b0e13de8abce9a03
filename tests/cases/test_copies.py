#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A capture that lies there twice tells nothing more.

usage: test_copies.py WHYRST.  Runs every sample as it stands, and with a copy of each capture under
another name: the same resets with the same verdicts, as sure, and for the same reasons.
"""
import shutil
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


def compare(program, folder, inputs):
    """What differs; empty: nothing."""
    with tempfile.TemporaryDirectory() as made:
        copies = [shutil.copy(folder / name, Path(made) / f"z{n}") for n, name in enumerate(inputs)
                  if altered.is_capture(name)]
        here = verdicts(program, folder, inputs)
        there = verdicts(program, folder, [*inputs, *copies])
    wrong = [] if len(here) == len(there) else [f"{len(here)} diagnoses, then {len(there)}"]
    return wrong + [f"{a}, then {b}" for a, b in zip(here, there) if a != b]


def main(program):
    cases = [(folder, truth["inputs"]) for folder, truth in altered.cases()
             if folder.parent.name == "samples"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda c: compare(program, *c), cases))
    for n, ((folder, _), wrong) in enumerate(zip(cases, found), 1):
        print(f"{'not ' if wrong else ''}ok {n} - {folder.name}")
        for line in wrong:
            print(f"# {line}")
    print(f"1..{len(cases)}")
    return 1 if any(found) or not cases else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
