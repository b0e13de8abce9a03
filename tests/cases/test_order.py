#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a case says does not hang on the order in which its files are named.

usage: test_order.py WHYRST.  Runs every ungraded case of several captures with its inputs as they
stand and the other way round, and asks for the same resets with the same verdicts.  Times are on
the first capture's clock, so confidence may differ by what that is worth.
"""
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import altered

TOLD = ("sender", "phase", "mechanism", "cause", "severity")
ALIKE = 0.05  # of confidence


def verdicts(program, folder, inputs):
    """Every diagnosis: whose connection, what is told, how sure."""
    made = [("%(ip)s %(port)d" % d["client"] + " %(ip)s %(port)d" % d["server"],
             [d[k] for k in TOLD], d["confidence"])
            for d in altered.run(program, folder, inputs) if d["type"] == "diagnosis"]
    return sorted(made)


def compare(program, folder, inputs):
    """What differs; empty: nothing."""
    here, there = (verdicts(program, folder, v) for v in (inputs, inputs[::-1]))
    wrong = [] if len(here) == len(there) else [f"{len(here)} diagnoses, then {len(there)}"]
    for a, b in zip(here, there):
        if a[:2] != b[:2] or abs(a[2] - b[2]) > ALIKE:
            wrong.append(f"{a}, then {b}")
    return wrong


def main(program):
    cases = [(folder, truth["inputs"]) for folder, truth in altered.cases()
             if sum(map(altered.is_capture, truth["inputs"])) > 1]
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
