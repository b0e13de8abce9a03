# SPDX-License-Identifier: Apache-2.0
"""Clients that wait for an answer which comes too late or as an ICMP error, and segments that ask
for none."""
import time

from case import case
from daemons import abort
from talk import begin, exchange, meet


@case("connect-timed-out", "A client gives up connecting before the SYN-ACK comes", corpus=True)
def timed_out(c, port=8443):
    """
    The path loses the server's first SYN-ACK.  The client's time limit for connecting ends before
    the server sends it again, and what comes then meets no socket.  The client tries once more with
    as little patience, then with more, and is served.

    The reader should see: no probe, but a client that wants its connection and waits too short.
    """
    c.stage(log=False, delay=c.rng.choice([0.004, 0.012]))
    listener = begin(c, port)
    for _ in range(2):
        c.cable.cut_to = "a"
        a = c.client.socket()
        a.settimeout(c.rng.uniform(0.3, 0.6))
        a.bind((c.client.addr, 0))
        mine = a.getsockname()[1]
        try:
            a.connect((c.server.addr, port))
        except OSError:
            pass
        a.close()
        c.cable.cut_to = None
        time.sleep(1)
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="client", phase="opening",
            mechanism=["abandoned-open"], cause=["client-abort"],
        )
    a, b, _ = meet(c, listener, port)
    exchange(c, a, b)
    a.close()
    c.pause(0.05)
    b.close()


@case("rejected-by-icmp", "Routers that say no by ICMP in mid-connection", corpus=True)
def by_icmp(c, port=8443):
    """
    A router rejects the service's port from some moment on as iptables does by default and
    kube-proxy for a service without endpoints (`-j REJECT`: ICMP port unreachable); the client
    sends again, then its program gives up and resets.  Later, with the rule gone, the router loses
    its route to the server (ICMP host unreachable), and a second group ends like the first.

    The reader should see: the device that said no, and not merely a client that lost its patience.
    """
    c.stage(routed=True, log=False, router_log=False, delay=0, captures=("client",))
    c.router.sysctl("net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_msgs_per_sec=10000")
    listener = begin(c, port)
    reject = ["FORWARD", "-p", "tcp", "--dport", str(port), "-j", "REJECT"]
    route = ["unreachable", c.server.addr + "/32"]
    for begins, ends, cause in (
        (["iptables", "-A", *reject], ["iptables", "-D", *reject], "firewall-reject"),
        (["ip", "route", "add", *route], ["ip", "route", "del", *route], "retransmission-timeout"),
    ):
        group = [meet(c, listener, port) for _ in range(2)]
        for a, b, _ in group:
            exchange(c, a, b)
        c.pause(0.3)
        c.router.run(*begins)
        for a, b, mine in group:
            c.server.forget(b)
            a.sendall(c.text(20, 300))
            c.pause(0.1)
            c.truth.add(
                (c.client.addr, mine), (c.server.addr, port), sender="client", phase="active",
                mechanism=["gave-up", "abort"], cause=[cause, "client-abort"],
            )
        time.sleep(c.rng.uniform(2.2, 2.8))
        for a, _, _ in group:
            abort(a)
        c.pause(0.2)
        c.router.run(*ends)


@case("port-scan-ack", "nmap's ACK scan, captured at both ends", corpus=True)
def with_ack(c):
    """
    nmap sends a bare ACK to two dozen ports (`-sA`), from one port of its own and with the same
    number in all; the server's kernel resets each, whether the port is open or not.

    The reader should see: a scan, and each of its resets once though two captures hold it; not a
    host that has forgotten two dozen connections.
    """
    c.stage(log=False, captures=("client", "server"))
    listener = begin(c, 22)
    c.pause(1.1)
    c.client.run("nmap", "-n", "-Pn", "-sA", "-p", "20-43", "--max-retries", "1", c.server.addr)
    for n in range(20, 44):
        c.truth.every(
            (c.server.addr, n), sender="server", phase="unknown",
            mechanism=["no-state"], cause=["port-scan"],
        )
    listener.close()
