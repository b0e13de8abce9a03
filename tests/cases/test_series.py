#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A capture cut into the files of a ring must tell what the whole tells.

usage: test_series.py WHYRST.  Cuts captures of samples into pieces of a few packets, gives the
pieces in the wrong order, and asks for the same verdicts, with each RST in the file, frame and
stream in which tshark finds it.
"""
import gzip
import json
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import oracle

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
CUTS = [("forged-reset", 40), ("keepalive-reuse-race", 14), ("port-reuse-collision", 20)]
# names that say nothing of their order: connections that go on must
STRANGE = ["noon", "late", "again", "before", "x", "web", "old", "mail"]
ADJOINED = [("forged-reset", 30), ("keepalive-reuse-race", 35)]
# two rings written at the same time, as their files sort: one's between the other's
SIDE_BY_SIDE = [("forged-reset", 40), ("ssh-login-grace-timeout", 10)]
NAMINGS = ["host{ring}_{piece:05d}.pcap", "trace{piece}.eth{ring}.pcap", "x_{piece:05d}_{letter}.pcap"]
TOLD = ("client", "server", "sender", "phase", "mechanism", "cause", "confidence", "severity",
        "conn_state", "history", "rst_validity", "idle_before_s", "bytes", "time", "duration_s")


def piece_name(i, strange):
    """As tcpdump -C gives them, ring.pcap, ring.pcap1, ..., or strange."""
    return STRANGE[i] + ".pcap" if strange else "ring.pcap" + (str(i) if i else "")


def records_of(data):
    at, records = 24, []
    while at + 16 <= len(data):
        end = at + 16 + struct.unpack("<I", data[at + 8:at + 12])[0]
        records.append(data[at:end])
        at = end
    return records


def cut(path, folder, size, strange):
    data = path.read_bytes()
    records, names = records_of(data), []
    for i in range(0, len(records), size):
        names.append(piece_name(i // size, strange))
        (folder / names[-1]).write_bytes(data[:24] + b"".join(records[i:i + size]))
    return names


def run(whyrst, folder, names):
    done = subprocess.run([whyrst, "--format", "json", *names], cwd=folder,
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdicts(records):
    made = []
    for d in records:
        if d["type"] == "diagnosis":
            rsts = len(d["rst_frames"]) + sum(len(s["rst_frames"]) for s in d["seen_in"])
            made.append(json.dumps([d.get(k) for k in TOLD] + [rsts]))
    return sorted(made)


def faults(whyrst, name, size, strange=False):
    source = sorted((SAMPLES / name).glob("*.pcap"))[-1]
    whole = run(whyrst, source.parent, [source.name])
    with tempfile.TemporaryDirectory() as folder:
        names = cut(source, Path(folder), size, strange)
        records = run(whyrst, folder, names[::-1])
        given = [r["capture"] for r in records if r["type"] == "capture"]
        if given != names or any("series" not in r for r in records if r["type"] == "capture"):
            yield f"not in order of time: {given}"
        yield from oracle.faults_of(records, folder) if oracle.have() else []
    wanted, got = verdicts(whole), verdicts(records)
    yield from (f"only of the whole: {v}" for v in wanted if v not in got)
    yield from (f"only of the pieces: {v}" for v in got if v not in wanted)
    if records[-1]["connections"] != whole[-1]["connections"]:
        yield f"{records[-1]['connections']} connections, not {whole[-1]['connections']}"


def from_second(data, second):
    """A capture moved so that it begins within that second."""
    records = records_of(data)
    later = second - struct.unpack("<I", records[0][:4])[0]
    return data[:24] + b"".join(struct.pack("<I", struct.unpack("<I", r[:4])[0] + later) + r[4:]
                                for r in records)


def side_by_side_faults(whyrst, naming):
    """Rings that were written at the same time are told apart by what their names have in common."""
    with tempfile.TemporaryDirectory() as scratch:
        whole, pieces = Path(scratch) / "whole", Path(scratch) / "pieces"
        whole.mkdir()
        pieces.mkdir()
        rings = []
        for ring, (name, size) in enumerate(SIDE_BY_SIDE):
            source = sorted((SAMPLES / name).glob("*.pcap"))[-1]
            path = whole / "ab"[ring]
            path.write_bytes(from_second(source.read_bytes(), 1_780_000_000))
            data = path.read_bytes()
            records = records_of(data)
            rings.append([])
            for piece, at in enumerate(range(0, len(records), size)):
                rings[-1].append(naming.format(ring=ring, letter="ab"[ring], piece=piece))
                (pieces / rings[-1][-1]).write_bytes(data[:24] + b"".join(records[at:at + size]))
        wanted, got = run(whyrst, whole, ["a", "b"]), run(whyrst, pieces, sorted(sum(rings, [])))
    order = [r["capture"] for r in got if r["type"] == "capture"]
    if order not in (rings[0] + rings[1], rings[1] + rings[0]):
        yield f"not ring by ring: {order}"
    if verdicts(wanted) != verdicts(got):
        yield "other verdicts than of the whole captures"
    if got[-1]["connections"] != wanted[-1]["connections"]:
        yield f"{got[-1]['connections']} connections, not {wanted[-1]['connections']}"


def archived_faults(whyrst, packed):
    """A ring in an archive, in the order in which a folder happened to give its files."""
    name, size = CUTS[0]
    source = sorted((SAMPLES / name).glob("*.pcap"))[-1]
    whole = run(whyrst, source.parent, [source.name])
    with tempfile.TemporaryDirectory() as folder:
        names = cut(source, Path(folder), size, False)
        with tarfile.open(Path(folder) / "ring.tar", "w") as tar:
            for member in names[1::2] + names[::-2]:
                path = Path(folder) / member
                if packed:
                    path.write_bytes(gzip.compress(path.read_bytes()))
                tar.add(path, member)
        records = run(whyrst, folder, ["ring.tar"])
    given = [r["capture"] for r in records if r["type"] == "capture"]
    if given != ["ring.tar!" + member for member in names]:
        yield f"not in order of time: {given}"
    if verdicts(whole) != verdicts(records):
        yield "other verdicts than of the whole capture"


def break_header(path, number):
    """The frame's IPv4 total length, behind an Ethernet header, becomes 1."""
    data, at = bytearray(path.read_bytes()), 24
    for _ in range(number - 1):
        at += 16 + struct.unpack("<I", data[at + 8:at + 12])[0]
    data[at + 32:at + 34] = b"\x00\x01"
    path.write_bytes(data)


def flaw_faults(whyrst):
    """A flaw of a later file is told by the number that its frame has there."""
    name, size = CUTS[0]
    source = sorted((SAMPLES / name).glob("*.pcap"))[-1]
    with tempfile.TemporaryDirectory() as folder:
        names = cut(source, Path(folder), size, False)
        break_header(Path(folder) / names[1], 3)
        done = subprocess.run([whyrst, *names], cwd=folder, stdout=subprocess.PIPE, check=True)
        said = " ".join(done.stdout.decode().split())
        if "ip4.total-length-too-small 1, first in frame 3 " not in said:
            yield "the broken frame 3 of the second file is not told"


def main():
    bad, whyrst = 0, str(Path(sys.argv[1]).resolve())
    for name, size in CUTS:
        for fault in faults(whyrst, name, size):
            print(f"{name} by {size}: {fault}")
            bad += 1
    for name, size in ADJOINED:
        for fault in faults(whyrst, name, size, True):
            print(f"{name} by {size}, named otherwise: {fault}")
            bad += 1
    for naming in NAMINGS:
        for fault in side_by_side_faults(whyrst, naming):
            print(f"two rings side by side, {naming}: {fault}")
            bad += 1
    for packed in (False, True):
        for fault in archived_faults(whyrst, packed):
            print(f"in an archive{', packed one by one' if packed else ''}: {fault}")
            bad += 1
    for fault in flaw_faults(whyrst):
        print(fault)
        bad += 1
    if shutil.which("tshark") is None:
        print("tshark is not there: frames and streams were not held against it")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
