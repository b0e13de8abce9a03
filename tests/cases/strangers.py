#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on the ungraded cases with the logs of other hosts beside their own.

usage: strangers.py [--program WHYRST] [--only WAY] [--verbose] [--all] [--update]

Whoever collects logs takes those of all hosts.  The system logs of other cases, moved to the time
of this one, tell of services that stopped and of processes that died, somewhere else.  Not all can
be told without knowing which host has which address, but nothing wrong with confidence.
strangers.json holds the floors, see altered.py.
"""
import random
import re
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import altered

sys.path.insert(0, str(altered.TOP / "tests" / "lab"))
import pcapfile  # noqa: E402

CARD = Path(__file__).resolve().parent / "strangers.json"
SYSTEM_LOGS = ("auth.log", "syslog", "messages")
ISO = re.compile(rb"\b(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)")
BSD = re.compile(rb"^([A-Z][a-z][a-z]) ([ \d]\d) (\d\d):(\d\d):(\d\d)", re.M)
MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
WAYS = {f"logs of {n} other hosts": n for n in (1, 2, 3, 6)}


def moved(data, seconds):
    """A log whose stamps are ISO 8601 or RFC 3164, later by so many whole seconds."""
    def iso(m):
        at = datetime(*map(int, m.groups())) + timedelta(seconds=seconds)
        return at.strftime("%Y-%m-%dT%H:%M:%S").encode()

    def bsd(m):
        at = datetime(2026, MONTHS.index(m[1]) + 1, *map(int, m.groups()[1:]))
        at += timedelta(seconds=seconds)
        return b"%s %2d %s" % (MONTHS[at.month - 1], at.day, at.strftime("%H:%M:%S").encode())

    return BSD.sub(bsd, ISO.sub(iso, data))


def began(folder, truth):
    """When the first of its captures that is a classic one begins; None: there is none."""
    for name in filter(altered.is_capture, truth["inputs"]):
        if (folder / name).read_bytes()[:4] in altered.MAGIC:
            return min((t for _, t, _, _ in pcapfile.records(folder / name)), default=None)
    return None


def may_lend(truth):
    return (truth.get("timezone", "UTC") == "UTC" and truth.get("log_clock_offset_s", 0.0) == 0.0 and
            any(i.startswith("logs/") and i.endswith(SYSTEM_LOGS) for i in truth["inputs"]))


BEGAN = {folder: (truth, began(folder, truth)) for folder, truth in altered.cases()}
LENDERS = [f for f, (truth, at) in BEGAN.items() if at is not None and may_lend(truth)]


def ways(folder, truth):
    if BEGAN[folder][1] is not None and truth.get("timezone", "UTC") == "UTC":
        for way, n in WAYS.items():
            others = [other for other in LENDERS if other != folder]
            yield way, random.Random(f"{folder.name} {way}").sample(others, n)


def lend(folder, others, scratch):
    """The other hosts' logs in folders of their own; their names."""
    names = []
    for n, other in enumerate(others):
        for name in BEGAN[other][0]["inputs"]:
            if not name.startswith("logs/") or not name.endswith(SYSTEM_LOGS):
                continue
            target = Path(scratch) / f"other{n}" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            data = (other / name).read_bytes()
            target.write_bytes(moved(data, round(BEGAN[folder][1] - BEGAN[other][1])))
            names.append(str(target.relative_to(scratch)))
    return names


def judge(program, folder, truth, way, others):
    with tempfile.TemporaryDirectory() as scratch:
        altered.place(folder, truth["inputs"], scratch, lambda data: data)
        names = lend(folder, others, scratch)
        records = altered.run(program, Path(scratch), truth["inputs"] + names)
    return altered.told(way, folder.name, truth.get("connections", []), records)


if __name__ == "__main__":
    sys.exit(altered.main(__doc__.splitlines()[0], CARD, ways, judge))
