#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the decoder against tshark: random but well-formed frames of every link type, tag, tunnel
and option, some cut by a snaplen, some padded; each field of each segment must agree.

usage: oracle.py PACKET_FIELDS [SEED [FRAMES]]
"""
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MACS = bytes.fromhex("020000000002020000000001")
FIELDS = ["frame.number", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.ack", "tcp.flags",
          "tcp.window_size_value", "tcp.hdr_len", "tcp.len", "tcp.checksum.status",
          "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.timestamp.tsval",
          "tcp.options.timestamp.tsecr", "tcp.options.sack_le", "tcp.options.sack_re",
          "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.ttl", "ipv6.hlim", "vlan.id",
          "ieee8021ad.id", "icmp.type", "icmp.code", "frame.protocols"]
PREFERENCES = ["tcp.check_checksum:TRUE", "tcp.relative_sequence_numbers:FALSE",
               "tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE",
               "ip.defragment:FALSE", "ipv6.defragment:FALSE", "vlan.qinq_ethertype:0x9100"]
# Wireshark's numbers for tcp.checksum.status: 0 bad, 1 good, 2 unverified
CHECKSUM = {"0": "2", "1": "1", "2": "0"}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff ^ total


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def options(self):
        r, out, has_sack = self.r, b"", False
        if r.random() < 0.4:
            return b"\1\1\x08\x0a" + r.randbytes(8)
        for make in r.sample([lambda: b"\2\4" + r.randbytes(2), lambda: b"\4\2",
                              lambda: b"\3\3" + bytes([r.randrange(15)]),
                              lambda: b"\x08\x0a" + r.randbytes(8),
                              lambda: b"\1", lambda: b"\x1e\x04\x80" + bytes([r.randrange(7)]),
                              lambda: b"\x05" + bytes([10]) + r.randbytes(8),
                              lambda: b"\x05" + bytes([18]) + r.randbytes(16)],
                             r.randrange(5)):
            more = make()
            if len(out) + len(more) <= 40 and not (more[0] == 5 and has_sack):
                out += more
                has_sack |= more[0] == 5
        return out + b"\0" * (-len(out) % 4)

    def tcp(self, src, dst):
        r = self.r
        options = self.options()
        flags = r.choice([0x02, 0x12, 0x10, 0x18, 0x04, 0x14, 0x11, 0x19, 0xc2, 0x150])
        head = struct.pack(">HHIIHHHH", r.randrange(20000, 60000), r.randrange(20000, 60000),
                           r.getrandbits(32), r.getrandbits(32),
                           (5 + len(options) // 4) << 12 | flags, r.getrandbits(16), 0,
                           0) + options
        segment = head + r.randbytes(r.choice([0, 0, 1, 7, 100, 333]))
        pseudo = src + dst + struct.pack(">IHH", len(segment), 0, 6)
        value = checksum(pseudo + segment)
        if r.random() < 0.1:
            value ^= 0x5a5a
        return segment[:16] + struct.pack(">H", value) + segment[18:]

    def ip4(self, protocol, make):
        r = self.r
        src, dst = bytes([192, 0, 2, r.randrange(256)]), bytes([198, 51, 100, r.randrange(256)])
        options = r.choice([b"", b"", b"", b"\x94\4\0\0", b"\1\1\1\0"])
        body = make(src, dst)
        head = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, r.getrandbits(8),
                           20 + len(options) + len(body), r.getrandbits(16), 0x4000,
                           r.randrange(1, 256), protocol, 0) + src + dst + options
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body

    def ip6(self, protocol, make):
        r = self.r
        src = bytes.fromhex("20010db8") + r.randbytes(12)
        dst = bytes.fromhex("20010db8") + r.randbytes(12)
        body = make(src, dst)
        for kind, head in ((60, b"\0\1\4\0\0\0\0"), (44, b"\0\0\0\0\0\0\7"),
                           (0, b"\0\5\2\0\0\1\0")):
            if r.random() < 0.15:
                body, protocol = bytes([protocol]) + head + body, kind
        return struct.pack(">IHBB", 6 << 28 | r.getrandbits(28), len(body), protocol,
                           r.randrange(1, 256)) + src + dst + body

    def packet(self, depth=0):
        """(version, bytes) of an IP packet that holds a segment, perhaps in tunnels."""
        r = self.r
        version = r.choice([4, 4, 6])
        make_ip = self.ip4 if version == 4 else self.ip6
        if depth >= 2 or r.random() < 0.65:
            return version, make_ip(6, self.tcp)
        inner_version, inner = self.packet(depth + 1)
        ethertype = b"\x08\0" if inner_version == 4 else b"\x86\xdd"
        protocol, body = r.choice([
            lambda: (4 if inner_version == 4 else 41, inner),
            lambda: (47, b"\0\0" + ethertype + inner),
            lambda: (47, b"\xb0\0" + ethertype + b"\0\0\0\0" + r.randbytes(8) + inner),
            lambda: (47, b"\x10\0\x88\xbe" + r.randbytes(4) + b"\x10\1\0\1\0\0\0\0" + MACS +
                     ethertype + inner),
            lambda: (47, b"\0\0\x65\x58" + MACS + ethertype + inner),
            lambda: (17, self.udp(4789, b"\x08\0\0\0\0\0\7\0" + MACS + ethertype + inner)),
            lambda: (17, self.udp(6081, b"\0\0\x65\x58\0\0\7\0" + MACS + ethertype + inner)),
            lambda: (17, self.udp(2152, b"\x30\xff" + struct.pack(">H", len(inner)) +
                                  b"\0\0\0\1" + inner)),
        ])()
        return version, make_ip(protocol, lambda src, dst: body)

    def udp(self, port, body):
        return struct.pack(">HHHH", self.r.randrange(49152, 65536), port, 8 + len(body), 0) + body

    def icmp(self):
        r = self.r
        quoted = self.ip4(6, self.tcp)
        quoted = quoted[:20 + (quoted[0] & 15) * 4 - 20 + r.choice([8, 14, 20])]
        body = struct.pack(">BBHI", r.choice([3, 11, 12]), r.randrange(3), 0, 0) + quoted
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
        return 4, self.ip4(1, lambda src, dst: body)

    def ethernet(self, version, data):
        r = self.r
        tags = r.choice([b"", b"", b"", b"\x81\0" + self.tag(),
                         b"\x88\xa8" + self.tag() + b"\x81\0" + self.tag()])
        ethertype = b"\x08\0" if version == 4 else b"\x86\xdd"
        around = r.choice([
            lambda: tags + ethertype, lambda: tags + ethertype,
            lambda: b"\x88\x47\0\1\0\x40\0\2\1\x40",
            lambda: b"\x88\x64\x11\0\0\1" + struct.pack(">H", len(data) + 2) +
            (b"\0\x21" if version == 4 else b"\0\x57"),
        ])()
        return MACS + around + data + b"\0" * r.choice([0, 0, 4, 20])

    def tag(self):
        return struct.pack(">H", self.r.getrandbits(16))


def wrap_null(v, d, r):
    family = 2 if v == 4 else r.choice([24, 28, 30])
    return struct.pack(r.choice(["<I", ">I"]), family) + d


def ethertype_of(v):
    return b"\x08\0" if v == 4 else b"\x86\xdd"


LINKS = {
    101: lambda v, d, r: d,
    0: wrap_null,
    108: lambda v, d, r: struct.pack(">I", 2 if v == 4 else 24) + d,
    113: lambda v, d, r: b"\0\4\0\1\0\6\2\0\0\0\0\1\0\0" + ethertype_of(v) + d,
    276: lambda v, d, r: ethertype_of(v) + b"\0\0\0\0\0\2\0\1\4\6\2\0\0\0\0\1\0\0" + d,
    9: lambda v, d, r: r.choice([b"\xff\3", b""]) + (b"\0\x21" if v == 4 else b"\0\x57") + d,
    50: lambda v, d, r: b"\xff\3" + (b"\0\x21" if v == 4 else b"\0\x57") + d,
    104: lambda v, d, r: b"\x0f\0" + ethertype_of(v) + d,
}


def write_pcap(path, link, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, link))
        for i, (data, caplen) in enumerate(frames):
            out.write(struct.pack("<IIII", 1700000000 + i, 0, caplen, len(data)) + data[:caplen])


def tshark_rows(path):
    argv = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a",
            "-E", "aggregator=,"]
    for preference in PREFERENCES:
        argv += ["-o", preference]
    for field in FIELDS:
        argv += ["-e", field]
    text = subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout
    return [dict(zip(FIELDS, line.split("|"))) for line in text.splitlines()]


def last(text):
    return text.split(",")[-1]


def innermost_ip(row):
    """Of the last IP layer in frame.protocols: addresses and TTL."""
    layers = [p for p in row["frame.protocols"].split(":") if p in ("ip", "ipv6")]
    if layers and layers[-1] == "ipv6":
        return last(row["ipv6.src"]), last(row["ipv6.dst"]), last(row["ipv6.hlim"])
    return last(row["ip.src"]), last(row["ip.dst"]), last(row["ip.ttl"])


def expected(row):
    if row["icmp.type"]:
        return "|".join(["icmp", row["icmp.type"], row["icmp.code"], row["tcp.srcport"],
                         row["tcp.dstport"], row["tcp.seq"]])
    if not row["tcp.flags"]:
        return "not tcp"
    src, dst, ttl = innermost_ip(row)
    stamps = row["tcp.options.timestamp.tsval"]
    sacks = zip(row["tcp.options.sack_le"].split(","), row["tcp.options.sack_re"].split(","))
    return "|".join([
        "tcp", src, dst, row["tcp.srcport"], row["tcp.dstport"], row["tcp.seq"],
        row["tcp.ack"], str(int(row["tcp.flags"], 16)), row["tcp.window_size_value"],
        row["tcp.hdr_len"], row["tcp.len"], ttl, CHECKSUM[row["tcp.checksum.status"]],
        row["tcp.options.mss_val"], row["tcp.options.wscale.shift"],
        f"{stamps},{row['tcp.options.timestamp.tsecr']}" if stamps else "",
        ",".join(f"{a}-{b}" for a, b in sacks) if row["tcp.options.sack_le"] else "",
        ",".join(filter(None, [row["ieee8021ad.id"], row["vlan.id"]]))])


def compare(program, link, frames, folder):
    path = Path(folder) / f"link{link}.pcap"
    write_pcap(path, link, frames)
    ours = subprocess.run([program, path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()
    theirs = [expected(row) for row in tshark_rows(path)]
    assert len(ours) == len(theirs) == len(frames), (link, len(ours), len(theirs), len(frames))
    wrong = [(i, a, b) for i, (a, b) in enumerate(zip(ours, theirs), 1) if a != b]
    for i, a, b in wrong[:5]:
        print(f"# link {link} frame {i}\n#   whyrst {a}\n#   tshark {b}\n"
              f"#   {frames[i - 1][0].hex()} cut at {frames[i - 1][1]}")
    return len(wrong)


def main():
    if not shutil.which("tshark"):
        return 77
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    maker = Maker(seed)
    r, wrong, total = maker.r, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for link in [1, *LINKS]:
            frames = []
            for _ in range(count):
                version, data = maker.icmp() if r.random() < 0.08 else maker.packet()
                # the payload may be cut, headers are not: there the two rightly differ
                cut = r.choice([0, 0, 0, 1, 50])
                data = (maker.ethernet(version, data) if link == 1
                        else LINKS[link](version, data, r))
                frames.append((data, len(data) - (cut if len(data) > 350 else 0)))
            wrong += compare(sys.argv[1], link, frames, folder)
            total += len(frames)
    print(f"{total} frames, {wrong} differ")
    return 1 if wrong else 0


sys.exit(main())
