#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doc/json.md names every key that the output may hold, in the section of its line, and no other."""
import re
import sys
from pathlib import Path

import contract

PAGE = Path(__file__).resolve().parent.parent.parent / "doc" / "json.md"


def sections():
    """{type: ({key: whether it may be absent})} as the page's tables have it."""
    made, keys = {}, None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        head = re.match(r"## `([\w-]+)`", line)
        if head:
            keys = made.setdefault(head[1], {})
        elif line.startswith("| `") and keys is not None:
            names, optional = line.split("|")[1:3]
            keys.update({k: optional.strip() == "o" for k in re.findall(r"`(\w+)`", names)})
    return made


def faults():
    told = sections()
    for kind in set(contract.RECORDS) ^ set(told):
        yield f"{kind} is in one of page and contract only"
    for kind, (required, optional) in contract.RECORDS.items():
        keys = {**dict.fromkeys(required, False), **dict.fromkeys(optional or {}, True)}
        for key in sorted(set(keys) | set(told.get(kind, {}))):
            if keys.get(key) != told.get(kind, {}).get(key):
                yield f"{kind}.{key}: the contract says {keys.get(key)}, the page {told.get(kind, {}).get(key)}"


def main():
    made = list(faults())
    print("1..1")
    print(f"{'not ok' if made else 'ok'} 1 - every key of the output stands in doc/json.md")
    for fault in made:
        print("#  ", fault)
    return 1 if made else 0


if __name__ == "__main__":
    sys.exit(main())
