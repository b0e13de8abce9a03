#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the whole program (test_*.py here) against one build of it and speaks TAP."""
import argparse
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "house")]

import ground  # noqa: E402
from selftest import cases_in  # noqa: E402
from tree import Tap  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=ground.PROGRAM["path"])
    parser.add_argument("--sanitized", action="store_true",
                        help="it is a build with sanitizers, which cannot be traced")
    parser.add_argument("names", nargs="*", help="only tests whose id holds one of these")
    args = parser.parse_args()
    ground.PROGRAM.update(path=args.program.resolve(), sanitized=args.sanitized)
    tap = Tap()
    found = unittest.TestLoader().discover(str(HERE), pattern="test_*.py",
                                           top_level_dir=str(HERE))
    for case in cases_in(found):
        if args.names and not any(name in case.id() for name in args.names):
            continue
        result = unittest.TestResult()
        case.run(result)
        lines = [line for _, text in result.failures + result.errors for line in text.splitlines()]
        if result.skipped and not lines:
            tap.skip(case.id(), result.skipped[0][1])
        else:
            tap.check(case.id(), lines)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
