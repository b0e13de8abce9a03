#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual page as groff reads it: no warning, and every option of --help is on it.  Exit status
77 (skipped) without groff."""
import re
import shutil
import subprocess
import sys


def printed(*argv, stdin=None):
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True)


def main():
    program = sys.argv[1]
    if not shutil.which("groff"):
        print("groff is not here")
        return 77
    done = printed("groff", "-Tutf8", "-man", "-ww", "-P-c",
                   stdin=printed(program, "--man").stdout)
    page = re.sub(r".\x08", "", done.stdout)
    words = re.sub(r"\s+", " ", page)
    options = re.findall(r"(--[a-z][a-z-]+)", printed(program, "--help").stdout)
    missing = [o for o in options if o not in words]
    completions = printed(program, "--completions", "bash").stdout
    missing += [o for o in options if f"{o} " not in completions and f"{o}'" not in completions]
    if done.stderr or missing or len(options) < 15:
        print(done.stderr, "missing:", missing)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
