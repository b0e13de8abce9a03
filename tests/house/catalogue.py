#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Validates every XML file of the catalogue against the RELAX NG schema for its root element."""
import subprocess
import sys
import xml.etree.ElementTree as ET

from tree import TOP, Tap, all_files

RNG = "{http://relaxng.org/ns/structure/1.0}"


def start_names(schema):
    """The element names that a schema lets a document begin with."""
    root = ET.parse(schema).getroot()
    defines = {d.get("name"): d for d in root.iter(f"{RNG}define")}
    todo = list(root.iter(f"{RNG}start")) or [root]
    names, seen = set(), set()
    while todo:
        node = todo.pop()
        if node.tag == f"{RNG}element":
            names.add(node.get("name"))
        elif node.tag == f"{RNG}ref" and node.get("name") not in seen:
            seen.add(node.get("name"))
            todo.append(defines[node.get("name")])
        else:
            todo.extend(node)
    return names


def complaints(name, schemas):
    try:
        root = ET.parse(TOP / name).getroot().tag
    except ET.ParseError as error:
        return [f"not well-formed: {error}"]
    schema = schemas.get(root)
    if schema is None:
        return [f"no schema begins with <{root}>"]
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", schema, name], cwd=TOP,
                          text=True, stderr=subprocess.PIPE, check=False)
    return done.stderr.splitlines() if done.returncode else []


def main():
    tap = Tap()
    files = [f for f in all_files() if not f.startswith("tests/")]
    schemas = {}
    for rng in (f for f in files if f.endswith(".rng")):
        schemas.update((name, rng) for name in start_names(TOP / rng))
    data = [f for f in files if f.endswith(".xml")]
    if not data:
        tap.skip("the catalogue is valid", "no XML file yet")
    for name in data:
        tap.check(f"{name} is valid", complaints(name, schemas))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
