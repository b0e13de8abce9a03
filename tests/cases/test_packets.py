#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Firewall log lines that name a packet must be joined to that very packet.

usage: test_packets.py WHYRST.  tshark says which frame has the IP identification and the ports of
each line; the program must name it, and take the log's clock from it.
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
CASES = [("samples/middlebox-idle-timeout", 5), ("tests/corpus/conntrack-invalid-logged", 1)]
FIELDS = re.compile(r" ID=(\d+) .*SPT=(\d+) DPT=(\d+) (?:SEQ=(\d+) )?")


def run(whyrst, folder):
    done = subprocess.run([whyrst, "--format", "json", "."], cwd=folder, stdout=subprocess.PIPE,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def frames_of(capture, line):
    ident, source, target, seq = FIELDS.search(line).groups()
    wanted = f"ip.id == {ident} and tcp.srcport == {source} and tcp.dstport == {target}"
    if seq:
        wanted += f" and tcp.seq_raw == {seq}"
    done = subprocess.run(["tshark", "-r", capture, "-Y", wanted, "-T", "fields", "-e",
                           "frame.number"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True)
    return [int(n) for n in done.stdout.split()]


def faults(whyrst, name, least):
    records = run(whyrst, TOP / name)
    joined = [(d["capture"], e) for d in records if d["type"] == "diagnosis"
              for e in d["evidence"] if "packet_frame" in e]
    if len(joined) < least:
        yield f"{len(joined)} lines are joined to a packet, not {least}"
    for capture, e in joined:
        frames = frames_of(TOP / name / capture, e["text"])
        if frames != [e["packet_frame"]]:
            yield f"{e['file']}:{e['line']} is of frame {e['packet_frame']}, tshark says {frames}"
    for file in {e["file"] for _, e in joined}:
        log = next(r for r in records if r["type"] == "log" and r["file"] == file)
        if log.get("clock_offset_spread_s", 9) > 1.1:
            yield f"{file}: the clock is known to {log.get('clock_offset_spread_s')} s only"


def main():
    if not shutil.which("tshark"):
        print("1..0 # SKIP no tshark")
        return 0
    whyrst = str(Path(sys.argv[1]).resolve())
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (name, least) in enumerate(CASES, 1):
        made = list(faults(whyrst, name, least))
        print(f"{'not ok' if made else 'ok'} {number} - {name}")
        for fault in made:
            print("#  ", fault)
        failed += bool(made)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
