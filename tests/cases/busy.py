#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on the ungraded cases with neighbours: connections that had nothing to do with them.

usage: busy.py [--program WHYRST] [--only WAY] [--verbose] [--all] [--update]

Why a connection was reset does not change because the server was busy with others.  Forty a second
are added to the capture while it lasts, made by hand: from other addresses or the client's own, to
the server's port or to another one, ended by the server, by the client, or torn down by either.
Left alone are cases whose cause such neighbours would disprove: a server that serves them is not
down.  busy.json holds the floors, see altered.py.
"""
import random
import struct
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import altered

sys.path.insert(0, str(altered.TOP / "tests" / "lab"))
import pcapfile  # noqa: E402
import rawpacket  # noqa: E402

CARD = Path(__file__).resolve().parent / "busy.json"
FIN, SYN, RST, PSH, ACK = pcapfile.FIN, pcapfile.SYN, pcapfile.RST, pcapfile.PSH, pcapfile.ACK
A_SECOND, MOST = 40, 4000
MSS = b"\x02\x04\x05\xb4"
DISPROVED = {"service-down", "port-closed", "service-restart", "process-crash", "oom-kill",
             "host-reboot", "firewall-reject", "port-scan", "peer-lost-state"}
OTHER_PORT = 1000

Route = namedtuple("Route", "client server port client_mac server_mac client_ttl server_ttl")


class Talk:
    """One neighbour's connection, segment by segment, 0.2 ms apart unless it takes longer."""

    def __init__(self, route, client, port, at, rng):
        self.route, self.rows, self.at, self.rng = route, [], at, rng
        self.ends = {"client": [client, port, rng.getrandbits(32), rng.getrandbits(16)],
                     "server": [route.server, route.port, rng.getrandbits(32), rng.getrandbits(16)]}

    def send(self, whose, flags, payload=b"", after=0.0002, options=b""):
        other = "server" if whose == "client" else "client"
        (ip, port, seq, ident), (to, to_port, ack, _) = self.ends[whose], self.ends[other]
        route = self.route
        macs = (route.server_mac, route.client_mac)
        packet = rawpacket.tcp(ip, port, to, to_port, flags, seq, ack if flags & ACK else 0, 502,
                               payload, getattr(route, f"{whose}_ttl"), ident & 0xFFFF,
                               options=options)
        frame = rawpacket.ethernet(*(macs if whose == "client" else macs[::-1]), packet)
        self.at += after
        self.rows.append((self.at, frame, len(frame)))
        self.ends[whose][2] += len(payload) + bool(flags & (SYN | FIN))
        self.ends[whose][3] += 1

    def open(self):
        self.send("client", SYN, options=MSS)
        self.send("server", SYN | ACK, options=MSS)
        self.send("client", ACK)

    def ask(self, least, most):
        """A request, and its answer some milliseconds later."""
        self.send("client", PSH | ACK, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        self.send("server", PSH | ACK, b"HTTP/1.0 204 No Content\r\n\r\n",
                  self.rng.uniform(least, most) / 1000)

    def end(self, first, last):
        self.send(first, FIN | ACK)
        self.send(last, FIN | ACK)
        self.send(first, ACK)


def ended_by_server(t):
    t.open()
    t.ask(1, 8)
    t.end("server", "client")


def slow_and_ended_by_server(t):
    t.open()
    t.ask(110, 400)
    t.end("server", "client")


def ended_by_client(t):
    t.open()
    t.ask(1, 300)
    t.end("client", "server")


def aborted_by_client(t):
    t.open()
    t.ask(1, 30)
    t.send("client", RST | ACK)


def aborted_by_server(t):
    t.open()
    t.send("client", PSH | ACK, b"x" * 40)
    t.send("server", RST | ACK)


def refused(t):
    t.send("client", SYN, options=MSS)
    t.send("server", RST | ACK)


# way: what each does, whether to another port, whether from the client's address
WAYS = {"quick, ended by the server": (ended_by_server, False, False),
        "slow, ended by the server": (slow_and_ended_by_server, False, False),
        "ended by the client": (ended_by_client, False, False),
        "aborted by the client": (aborted_by_client, False, False),
        "aborted by the server": (aborted_by_server, False, False),
        "of the same client": (ended_by_server, False, True),
        "of another service": (ended_by_server, True, False),
        "refused by another port": (refused, True, False)}


def route_of(path, server, client):
    """How the case's packets go between its ends; None: none does."""
    ip, port = server
    there = back = None
    for p in pcapfile.packets(path):
        if p.dst == ip and p.dport == port and p.src == client:
            there = there or p
        elif p.src == ip and p.sport == port and p.dst == client and not p.flags & RST:
            back = back or p
    if not there or not back:
        return None
    return Route(client, ip, port, there.mac_src, back.mac_src, there.ttl, back.ttl)


def end_of(text):
    ip, _, port = text.rpartition(":")
    return ip.strip("[]"), int(port)


def address_of(n, six):
    return f"2001:db8:99::{n + 1:x}" if six else f"10.99.{n // 250 % 250}.{n % 250 + 1}"


def neighbours(route, play, own, span, seed):
    rng, rows, at = random.Random(seed), [], span[0] + 0.002
    for n in range(MOST):
        if at >= span[1]:
            break
        client = route.client if own else address_of(n, ":" in route.server)
        talk = Talk(route, client, 20000 + n, at, rng)
        play(talk)
        rows += talk.rows
        at += rng.expovariate(A_SECOND)
    return [row for row in rows if row[0] < span[1]]


def merged(data, rows):
    """A classic pcap file of Ethernet with more records in their places by time, and the number that
    each of its own frames has there, from 1."""
    units = altered.MAGIC[data[:4]]
    all_rows = [(when, record, n) for n, (when, record) in enumerate(altered.records(data), 1)]
    for seconds, frame, length in rows:
        when = round(seconds * units)
        head = struct.pack("<4I", when // units, when % units, len(frame), length)
        all_rows.append((when, head + frame, 0))
    all_rows.sort(key=lambda row: row[0])
    numbers = {own: n for n, (_, _, own) in enumerate(all_rows, 1) if own}
    return data[:24] + b"".join(record for _, record, _ in all_rows), numbers


def span_of(path):
    times = [t for _, t, _, _ in pcapfile.records(path)]
    return min(times), max(times)


def ways(folder, truth):
    """(way, the capture's name, how packets go there)."""
    captures = [i for i in truth["inputs"] if altered.is_capture(i)]
    connections = [c for c in truth.get("connections", []) if c.get("server")]
    if len(captures) != 1 or not connections or not altered.is_ethernet(folder / captures[0]):
        return
    client, server = (end_of(connections[0][side]) for side in ("client", "server"))
    route = route_of(folder / captures[0], server, client[0])
    causes = {cause for c in connections for cause in altered.scoring.as_list(c["cause"])[:1]}
    for way, (_, elsewhere, _) in WAYS.items() if route else ():
        if elsewhere:
            yield way, captures[0], route._replace(port=route.port % 60000 + OTHER_PORT)
        elif not causes & DISPROVED:
            yield way, captures[0], route


def judge(program, folder, truth, way, capture, route):
    play, _, own = WAYS[way]
    rows = neighbours(route, play, own, span_of(folder / capture), f"{folder.name} {way}")
    data, numbers = merged((folder / capture).read_bytes(), rows)
    connections = list(altered.renumbered(truth["connections"], numbers))
    with tempfile.TemporaryDirectory() as scratch:
        altered.place(folder, truth["inputs"], scratch, lambda _: data)
        records = altered.run(program, Path(scratch), truth["inputs"])
    return altered.told(way, folder.name, connections, records)


if __name__ == "__main__":
    sys.exit(altered.main(__doc__.splitlines()[0], CARD, ways, judge))
