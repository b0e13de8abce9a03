# SPDX-License-Identifier: Apache-2.0
"""What happens between the ends: firewalls that forget, NAT that forgets, forgers, filters, black
holes."""
import time

from case import again, case
from cases.opening import refused
from cases.ssh import ID
from daemons import Sshd, abort, banner
from forger import Forger
from pcapfile import ACK, RST
from talk import begin, end, exchange, meet

STATEFUL = """table inet filter {{
  chain forward {{
    type filter hook forward priority 0
    ct state established,related accept
    tcp flags & (syn | ack) == syn accept
    meta l4proto tcp {log} {verdict}
  }}
}}
"""


@case("middlebox-idle-timeout", "A firewall forgets idle connections and resets what comes after")
def idle_firewall(c, idle=3, port=5432, log=True):
    """
    The router tracks connections and forgets idle ones after three seconds
    (`nf_conntrack_tcp_timeout_established=3`, `nf_conntrack_tcp_loose=0`); mid-stream segments
    that it does not know are logged and rejected with a TCP reset in the server's name.  Several
    clients idle for different times; those that speak in time live.  Captures on both sides: the
    server never sees the segment, nor the RST.

    The reader should see: the path, not the server, reset them, all after the same minimum of
    idleness.
    """
    c.stage(routed=True, captures=("client", "server"))
    c.router.nft(
        STATEFUL.format(
            log='log prefix "NO-STATE: "' if log else "", verdict="reject with tcp reset"
        )
    )
    c.router.sysctl(
        "net.netfilter.nf_conntrack_tcp_loose=0",
        f"net.netfilter.nf_conntrack_tcp_timeout_established={idle}",
    )
    listener = begin(c, port)
    doomed = [meet(c, listener, port) for _ in range(c.rng.randrange(3, 6))]
    lucky = [meet(c, listener, port) for _ in range(2)]
    for a, b, _ in doomed + lucky:
        exchange(c, a, b)
    waits = sorted(idle + c.rng.uniform(0.6, 2.2) for _ in doomed)
    began = time.time()
    for n in range(2):
        time.sleep(idle * 0.55)
        for a, b, _ in lucky:
            exchange(c, a, b)
    for (a, b, mine), wait in zip(doomed, waits):
        time.sleep(max(0, began + wait - time.time()))
        a.sendall(c.text(10, 200))
        c.pause(0.06)
        a.close()
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="path",
            phase="active",
            mechanism=["injected", "no-state"],
            cause=["middlebox-idle-timeout"],
            logs=[("router/kern.log", rf"NO-STATE: .*SPT={mine} DPT={port} ")] if log else [],
            logs_ok=[("router/kern.log", rf"NO-STATE: .*DPT={mine} ")] if log else [],
        )
    for a, b, _ in lucky:
        end(a, b)
    c.pause(0.2)
    for _, b, _ in doomed:
        c.server.forget(b)


@case("nat-mapping-lost", "A NAT loses its table under live connections")
def nat_lost(c, port=5671):
    """
    The router masquerades.  Its connection table is flushed (`conntrack -F`, as at a failover);
    the next segment of each client gets a new source port, the server has never seen that port
    and answers with a bare RST, which the NAT hands to the client.  Captures on both sides.

    The reader should see: the server's RST is genuine, but the fault is the path's: the mapping
    was lost.
    """
    c.stage(routed=True, captures=("client", "server"))
    c.router.nft(
        f"""table ip nat {{
      chain post {{
        type nat hook postrouting priority 100
        oifname "{c.outside}" masquerade random
      }}
    }}\n"""
    )
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(3, 5))]
    for a, b, mine in group:
        exchange(c, a, b)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            capture="client.pcap",
            sender="server",
            phase="active",
            mechanism=["no-state"],
            cause=["nat-mapping-lost", "peer-lost-state"],
            join_seq=True,
        )
    c.pause(0.5, 1.0)
    c.router.run("conntrack", "-F", check=False)
    for a, _, _ in group:
        a.sendall(c.text(10, 300))
        c.pause(0.1, 0.3)
        a.close()
    c.pause(0.2)
    for _, b, _ in group:
        c.server.forget(b)


@case("forged-reset", "Forged RSTs: at one end, at both ends, and blind ones that miss")
def forged(c, port=179):
    """
    Somebody on the path watches and forges.  First RSTs to both ends at once, window 512, odd
    TTL, the same IP ID. Then a RST to the client alone: the server knows nothing, talks on, and
    the client's kernel answers it with a bare RST.  Then blind RSTs with guessed numbers: one far
    off, one inside the window that draws a challenge ACK; that connection lives and ends in
    order.

    The reader should see: forgery, not the ends; the blind attempt did no harm.
    """
    c.stage(delay=c.rng.choice([0.004, 0.012]), captures=("client", "server"))
    forger = Forger(c.cable)
    listener = begin(c, port)
    for kind in c.rng.sample(["both", "client", "server"], 3):
        a, b, mine = meet(c, listener, port)
        us, them = (c.client.addr, mine), (c.server.addr, port)
        exchange(c, a, b, c.rng.randrange(2, 5))
        c.pause(0.15, 0.5)
        look = dict(
            window=c.rng.choice([0, 512, 8192]),
            ttl=c.rng.choice([47, 117, 128, 243, 255]),
            ident=c.rng.randrange(1, 65000),
            df=False,
        )
        if kind != "server":
            forger.forge(*them, *us, **look)
        if kind != "client":
            forger.forge(*us, *them, **look)
        c.pause(0.08, 0.15)
        for s in (b, a) if kind != "server" else (a, b):
            try:
                s.sendall(c.text(20, 300))
            except OSError:
                pass
            c.pause(0.08)
        end(a, b)
        c.truth.add(
            us,
            them,
            sender="path",
            phase="active",
            mechanism=["injected"],
            cause=["forged-reset", "ips-reset"],
            capture="client.pcap" if kind != "server" else "server.pcap",
            deciding=(lambda p, w=us if kind == "server" else them: (p.src, p.sport) == w)
            if kind != "both"
            else None,
        )
        c.pause(0.2, 0.4)
    a, b, mine = meet(c, listener, port)
    us, them = (c.client.addr, mine), (c.server.addr, port)
    exchange(c, a, b)
    for offset in (c.rng.randrange(1 << 24, 1 << 30), c.rng.randrange(300, 9000)):
        forger.forge(*them, *us, offset=offset, window=512, ttl=200)
        c.pause(0.1, 0.2)
    exchange(c, a, b)
    a.close()
    c.pause(0.1)
    b.close()
    c.truth.skip(
        "a blind forgery with the wrong number: the connection lived",
        lambda p: us in ((p.src, p.sport), (p.dst, p.dport)),
    )


@case("content-filter", "A filter that resets both ends when it reads a forbidden name")
def content_filter(c, port=80):
    """
    A box on the path reads requests and, at a forbidden Host, sends bursts of RST+ACK with rising
    numbers to both ends and lets the request pass.  Requests for other names are served.

    The reader should see: a third party reset the connection right after the request; its RSTs
    look unlike the ends'.
    """
    c.stage(delay=c.rng.choice([0.006, 0.02]), captures=("client", "server"))
    forger = Forger(c.cable)
    listener = c.server.listen(port)
    c.watch()
    ttl = c.rng.choice([55, 113, 128])

    def judge(s, payload, towards):
        if b"Host: forbidden." in payload:
            src, sport, dst, dport = s[:4]
            n = c.rng.randrange(1000, 60000)
            for k in range(3):
                forger.forge(
                    dst,
                    dport,
                    src,
                    sport,
                    RST | ACK,
                    offset=1460 * k,
                    ttl=ttl,
                    ident=n,
                    window=8 + k,
                )
                forger.forge(
                    src,
                    sport,
                    dst,
                    dport,
                    RST | ACK,
                    offset=1460 * k,
                    ttl=ttl,
                    ident=n,
                    window=8 + k,
                )

    forger.watchers.append(judge)
    for name in c.rng.sample(["forbidden", "www", "forbidden", "news", "forbidden"], 5):
        a, b, mine = meet(c, listener, port)
        a.sendall(b"GET / HTTP/1.1\r\nHost: %s.example.org\r\nAccept: */*\r\n\r\n" % name.encode())
        c.pause(0.08)
        try:
            b.recv(4096)
            b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes")
        except OSError:
            pass
        c.pause(0.08)
        end(b, a) if name == "forbidden" else (a.recv(999), a.close(), c.pause(0.05), b.close())
        if name == "forbidden":
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="path",
                phase="active",
                capture="client.pcap",
                mechanism=["injected"],
                cause=["content-filter", "ips-reset", "forged-reset"],
            )
        c.pause(0.2, 0.5)


@case("conntrack-invalid", "A segment outside the window slips past a DNAT untranslated")
def invalid(c, port=8080, log=False):
    """
    The router offers a service address and translates it to the server (DNAT).  A segment of the
    server that lies beyond the client's window is INVALID to connection tracking and passes
    untranslated: the client gets it from an address that it never spoke to and resets that; the
    RST carries a valid number and kills the server's end.  The client's next segment then draws a
    RST from the server.  Captures on both sides.

    The reader should see: the odd RST to the untranslated address, and the real connection reset
    as its consequence.
    """
    c.stage(
        routed=True, delay=c.rng.choice([0.004, 0.01]), captures=("client", "server"),
        router_log=log,
    )
    public = f"203.0.113.{c.rng.randrange(2, 250)}"
    if log:
        c.router.kernel_marks.append(f"SRC={c.server.addr} DST={c.client.addr} ")
        c.router.sysctl("net.netfilter.nf_conntrack_log_invalid=6")
    line = [("router/kern.log", r"nf_ct_proto_6: .*SPT=%d DPT={0} " % port)] if log else []
    c.router.nft(
        f"""table ip nat {{
      chain pre {{
        type nat hook prerouting priority -100
        ip daddr {public} tcp dport 80 dnat to {c.server.addr}:{port}
      }}
    }}\n"""
    )
    forger = Forger(c.cable)
    listener = c.server.listen(port)
    c.watch()
    c.ordinary(8081)
    for _ in range(c.rng.randrange(2, 4)):
        a = c.client.connect(public, 80)
        b, _ = listener.accept()
        mine = a.getsockname()[1]
        us, them = (c.client.addr, mine), (c.server.addr, port)
        exchange(c, a, b, 2)
        c.pause(0.2, 0.5)
        forger.forge(
            *them,
            *us,
            flags=ACK | 8,
            offset=c.rng.randrange(4 << 20, 40 << 20),
            payload=c.text(50, 900),
            ttl=64,
            window=509,
        )
        c.pause(0.15, 0.25)
        a.sendall(c.text(20, 200))
        c.pause(0.1)
        end(a)
        b.close()
        # The stray reply's RST (the client's, to the untranslated address), then the real connection's own end.
        c.truth.add(
            us,
            them,
            sender="client",
            phase="active",
            mechanism=["no-state", "unexpected-synack"],
            cause=["conntrack-invalid"],
            capture="client.pcap",
            logs=[(f, x.format(mine)) for f, x in line],
            logs_ok=[(f, r"nf_ct_proto_6: .*SPT=%d DPT=" % mine) for f, x in line],
        )
        c.truth.add(
            us,
            (public, 80),
            sender="server",
            phase="active",
            mechanism=["no-state"],
            cause=["conntrack-invalid", "peer-lost-state"],
            capture="client.pcap",
            nat={"server.pcap": (us, them)},
            kernel=False,
            logs_ok=[
                (f, t) for f, x in line for t in (x.format(mine), r"nf_ct_proto_6: .*SPT=%d DPT=" % mine)
            ],
        )
        c.pause(0.1, 0.3)


@case("retransmission-timeout", "Retransmissions run out; the RST comes when the other side speaks")
def rto(c, port=6000):
    """
    The path is cut while the server has data to send (`tcp_retries2=3`).  Its kernel gives up
    without a RST.  When the path is back the client's next segment draws a bare RST.

    The reader should see: unanswered retransmissions, then a RST that only says "no such
    connection".
    """
    c.stage(delay=c.rng.choice([0.003, 0.01]))
    c.server.sysctl("net.ipv4.tcp_retries2=3")
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    for a, b, mine in group:
        exchange(c, a, b)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["no-state", "gave-up"],
            cause=["retransmission-timeout"],
        )
    c.cable.cut = True
    for _, b, _ in group:
        b.sendall(c.text(50, 1200))
        c.pause(0.02, 0.1)
    time.sleep(7.5)
    c.cable.cut = False
    for a, b, _ in group:
        a.sendall(c.text(10, 200))
        c.pause(0.1, 0.3)
        end(a)
        b.close()


@case("path-mtu-blackhole", "Full-size segments vanish, small ones pass")
def blackhole(c, port=8443):
    """
    A link of the path carries at most 1280 bytes and the ICMP messages that would say so are
    lost.  Logins and small requests work; the upload's first full-size segments are sent again
    and again until the server's program loses patience and aborts.

    The reader should see: only big segments unanswered: a path-MTU black hole.
    """
    c.stage(delay=c.rng.choice([0.005, 0.015]))
    listener = c.server.listen(port)
    c.cable.rules.append(lambda frame, towards: "drop" if len(frame) > 1294 else None)
    c.watch()
    for _ in range(c.rng.randrange(1, 3)):
        a, b, mine = meet(c, listener, port)
        c.say(a, b, 50, 400)
        c.say(b, a, 50, 400)
        a.sendall(c.text(5000, 9000))
        time.sleep(c.rng.uniform(2.5, 3.5))
        abort(b)
        c.pause(0.1)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["gave-up", "abort", "abort-unread"],
            cause=["path-mtu-blackhole", "application-abort"],
        )
    a, b, _ = meet(c, listener, port)
    c.say(a, b, 50, 900)
    c.say(b, a, 50, 900)
    a.close()
    c.pause(0.1)
    b.close()


@case("receiver-stalled", "A client that stops reading until the server gives it up")
def stalled(c, port=6380):
    """
    A client stops reading; its window closes, the server's probes are answered with window 0
    until the server's program loses patience and aborts (SO_LINGER 0).

    The reader should see: zero-window probes, answered, then the server gave up on a receiver
    that did not read.
    """
    import socket

    c.stage()
    listener = begin(c, port)
    for _ in range(c.rng.randrange(1, 3)):
        a = c.client.connect(
            c.server.addr,
            port,
            setup=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),
        )
        b, _ = listener.accept()
        mine = a.getsockname()[1]
        c.say(a, b)
        b.setblocking(False)
        try:
            b.send(c.text(20000, 30000))
        except BlockingIOError:
            pass
        time.sleep(c.rng.uniform(3.2, 4.5))
        abort(b)
        c.pause(0.1)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["gave-up", "abort"],
            cause=["receiver-stalled", "application-abort"],
        )


@case("reset-not-captured", "Log lines report resets that the capture does not hold")
def not_captured(c):
    """
    sshd's log reports a connection reset before the capture began, and others that came in by an
    interface that is not captured.  Within the capture one client resets during the key exchange.

    The reader should see: one diagnosis, and each of the other lines listed as a reset that no
    capture holds, with why.
    """
    c.stage()
    other = "203.0.113.77" if c.ip == 4 else "2001:db8:9::77"
    Sshd(c.server)

    def break_off(src=None):
        s = c.client.connect(c.server.addr, 22, src=src)
        banner(s)
        s.sendall(ID)
        c.pause(0.15, 0.25)
        abort(s)
        c.pause(0.1)

    break_off()
    c.pause(1.0, 1.5)
    c.server.run(
        "ip",
        "route",
        "replace",
        other + ("/128" if c.ip == 6 else "/32"),
        "dev",
        c.server.ifnames[0],
    )
    c.client.add_address(other)
    c.watch(expression=f"tcp and not host {other}")
    c.ordinary(8080)
    for _ in range(2):
        break_off(other)
        c.pause(0.2, 0.4)
    break_off()
    mark = c.server.sh(
        "grep -n 'Connection reset by' /var/log/auth.log | tail -1 | sed 's/.* port //; s/ .*//'"
    ).strip()
    c.ordinary(8080)
    c.truth.every(
        (c.server.addr, 22),
        sender="client",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["client-abort"],
        logs=[("auth.log", r"Connection reset by {ip} port {port} ")],
        logs_ok=[("auth.log", r"port {port}\b")],
    )
    c.truth.unmatched.append(
        ("auth.log", rf"Connection reset by (?!{c.client.addr} port {mark}\b)")
    )


@case("reject-turned", "A router's new rule rejects what is open, too", corpus=True)
def reject_turned(c, port=8446):
    """
    Connections run when the router gets a rule that rejects their port with a TCP reset; it meets
    their next segments, and new attempts as well.

    The reader should see: a firewall rejects them, the open ones no less than the new ones.
    """
    c.stage(routed=True, log=False, router_log=False, captures=("client",))
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    for a, b, _ in group:
        exchange(c, a, b)
    c.router.nft(
        "table inet filter { chain forward { type filter hook forward priority 0; }; }\n"
        f"add rule inet filter forward tcp dport {port} reject with tcp reset\n"
    )
    for a, _, mine in group:
        c.pause(0.05, 0.4)
        a.sendall(c.text(10, 300))
        c.pause(0.05)
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="path", phase="active",
            mechanism=["injected"], cause=["firewall-reject"],
        )
    for mine in refused(c, port, 2):
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="path", phase="opening",
            mechanism=["rejected-in-path"], cause=["firewall-reject"],
        )
    for _, b, _ in group:
        b.close()


again(reject_turned, "reject-turned-v6", "A router's new rule rejects what is open, too", ip=6,
      graded=True)
