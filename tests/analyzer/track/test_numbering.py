#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stream numbers and RST frames of wild captures, against tshark.

Makes captures of random segments between few ends, so that tuples are reused in every way, and asks
that tracker_dump and tshark agree on every stream and on every RST.  Without tshark it is skipped.
"""
import json
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FLAGS = [SYN, SYN, SYN, SYN | ACK, SYN | ACK, ACK, PSH | ACK, PSH | ACK, FIN | ACK, RST, RST | ACK,
         FIN, 0, SYN | RST, SYN | FIN, SYN | PSH | ACK]
NUMBERS = [0, 100, 101, 500, 501, 0xffffffff, 7]
ENDS = [("192.0.2.1", 1000), ("192.0.2.1", 1001), ("198.51.100.1", 80), ("203.0.113.9", 80)]
SKIP = 77  # what meson takes for "skipped"


def ip4(text):
    return bytes(map(int, text.split(".")))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(src, dst, protocol, body, ident):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ident, 0x4000, 64, protocol, 0)
    head += ip4(src) + ip4(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def tcp(src, dst, flags, seq, ack, data, ident):
    head = struct.pack("!HHIIHHHH", src[1], dst[1], seq & 0xffffffff, ack, 5 << 12 | flags, 1000, 0, 0)
    pseudo = ip4(src[0]) + ip4(dst[0]) + struct.pack("!HH", 6, len(head) + len(data))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head + data)) + head[18:]
    return ip(src[0], dst[0], 6, head + data, ident)


def icmp(dst, code, quoted):
    body = struct.pack("!BBHI", 3, code, 0, 0) + quoted
    return ip("203.0.113.1", dst, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:], 1)


def packet(rng, tagged):
    src, dst = rng.sample(ENDS, 2) if rng.random() < .98 else (ENDS[0], ENDS[0])
    made = tcp(src, dst, rng.choice(FLAGS), rng.choice(NUMBERS) + rng.choice([0, 0, 0, 1]),
               rng.choice(NUMBERS), b"x" * rng.choice([0, 0, 1, 10]), rng.randrange(1, 65536))
    if rng.random() < .05:
        made = icmp(src[0], rng.choice([1, 3, 13]), made[:rng.choice([28, 40, 60])])
    tag = b"\x81\0\0\x05" if tagged and rng.random() < .25 else b""
    return bytes.fromhex("020000000001020000000002") + tag + b"\x08\0" + made


def write(path, seed, tagged):
    rng = random.Random(seed)
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(2000):
            frame = packet(rng, tagged)
            out.write(struct.pack("<IIII", 1700000000 + i // 1000, i % 1000 * 1000, len(frame), len(frame)))
            out.write(frame)


def of_tshark(path):
    rows = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.number", "-e", "tcp.stream",
                           "-e", "tcp.flags.reset", "-e", "icmp.type"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    rows = [line.split("\t") for line in rows.stdout.splitlines()]
    rows = [row for row in rows if row[1] and not row[3]]
    streams = Counter(int(row[1]) for row in rows)
    return streams, {int(row[0]): int(row[1]) for row in rows if row[2] in ("1", "True")}


def of_tracker(dump, path):
    text = subprocess.run([dump, path], stdout=subprocess.PIPE, text=True, check=True).stdout
    records = [json.loads(line) for line in text.splitlines()]
    streams = {r["stream"]: r["segments"] for r in records if r["type"] == "connection"}
    rsts = [(f, r["stream"]) for r in records if r["type"] == "reset" for f in r["rst_frames"]]
    return streams, rsts, [r["frame"] for r in records if r["type"] == "skip"]


def differences(dump, path, tagged):
    """With tags, a segment on another VLAN may be of a connection that began in an earlier stream;
    none is lost, and each RST is in the stream that tshark has for it all the same."""
    want_streams, want_rsts = of_tshark(path)
    streams, rsts, skipped = of_tracker(dump, path)
    if not tagged and streams != want_streams:
        yield f"streams differ: {sorted(set(streams.items()) ^ set(want_streams.items()))[:6]}"
    if not set(streams) <= set(want_streams):
        yield f"streams that tshark does not have: {sorted(set(streams) - set(want_streams))[:6]}"
    if sum(streams.values()) != sum(want_streams.values()):
        yield f"{sum(streams.values())} segments, tshark has {sum(want_streams.values())}"
    if sorted([f for f, _ in rsts] + skipped) != sorted(want_rsts):
        yield "RST frames are not each accounted for once"
    wrong = [(f, s) for f, s in rsts if want_rsts.get(f) != s]
    if wrong:
        yield f"RSTs in the wrong stream: {wrong[:6]}"


def main():
    if not shutil.which("tshark"):
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        for seed, tagged in ((1, False), (2, False), (3, True), (4, True)):
            path = str(Path(folder, f"{seed}.pcap"))
            write(path, seed, tagged)
            for text in differences(sys.argv[1], path, tagged):
                print(f"seed {seed}: {text}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
