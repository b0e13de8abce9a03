#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks into the compiled objects of the program for data that can change: no mutable globals.

The symbol table cannot be fooled by layout as a text search can; constant tables that hold
pointers stand in .data.rel.ro and are fine.
"""
import re
import subprocess
import sys

from tree import TOP, Tap

MUTABLE = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*)")
SYMBOL = re.compile(r"^[0-9a-f]+ .{7} (?P<section>\S+)\t[0-9a-f]+ (?P<name>.+)$")


def mutable_symbols(path):
    listed = subprocess.run(["objdump", "-t", path], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    for line in listed.splitlines():
        match = SYMBOL.match(line)
        if not match or not MUTABLE.search(match["section"]):
            continue
        name = match["name"].removeprefix(".hidden ")
        if name != match["section"] and not name.startswith("__gcov"):
            yield name


def main():
    tap = Tap()
    build = TOP / sys.argv[1]
    paths = sorted(p for p in build.rglob("*.o") if "tests" not in p.relative_to(build).parts[0])
    found = [f"{p.relative_to(build)}: {name}" for p in paths for name in mutable_symbols(p)]
    if paths:
        tap.check("no data that can change at file scope", found)
    else:
        tap.check("the program has been built", [f"no object files in {sys.argv[1]}"])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
