#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two files that hold one direction each of the same connections must tell what the whole tells.

usage: test_halves.py WHYRST.  The halves are a real kernel's (tcpdump -Q in and -Q out beside a third
that took all) and those cut out of other captures.  Frames and streams are held against what
mergecap makes of the two.  What only looks like halves is not joined: the same direction twice, a
whole beside a half, clocks that are apart, two pieces of other connections.
"""
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import oracle

TESTS = Path(__file__).resolve().parent.parent
REAL = TESTS / "corpus" / "halves-one-place"
WHOLES = [REAL / "client.pcap", TESTS / "corpus" / "forged-unnoticed" / "client.pcap",
          TESTS.parent / "samples" / "unread-data-close" / "server.pcap"]
TOLD = ("client", "server", "sender", "phase", "mechanism", "cause", "conn_state", "history", "bytes",
        "frame", "stream", "rst_frames")
IPV4 = b"\x08\0"
LOOKED_AT = 4096


def frames_of(path):
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, wire = struct.unpack_from("<IIII", data, at)
        yield seconds * 1_000_000 + micros, data[at + 16:at + 16 + length], wire
        at += 16 + length


def written(path, frames):
    path.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + b"".join(
        struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(data), wire) + data
        for time, data, wire in frames))


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def options(*pairs):
    return b"".join(struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
                    for code, value in pairs) + bytes(4)


def interface(link=1, *pairs):
    return block(1, struct.pack("<HHI", link, 0, 262144) + (options(*pairs) if pairs else b""))


def packet(time, data, wire, face=0):
    return block(6, struct.pack("<IIIII", face, time >> 32, time & 0xffffffff, len(data), wire) + data)


def written_ng(path, frames, n_lost, behind=b""):
    """As dumpcap writes it: one interface with a filter, its statistics at the end."""
    path.write_bytes(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
                     + interface(1, (2, b"tap0"), (11, b"\0tcp"))
                     + b"".join(packet(*frame) for frame in frames) + behind
                     + block(5, struct.pack("<III", 0, 0, 0) + options((5, struct.pack("<Q", n_lost)))))


def told(whyrst, folder, names):
    done = subprocess.run([whyrst, "--format", "json", *names], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return ([r for r in records if r["type"] == "capture"],
            [{k: r.get(k) for k in TOLD} for r in records if r["type"] == "diagnosis"], records)


def halves_of(whole):
    """All frames, and those of either direction: by which address is the higher."""
    frames = list(frames_of(whole))
    first = [f for f in frames if f[1][12:14] != IPV4 or f[1][26:30] < f[1][30:34]]
    return frames, first, [f for f in frames if f not in first]


def joined_faults(whyrst, folder, names):
    captures, halves, records = told(whyrst, folder, names)
    if len(captures) != 1 or captures[0].get("joined_from") != names:
        yield f"not read as one: {[c['capture'] for c in captures]}"
        return
    if captures[0]["capture"] != " + ".join(names):
        yield f"it is called {captures[0]['capture']}"
    _, whole, _ = told(whyrst, folder, ["whole.pcap"])
    if not whole or halves != whole:
        yield f"it tells {halves}, the whole {whole}"
    n_bytes = sum((folder / name).stat().st_size for name in names)
    if captures[0]["bytes"] != n_bytes or captures[0]["bytes_analysed"] != n_bytes:
        yield f"{captures[0]['bytes']} bytes, of {n_bytes}"
    if shutil.which("mergecap") and oracle.have():
        subprocess.run(["mergecap", "-w", "both.pcap", *names], cwd=folder, check=True)
        known = oracle.resets(folder / "both.pcap")
        claims = oracle.claims(records, captures[0]["capture"])
        if sorted(known) != sorted(claims):
            yield f"RST frames {sorted(claims)}, mergecap and tshark {sorted(known)}"
        for d in halves:
            if known.get(d["frame"]) != d["stream"]:
                yield f"frame {d['frame']}: stream {d['stream']}, tshark {known.get(d['frame'])}"


def cut_halves(whyrst, folder):
    for whole in WHOLES:
        frames, first, second = halves_of(whole)
        written(folder / "whole.pcap", frames)
        written(folder / "rx.pcap", first)
        written(folder / "tx.pcap", second)
        yield from joined_faults(whyrst, folder, ["rx.pcap", "tx.pcap"])
        yield from joined_faults(whyrst, folder, ["tx.pcap", "rx.pcap"])


def pcapng_halves(whyrst, folder):
    """What dumpcap writes; one file of it beside a classic one, too."""
    frames, first, second = halves_of(WHOLES[0])
    written(folder / "whole.pcap", frames)
    written_ng(folder / "rx.pcapng", first, 3)
    written_ng(folder / "tx.pcapng", second, 4)
    written(folder / "tx.pcap", second)
    for names, n_lost in ((["rx.pcapng", "tx.pcapng"], 7), (["rx.pcapng", "tx.pcap"], 3)):
        captures, halves, records = told(whyrst, folder, names)
        _, whole, _ = told(whyrst, folder, ["whole.pcap"])
        if len(captures) != 1 or captures[0].get("joined_from") != names or halves != whole:
            yield f"{names} are not read as one: {captures}"
            continue
        c = captures[0]
        if (c["format"], c.get("dropped"), c.get("filter")) != ("pcapng", n_lost, "tcp"):
            yield f"{names}: {c}"
        n_bytes = sum((folder / name).stat().st_size for name in names)
        if c["bytes"] != n_bytes or c["bytes_analysed"] + sum(c["bytes_skipped"].values()) != n_bytes:
            yield f"bytes do not add up to {n_bytes}: {c}"
        if shutil.which("mergecap") and oracle.have():
            subprocess.run(["mergecap", "-w", "both.pcap", *names], cwd=folder, check=True)
            if set(oracle.claims(records, c["capture"])) != set(oracle.resets(folder / "both.pcap")):
                yield f"{names}: RST frames are not those of mergecap and tshark"


def another_link_behind(whyrst, folder):
    """What cannot stand beside the frames before it ends the file, and the report says so."""
    frames, first, second = halves_of(WHOLES[0])
    # so many that what is behind lies further on than is looked for halves
    many = [(first[9][0], bytes(60), 60)] * LOOKED_AT
    at = frames.index(first[9]) + 1
    frames, first = frames[:at] + many + frames[at:], first[:10] + many + first[10:]
    time, data, wire = first[-1]
    no_time = block(3, struct.pack("<I", wire) + data)
    for behind, says in ((interface(101) + packet(time, data[14:], wire - 14, 1), "link type"),
                         (no_time, "no time")):
        written(folder / "whole.pcap", frames)
        written_ng(folder / "rx.pcapng", first, 0, behind)
        written_ng(folder / "tx.pcapng", second, 0)
        captures, halves, _ = told(whyrst, folder, ["rx.pcapng", "tx.pcapng"])
        _, whole, _ = told(whyrst, folder, ["whole.pcap"])
        where = captures[0].get("truncated_where", "")
        if len(captures) != 1 or f"frame {len(first) + 1} " not in where or says not in where:
            yield f"{says}: {captures}"
        if halves != whole:
            yield f"{says}: it tells {halves}, the whole {whole}"


def two_interfaces(whyrst, folder):
    """A file of two interfaces is no half: what it holds may be of two places."""
    _, first, second = halves_of(WHOLES[0])
    written_ng(folder / "rx.pcapng", first[:1], 0, interface() + b"".join(
        packet(*frame, face=1) for frame in first[1:]))
    written_ng(folder / "tx.pcapng", second, 0)
    captures, _, _ = told(whyrst, folder, ["rx.pcapng", "tx.pcapng"])
    if len(captures) != 2:
        yield f"read as one: {captures}"


def kernels_halves(whyrst, folder):
    """The kernel stamps a packet for each of its listeners anew: times differ, nothing else."""
    for name in ("half-in.pcap", "half-out.pcap", "client.pcap"):
        shutil.copy(REAL / name, folder / name)
    captures, halves, _ = told(whyrst, folder, ["half-in.pcap", "half-out.pcap"])
    _, whole, _ = told(whyrst, folder, ["client.pcap"])
    if len(captures) != 1 or not whole:
        yield "not read as one"
    for a, b in zip(halves, whole, strict=True):
        if {k: a[k] for k in TOLD[:9]} != {k: b[k] for k in TOLD[:9]}:
            yield f"{a}, the whole {b}"
    captures, _, records = told(whyrst, folder, ["client.pcap", "half-in.pcap", "half-out.pcap"])
    if len(captures) != 2 or captures[0]["vantage"] != captures[1]["vantage"]:
        yield "beside the whole they are not of its place"
    if records[-1]["connections"] != captures[0]["connections"]:
        yield "connections count twice"


def a_cut_half(whyrst, folder):
    frames, first, second = halves_of(WHOLES[0])
    written(folder / "rx.pcap", first)
    written(folder / "tx.pcap", second)
    cut = (folder / "tx.pcap").read_bytes()[:-7]
    (folder / "tx.pcap").write_bytes(cut)
    captures, halves, _ = told(whyrst, folder, ["rx.pcap", "tx.pcap"])
    c = captures[0]
    if len(captures) != 1 or not c["truncated"] or "tx.pcap" not in c["truncated_where"]:
        yield f"the cut is not told: {captures}"
    n_bytes = (folder / "rx.pcap").stat().st_size + len(cut)
    if c["bytes"] != n_bytes or c["bytes_analysed"] + sum(c["bytes_skipped"].values()) != n_bytes:
        yield f"bytes do not add up to {n_bytes}: {c}"
    if not halves or len(frames) != c["packets"] + 1:
        yield "its other packets are not read"


def a_damaged_half(whyrst, folder):
    """Damage is in the file, not in the stream of both: it is told all the same, and once."""
    _, first, second = halves_of(WHOLES[0])
    written(folder / "rx.pcap", first)
    written(folder / "tx.pcap", second)
    data = bytearray((folder / "tx.pcap").read_bytes())
    at = 24 + sum(16 + len(frame[1]) for frame in second[:20])
    data[at:at + 16] = b"\xff" * 16
    (folder / "tx.pcap").write_bytes(data)
    _, _, records = told(whyrst, folder, ["tx.pcap"])
    alone = next(r for r in records if r["type"] == "capture")
    captures, _, _ = told(whyrst, folder, ["rx.pcap", "tx.pcap"])
    c = captures[0]
    if len(captures) != 1 or not alone.get("flaws") or c.get("flaws") != alone["flaws"]:
        yield f"flaws {c.get('flaws')} of {len(captures)}, the file alone {alone.get('flaws')}"


def no_halves(whyrst, folder):
    frames, first, second = halves_of(WHOLES[0])
    _, other, _ = halves_of(WHOLES[1])
    shifted = [(time + 3_000_000, data, wire) for time, data, wire in second]
    for name, a, b in (("one direction twice", first, first), ("a whole and a half", frames, second),
                       ("clocks apart", first, shifted), ("other connections", second, other)):
        written(folder / "a.pcap", a)
        written(folder / "b.pcap", b)
        captures, _, _ = told(whyrst, folder, ["a.pcap", "b.pcap"])
        if len(captures) != 2:
            yield f"{name}: read as one"


def main():
    whyrst = str(Path(sys.argv[1]).resolve())
    checks = [cut_halves, pcapng_halves, another_link_behind, two_interfaces, kernels_halves,
              a_cut_half, a_damaged_half, no_halves]
    print(f"1..{len(checks)}")
    bad = 0
    for n, check in enumerate(checks, 1):
        with tempfile.TemporaryDirectory() as folder:
            faults = list(check(whyrst, Path(folder)))
        bad += bool(faults)
        print(f"{'not ' if faults else ''}ok {n} - {check.__name__}")
        for fault in faults:
            print(f"#   {fault}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
