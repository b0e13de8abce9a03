# SPDX-License-Identifier: Apache-2.0
"""Hard places: echoes after the end, captures that hold too little, NAT between two captures, an
IPS, PostgreSQL."""
import time

import daemons
from case import case
from daemons import abort, wait_for
from forger import Forger, segment
from pcapfile import RST
from talk import begin, end, exchange, meet


@case("stale-echo", "A duplicate arrives after both sides have closed")
def stale(c, port=8070):
    """
    Connections end in order, FIN and FIN.  The path delivers a second copy of the last
    acknowledgement (or of the first FIN) some time later; it meets a port that no longer knows
    the connection and draws a bare RST.

    The reader should see: a stale echo, harmless.
    """
    c.stage(delay=c.rng.choice([0.004, 0.01]), log=False)
    listener = begin(c, port)
    for _ in range(c.rng.randrange(3, 6)):
        a, b, mine = meet(c, listener, port)
        forth = []

        def keep_all(frame, towards, mine=mine, forth=forth):
            s = segment(frame)
            if s and (s[1], s[3]) == (mine, port):
                forth.append(frame)
            return None

        c.cable.rules.append(keep_all)
        exchange(c, a, b)
        a.close()
        c.pause(0.08, 0.12)
        b.close()
        c.pause(0.08, 0.12)
        c.cable.rules.remove(keep_all)
        c.cable.inject(
            forth[-1], "b"
        )  # the client's last ACK again, to a server in no state at all
        c.pause(0.1, 0.2)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="closed",
            mechanism=["stale"],
            cause=["fast-close", "late-data-after-close", "undetermined"],
            severity=["harmless"],
        )


def lone(c, port=8071):
    """
    The capture was taken with the filter `tcp[tcpflags] & tcp-rst != 0`: the RSTs are there,
    nothing else is.

    The reader should see: a reset, and that this capture cannot say why.
    """
    c.stage(log=False)
    listener = c.server.listen(port)
    c.watch(expression="ip6[53] & 4 != 0" if c.ip == 6 else "tcp[tcpflags] & tcp-rst != 0")
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b)
        c.pause(0.1, 0.4)
        abort(b)
        c.pause(0.1)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="unknown",
            mechanism=["undetermined", "abort", "abort-unread"],
            cause=["undetermined", "application-abort"],
        )


case("lone-rst", "A capture filter that kept only the RSTs", corpus=True)(lone)
case("lone-rst-v6", "A capture filter that kept only the RSTs", corpus=True, graded=True, ip=6)(
    lone
)


def one_way(c, port=8072):
    """
    Only what the server sent was captured (an asymmetric mirror).  The server's program aborts
    some connections.

    The reader should see: the server aborted, from its half of the conversation alone.
    """
    c.stage(log=False)
    listener = c.server.listen(port)
    c.watch(expression=f"tcp and src host {c.server.addr}")
    c.ordinary(8080)
    for _ in range(c.rng.randrange(2, 5)):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b, 2)
        c.pause(0.1, 0.6)
        abort(b)
        c.pause(0.1)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["abort", "abort-unread", "undetermined"],
            cause=["application-abort", "undetermined"],
        )


case("one-way-mirror", "A mirror of one direction", corpus=True, graded=True)(one_way)
case("one-way-mirror-v6", "A mirror of one direction", corpus=True, ip=6)(one_way)


def nat_both(c, kind="snat", port=8073):
    """
    A NAT lies between two captures: masquerading on the way out, or a public address translated
    to the server. The server's program aborts some connections, a client aborts others.  Numbers
    and timestamps pass unchanged.

    The reader should see: one event each, seen twice under two names.
    """
    c.stage(routed=True, router_log=False, log=False, captures=("client", "server"))
    public = f"203.0.113.{c.rng.randrange(2, 250)}"
    if kind == "snat":
        c.router.nft(
            f"""table ip nat {{
          chain post {{
            type nat hook postrouting priority 100
            oifname "{c.outside}" masquerade random
          }}
        }}\n"""
        )
    else:
        c.router.nft(
            f"""table ip nat {{
          chain pre {{
            type nat hook prerouting priority -100
            ip daddr {public} tcp dport 443 dnat to {c.server.addr}:{port}
          }}
        }}\n"""
        )
    listener = begin(c, port)
    to = (c.server.addr, port) if kind == "snat" else (public, 443)
    for n in range(c.rng.randrange(3, 6)):
        a = c.client.connect(*to)
        b, _ = listener.accept()
        c.say(a, b)
        c.say(b, a, 100, 3000)
        c.pause(0.1, 0.5)
        abort(b if n % 2 == 0 else a)
        mine = None if n % 2 else a.getsockname()[1]
        c.pause(0.1)
        end(a if n % 2 == 0 else b)
        if mine:
            c.truth.add(
                (c.client.addr, mine),
                to,
                sender="server",
                phase="active",
                mechanism=["abort"],
                cause=["application-abort"],
                capture="client.pcap",
                join_seq=True,
                kernel=False,
            )
    c.truth.every(
        to,
        sender="client",
        phase="active",
        mechanism=["abort"],
        cause=["client-abort"],
        capture="client.pcap",
        join_seq=True,
    )


case(
    "snat-between",
    "Two captures with a masquerading router between",
    corpus=True,
    graded=True,
    kind="snat",
)(nat_both)
case(
    "dnat-between",
    "Two captures with a translated service address between",
    corpus=True,
    kind="dnat",
)(nat_both)


@case("ips-reset", "An intrusion prevention box resets an exploit attempt at both ends")
def ips(c, port=8074):
    """
    A box on the path reads `/etc/passwd` in a request, drops that segment and sends one RST to
    each end with the same IP ID, window 0 and TTL 255.  The server never sees the request.
    Harmless requests pass.

    The reader should see: a third party's RSTs to both ends at one instant.
    """
    c.stage(delay=c.rng.choice([0.005, 0.015]), captures=("client", "server"))
    forger = Forger(c.cable)
    listener = c.server.listen(port)
    c.watch()

    def judge(s, payload, towards):
        if b"/etc/passwd" in payload:
            src, sport, dst, dport = s[:4]
            flow = forger.flows[src, sport, dst, dport]
            n = c.rng.randrange(1, 65000)
            forger.forge(dst, dport, src, sport, RST, ttl=255, ident=n, window=0)
            flow["next"] = s[4]
            forger.forge(src, sport, dst, dport, RST, ttl=255, ident=n, window=0)
            return "drop"
        return None

    forger.watchers.append(judge)
    for bad in c.rng.sample([1, 0, 1, 0, 1], 5):
        a, b, mine = meet(c, listener, port)
        path = (
            b"/show?file=../../../../etc/passwd"
            if bad
            else b"/show?file=" + c.text(4, 30).replace(b" ", b"+")
        )
        a.sendall(b"GET %s HTTP/1.1\r\nHost: app.example.org\r\n\r\n" % path)
        c.pause(0.1)
        if bad:
            end(a, b)
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="path",
                phase="active",
                capture="client.pcap",
                mechanism=["injected"],
                cause=["ips-reset", "content-filter", "forged-reset"],
            )
        else:
            b.recv(4096)
            c.say(b, a)
            b.close()
            c.pause(0.06)
            a.close()
        c.pause(0.1, 0.4)


def pg(c, *args, **k):
    return c.server.run(
        "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *args, **k
    )


@case("postgres-restart", "PostgreSQL is restarted under its clients", corpus=True)
def postgres(c, port=5432):
    """
    `pg_ctl restart -m fast`: each backend says "terminating connection due to administrator
    command" and closes with FIN.  Clients that write afterwards draw a bare RST.  The server logs
    through syslog.

    The reader should see: a service restart, in the server's own words.
    """
    import glob
    import struct

    c.stage()
    bin_ = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    c.server.sh("mkdir -p /run/pg /run/postgresql; chown postgres /run/pg /run/postgresql")
    pg(c, bin_ + "/initdb", "-D", "/run/pg/data", "-A", "trust", "-U", "postgres")
    c.server.sh(
        "cat >> /run/pg/data/postgresql.conf <<X\nlisten_addresses='*'\nlog_destination='syslog'\n"
        "log_connections=on\nfsync=off\nshared_buffers=8MB\nX\n"
        "echo 'host all all all trust' >> /run/pg/data/pg_hba.conf"
    )
    ctl = [bin_ + "/pg_ctl", "-D", "/run/pg/data", "-w", "-l", "/dev/null"]
    c.server.spawn(
        "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *ctl, "start"
    )
    wait_for(lambda: daemons.listening(c.server, port), "postgres", 20)
    c.pause(0.4)
    c.watch()

    def login():
        s = c.client.connect(c.server.addr, port)
        body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
        s.sendall(struct.pack("!I", len(body) + 4) + body)
        time.sleep(0.15)
        s.recv(65536)
        return s

    def query(s, text):
        s.sendall(b"Q" + struct.pack("!I", len(text) + 5) + text + b"\0")

    pool = [login() for _ in range(c.rng.randrange(2, 5))]
    for s in pool:
        query(s, b"SELECT %d" % c.rng.randrange(1000))
        time.sleep(0.05)
        s.recv(4096)
    c.pause(0.2, 0.5)
    c.server.sh(
        "setpriv --reuid=postgres --regid=postgres --clear-groups "
        + " ".join(ctl)
        + " restart -m fast >/dev/null 2>&1",
        timeout=30,
    )
    c.pause(0.2, 0.5)
    for s in pool:
        try:
            s.recv(4096)
            query(s, b"SELECT now()")
            c.pause(0.05, 0.1)
        except OSError:
            pass
        s.close()
        c.pause(0.1)
    s = login()
    s.sendall(b"X\0\0\0\4")
    c.pause(0.1)
    s.close()
    pg(c, *ctl, "stop", "-m", "fast")
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["service-restart", "service-down"],
        logs=[("syslog", r"postgres\[\d+\]: .*received fast shutdown request")],
        logs_ok=[("syslog", r"postgres\[")],
    )


def windows_of_time(c, port=8075):
    """
    A long slow conversation over a poor cable (loss, duplicates, reordering); some servers'
    programs abort at the end.

    The reader should see: the abort, undisturbed by retransmissions.
    """
    c.stage(log=False)
    listener = begin(c, port)
    for n in range(c.rng.randrange(3, 5)):
        a, b, mine = meet(c, listener, port)
        for _ in range(c.rng.randrange(4, 9)):
            c.say(a, b, 100, 2500)
            c.say(b, a, 100, 4500)
        c.pause(0.4, 0.7)
        kept, c.cable.loss = c.cable.loss, 0.0
        if n % 3 != 2:
            abort(b)
            c.pause(0.2)
            end(a)
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="server",
                phase="active",
                mechanism=["abort"],
                cause=["application-abort"],
            )
        else:
            b.close()
            c.pause(0.3)
            a.close()
            c.pause(0.2)
        c.cable.loss = kept
    c.truth.every(
        (c.server.addr, port),
        sender="auto",
        phase="closed",
        mechanism=["stale"],
        severity=["harmless"],
        cause=["fast-close", "late-data-after-close", "undetermined"],
    )


for n_, (ip_, graded_, cable_) in enumerate(
    (
        (4, False, dict(loss=0.04)),
        (4, True, dict(duplicate=0.08)),
        (6, False, dict(reorder=0.1)),
        (4, True, dict(loss=0.03, duplicate=0.05, reorder=0.05)),
    )
):
    case(
        f"poor-cable-{n_ + 1}",
        "An abort at the end of a lossy, reordered conversation",
        corpus=True,
        graded=graded_,
        ip=ip_,
        shape=dict(delay=0.008 + 0.004 * n_, cable=cable_),
    )(windows_of_time)
