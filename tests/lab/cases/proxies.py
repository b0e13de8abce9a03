# SPDX-License-Identifier: Apache-2.0
"""Proxies that refuse, make one wait, or pass a client's impatience on; nginx before clients that
leave."""
import time

import daemons
from case import case
from cases.services import through, through_http
from daemons import abort, wait_for
from talk import drain, end

LATE = {
    r: ("half-closed", ["after-close"])
    for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
}
EITHER = {
    **LATE,
    "TCP_STATE": ("active", ["abort", "abort-unread"]),
    "TCP_ABORT_ON_CLOSE": ("active", ["abort-unread", "abort"]),
}


def haproxy(c, frontend="", server="", mode="http", **timeouts):
    """HAProxy with lines of one's own in its frontend and after its server."""
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    bind = "[::]" if c.ip == 6 else "*"
    times = {"connect": "2s", "client": "9s", "server": "9s", **timeouts}
    lines = "".join(f" timeout {k} {v}\n" for k, v in times.items())
    daemons.haproxy(
        c.proxy,
        f"global\n log /dev/log local0\ndefaults\n mode {mode}\n log global\n option {mode}log\n"
        f" option dontlognull\n{lines}frontend web\n bind {bind}:8080\n{frontend}"
        f" default_backend app\nbackend app\n server s1 {where}:9000 {server}\n",
    )
    wait_for(lambda: daemons.listening(c.proxy, 8080), "haproxy")


def backend_in_order(c):
    """HAProxy has the whole answer of a server that closes, and resets in place of a FIN."""
    c.truth.every(
        (c.server.addr, 9000),
        sender="client",
        phase="active",
        mechanism=["abort", "abort-unread"],  # whether it had read the answer is not on the wire
        cause=["fast-close"],
        logs_ok=[("syslog", r"haproxy\[\d+\]: .*GET")],
    )


def upload(c, path, size):
    """A client that posts a body in pieces, and goes on while it may."""
    a = c.client.connect(c.proxy.addr, 8080)
    a.sendall(
        b"POST /%s HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: %d\r\n\r\n" % (path, size)
    )
    try:
        a.settimeout(0.2)
        a.sendall(c.text(size // 2, size // 2 + 1))
    except OSError:
        pass
    return a


def queue(c):
    """
    HAProxy lets one request at a time through to its server (`maxconn 1`) and keeps the others
    waiting for one second (`timeout queue 1s`).  The server is slow; uploads that wait are
    answered 503, flag sQ, and closed with most of their bodies unread.

    The reader should see: the proxy's queue timeout.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, server="maxconn 1", queue="1s")
    c.watch(snaplen=256)
    for _ in range(2):
        a, b, _ = through_http(c, listener)
        waiting = [upload(c, b"queue", c.rng.randrange(90, 160) * 1000) for _ in range(2)]
        time.sleep(c.rng.uniform(1.3, 1.6))
        for s in waiting:
            drain(s, 0.2)
            s.close()
        b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes")
        drain(a, 0.2)
        b.close()
        a.close()
        c.pause(0.2, 0.5)
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["proxy-timeout"],
        by_reason=EITHER,
        logs=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* sQ")],
    )
    backend_in_order(c)


case("proxy-queue-timeout", "HAProxy's queue timeout", corpus=True)(queue)
case("proxy-queue-timeout-v6", "HAProxy's queue timeout", corpus=True, graded=True, ip=6)(queue)


def deny(c):
    """
    HAProxy denies uploads to one path (`http-request deny`, 403, flag PR) and closes while the
    body is unread or still coming.  Requests for other paths are served.

    The reader should see: the proxy refused the request; its line says so.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, frontend=" http-request deny if { path_beg /private }\n")
    c.watch(snaplen=256)
    for n in range(c.rng.randrange(3, 5)):
        a, b, _ = through_http(c, listener)
        b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes")
        drain(a, 0.2)
        b.close()
        a.close()
        s = upload(c, b"private/%d" % n, c.rng.randrange(60, 120) * 1000)
        drain(s, 0.2)
        s.close()
        c.pause(0.2, 0.5)
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["unread-data-close", "application-abort", "late-data-after-close"],
        severity=["fault", "notice", "harmless"],
        by_reason=EITHER,
        logs=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* PR")],
    )
    backend_in_order(c)


case("proxy-denied", "HAProxy denies an upload", corpus=True)(deny)
case("proxy-denied-slow", "HAProxy denies an upload", corpus=True, graded=True,
     shape=dict(log_shift=-4.2))(deny)


def impatient(c):
    """
    Clients of HAProxy (TCP mode) abort in the middle of a download (SO_LINGER 0); the proxy logs
    CD and lets its server go.  One client reads to the end.

    The reader should see: the client aborted; the proxy's line says the same.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, mode="tcp")
    c.watch()
    for n in range(c.rng.randrange(3, 6)):
        a, b, mine = through(c, listener)
        c.say(a, b)
        c.say(b, a, 2000, 9000)
        if n == 1:
            a.close()
            c.pause(0.05)
            drain(b, 0.2)
            b.close()
            continue
        c.pause(0.1, 0.3)
        abort(a)
        c.pause(0.1)
        end(b)
        c.pause(0.1, 0.4)
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="client",
        phase="active",
        mechanism=["abort", "abort-unread"],  # whether it had read is not on the wire
        cause=["client-abort"],
        logs=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* CD")],
    )
    c.truth.every(
        (c.server.addr, 9000),
        sender="auto",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["client-abort", "fast-close", "application-abort"],
        severity=["notice", "harmless", "fault"],
        by_reason=EITHER,
        logs_ok=[("syslog", r"haproxy\[\d+\]: .* CD")],
    )


case("proxy-client-abort", "Clients of HAProxy abort", corpus=True)(impatient)
case("proxy-client-abort-v6", "Clients of HAProxy abort", corpus=True, graded=True, ip=6,
     shape=dict(log_style="bsd"))(impatient)

NAMED = "log_format named '$remote_addr:$remote_port [$time_iso8601] \"$request\" $status';\n"


def left(c):
    """
    Clients of nginx abort in the middle of a download (SO_LINGER 0).  nginx's error log (level
    info) names the client's address with "Connection reset by peer"; others read to the end.

    The reader should see: the client aborted.
    """
    c.stage(delay=c.rng.choice([0.004, 0.01]))
    c.cable.rate = 150000
    c.server.sh("mkdir -p /run/www; head -c 90000 /dev/urandom | base64 -w 76 > /run/www/big.txt")
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server,
        f"sendfile off; output_buffers 1 8k; send_lowat 0;\nserver {{ listen {listen}; root /run/www; }}",
    )
    c.watch(snaplen=256)
    for n in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, 80, setup=small_window)
        s.sendall(b"GET /big.txt HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n")
        if n == 1:
            drain(s, 1.0)
            s.close()
            continue
        s.settimeout(3)
        for _ in range(6):
            s.recv(1400)
        abort(s)
        c.pause(0.3, 0.6)
    c.truth.every(
        (c.server.addr, 80),
        sender="client",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["client-abort", "unread-data-close"],
        logs_ok=[
            ("nginx/error.log", r"reset by peer|prematurely closed"),
            ("nginx/access.log", r"GET"),
        ],
    )


def small_window(s):
    import socket

    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)


case("nginx-client-abort", "Clients of nginx abort", corpus=True)(left)
case("nginx-client-abort-v6", "Clients of nginx abort", corpus=True, graded=True, ip=6)(left)
