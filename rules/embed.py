#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data files as one C table: embed.py --root DIR --symbol NAME -o OUT.c FILE...

The table `const struct embedded_file NAME[]` holds a row a file, sorted by its path below the root,
and ends with a row whose name is NULL.  Same files, same bytes.
"""
import argparse
from pathlib import Path

PER_LINE = 24


def array(name, data):
    rows = [", ".join(str(b) for b in data[i:i + PER_LINE])
            for i in range(0, len(data), PER_LINE)] or ["0"]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--symbol", required=True)
    parser.add_argument("-o", dest="out", type=Path, required=True)
    parser.add_argument("files", type=Path, nargs="*")
    args = parser.parse_args()

    root = args.root.resolve()
    files = sorted((f.resolve().relative_to(root).as_posix(), f) for f in args.files)
    arrays, rows = [], []
    for i, (name, path) in enumerate(files):
        data = path.read_bytes()
        arrays.append(array(f"bytes_{i}", data))
        rows.append(f'    {{"{name}", bytes_{i}, {len(data)}}},\n')
    args.out.write_text(
        "/* Made by rules/embed.py from the files that it names. */\n"
        '#include "parsers/base/embedded.h"\n\n'
        f"extern const struct embedded_file {args.symbol}[];\n\n" + "\n".join(arrays) +
        f"\nconst struct embedded_file {args.symbol}[] = {{\n" + "".join(rows) +
        "    {NULL, NULL, 0},\n};\n", encoding="utf-8")


if __name__ == "__main__":
    main()
