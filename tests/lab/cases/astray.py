# SPDX-License-Identifier: Apache-2.0
"""Answers that reach somebody who does not want them, limits on new connections, odd probes, and a
client that sleeps."""
import time

from case import case
from daemons import abort
import net
from talk import begin, exchange, meet


def attempts(c, host, addr, port, n, timeout=3.5):
    """Tries so often and gives up; returns the client's ports."""
    mine = []
    for _ in range(n):
        s = host.socket()
        s.bind((host.addr, 0))
        mine.append(s.getsockname()[1])
        s.settimeout(timeout)
        try:
            s.connect((addr, port))
        except OSError:
            pass
        s.close()
        c.pause(0.1, 0.3)
    return mine


@case("answer-turned-away", "A client's own firewall rejects the server's answers", corpus=True)
def turned_away(c, port=8443):
    """
    The client's own firewall rejects with a TCP reset whatever comes in from that port, SYN-ACKs
    among it, until it is mended a moment later.  The client's kernel knows nothing of the resets
    and sends its SYN again, and the connection comes about.

    The reader should see: no probe that wanted to see the port open, but a connection that is
    wanted.
    """
    c.stage(log=False)
    listener = begin(c, port)
    for _ in range(c.rng.randrange(2, 4)):
        c.client.nft(
            "table inet filter {\n chain input {\n type filter hook input priority 0\n"
            f" tcp sport {port} reject with tcp reset\n }}\n}}\n"
        )
        a = c.client.socket()
        a.setblocking(False)
        a.connect_ex((c.server.addr, port))
        c.pause(0.3)
        c.client.run("nft", "delete", "table", "inet", "filter")
        b, _ = listener.accept()
        a.settimeout(10)
        b.settimeout(10)
        mine = a.getsockname()[1]
        exchange(c, a, b)
        a.close()
        c.pause(0.1)
        b.close()
        c.pause(0.2)
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="client", phase="opening",
            kernel=False, mechanism=["abandoned-open"], cause=["undetermined", "firewall-reject"],
        )
    a, b, mine = meet(c, listener, port)
    exchange(c, a, b)
    c.pause(0.3)
    abort(a)
    c.truth.add(
        (c.client.addr, mine), (c.server.addr, port), sender="client", phase="active",
        mechanism=["abort"], cause=["client-abort"],
    )
    c.pause(0.1)
    listener.close()


@case("answer-untranslated", "A translated address whose answers go round the translator",
      corpus=True)
def untranslated(c, port=8080):
    """
    A router translates a service address to the server (DNAT), but the server has a link to the
    client of its own and answers over that.  The client gets a SYN-ACK from an address that it
    never called, resets it, and sends its SYN again.  The capture is the client's, of all its
    interfaces.

    The reader should see: the SYN-ACK is the answer to the client's own SYN, not somebody else's
    backscatter.
    """
    c.stage(routed=True, delay=0, log=False, router_log=False, captures=("client-any",))
    public = f"203.0.113.{c.rng.randrange(2, 250)}"
    c.router.nft(
        f"""table ip nat {{
      chain pre {{
        type nat hook prerouting priority -100
        ip daddr {public} tcp dport 80 dnat to {c.server.addr}:{port}
      }}
    }}\n"""
    )
    ours, theirs = net.join(c.client, c.server)
    c.client.run("ip", "addr", "add", "10.9.9.1/30", "dev", ours)
    c.server.run("ip", "addr", "add", "10.9.9.2/30", "dev", theirs)
    c.server.run("ip", "route", "add", c.client.addr + "/32", "via", "10.9.9.1")
    for name in ("all", ours):
        c.client.sysctl(f"net.ipv4.conf.{name}.rp_filter=0")
    listener = begin(c, port, 8081)
    for mine in attempts(c, c.client, public, 80, c.rng.randrange(2, 4)):
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="client", phase="opening",
            mechanism=["unexpected-synack"], cause=["conntrack-invalid"],
        )
    listener.close()


@case("connections-limited", "A firewall's limit on connections of one client", corpus=True)
def limited(c, port=8443):
    """
    The server's own firewall rejects what is more than two connections of one client to its port
    (`ct count over 2 reject with tcp reset`).  The service runs all the time, and the two
    connections are in use.

    The reader should see: the service need not have been down, for it held connections meanwhile.
    """
    c.stage(log=False)
    c.server.nft(
        "table inet filter {\n set seen {\n type ipv4_addr\n flags dynamic\n }\n"
        " chain input {\n type filter hook input priority 0\n"
        f" tcp dport {port} ct state new add @seen {{ ip saddr ct count over 2 }}"
        " reject with tcp reset\n }\n}\n"
    )
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(2)]
    for a, b, _ in group:
        exchange(c, a, b)
    for mine in attempts(c, c.client, c.server.addr, port, c.rng.randrange(2, 4)):
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="opening",
            kernel=False, mechanism=["refused"], cause=["firewall-reject", "service-down"],
        )
    for a, b, _ in group:
        exchange(c, a, b)
        a.close()
        c.pause(0.05)
        b.close()


@case("port-scan-odd", "nmap's FIN and Xmas scans", corpus=True)
def odd(c):
    """
    nmap sends segments without SYN and ACK to eight ports (`-sF`, `-sX`); closed ones
    answer with a reset.

    The reader should see: a scan; that the server refused is as it should be.
    """
    c.stage(log=False)
    listener = begin(c, 22)
    for how in c.rng.sample(["-sF", "-sX"], 2):
        c.client.run("nmap", "-n", "-Pn", how, "-p", "20-27", "--max-retries", "1", c.server.addr)
    for n in range(20, 28):
        if n != 22:
            c.truth.every(
                (c.server.addr, n), sender="server", phase="half-closed",
                mechanism=["undetermined", "refused"],
                cause=["port-scan"],
            )
    listener.close()


@case("client-asleep", "A client asleep while the server closes", corpus=True)
def asleep(c, port=8443):
    """
    The client is cut off, as a laptop that sleeps.  Meanwhile the server closes what is idle; its
    FIN is never heard and sent again (`tcp_orphan_retries=6`).  Back again, the client goes on
    where it was and is reset.

    The reader should see: no request that crossed the close on its way, but an end that was away.
    """
    c.stage(log=False, delay=c.rng.choice([0.004, 0.012]))
    c.server.sysctl("net.ipv4.tcp_orphan_retries=6")
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    for a, b, _ in group:
        exchange(c, a, b)
    c.pause(0.5)
    c.cable.cut = True
    c.pause(0.5)
    for _, b, _ in group:
        b.close()
    time.sleep(c.rng.uniform(2.2, 2.8))
    c.cable.cut = False
    for a, _, mine in group:
        a.sendall(c.text(20, 300))
        c.pause(0.1)
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="half-closed",
            mechanism=["after-close"],
            cause=["retransmission-timeout", "late-data-after-close", "endpoint-idle-timeout"],
        )
