#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on the ungraded cases as if they had been captured in another way.

usage: recaptured.py [--program WHYRST] [--only WAY] [--verbose] [--all] [--update]

Why a connection was reset does not depend on what the capturing was asked to keep of each frame, on
its link layer, on a mirror port that shows everything twice, or on the numbers that the hosts drew.
Stamps that are not exact and queues that are read in turn blur the order.  Who gives a capture away
may write zeros over the payload, other addresses or hop counts that are all the same; without its
logs, too.  recaptured.json holds the floors, see altered.py.
"""
import random
import struct
import sys
import tempfile
from pathlib import Path

import altered

sys.path.insert(0, str(altered.TOP / "tests" / "lab"))
import pcapfile  # noqa: E402
import rawpacket  # noqa: E402

CARD = Path(__file__).resolve().parent / "recaptured.json"
SACK, SLL2_HEAD, TAG = 5, 20, b"\x81\x00\x00\x2a"
ETHERNET_HEAD = 14
HOPS_AT = {0x800: 8, 0x86DD: 7}  # of the network header, by ethertype
NO_LOG = ", and no log"
WRAPS_AFTER = 150  # bytes of the first connection
STAMP_ERROR_US, QUEUE_US, SECOND_SIGHT_US, HOP_US = 200, 300, 5, 30


def tcp_at(frame):
    """Where the TCP header begins; None: there is none, or not the first piece of one."""
    kind, ip, _ = pcapfile.network(pcapfile.EN10MB, frame)
    at = len(frame) - len(ip)
    if kind == 0x800 and len(ip) >= 20 and ip[9] == 6 and not struct.unpack_from("!H", ip, 6)[0] & 0x1FFF:
        at += (ip[0] & 15) * 4
    elif kind == 0x86DD and len(ip) >= 40 and ip[6] == 6:
        at += 40
    else:
        return None
    return at if len(frame) >= at + 20 else None


def kept(n):
    return lambda row, _: (row[0], row[1][:n], row[2])


def headers(row, _):
    at = tcp_at(row[1])
    n = ETHERNET_HEAD if at is None else at + (row[1][at + 12] >> 4) * 4
    return row[0], row[1][:n], row[2]


def tagged(row, _):
    when, frame, length = row
    return when, frame[:12] + TAG + frame[12:], length + len(TAG)


def cooked(row, _):
    when, frame, length = row
    head = struct.pack("!2s2xIHBB6s2x", frame[12:14], 2, 1, 4, 6, frame[6:12])
    return when, head + frame[ETHERNET_HEAD:], length - ETHERNET_HEAD + SLL2_HEAD


def sacked(tcp):
    """Offsets of the numbers in the selective acknowledgements."""
    at, end = 20, min((tcp[12] >> 4) * 4, len(tcp))
    while at + 1 < end and tcp[at] != 0:
        size = 1 if tcp[at] == 1 else max(tcp[at + 1], 2)
        if tcp[at] == SACK:
            yield from range(at + 2, min(at + size, end) - 3, 4)
        at += size


def moved_on(row, by):
    """Every sequence and acknowledgement number is that much higher, the checksum with them."""
    when, frame, length = row
    at = tcp_at(frame)
    if at is None:
        return row
    tcp = bytearray(frame[at:])
    flags, change = tcp[13], 0
    wanted = list(sacked(tcp))
    answers_syn = flags & pcapfile.RST and flags & pcapfile.ACK and tcp[4:8] == bytes(4)
    wanted += [] if answers_syn else [4]
    wanted += [8] if flags & pcapfile.ACK else []
    for place in wanted:
        was, = struct.unpack_from("!I", tcp, place)
        now = (was + by) % 2**32
        struct.pack_into("!I", tcp, place, now)
        # a number at an odd place has its halves in the other bytes of the sum's words
        swap = place % 2
        for old, new in ((was >> 16, now >> 16), (was & 0xFFFF, now & 0xFFFF)):
            gone = (~old & 0xFFFF) + new
            gone = (gone & 0xFFFF) + (gone >> 16)
            change += ((gone & 0xFF) << 8 | gone >> 8) if swap else gone
    total = (~struct.unpack_from("!H", tcp, 16)[0] & 0xFFFF) + change
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", tcp, 16, ~total & 0xFFFF)
    return when, frame[:at] + bytes(tcp), length


def summed(frame):
    """With checksums that are right again."""
    kind, ip, _ = pcapfile.network(pcapfile.EN10MB, frame)
    at, tcp = len(frame) - len(ip), tcp_at(frame)
    frame = bytearray(frame)
    if kind == 0x800 and len(ip) >= 20:
        head = (ip[0] & 15) * 4
        frame[at + 10:at + 12] = bytes(2)
        struct.pack_into("!H", frame, at + 10, rawpacket.checksum(bytes(frame[at:at + head])))
    if tcp is None:
        return bytes(frame)
    end = at + (struct.unpack_from("!H", ip, 2)[0] if kind == 0x800 else
                40 + struct.unpack_from("!H", ip, 4)[0])
    ends = frame[at + 12:at + 20] if kind == 0x800 else frame[at + 8:at + 40]
    if end <= len(frame) and frame[at + 9 if kind == 0x800 else at + 6] == 6:
        frame[tcp + 16:tcp + 18] = bytes(2)
        pseudo = bytes(ends) + struct.pack("!II", end - tcp, 6)
        struct.pack_into("!H", frame, tcp + 16,
                         rawpacket.checksum(pseudo + bytes(frame[tcp:end])))
    return bytes(frame)


def said_instead(row, words):
    """With other payload: words(n) are its n bytes."""
    when, frame, length = row
    at = tcp_at(frame)
    if at is None:
        return row
    end = min(at + (frame[at + 12] >> 4) * 4, len(frame))
    return when, summed(frame[:end] + words(len(frame) - end)), length


def blanked(row, _):
    return said_instead(row, bytes)


def scrambled(row, chance):
    return said_instead(row, chance.randbytes)


def levelled(row, _):
    """Neither hop count nor link address tells where the frame comes from."""
    when, frame, length = row
    kind, ip, _ = pcapfile.network(pcapfile.EN10MB, frame)
    if kind not in HOPS_AT:
        return when, bytes(12) + frame[12:], length
    at = len(frame) - len(ip) + HOPS_AT[kind]
    return when, summed(bytes(12) + frame[12:at] + b"\x40" + frame[at + 1:]), length


def renamed(row, _):
    """Other addresses, each always the same one."""
    when, frame, length = row
    kind, ip, _ = pcapfile.network(pcapfile.EN10MB, frame)
    at, frame = len(frame) - len(ip), bytearray(frame)
    for place in {0x800: (12, 16), 0x86DD: (8, 24)}.get(kind, ()):
        if len(ip) >= place + 4:
            frame[at + place + 1] ^= 0x5A
            frame[at + place + 2] ^= 0x33
    return when, summed(bytes(frame)), length


def coarse(us):
    return lambda row, _: (row[0] // us * us, row[1], row[2])


def blurred(row, chance):
    return row[0] + chance.randint(-STAMP_ERROR_US, STAMP_ERROR_US), row[1], row[2]


def same_again(row):
    return [(row[0] + SECOND_SIGHT_US, row[1], row[2])]


def one_hop_on(row):
    """The frame behind a router; nothing where that would not pass it on."""
    when, frame, length = row
    kind, ip, _ = pcapfile.network(pcapfile.EN10MB, frame)
    at = len(frame) - len(ip)
    ip = bytearray(ip)
    hops = HOPS_AT.get(kind)
    if hops is None or ip[hops] < 2:
        return []
    ip[hops] -= 1
    if kind == 0x800:
        head = (ip[0] & 15) * 4
        ip[10:12] = bytes(2)
        struct.pack_into("!H", ip, 10, rawpacket.checksum(bytes(ip[:head])))
    macs = bytes.fromhex("020000000001020000000002")
    return [(when + HOP_US, macs + frame[12:at] + bytes(ip), length)]


def by_queues(numbered):
    """Two queues, of which one is read later: the file is in the order of reading."""
    def read_at(item):
        _, (when, frame, _) = item
        at = tcp_at(frame)
        late = at is not None and sum(frame[at:at + 4]) % 2
        return when + (QUEUE_US if late else 0)
    return sorted(numbered, key=read_at)


# Of each frame by itself: the frame now, of the row and something of the case's own.
EACH = {"96 bytes of each frame": kept(96), "headers alone": headers, "a VLAN tag": tagged,
        "no Ethernet but Linux SLL2": cooked, "numbers that wrap": moved_on,
        "stamps 0.2 ms off": blurred, "stamps of 1 ms": coarse(1000),
        "stamps of 15.6 ms": coarse(15625), "payload overwritten": blanked,
        "payload scrambled": scrambled, "hop counts and MACs all alike": levelled, "other addresses": renamed}
# Those that logs alone might make good.
ALONE = "payload overwritten", "payload scrambled", "hop counts and MACs all alike"
# Frames more.
MORE = {"everything twice": same_again, "everything again one hop on": one_hop_on}
OTHER = {"two queues in turn": by_queues}
LINK = {"no Ethernet but Linux SLL2": pcapfile.SLL2}


def rows_of(data):
    """[(microseconds, frame, its length on the wire)]."""
    units = altered.MAGIC[data[:4]]
    return [(when * 10**6 // units, record[16:], struct.unpack_from("<I", record, 12)[0])
            for when, record in altered.records(data)]


def written(rows, link):
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    return head + b"".join(struct.pack("<4I", when // 10**6, when % 10**6, len(frame), length) + frame
                           for when, frame, length in rows)


def own_of(way, folder, captures):
    """What a way is given for all frames of a case."""
    if EACH.get(way) is not moved_on:
        return random.Random(folder.name)
    for _, frame, _ in rows_of((folder / captures[0]).read_bytes()):
        at = tcp_at(frame)
        if at is not None and frame[at + 13] & (pcapfile.SYN | pcapfile.ACK) == pcapfile.SYN:
            return (2**32 - WRAPS_AFTER - struct.unpack_from("!I", frame, at + 4)[0]) % 2**32
    return 2**31


def changed(data, way, own):
    """The capture now, and the numbers that frames have by those before."""
    rows = list(enumerate(rows_of(data), 1))
    if way in EACH:
        rows = [(n, EACH[way](row, own)) for n, row in rows]
    elif way in MORE:
        rows += [(0, more) for _, row in rows for more in MORE[way](row)]
        rows.sort(key=lambda item: item[1][0])
    else:
        rows = OTHER[way](rows)
    numbers = {before: now for now, (before, _) in enumerate(rows, 1) if before}
    return written([row for _, row in rows], LINK.get(way, pcapfile.EN10MB)), numbers


def ways(folder, truth):
    """(way, captures)."""
    captures = list(filter(altered.is_capture, truth["inputs"]))
    if not truth.get("connections") or not all(altered.is_ethernet(folder / c) for c in captures):
        return
    for way in (*EACH, *MORE, *OTHER):
        if len(captures) == 1 or way in EACH:
            yield way, captures
    for way in ALONE:
        yield f"{way}{NO_LOG}", captures


def judge(program, folder, truth, full_way, captures):
    way = full_way.removesuffix(NO_LOG)
    inputs = truth["inputs"] if way == full_way else captures
    own = own_of(way, folder, captures)
    numbers = {}

    def alter(data):
        now, places = changed(data, way, own)
        numbers.update(places)
        return now
    with tempfile.TemporaryDirectory() as scratch:
        altered.place(folder, inputs, scratch, alter)
        records = altered.run(program, Path(scratch), inputs)
    connections = truth["connections"]
    if way not in EACH:
        connections = list(altered.renumbered(connections, numbers))
    return altered.told(full_way, folder.name, connections, records)


if __name__ == "__main__":
    sys.exit(altered.main(__doc__.splitlines()[0], CARD, ways, judge))
