# SPDX-License-Identifier: Apache-2.0
"""Several captures of one conversation: what only two of them prove, NAT between them, clocks that
disagree, a ring buffer's files."""
from case import again, case
from daemons import abort
from forger import Forger
from pcapfile import RST
from talk import begin, end, exchange, meet

TWO = dict(captures=("client", "server"))


@case("two-capture-forgery", "A forgery without a flaw, and the capture that does not hold it")
def perfect(c, port=5671):
    """
    Somebody on the cable between router and server forges RSTs in the server's name that look as
    the server's own would: number, hop count, window, IP identification and don't-fragment are
    right.  The server waits for a slow job and says nothing more.  Another client is reset by
    the server itself, which had closed before.  Captures at both ends.

    The reader should see: the same face twice; the server's capture holds the one and not the
    other.
    """
    c.stage(routed=True, router_log=False, log=False, delay=0.006, captures=("client", "server"))
    forger = Forger(c.cable)
    listener = begin(c, port)
    waiting = []
    for kind in c.rng.sample(["forged", "real", "forged", "real"], 4):
        a, b, mine = meet(c, listener, port)
        us, them = (c.client.addr, mine), (c.server.addr, port)
        exchange(c, a, b, c.rng.randrange(2, 4))
        c.pause(0.2, 0.5)
        if kind == "forged":
            a.sendall(c.text(20, 300))
            forger.forge(*them, *us, after=0.05, window=0, ttl=64, ident=0, df=True)
            c.pause(0.2)
            waiting.append(b)
            end(a)
        else:
            b.close()
            c.pause(0.1)
            a.sendall(c.text(20, 300))
            c.pause(0.1)
            end(a)
        forged = kind == "forged"
        c.truth.add(
            us,
            them,
            sender="path" if forged else "server",
            phase="active" if forged else "half-closed",
            mechanism=["injected"] if forged else ["after-close"],
            cause=["forged-reset", "ips-reset"]
            if forged
            else ["late-data-after-close", "keepalive-reuse-race", "fast-close"],
            severity=None if forged else ["harmless", "notice", "fault"],
            capture="client.pcap" if forged else None,
        )
        c.pause(0.3, 0.6)
    c.ordinary(8080)


@case("swallowed-trigger", "A router turns against open connections, in the server's name")
def swallowed(c, port=5672):
    """
    Connections are open when a new rule comes into force on the router: what clients send to the
    port is rejected with a TCP reset that bears the server's address.  The server's default TTL
    is 65, so that the router's RSTs arrive with the hop count of the server's packets.  Captures
    at both ends.

    The reader should see: the segment that drew each RST never reached the server, and the server
    sent none.
    """
    c.stage(routed=True, router_log=False, log=False, captures=("client", "server"))
    c.server.sysctl("net.ipv4.ip_default_ttl=65")
    if c.ip == 6:
        c.server.sysctl("net.ipv6.conf.all.hop_limit=65", "net.ipv6.conf.default.hop_limit=65")
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(3, 5))]
    for a, b, _ in group:
        exchange(c, a, b)
    c.pause(0.3, 0.6)
    c.router.nft(
        f"""table inet closed {{
      chain forward {{
        type filter hook forward priority 0
        tcp dport {port} reject with tcp reset
      }}
    }}\n"""
    )
    for a, _, mine in group:
        a.sendall(c.text(20, 300))
        c.pause(0.1, 0.3)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="path",
            phase="active",
            mechanism=["injected"],
            cause=["ips-reset", "forged-reset", "firewall-reject", "content-filter"],
            capture="client.pcap",
        )
    c.ordinary(8080)


def legs(c, port=8443, server_at=64):
    """
    A router rewrites both addresses and both ports (DNAT to the server, masquerading on the way):
    the two captures have no address of the client's connection in common.  The server's program
    aborts some connections, the client's others.

    The reader should see: each reset once, its two legs tied by what no NAT rewrites.
    """
    c.stage(routed=True, router_log=False, log=False, captures=("client", "server"))
    public = f"203.0.113.{c.rng.randrange(2, 250)}"
    c.router.nft(
        f"""table ip nat {{
      chain pre {{
        type nat hook prerouting priority -100
        ip daddr {public} tcp dport 443 dnat to {c.server.addr}:{port}
      }}
      chain post {{
        type nat hook postrouting priority 100
        oifname "{c.outside}" masquerade random
      }}
    }}\n"""
    )
    listener = begin(c, port)
    for n in range(c.rng.randrange(3, 6)):
        a = c.client.connect(public, 443)
        b, _ = listener.accept()
        mine = a.getsockname()[1]
        c.say(a, b)
        c.say(b, a, 100, 3000)
        c.pause(0.1, 0.5)
        by_server = n % 2 == 0
        abort(b if by_server else a)
        c.pause(0.1)
        end(a if by_server else b)
        c.truth.add(
            (c.client.addr, mine),
            (public, 443),
            sender="server" if by_server else "client",
            phase="active",
            mechanism=["abort"],
            cause=["application-abort"] if by_server else ["client-abort"],
            capture="client.pcap",
            join_seq=True,
            kernel=not by_server,
        )
    c.ordinary(8080)


case("nat-tied-legs", "Both addresses rewritten between two captures")(legs)


def ring(c, port=5673):
    """
    A capture in a ring of files.  Connections are opened in one file and reset in another: by a
    server that had closed while the client wrote on, by a program that aborts.  One RST and the
    next of the same teardown stand on both sides of a file's end.

    The reader should see: whole connections, each with the file, frame and stream of its RST.
    """
    c.stage(log=False)
    listener = c.server.listen(port)
    c.watch()
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(4, 6))]
    for _ in range(c.rng.randrange(3, 5)):
        for a, b, _ in group:
            exchange(c, a, b)
        c.ordinary(8080)
    for n, (a, b, mine) in enumerate(group):
        late = n % 2 == 0
        if late:
            exchange(c, a, b)
            b.close()
            c.pause(0.1, 0.3)
            for _ in range(2):
                try:
                    a.sendall(c.text(20, 300))
                except OSError:
                    pass
            c.pause(0.1)
        else:
            abort(b)
            c.pause(0.1)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="half-closed" if late else "active",
            mechanism=["after-close"] if late else ["abort"],
            cause=["late-data-after-close", "keepalive-reuse-race", "fast-close"]
            if late
            else ["application-abort"],
            severity=["harmless", "notice", "fault"] if late else None,
        )
        c.ordinary(8080, n=1)


case("ring-split", "Connections that go on from file to file", shape=dict(ring=4))(ring)

for name, function, graded, ip, shape in (
    ("ring-split-v6", ring, False, 6, dict(ring=5)),
    ("ring-split-clock", ring, True, 4, dict(ring=3, captures=("client",), delay=0.01)),
    ("two-captures-clocks-apart", perfect, False, 4, dict(clocks={"server.pcap": 93.7})),
    ("forgery-clocks-apart", perfect, True, 4, dict(clocks={"client.pcap": -4211.2})),
    ("swallowed-v6", swallowed, True, 6, {}),
    ("swallowed-clocks-apart", swallowed, False, 4, dict(clocks={"server.pcap": -12.5})),
    ("legs-clocks-apart", legs, False, 4, dict(clocks={"server.pcap": 41.3})),
    ("legs-slow", legs, True, 4, dict(delay=0.03)),
):
    again(
        function,
        name,
        "A variant of " + function.__name__.replace("_", " "),
        ip=ip,
        shape=shape,
        graded=graded,
    )


@case("halves-one-place", "A tap's two files: one direction each, and the whole", corpus=True)
def halves(c, port=8073):
    """
    Three tcpdumps on one interface of the client: one of all packets, one of those that come in
    (-Q in), one of those that go out (-Q out).  The server closes some connections with bytes
    unread, the client aborts others, and one ends in order.

    The reader should see: two files that complete each other are read as one and tell what the
    whole tells; nothing counts twice.
    """
    c.stage(delay=c.rng.choice([0.003, 0.01]), log=False, captures=("client",))
    listener = c.server.listen(port)
    c.watch()
    for way in ("in", "out"):
        c.capture(c.client, name=f"half-{way}.pcap", more=("-Q", way))
    c.ordinary(8080)
    for kind in c.rng.sample(["server", "server", "client", "client", "none"], 5):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b, c.rng.randrange(2, 5))
        if kind == "none":
            end(a, b)
            continue
        first, second = (a, b) if kind == "server" else (b, a)
        first.sendall(c.text(40, 400))
        c.pause(0.1, 0.2)
        second.close()
        c.pause(0.1)
        end(first)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender=kind,
            phase="active",
            mechanism=["abort-unread", "abort"],
            cause=["unread-data-close"] if kind == "server" else ["client-abort", "unread-data-close"],
            capture="client.pcap",
        )
