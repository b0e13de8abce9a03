# SPDX-License-Identifier: Apache-2.0
"""Reads back what the lab captured: classic pcap files, TCP over IPv4 and IPv6.

In: a file that tcpdump wrote.  Out: Packet records, and rewritten files (cut, shifted, re-linked).
This is for the lab's own files alone; tshark checks it in `lab.py check`.
"""
import collections
import socket
import struct

Packet = collections.namedtuple(
    "Packet", "frame t src sport dst dport flags seq ack length window ttl ip_id mac_src"
)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
EN10MB, RAW, SLL, SLL2 = 1, 101, 113, 276


def records(path):
    """Yields (link type, seconds, caplen bytes, original length)."""
    with open(path, "rb") as f:
        data = f.read()
    magic = data[:4]
    end = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1e9 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e6
    link = struct.unpack(end + "I", data[20:24])[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        sec, frac, cap, orig = struct.unpack(end + "IIII", data[at : at + 16])
        at += 16
        if at + cap > len(data):
            return
        yield link, sec + frac / unit, data[at : at + cap], orig
        at += cap


def mirrored(ip):
    """The frame within a GRE or VXLAN mirror's packet, or None."""
    if ip[9] == 47 and ip[20:24] == b"\0\0\x65\x58":
        return ip[24:]
    if ip[9] == 17 and ip[22:24] == b"\x12\xb5":
        return ip[36:]
    return None


def network(link, b):
    """Returns (ethertype, payload, source MAC) of a link-layer frame."""
    if link == EN10MB:
        kind, at, src = struct.unpack("!H", b[12:14])[0], 14, b[6:12].hex(":")
        while kind in (0x8100, 0x88A8):
            kind, at = struct.unpack("!H", b[at + 2 : at + 4])[0], at + 4
        within = mirrored(b[at:]) if kind == 0x800 else None
        return network(EN10MB, within) if within else (kind, b[at:], src)
    if link == SLL2:
        return struct.unpack("!H", b[:2])[0], b[20:], b[12:18].hex(":")
    if link == SLL:
        return struct.unpack("!H", b[14:16])[0], b[16:], b[6:12].hex(":")
    if link == RAW:
        return (0x86DD if b[0] >> 4 == 6 else 0x800), b, ""
    return 0, b"", ""


def packets(path):
    """Yields one Packet per TCP segment, frame numbers as Wireshark counts them."""
    for frame, (link, t, raw, _orig) in enumerate(records(path), 1):
        kind, ip, mac = network(link, raw)
        if kind == 0x800 and len(ip) >= 20 and ip[9] == 6:
            ihl = (ip[0] & 15) * 4
            total = struct.unpack("!H", ip[2:4])[0] or len(ip)
            src, dst = (socket.inet_ntop(socket.AF_INET, ip[i : i + 4]) for i in (12, 16))
            tcp, plen, ttl, ident = ip[ihl:], total - ihl, ip[8], struct.unpack("!H", ip[4:6])[0]
        elif kind == 0x86DD and len(ip) >= 40 and ip[6] == 6:
            src, dst = (socket.inet_ntop(socket.AF_INET6, ip[i : i + 16]) for i in (8, 24))
            tcp, plen, ttl, ident = ip[40:], struct.unpack("!H", ip[4:6])[0], ip[7], 0
        else:
            continue
        if len(tcp) < 20:
            continue
        sport, dport, seq, ack, off, flags, win = struct.unpack("!HHIIBBH", tcp[:16])
        yield Packet(
            frame,
            t,
            src,
            sport,
            dst,
            dport,
            flags & 0x3F,
            seq,
            ack,
            plen - (off >> 4) * 4,
            win,
            ttl,
            ident,
            mac,
        )


def datagrams(path):
    """Yields (sender, text) of each UDP datagram to port 514 that is no fragment."""
    for link, _t, raw, _orig in records(path):
        kind, ip, _mac = network(link, raw)
        if kind == 0x800 and len(ip) >= 20 and ip[9] == 17:
            src, udp = socket.inet_ntop(socket.AF_INET, ip[12:16]), ip[(ip[0] & 15) * 4 :]
        elif kind == 0x86DD and len(ip) >= 40 and ip[6] == 17:
            src, udp = socket.inet_ntop(socket.AF_INET6, ip[8:24]), ip[40:]
        else:
            continue
        to, length = struct.unpack("!2xHH", udp[:6])
        if to == 514:
            yield src, udp[8:length].decode("utf-8", "replace")


def write(path, link, rows, snaplen=262144):
    """Writes rows of (seconds, bytes, original length) as a microsecond pcap."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link))
        for t, raw, orig in rows:
            us = round(t * 1e6)
            f.write(struct.pack("<IIII", us // 1000000, us % 1000000, len(raw), orig) + raw)


def rewrite(path, change, snaplen=262144, link=None):
    """Passes every record through change(t, raw, orig) -> record, list of records or None."""
    out, kind = [], EN10MB
    for kind, t, raw, orig in records(path):
        got = change(t, raw, orig)
        if got:
            out.extend(got if isinstance(got, list) else [got])
    write(path, kind if link is None else link, out, snaplen)
