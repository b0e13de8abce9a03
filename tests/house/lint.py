#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy with the settings of .clang-tidy over the program, or over the files named."""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tree import TOP, Tap, all_files

# gcc's flags in compile_commands.json that clang does not know are no finding.
QUIET = ["--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", "build"]


def complaints(name):
    done = subprocess.run(["clang-tidy", *QUIET, name], cwd=TOP, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = done.stdout.splitlines()
    return found if done.returncode else []


def main():
    tap = Tap()
    names = sys.argv[1:] or [f for f in all_files()
                             if f.endswith(".c") and not f.startswith("tests/")]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for name, found in zip(names, pool.map(complaints, names)):
            tap.check(name, found)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
