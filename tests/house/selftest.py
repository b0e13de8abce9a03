#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the test tools themselves and speaks TAP."""
import sys
import unittest

from tree import TOP, Tap

FOLDERS = ("tests/house", "tests/cases", "tests/fuzz", "tests/lab")


def cases_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases_in(item)
        else:
            yield item


def main():
    tap = Tap()
    folders = [TOP / f for f in FOLDERS if (TOP / f).is_dir()]
    sys.path[:0] = [str(f) for f in folders]
    for folder in folders:
        loader = unittest.TestLoader()
        for case in cases_in(loader.discover(str(folder), pattern="test_*.py",
                                             top_level_dir=str(folder))):
            result = unittest.TestResult()
            case.run(result)
            found = [line for _, text in result.failures + result.errors
                     for line in text.splitlines()]
            tap.check(f"{case.id()}", found)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
