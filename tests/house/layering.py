#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the include lines of the program and fails on an upward arrow, a circle or a foreign
library outside its door.  Tests may include what they test and are not judged."""
import re
import sys
from pathlib import Path

from tree import TOP, Tap, all_files, read

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
PARSERS = ["parsers/input", "parsers/capture", "parsers/packet", "parsers/log", "parsers/host"]
RECORD = "analyzer/record"
ANALYZER = [RECORD] + ["analyzer/" + room for room in
                       ("track", "population", "clock", "vantage", "correlate", "fact", "case")]
FOUND = [RECORD, "analyzer/population", "analyzer/correlate", "analyzer/fact"]
# room: the rooms that it may look into, besides itself.  "." is main.c, the front door.
MAY_INCLUDE = {
    "parsers/base": [],
    "parsers/input": ["parsers/base"],
    "parsers/capture": ["parsers/base", "parsers/input"],
    "parsers/packet": ["parsers/base", "parsers/input"],
    "parsers/log": ["parsers/base", "parsers/input"],
    "parsers/host": ["parsers/base", "parsers/input"],
    RECORD: ["parsers/base", *PARSERS],
    "analyzer/track": ["parsers/base", *PARSERS, RECORD],
    "analyzer/population": ["parsers/base", *PARSERS, RECORD],
    "analyzer/clock": ["parsers/base"],
    "analyzer/vantage": ["parsers/base", *PARSERS, RECORD, "analyzer/track"],
    "analyzer/correlate": ["parsers/base", *PARSERS, RECORD, "analyzer/track", "analyzer/clock",
                           "analyzer/vantage"],
    "analyzer/fact": ["parsers/base", *PARSERS, RECORD, "analyzer/track", "analyzer/population"],
    "analyzer/case": ["parsers/base", *PARSERS, *(r for r in ANALYZER if r != "analyzer/case")],
    "rules": ["parsers/base", "parsers/input", "parsers/log", "parsers/host", *FOUND],
    "reports": ["parsers/base", *PARSERS, *FOUND, "analyzer/case", "rules"],
    ".": ["parsers/base", *PARSERS, "analyzer/case", "rules", "reports"],
}
# foreign header: the rooms that are its door
DOORS = [
    (re.compile(r"^pcap"), ["parsers/capture"]),
    (re.compile(r"^archive"), ["parsers/input"]),
    (re.compile(r"^(zlib|zstd)"), ["parsers/input"]),
    (re.compile(r"^pcre2"), ["parsers/log"]),
    (re.compile(r"^libxml/"), ["rules", "parsers/log"]),
    (re.compile(r"^jansson"), ["reports", "parsers/log", "parsers/host"]),
    (re.compile(r"^xxhash"), ["parsers/base"]),
    (re.compile(r"^systemd/"), ["parsers/log"]),
]
LIBC = set("""assert ctype errno fcntl fnmatch getopt glob inttypes iso646 libgen limits locale
    malloc math pthread sched search semaphore setjmp signal stdalign stdarg stdatomic stdbool stddef
    stdint stdio stdio_ext stdlib stdnoreturn string strings termios threads time uchar unistd
    wchar wctype dirent endian byteswap ftw sys/stat sys/types sys/mman sys/prctl sys/wait sys/resource
    sys/ioctl sys/time sys/uio sys/param sys/queue sys/random sys/sysmacros sys/auxv netinet/in
    arpa/inet execinfo err sys/statvfs""".split())


def room_of(name):
    return str(Path(name).parent)


def includes(names):
    """(file, line, header, is_foreign) for every include line."""
    for name in names:
        text = read(name)
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield name, line, match[1] or match[2], match[1] is None


def known_room(name):
    """The room that a file stands in; a folder inside a room belongs to it."""
    folder = Path(name).parent
    for candidate in [folder, *folder.parents]:
        if str(candidate) in MAY_INCLUDE and (str(candidate) != "." or folder == Path(".")):
            return str(candidate)
    return None


def arrows(own):
    found = []
    for name, line, header, _ in own:
        here, there = known_room(name), known_room(header)
        if not (TOP / header).is_file():
            found.append(f"{name}:{line}: \"{header}\" is no path from the root")
        elif there is None:
            found.append(f"{name}:{line}: {header} stands in no room of the house")
        elif there != here and there not in MAY_INCLUDE[here]:
            found.append(f"{name}:{line}: {here} may not look into {there} ({header})")
    return found


def circles(edges):
    """Each circle of a graph {node: {nodes}} once, as a list of its nodes."""
    found, state, path = [], {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for target in sorted(edges.get(node, ())):
            if state.get(target) == "open":
                found.append(" -> ".join(path[path.index(target):] + [target]))
            elif target not in state:
                visit(target)
        path.pop()
        state[node] = "done"

    for start in sorted(edges):
        if start not in state:
            visit(start)
    return found


def graph(own, key):
    edges = {}
    for name, _, header, _ in own:
        a, b = key(name), key(header)
        if a and b and a != b:
            edges.setdefault(a, set()).add(b)
    return edges


def foreign(outside):
    wrong_door, unknown = [], []
    for name, line, header, _ in outside:
        doors = next((rooms for pattern, rooms in DOORS if pattern.search(header)), None)
        if doors is not None:
            if known_room(name) not in doors:
                wrong_door.append(f"{name}:{line}: <{header}> belongs behind {' or '.join(doors)}")
        elif header.removesuffix(".h") not in LIBC:
            unknown.append(f"{name}:{line}: <{header}>")
    return wrong_door, unknown


def main():
    tap = Tap()
    names = [f for f in all_files() if f.endswith((".c", ".h")) and
             not f.startswith(("tests/", "samples/"))]
    tap.check("every C file stands in a room", [f for f in names if known_room(f) is None])
    names = [f for f in names if known_room(f)]
    found = list(includes(names))
    own = [row for row in found if not row[3]]
    tap.check("no arrow points up or sideways", arrows(own))
    tap.check("no circle of rooms", circles(graph(own, known_room)))
    tap.check("no circle of files", circles(graph(own, lambda f: f)))
    wrong_door, unknown = foreign([row for row in found if row[3]])
    tap.check("each foreign library stays behind its door", wrong_door)
    tap.check("no library that the house does not know", unknown)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
