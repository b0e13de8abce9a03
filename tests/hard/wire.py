# SPDX-License-Identifier: Apache-2.0
"""Packets and capture files built byte by byte, for the edges that no kernel makes on request.
Addresses are documentation addresses; checksums are right unless a test says otherwise."""
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
CLIENT, SERVER = "192.0.2.10", "198.51.100.20"
CLIENT6, SERVER6 = "2001:db8::10", "2001:db8::20"
MACS = {CLIENT: b"\2\0\0\0\0\x10", SERVER: b"\2\0\0\0\0\x20",
        CLIENT6: b"\2\0\0\0\0\x10", SERVER6: b"\2\0\0\0\0\x20"}
T0 = 1_700_000_000_000_000  # microseconds


def address(text):
    if ":" not in text:
        return bytes(map(int, text.split(".")))
    head, _, tail = text.partition("::")
    left = [int(p, 16) for p in head.split(":") if p]
    right = [int(p, 16) for p in tail.split(":") if p]
    words = left + [0] * (8 - len(left) - len(right)) + right
    return struct.pack("!8H", *words)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(src, dst, protocol, body, ident=0, ttl=64, flags=0x4000, total=None, tos=0):
    """flags: with the fragment offset, as on the wire; total: what the length field says."""
    if ":" in src:
        head = struct.pack("!IHBB", 6 << 28, len(body) if total is None else total, protocol, ttl)
        return head + address(src) + address(dst) + body
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(body) if total is None else total, ident,
                       flags, ttl, protocol, 0) + address(src) + address(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def options(*made):
    joined = b"".join(made)
    return joined + b"\0" * (-len(joined) % 4)


def mss(value=1460):
    return struct.pack("!BBH", 2, 4, value)


def wscale(shift):
    return struct.pack("!BBB", 3, 3, shift)


def stamps(value, echo=0):
    return struct.pack("!BBBBII", 1, 1, 8, 10, value, echo)


def sack(*edges):
    return struct.pack(f"!BBBB{len(edges)}I", 1, 1, 5, 2 + 4 * len(edges), *edges)


def fastopen(cookie):
    return struct.pack("!BB", 34, 2 + len(cookie)) + cookie


def tcp(src, dst, sport, dport, flags, seq, ack=0, data=b"", window=64000, opts=b"", urgent=0,
        check=None):
    """check: the checksum field instead of the right one; "partial": what offload leaves there."""
    head = struct.pack("!HHIIHHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (5 + len(opts) // 4) << 12 | flags, window, 0, urgent) + opts
    pseudo = address(src) + address(dst) + struct.pack("!IHBB", len(head) + len(data), 0, 0, 6)
    value = checksum(pseudo + head + data) if check is None else check
    if check == "partial":
        value = ~checksum(pseudo) & 0xffff
    return head[:16] + struct.pack("!H", value) + head[18:] + data


def udp(sport, dport, body):
    return struct.pack("!HHHH", sport, dport, 8 + len(body), 0) + body


def icmp(kind, code, quoted, rest=0):
    body = struct.pack("!BBHI", kind, code, 0, rest) + quoted
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def ethertype(packet):
    return b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"


def ethernet(packet, src=MACS[CLIENT], dst=MACS[SERVER], tags=b""):
    return dst + src + tags + ethertype(packet) + packet


def vlan(number, kind=0x8100):
    return struct.pack("!HH", kind, number)


def fragments(packet, size, ident=77):
    """The IPv4 or IPv6 packet in fragments of size bytes of payload."""
    if packet[0] >> 4 == 4:
        head, body = packet[:20], packet[20:]
        src, dst = (".".join(map(str, head[i:i + 4])) for i in (12, 16))
        return [ip(src, dst, head[9], body[at:at + size], ident, head[8],
                   (0x2000 if at + size < len(body) else 0) | at // 8)
                for at in range(0, len(body), size)]
    head, body = packet[:40], packet[40:]
    made = []
    for at in range(0, len(body), size):
        more = at + size < len(body)
        inner = struct.pack("!BBHI", head[6], 0, at | more, ident) + body[at:at + size]
        made.append(head[:4] + struct.pack("!HB", len(inner), 44) + head[7:] + inner)
    return made


def pcap(frames, link=1, snaplen=262144):
    """frames: (microseconds, bytes) or (microseconds, bytes, length on the wire)."""
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, snaplen, link)
    for time, data, *wire in frames:
        out += struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(data),
                           wire[0] if wire else len(data)) + data
    return out


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(frames, links):
    """frames: (microseconds, bytes, interface); links: the link type of each interface."""
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    for link in links:
        out += block(1, struct.pack("<HHI", link, 0, 0))
    for time, data, face in frames:
        out += block(6, struct.pack("<IIIII", face, time >> 32, time & 0xffffffff, len(data),
                                    len(data)) + data)
    return out


class Talk:
    """A connection between two ends, each segment a frame of its own a millisecond later.  Sequence
    numbers given to a method are offsets from the end's initial one."""

    def __init__(self, client=CLIENT, server=SERVER, sport=40000, dport=80, isn=(1000, 5000),
                 start=T0, step=1000):
        self.ends = (client, server)
        self.ports = (sport, dport)
        self.isn = list(isn)
        self.next = [0, 0]
        self.ident = [100, 9000]
        self.ttl = [64, 57]
        self.time, self.step = start, step
        self.frames = []
        self.tags = b""

    def segment(self, who, flags, seq=None, ack=None, data=b"", ttl=None, ident=None, **more):
        """The IP packet, not yet sent."""
        other = 1 - who
        seq = self.next[who] if seq is None else seq
        ack = self.next[other] if ack is None else ack
        ack = (self.isn[other] + ack) & 0xffffffff if flags & ACK else 0
        made = tcp(self.ends[who], self.ends[other], self.ports[who], self.ports[other], flags,
                   self.isn[who] + seq, ack, data, **more)
        if ident is None:
            self.ident[who] += 1
            ident = self.ident[who] & 0xffff
        end = seq + len(data) + bool(flags & SYN) + bool(flags & FIN)
        if not flags & RST:
            self.next[who] = max(self.next[who], end)
        return ip(self.ends[who], self.ends[other], 6, made, ident, ttl or self.ttl[who])

    def frame(self, packet, who=0, after=None):
        self.time += self.step if after is None else after
        ends = MACS[CLIENT], MACS[SERVER]
        self.frames.append((self.time, ethernet(packet, ends[who], ends[1 - who], self.tags)))
        return len(self.frames)

    def send(self, who, flags, seq=None, ack=None, data=b"", after=None, **more):
        """Returns the frame's number when the capture holds this connection alone."""
        return self.frame(self.segment(who, flags, seq, ack, data, **more), who, after)

    def client(self, flags, **more):
        return self.send(0, flags, **more)

    def server(self, flags, **more):
        return self.send(1, flags, **more)

    def open(self, **more):
        self.client(SYN, **more)
        self.server(SYN | ACK, **more)
        self.client(ACK)
        return self

    def say(self, who, data):
        self.send(who, PSH | ACK, data=data)
        self.send(1 - who, ACK)
        return self
