# SPDX-License-Identifier: Apache-2.0
"""Near-misses: lines and packets that look like a cause and are not; and proxies that report
others' resets."""
import socket
import time

import daemons
from case import case
from cases.endpoint import SERVICE
from cases.services import haproxy, through_http
from cases.ssh import ID
from daemons import Sshd, abort, banner, wait_for
from forger import Forger
from talk import begin, drain, end, exchange, meet


@case("crash-of-another", "A crash in the log that has nothing to do with the resets", corpus=True)
def other_crash(c, port=8301):
    """
    A program throws connections away (SO_LINGER 0) while, on the same host and in the same
    seconds, quite another program (a batch job without any network) dies of a segmentation fault.

    The reader should see: an application abort; the crash line is no evidence for it.
    """
    c.stage()
    listener = begin(c, port)
    for n in range(c.rng.randrange(2, 5)):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b)
        if n == 1:
            p = c.server.spawn("/usr/bin/python3", SERVICE, "batchjob", "127.0.0.1", "7999")
            wait_for(lambda: c.server.find("batchjob"), "batchjob")
            c.server.kernel_marks.append("batchjob[")
            wait_for(lambda: daemons.listening(c.server, 7999), "batchjob")
            q = c.server.socket(family=socket.AF_INET)
            q.connect(("127.0.0.1", 7999))
            q.sendall(b"crash")
            p.wait(5)
            q.close()
        c.pause(0.2, 0.5)
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
    c.truth.absent += [("kern.log", r"segfault")]


@case(
    "max-startups-of-others",
    "MaxStartups hits others; this client hung up by itself",
    corpus=True,
    graded=True,
)
def other_startups(c):
    """
    A crowd from one address runs into MaxStartups and is closed in order (its clients read
    everything, send nothing). Seconds later a client from another address resets in the middle of
    its key exchange.

    The reader should see: a client's abort; the MaxStartups lines belong to others.
    """
    c.stage()
    Sshd(c.server, {"MaxStartups": "2:100:3", "LoginGraceTime": "60"})
    other = "203.0.113.140" if c.ip == 4 else "2001:db8:4::140"
    c.client.add_address(other)
    c.server.run(
        "ip",
        "route",
        "replace",
        other + ("/128" if c.ip == 6 else "/32"),
        "dev",
        c.server.ifnames[0],
        check=False,
    )
    c.watch()
    crowd = [c.client.connect(c.server.addr, 22, src=other) for _ in range(5)]
    c.pause(0.3)
    for s in crowd:
        drain(s, 0.2)
        s.close()
    c.pause(1.2, 1.6)
    for _ in range(c.rng.randrange(1, 3)):
        s = c.client.connect(c.server.addr, 22)
        banner(s)
        s.sendall(ID)
        c.pause(0.15, 0.3)
        abort(s)
        c.pause(0.3, 0.6)
    c.truth.every(
        (c.server.addr, 22),
        match=lambda p: c.client.addr in (p.src, p.dst),
        sender="client",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["client-abort"],
        logs=[("auth.log", r"Connection reset by {ip} port {port} ")],
        logs_ok=[("auth.log", r"{ip} port {port}\b")],
    )
    c.truth.absent += [("auth.log", r"MaxStartups")]


@case(
    "idle-reset-both",
    "A load balancer that resets both ends when its idle timer fires",
    corpus=True,
)
def idle_both(c, idle=3.0, port=8302):
    """
    A box on the path forgets idle connections after three seconds and tells both ends at that
    very instant with a RST each (as some cloud load balancers do).  Nobody had spoken.
    Connections that speak in time live.

    The reader should see: the path reset them, all after the same idleness.
    """
    c.stage(delay=0.006, captures=("client", "server"))
    forger = Forger(c.cable)
    listener = begin(c, port)
    group = []
    for _ in range(c.rng.randrange(3, 5)):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b)
        group.append((time.monotonic(), a, b, mine))
        c.pause(0.1, 0.6)
    live = meet(c, listener, port)
    for last, a, b, mine in group:
        while time.monotonic() < last + idle:
            time.sleep(0.002)
        us, them = (c.client.addr, mine), (c.server.addr, port)
        forger.forge(*us, *them, window=0, ttl=64)
        forger.forge(*them, *us, window=0, ttl=64)
        c.say(live[0], live[1])
        c.truth.add(
            us,
            them,
            sender="path",
            phase="active",
            capture="client.pcap",
            mechanism=["injected"],
            cause=["middlebox-idle-timeout", "forged-reset", "ips-reset"],
        )
    c.pause(0.1)
    for _, a, b, _ in group:
        end(a, b)
    live[0].close()
    c.pause(0.1)
    live[1].close()


@case("nginx-upstream-reset", "nginx as a proxy reports that its upstream reset", corpus=True)
def upstream(c, port=9000):
    """
    nginx passes requests to a backend whose program aborts some (SO_LINGER 0) before the answer.
    nginx's error log says "recv() failed (104: Connection reset by peer) while reading response
    header from upstream"; its client gets 502.

    The reader should see: the backend's program aborted; nginx's line tells of it.
    """
    c.proxied()
    listener = c.server.listen(port)
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    listen = "[::]:8080" if c.ip == 6 else "8080"
    daemons.nginx(
        c.proxy,
        f"server {{ listen {listen}; location / {{ proxy_pass http://{where}:{port}; }} }}",
        8080,
    )
    c.watch()
    for n in range(c.rng.randrange(3, 6)):
        a, b, _ = through_http(c, listener)
        if n % 3 == 2:
            b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes")
            b.close()
        else:
            c.pause(0.05, 0.2)
            abort(b)
        drain(a, 0.3)
        a.close()
        c.pause(0.1, 0.4)
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["application-abort"],
        logs_ok=[
            ("nginx/error.log", r"Connection reset by peer\) while reading response header"),
            ("nginx/access.log", r" 502 "),
        ],
    )


@case("proxy-refused", "HAProxy's backend is down", corpus=True)
def proxy_refused(c):
    """
    Nothing listens behind HAProxy: it tries, is refused, tries again and gives its client up; the
    log says SC.

    The reader should see: refused connections from the proxy to its backend.
    """
    c.proxied()
    haproxy(c)
    c.watch()
    for _ in range(c.rng.randrange(1, 3)):
        a = c.client.connect(c.proxy.addr, 8080)
        a.sendall(c.text(10, 60))
        drain(a, 5)
        a.close()
        c.pause(0.2)
    c.truth.every(
        (c.server.addr, 9000),
        sender="server",
        phase="opening",
        mechanism=["refused"],
        cause=["port-closed", "service-down"],
        logs_ok=[("syslog", r"haproxy\[\d+\]: .* SC ")],
    )
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["service-down", "unread-data-close", "application-abort", "proxy-timeout"],
        logs_ok=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* SC ")],
    )


@case(
    "proxy-server-timeout", "HAProxy waits in vain for its backend (504)", corpus=True, graded=True
)
def server_timeout(c):
    """
    HTTP mode, `timeout server 1s`.  The backend takes requests and is slow: HAProxy answers 504,
    throws the backend's connection away and logs sH.  The backend's late answer draws a reset.

    The reader should see: the proxy's server timeout.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, mode="http", server="1s")
    c.watch()
    served = set()  # ports of the proxy whose request was answered in time
    for n in range(c.rng.randrange(2, 5)):
        a, b, mine = through_http(c, listener)
        if n % 3 != 2:
            time.sleep(c.rng.uniform(1.2, 1.5))
        else:
            served.add(b.getpeername()[1])
        try:
            b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes")
        except OSError:
            pass
        drain(a, 0.2)
        a.close()
        b.close()
        c.pause(0.1, 0.3)
    c.truth.every(
        (c.server.addr, 9000),
        lambda p: served & {p.sport, p.dport},
        sender="client",
        phase="active",
        mechanism=["abort"],
        cause=["fast-close"],
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "NO_SOCKET", "TCP_ABORT_ON_DATA")
        },
    )
    c.truth.every(
        (c.server.addr, 9000),
        sender="client",
        phase="active",
        mechanism=["abort"],
        cause=["proxy-timeout"],
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "NO_SOCKET", "TCP_ABORT_ON_DATA")
        },
        logs_ok=[("syslog", r"haproxy\[\d+\]: .* sH")],
    )
