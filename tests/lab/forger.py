# SPDX-License-Identifier: Apache-2.0
"""One who sits on the wire and speaks in others' names.

In: a Wire.  Out: forged RSTs that carry the right (or on purpose wrong) numbers of a live
connection.
"""
import rawpacket
from pcapfile import ACK, FIN, RST, SYN, EN10MB, network
import socket
import struct


def segment(frame):
    """(src, sport, dst, dport, seq, ack, flags, payload, ttl) of an Ethernet frame, or None."""
    kind, ip, _ = network(EN10MB, frame)
    if kind == 0x800 and ip[9] == 6:
        at, family, cut, ttl = (ip[0] & 15) * 4, socket.AF_INET, (12, 16, 20), ip[8]
        total = struct.unpack("!H", ip[2:4])[0]
    elif kind == 0x86DD and ip[6] == 6:
        at, family, cut, ttl = 40, socket.AF_INET6, (8, 24, 40), ip[7]
        total = 40 + struct.unpack("!H", ip[4:6])[0]
    else:
        return None
    src, dst = (socket.inet_ntop(family, ip[a:b]) for a, b in zip(cut, cut[1:]))
    sport, dport, seq, ack, off, flags = struct.unpack("!HHIIBB", ip[at : at + 14])
    return src, sport, dst, dport, seq, ack, flags, ip[at + (off >> 4) * 4 : total], ttl


class Forger:
    """Follows every connection on the wire; forge() speaks for one of its ends."""

    def __init__(self, wire):
        self.wire, self.flows, self.watchers = wire, {}, []
        wire.rules.append(self.see)

    def see(self, frame, towards):
        s = segment(frame)
        if not s:
            return None
        src, sport, dst, dport, seq, ack, flags, payload, ttl = s
        n = len(payload) + bool(flags & SYN) + bool(flags & FIN)
        self.flows[src, sport, dst, dport] = dict(
            next=(seq + n) & 0xFFFFFFFF, ack=ack, mac=frame[:12], towards=towards, ttl=ttl
        )
        for watch in self.watchers:
            verdict = watch(s, payload, towards)
            if verdict:
                return verdict
        return None

    def forge(self, src, sport, dst, dport, flags=RST, offset=0, after=0.0, **fields):
        """Sends `flags` as src to dst, `offset` beyond src's next byte."""
        f = self.flows[src, sport, dst, dport]
        packet = rawpacket.tcp(
            src,
            sport,
            dst,
            dport,
            flags,
            seq=f["next"] + offset,
            ack=f["ack"] if flags & ACK else 0,
            **fields
        )
        kind = 0x86DD if ":" in src else 0x800
        self.wire.inject(f["mac"] + struct.pack("!H", kind) + packet, f["towards"], after)
