# SPDX-License-Identifier: Apache-2.0
"""Shapes of captures: fragments, cuts, offload, tunnels, copies.  Each makes (file, expectations)."""
import struct

from wire import *  # noqa: F401,F403


def reset_talk(**more):
    """Handshake, a question, and a reset by the server instead of an answer."""
    talk = Talk(**more).open()
    talk.client(PSH | ACK, data=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"." * 100)
    talk.server(RST | ACK)
    return talk


def whole(talk):
    return {"diagnoses": [{"frame": len(talk.frames), "sender": "server", "bytes":
                           {"client": 127, "server": 0}}]}


def in_fragments(client, server, order, size=48):
    talk = Talk(client, server).open()
    body = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"." * 100
    pieces = fragments(talk.segment(0, PSH | ACK, data=body), size)
    for i in order or range(len(pieces)):
        talk.frame(pieces[i])
    talk.server(RST | ACK)
    return talk


def fragments_v4():
    talk = in_fragments(CLIENT, SERVER, None)
    return pcap(talk.frames), {**whole(talk), "capture": {"skipped": None, "flaws": None}}


def fragments_v6():
    talk = in_fragments(CLIENT6, SERVER6, None)
    return pcap(talk.frames), {**whole(talk), "capture": {"skipped": None, "flaws": None}}


def fragments_out_of_order():
    talk = in_fragments(CLIENT, SERVER, [3, 1, 0, 2])
    return pcap(talk.frames), {**whole(talk), "capture": {"skipped": None}}


def fragments_out_of_order_v6():
    talk = in_fragments(CLIENT6, SERVER6, [2, 3, 0, 1])
    return pcap(talk.frames), {**whole(talk), "capture": {"skipped": None}}


def fragment_missing():
    talk = in_fragments(CLIENT, SERVER, [0, 2, 3])
    want = {"diagnoses": [{"frame": 7, "bytes": {"client": 0, "server": 0}}],
            "capture": {"skipped": {"fragment.never-whole": 3}}}
    return pcap(talk.frames), want


def fragments_captured_twice():
    talk = in_fragments(CLIENT, SERVER, [0, 0, 1, 1, 2, 2, 3])
    return pcap(talk.frames), {**whole(talk), "capture": {
        "skipped": None, "flaws": {"fragment.captured-twice": 3}}}


def fragments_overlap(client, server):
    talk = Talk(client, server).open()
    body = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"." * 100
    packet = talk.segment(0, PSH | ACK, data=body)
    pieces = fragments(packet, 48)
    other = fragments(packet[:-100] + b"!" * 100, 96)
    for piece in (pieces[0], pieces[1], other[1], pieces[2], pieces[3]):
        talk.frame(piece)
    return talk


def fragments_overlap_v4():
    """The first copy of a byte stays; the late fragments begin a datagram that never ends."""
    talk = fragments_overlap(CLIENT, SERVER)
    return pcap(talk.frames), {"capture": {"skipped": {"fragment.never-whole": 2}}}


def fragments_overlap_v6():
    """RFC 5722: a datagram with overlapping fragments is dropped, all of them."""
    talk = Talk(CLIENT6, SERVER6).open()
    packet = talk.segment(0, PSH | ACK, data=b"." * 140)
    pieces, other = fragments(packet, 48), fragments(packet, 96)
    for piece in (pieces[0], other[0], pieces[3]):
        talk.frame(piece)
    return pcap(talk.frames), {"capture": {"connections": 1, "skipped": {
        "fragment.overlap-dropped": 2, "fragment.of-a-dropped-datagram": 1}}}


def tunnel_in_fragments():
    """VXLAN whose outer datagram is in fragments."""
    talk = Talk()
    inner = reset_talk()
    for _, frame in inner.frames:
        outer = ip("203.0.113.1", "203.0.113.2", 17,
                   udp(50000, 4789, b"\x08\0\0\0\0\0\7\0" + frame), 5)
        for piece in fragments(outer, 64, ident=len(talk.frames)):
            talk.frame(piece)
    return pcap(talk.frames), {**whole(talk), "capture": {"skipped": None}}


def snaplen_cut():
    talk = reset_talk()
    frames = [(t, f[:66], len(f)) for t, f in talk.frames]
    return pcap(frames, snaplen=66), {**whole(talk), "capture": {"snaplen_cut": 1}}


def padding_is_no_payload():
    talk = reset_talk()
    frames = [(t, f + b"\xaa" * max(0, 60 - len(f))) for t, f in talk.frames]
    return pcap(frames), whole(talk)


def offload_checksums():
    """Everything that the captured host sends carries the pseudo-header's sum alone."""
    talk = Talk()
    talk.client(SYN, check="partial")
    talk.server(SYN | ACK)
    talk.client(ACK, check="partial")
    talk.client(PSH | ACK, data=b"x" * 127, check="partial")
    talk.server(RST | ACK)
    return pcap(talk.frames), whole(talk)


def super_segment():
    """TSO: a segment larger than any MTU, as the sending host captures it."""
    talk = Talk().open()
    talk.client(PSH | ACK, data=b"x" * 60000)
    talk.server(RST | ACK, ack=1)
    return pcap(talk.frames), {"diagnoses": [{"sender": "server", "bytes":
                                              {"client": 60000, "server": 0}}]}


def big_tcp_v4():
    """IP total length 0: the length is the frame's."""
    talk = Talk().open()
    made = tcp(CLIENT, SERVER, 40000, 80, PSH | ACK, 1001, 5001, b"x" * 100000)
    talk.frame(ip(CLIENT, SERVER, 6, made, 7, total=0))
    talk.server(RST | ACK, ack=1)
    return pcap(talk.frames), {"diagnoses": [{"bytes": {"client": 100000, "server": 0}}]}


def big_tcp_v6():
    """RFC 2675: payload length 0 and a jumbo option."""
    talk = Talk(CLIENT6, SERVER6).open()
    made = tcp(CLIENT6, SERVER6, 40000, 80, PSH | ACK, 1001, 5001, b"x" * 100000)
    jumbo = struct.pack("!BBBBI", 6, 0, 0xc2, 4, len(made) + 8)
    talk.frame(ip(CLIENT6, SERVER6, 0, jumbo + made, total=0))
    talk.server(RST | ACK, ack=1)
    return pcap(talk.frames), {"diagnoses": [{"bytes": {"client": 100000, "server": 0}}]}


def span_copies():
    """A mirror of both directions of a port: every packet twice, microseconds apart."""
    talk = reset_talk()
    frames = [(t + d, f) for t, f in talk.frames for d in (0, 20)]
    n = len(talk.frames)
    return pcap(frames), {
        "diagnoses": [{"sender": "server", "bytes": {"client": 127, "server": 0},
                       "history": lambda h: "t" not in h.lower()}],
        "capture": {"skipped": {"packet.captured-twice": n}}}


def copies_of_a_routed_mirror():
    """One hop further: TTL less one, other MACs, a VLAN tag."""
    talk = reset_talk()
    frames = []
    for t, f in talk.frames:
        hop = f[14:22] + bytes([f[22] - 1]) + f[23:24] + b"\0\0" + f[26:]
        hop = hop[:10] + struct.pack("!H", checksum(hop[:20])) + hop[12:]
        frames += [(t, f), (t + 50, b"\2\0\0\0\0\x99\2\0\0\0\0\x98" + vlan(7) + b"\x08\0" + hop)]
    return pcap(frames), {"diagnoses": [{"sender": "server"}],
                          "capture": {"skipped": {"packet.captured-twice": len(talk.frames)}}}


def two_interfaces():
    talk = reset_talk()
    frames = [(t + d, f, i) for t, f in talk.frames for i, d in ((0, 0), (1, 30))]
    return pcapng(frames, [1, 1]), {
        "diagnoses": [{"sender": "server", "history": lambda h: "t" not in h.lower()}],
        "capture": {"skipped": {"packet.captured-twice": len(talk.frames)}}}


def same_tuple_on_two_vlans():
    """One tuple on two VLANs at a time: tshark's numbers, but two connections."""
    one, two = reset_talk(), reset_talk(start=T0 + 300, isn=(1 << 30, 3 << 30))
    frames = sorted([(t, f[:12] + vlan(5) + f[12:]) for t, f in one.frames] +
                    [(t, f[:12] + vlan(6) + f[12:]) for t, f in two.frames])
    ends = [1 + [t for t, _ in frames].index(talk.frames[-1][0]) for talk in (one, two)]
    alike = {"sender": "server", "bytes": {"client": 127, "server": 0}, "history": "ShADr"}
    return pcap(frames), {"diagnoses": [{"frame": n, **alike} for n in ends],
                          "capture": {"connections": 2, "rst_frames": 2}}


def times_go_backwards():
    talk = reset_talk()
    frames = [(t - (5_000_000 if i in (2, 3) else 0), f) for i, (t, f) in enumerate(talk.frames)]
    return pcap(frames), whole(talk)


def tcp_in_icmp_is_no_connection():
    talk = Talk()
    talk.client(SYN)
    quoted = talk.frames[0][1][14:]
    talk.frame(ip("203.0.113.1", CLIENT, 1, icmp(3, 13, quoted), 1), 1)
    lone = ip(SERVER, "192.0.2.77", 6, tcp(SERVER, "192.0.2.77", 443, 50000, RST, 5), 9)
    talk.frame(ip("203.0.113.1", SERVER, 1, icmp(3, 1, lone), 2), 1)
    return pcap(talk.frames), {"capture": {"connections": 1, "rst_frames": 0,
                                           "skipped": {"packet.icmp-error": 2}}}


def in_tunnel(protocol, wrap):
    talk, inner = Talk(), reset_talk()
    for i, (_, frame) in enumerate(inner.frames):
        talk.frame(ip("203.0.113.1", "203.0.113.2", protocol, wrap(frame), i + 1))
    return pcap(talk.frames), whole(talk)


def linked(link, wrap):
    talk = reset_talk()
    return pcap([(t, wrap(f)) for t, f in talk.frames], link), whole(talk)


def from_udp(port, wrap):
    return lambda frame: udp(50000, port, wrap(frame))


# RFC 8300: length 6 words, metadata type 1, Ethernet inside
NSH = b"\x0f\xc6\1\3\0\0\1\xff" + bytes(16)


def six(frame):
    """The segment of the IPv4 frame in IPv6 between the same two ends."""
    made = frame[34:50] + b"\0\0" + frame[52:]
    src, dst = (CLIENT6, SERVER6) if frame[26:30] == address(CLIENT) else (SERVER6, CLIENT6)
    pseudo = address(src) + address(dst) + struct.pack("!IHBB", len(made), 0, 0, 6)
    return ip(src, dst, 6, made[:16] + struct.pack("!H", checksum(pseudo + made)) + made[18:])


# a data frame to the access point: frame control, duration, BSSID, source, destination, sequence
WLAN = b"\x08\1\0\0\2\0\0\0\0\x99"
SNAP = b"\xaa\xaa\3\0\0\0\x08\0"


def wlan(frame, control=WLAN, qos=b""):
    return control + frame[6:12] + frame[:6] + b"\0\0" + qos + SNAP + frame[14:]


def nflog(frame):
    made = frame[14:]
    mark = struct.pack("<HH", 8, 1) + b"\x08\0\1\0"
    return b"\2\0\0\0" + mark + struct.pack("<HH", 4 + len(made), 9) + made + \
        b"\0" * (-len(made) % 4)


TUNNELS = {
    "gre": (47, lambda f: b"\0\0\x08\0" + f[14:]),
    "gre bridged": (47, lambda f: b"\0\0\x65\x58" + f),
    "erspan 1": (47, lambda f: b"\0\0\x88\xbe" + f),
    "erspan 2": (47, lambda f: b"\x10\0\x88\xbe\0\0\0\1\x10\1\0\1\0\0\0\0" + f),
    "erspan 3": (47, lambda f: b"\x10\0\x22\xeb\0\0\0\1\x20\1\0\1\0\0\0\0\0\0\0\0" + f),
    "ip in ip": (4, lambda f: f[14:]),
    "vxlan": (17, from_udp(4789, lambda f: b"\x08\0\0\0\0\0\7\0" + f)),
    "geneve": (17, from_udp(6081, lambda f: b"\0\0\x65\x58\0\0\7\0" + f)),
    "vxlan-gpe": (17, from_udp(4790, lambda f: b"\x0c\0\0\3\0\0\7\0" + f)),
    "vxlan-gpe nsh": (17, from_udp(4790, lambda f: b"\x0c\0\0\4\0\0\7\0" + NSH + f)),
    "mpls in udp": (17, from_udp(6635, lambda f: b"\0\1\1\x40" + f[14:])),
    "l2tp": (17, from_udp(1701, lambda f: b"\x40\2" + struct.pack("!H", len(f) - 2) +
                          b"\0\1\0\2\xff\3\0\x21" + f[14:])),
    "6in4": (41, lambda f: six(f)),
    "teredo": (17, from_udp(3544, lambda f: six(f))),
    "gtp-u": (17, from_udp(2152, lambda f: struct.pack("!BBHI", 0x30, 255, len(f) - 14, 1) +
                           f[14:])),
}
LINKS = {
    "raw ip": (101, lambda f: f[14:]),
    "null": (0, lambda f: b"\2\0\0\0" + f[14:]),
    "sll": (113, lambda f: b"\0\0\0\1\0\6" + f[6:12] + b"\0\0\x08\0" + f[14:]),
    "sll2": (276, lambda f: b"\x08\0\0\0\0\0\0\2\0\1\0\6" + f[6:12] + b"\0\0" + f[14:]),
    "ppp": (9, lambda f: b"\xff\3\0\x21" + f[14:]),
    "wlan": (105, wlan),
    "wlan qos": (105, lambda f: wlan(f, b"\x88" + WLAN[1:], b"\0\0")),
    "radiotap": (127, lambda f: b"\0\0\x0c\0\4\0\0\0\2\0\0\0" + wlan(f)),
    "radiotap padded": (127, lambda f: b"\0\0\x09\0\2\0\0\0\x20" +
                        wlan(f, b"\x88" + WLAN[1:], b"\0\0\0\0")),
    "prism": (119, lambda f: struct.pack("<II", 0x44, 144) + bytes(136) + wlan(f)),
    "ppi": (192, lambda f: b"\0\0\x08\0\x69\0\0\0" + wlan(f)),
    "nflog": (239, nflog),
    "enc": (109, lambda f: b"\2\0\0\0" + bytes(8) + f[14:]),
    "ppp with direction": (204, lambda f: b"\1\xff\3\0\x21" + f[14:]),
    "nsh": (1, lambda f: f[:12] + b"\x89\x4f" + NSH + f),
    "qinq": (1, lambda f: f[:12] + vlan(7, 0x88a8) + vlan(8) + f[12:]),
    "mpls": (1, lambda f: f[:12] + b"\x88\x47\0\1\0\x40\0\2\1\x40" + f[14:]),
    "pppoe": (1, lambda f: f[:12] + b"\x88\x64\x11\0\0\1" +
              struct.pack("!H", len(f) - 12) + b"\0\x21" + f[14:]),
}
CASES = {f.__name__.replace("_", " "): f for f in (
    fragments_v4, fragments_v6, fragments_out_of_order, fragments_out_of_order_v6,
    fragment_missing, fragments_captured_twice, fragments_overlap_v4, fragments_overlap_v6,
    tunnel_in_fragments, snaplen_cut, padding_is_no_payload, offload_checksums, super_segment,
    big_tcp_v4, big_tcp_v6, span_copies, copies_of_a_routed_mirror, two_interfaces,
    same_tuple_on_two_vlans, times_go_backwards, tcp_in_icmp_is_no_connection)}
CASES.update({f"tunnel {k}": (lambda v=v: in_tunnel(*v)) for k, v in TUNNELS.items()})
CASES.update({f"link {k}": (lambda v=v: linked(*v)) for k, v in LINKS.items()})
