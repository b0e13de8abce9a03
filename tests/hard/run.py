#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The hard cases of TCP captures, each made by wire.py, run through the whole program.

usage: run.py WHYRST [NAME...].  Of every case tshark must see as many streams as whyrst has
connections, and each RST frame in the same stream; what else must hold is said by the case, from
the standards and not from the program.  Speaks TAP; without tshark that comparison is left out.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cases")]

import cases_flow  # noqa: E402
import cases_forged  # noqa: E402
import cases_inband  # noqa: E402
import cases_reset  # noqa: E402
import cases_shape  # noqa: E402
import oracle  # noqa: E402


def run(whyrst, path):
    done = subprocess.run([whyrst, "--format", "json", path.name], cwd=path.parent,
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


FIELDS = ["tcp.stream", "icmp.type", "icmpv6.type", "frame.number", "communityid", "ip.src",
          "ipv6.src"]


def frames_of_tshark(path):
    """{field: value} of each frame; of several values, as in tunnels, all with commas between."""
    argv = ["tshark", "-n", "--enable-protocol", "communityid", "-r", path, "-T", "fields"]
    for field in FIELDS:
        argv += ["-e", field]
    text = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=True).stdout
    return [dict(zip(FIELDS, line.split("\t"))) for line in text.splitlines()]


def streams_of(frames):
    """Numbers of the streams that hold a segment of their own, not one quoted by ICMP."""
    return {int(f["tcp.stream"].split(",")[-1]) for f in frames
            if f["tcp.stream"] and not f["icmp.type"] and not f["icmpv6.type"]}


def against_tshark(path, records, frames):
    capture = next(r for r in records if r["type"] == "capture")
    theirs = streams_of(frames)
    if len(theirs) != capture["connections"]:
        yield f"{capture['connections']} connections, tshark has streams {sorted(theirs)}"
    resets, claimed = oracle.resets(path), oracle.claims(records, path.name)
    if sorted(resets) != sorted(claimed) or any(len(v) != 1 for v in claimed.values()):
        yield f"RST frames: {claimed}, tshark has {resets}"
    for d in records:
        if d["type"] == "diagnosis" and any(resets.get(f) != d["stream"] for f in d["rst_frames"]):
            yield f"stream {d['stream']}, tshark has {resets}"


def against_community_ids(records, frames):
    """Community ID v1, seed 0, as tshark computes it; in tunnels it takes the outer addresses."""
    theirs = {int(f["frame.number"]): f for f in frames}
    for d in (r for r in records if r["type"] == "diagnosis"):
        f = theirs[d["frame"]]
        sources = [f["ip.src"], f["ipv6.src"]]
        plain = f["communityid"] and "," not in "".join(sources) and sum(map(bool, sources)) == 1
        if plain and d["community_id"] != f["communityid"]:
            yield f"frame {d['frame']}: community ID {d['community_id']}, tshark has {f['communityid']}"


def against_fields(path, wanted):
    """What the case says of a frame must be what tshark reads there: {frame: {field: value}}."""
    for frame, fields in wanted.items():
        argv = ["tshark", "-n", "-r", path, "-Y", f"frame.number == {frame}", "-T", "fields"]
        for field in fields:
            argv += ["-e", field]
        theirs = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                check=True).stdout.rstrip("\n").split("\t")
        if theirs != [str(value) for value in fields.values()]:
            yield f"frame {frame}: tshark reads {theirs} as {list(fields)}"


def differences(got, want, where):
    for key, value in want.items():
        have = got.get(key)
        if isinstance(value, dict) and isinstance(have, dict):
            yield from differences(have, value, f"{where}.{key}")
        elif callable(value):
            if not value(have):
                yield f"{where}.{key} is {have!r}"
        elif have != value:
            yield f"{where}.{key} is {have!r}, not {value!r}"


def faults_of(whyrst, made, folder):
    data, want = made
    path = Path(folder) / ("x.pcapng" if data[:4] == b"\n\r\r\n" else "x.pcap")
    path.write_bytes(data)
    records = run(whyrst, path)
    if shutil.which("tshark"):
        frames = frames_of_tshark(path)
        yield from against_tshark(path, records, frames)
        yield from against_community_ids(records, frames)
        yield from against_fields(path, want.get("tshark", {}))
    capture = next(r for r in records if r["type"] == "capture")
    skipped = capture.get("bytes_skipped", {})
    if capture["bytes"] != capture["bytes_analysed"] + sum(skipped.values()):
        yield "bytes are not accounted for"
    yield from differences(capture, want.get("capture", {}), "capture")
    found = [r for r in records if r["type"] == "diagnosis"]
    wanted = want.get("diagnoses", [])
    if wanted is None:
        return
    if len(found) != len(wanted):
        yield f"{len(found)} diagnoses, not {len(wanted)}"
    for i, (d, w) in enumerate(zip(found, wanted)):
        yield from differences(d, w, f"diagnosis {i + 1}")


def judge(whyrst, make):
    with tempfile.TemporaryDirectory() as folder:
        return list(faults_of(whyrst, make(), folder))


def main():
    whyrst, names = str(Path(sys.argv[1]).resolve()), sys.argv[2:]
    table = {**cases_flow.CASES, **cases_reset.CASES, **cases_shape.CASES, **cases_inband.CASES,
             **cases_forged.CASES}
    chosen = {name: make for name, make in table.items() if not names or name in names}
    bad = 0
    print(f"1..{len(chosen)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = {name: pool.submit(judge, whyrst, make) for name, make in chosen.items()}
        for name, pending in judged.items():
            faults = pending.result()
            bad += bool(faults)
            print(f"{'not ok' if faults else 'ok'} - {name}")
            for fault in faults:
                print(f"#   {fault}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
