#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A log cut into the files that logrotate makes of it must tell what the whole tells.

usage: test_rotated.py WHYRST.  Cuts the logs of samples into three files, names them by number (the
oldest compressed) and by date, and asks for the same verdicts and clocks, and for the same log
lines, each in the file and line where it now stands.
"""
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
CUT = ["ssh-max-startups", "ssh-login-grace-timeout", "sftp-session-closed", "oom-kill",
       "ssh-server-error", "host-overloaded"]
SCHEMES = {"number": ("{}.2.gz", "{}.1", "{}"),
           "date": ("{}-20260101.gz", "{}-20260108", "{}"),
           "date-before-log": ("{stem}-20260101{ext}", "{stem}-20260108{ext}", "{}")}
TOLD = ("client", "server", "sender", "phase", "mechanism", "cause", "confidence", "severity", "time")


def run(whyrst, folder):
    done = subprocess.run([whyrst, "--format", "json", "."], cwd=folder, stdout=subprocess.PIPE,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def cut(path, names):
    """The files' names and how many lines stand before each."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    third = len(lines) // 3
    starts = (0, third, 2 * third, len(lines))
    before = {}
    for k, name in enumerate(names):
        made = path.parent / name.format(path.name, stem=path.stem, ext=path.suffix)
        data = b"".join(lines[starts[k]:starts[k + 1]])
        made.write_bytes(gzip.compress(data) if made.suffix == ".gz" else data)
        before[made.name] = (path.name, starts[k])
    return before


def place(entry, before):
    folder, _, name = entry["file"].rpartition("/")
    whole, n = before.get(name, (name, 0))
    return (f"{folder}/{whole}", entry["line"] + n)


def verdicts(records, before):
    made = []
    for d in records:
        if d["type"] == "diagnosis":
            lines = sorted(place(e, before) for e in d["evidence"] if e["kind"] == "log")
            made.append(json.dumps([d.get(k) for k in TOLD] + [lines]))
    return sorted(made)


def clocks(records, before):
    found = set()
    for r in records:
        if r["type"] == "log":
            folder, _, name = r["file"].rpartition("/")
            whole = before.get(name, (name, 0))[0]
            found.add((f"{folder}/{whole}", r.get("clock_offset_s"), r["clock_anchors"]))
    return found


def faults(whyrst, sample, names):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SAMPLES / sample, folder, dirs_exist_ok=True)
        whole = run(whyrst, folder)
        before = {}
        for path in sorted((Path(folder) / "logs").glob("*.log")):
            if path.read_bytes().count(b"\n") >= 6:
                before.update(cut(path, names))
        parts = run(whyrst, folder)
    if not before:
        yield "no log to cut"
    n_continued = sum("continues" in r for r in parts if r["type"] == "log")
    if n_continued * 3 != len(before) * 2:
        yield f"{n_continued} files continue another, of {len(before)}"
    wanted, got = verdicts(whole, {}), verdicts(parts, before)
    yield from (f"only of the whole: {v}" for v in wanted if v not in got)
    yield from (f"only of the parts: {v}" for v in got if v not in wanted)
    if clocks(whole, {}) != clocks(parts, before):
        yield f"clocks: {clocks(whole, {}) ^ clocks(parts, before)}"


def main():
    bad, whyrst = 0, str(Path(sys.argv[1]).resolve())
    for sample in CUT:
        for scheme, names in SCHEMES.items():
            for fault in faults(whyrst, sample, names):
                print(f"{sample} by {scheme}: {fault}")
                bad += 1
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
