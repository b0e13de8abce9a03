# SPDX-License-Identifier: Apache-2.0
"""Multipath TCP: further paths of a connection that are not taken."""
import socket

import net
from case import case
from talk import exchange

MPTCP = 262  # IPPROTO_MPTCP


def speaker(host, addr=None, port=0):
    """A Multipath TCP socket of that host; one that listens where a port is given."""
    s = host.socket(proto=MPTCP)
    s.settimeout(10)
    if port:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((addr or host.addr, port))
        s.listen(8)
    return s


@case(
    "mptcp-paths", "Paths of Multipath TCP connections that their servers do not take", corpus=True
)
def mptcp_paths(c, port=8452):
    """
    The client of Multipath TCP connections has a second address and opens a path from it (a
    subflow).  To one port the server's limit of subflows is 0.  To another the router leads what
    comes from the second address to another host, which does not know the connection.

    The reader should see: neither a full backlog nor a closed port, but why the path was refused.
    """
    c.stage(routed=True, log=False, router_log=False, captures=("client",))
    elsewhere = port + 1
    other = c.host("other", log=False)
    inside, link = net.join(other, c.router)
    net.give(c.router, link, "203.0.113.1", via=(None, None))
    net.give(other, inside, "203.0.113.7", via=("203.0.113.1", None))
    second = "192.0.2.%d" % c.rng.randrange(240, 250)
    c.client.add_address(second)
    c.router.nft(
        "table ip nat {\n chain pre {\n type nat hook prerouting priority -100\n"
        f" ip saddr {second} tcp dport {elsewhere} dnat to 203.0.113.7:{elsewhere}\n }}\n}}\n"
    )
    c.client.run("ip", "mptcp", "limits", "set", "subflow", "2")
    c.client.run("ip", "mptcp", "endpoint", "add", second, "id", "5", "subflow")
    c.server.run("ip", "mptcp", "limits", "set", "subflow", "0")
    doors = {p: speaker(c.server, port=p) for p in (port, elsewhere)}
    beside = speaker(other, "203.0.113.7", elsewhere)
    c.watch()
    c.ordinary(8080)
    open_ones = []
    for p in (port, elsewhere) * 2:
        a = speaker(c.client)
        a.connect((c.server.addr, p))
        b, _ = doors[p].accept()
        b.settimeout(10)
        for _ in range(3):
            exchange(c, a, b)
            c.pause(0.15)
        open_ones.append((a, b))
    c.truth.every(
        (c.server.addr, port), lambda p: second in (p.src, p.dst), sender="server",
        phase="opening", mechanism=["refused-late"], cause=["connection-limit"],
        severity=["notice", "fault"],
    )
    c.truth.every(
        (c.server.addr, elsewhere), lambda p: second in (p.src, p.dst), sender="server",
        phase="opening", kernel=False, stranger=True, mechanism=["refused"],
        cause=["peer-lost-state"], severity=["notice", "fault"],
    )
    for a, b in open_ones:
        a.close()
        c.pause(0.05)
        b.close()
    for s in (*doors.values(), beside):
        s.close()
