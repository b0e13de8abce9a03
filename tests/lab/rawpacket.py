# SPDX-License-Identifier: Apache-2.0
"""Packets made by hand: what forgers, scanners and backscatter send.

In: header fields.  Out: bytes for a raw socket, checksums right unless asked otherwise.
"""
import socket
import struct


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(
    src,
    sport,
    dst,
    dport,
    flags,
    seq=0,
    ack=0,
    window=512,
    payload=b"",
    ttl=64,
    ident=0,
    df=True,
    label=0,
    options=b"",
):
    """An IPv4 or IPv6 packet that holds one TCP segment."""
    six = ":" in src
    family = socket.AF_INET6 if six else socket.AF_INET
    s, d = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    head = (
        struct.pack(
            "!HHIIBBHHH",
            sport,
            dport,
            seq & 0xFFFFFFFF,
            ack & 0xFFFFFFFF,
            (20 + len(options)) // 4 << 4,
            flags,
            window,
            0,
            0,
        )
        + options
    )
    n = len(head) + len(payload)
    pseudo = s + d + (struct.pack("!II", n, 6) if six else struct.pack("!BBH", 0, 6, n))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head + payload)) + head[18:]
    if six:
        return struct.pack("!IHBB", 6 << 28 | label, n, 6, ttl) + s + d + head + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + n, ident, 0x4000 if df else 0, ttl, 6, 0) + s + d
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + head + payload


def send(host, packet, dst):
    """Sends a raw IP packet from a host by its routing table."""
    six = packet[0] >> 4 == 6
    sock = host.socket(
        socket.SOCK_RAW, socket.AF_INET6 if six else socket.AF_INET, socket.IPPROTO_RAW
    )
    if not six:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
    sock.sendto(packet, (dst, 0))
    sock.close()


def ethernet(dst_mac, src_mac, packet):
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x800
    return (
        bytes.fromhex(dst_mac.replace(":", "") + src_mac.replace(":", ""))
        + struct.pack("!H", kind)
        + packet
    )
