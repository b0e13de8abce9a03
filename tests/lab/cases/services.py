# SPDX-License-Identifier: Apache-2.0
"""Services with opinions: limits, wrong protocols, TLS, heartbeats, proxies and their clocks."""
import socket
import ssl
import struct
import time

import daemons
from case import case
from daemons import abort, wait_for
from talk import drain, exchange

REDIS = (
    "port {port}\nbind * -::*\nprotected-mode no\nsyslog-enabled yes\nsyslog-ident redis\nsave \"\"\n"
    "logfile \"\"\n{more}"
)


def redis(c, more="", port=6379):
    c.server.write("/etc/redis-lab.conf", REDIS.format(port=port, more=more))
    p = c.server.spawn("redis-server", "/etc/redis-lab.conf")
    wait_for(lambda: daemons.listening(c.server, port), "redis")
    return p


@case("connection-limit", "redis takes no more clients")
def limit(c, port=6379):
    """
    `maxclients 3`.  Further clients are told "-ERR max number of clients reached" and closed; the
    command that they had sent lies unread, or comes after the FIN, so a reset follows.

    The reader should see: the server's own connection limit, said in its last words.
    """
    c.stage()
    redis(c, "maxclients 3\nloglevel verbose\n")
    c.watch()
    held = []
    for _ in range(3):
        s = c.client.connect(c.server.addr, port)
        s.sendall(b"PING\r\n")
        s.recv(64)
        held.append(s)
    for _ in range(c.rng.randrange(3, 6)):
        s = c.client.connect(c.server.addr, port)
        s.sendall(b"GET k%d\r\n" % c.rng.randrange(99))
        drain(s)
        s.close()
        c.pause(0.1, 0.5)
    for s in held:
        s.close()
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="idle-open",
        mechanism=["abort-unread", "abort"],
        cause=["connection-limit"],
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
        },
    )


@case("protocol-mismatch", "A web client speaks HTTP to redis")
def mismatch(c, port=6379):
    """
    POST requests arrive at redis, which takes them for an attack, logs "Possible SECURITY ATTACK
    detected" and closes. More of the request is unread or on its way: a reset.  Ordinary commands
    run beside it.

    The reader should see: another protocol was spoken to this service.
    """
    c.stage()
    redis(c)
    c.watch()
    for _ in range(c.rng.randrange(2, 5)):
        ok = c.client.connect(c.server.addr, port)
        ok.sendall(b"PING\r\n")
        ok.recv(64)
        ok.close()
        s = c.client.connect(c.server.addr, port)
        s.sendall(b"POST /api HTTP/1.1\r\nHost: cache.example.org\r\nContent-Length: 20000\r\n\r\n")
        try:
            for _ in range(6):
                s.sendall(c.text(1000, 3000))
                c.pause(0.004, 0.02)
        except OSError:
            pass
        drain(s)
        s.close()
        c.pause(0.3, 1.0)
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["protocol-mismatch", "unread-data-close"],
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
        },
        logs_ok=[("syslog", r"SECURITY ATTACK")],
    )


@case(
    "tls-handshake-failure",
    "Plain text on a TLS port, and a client that does not trust the certificate",
)
def tls(c, port=8443):
    """
    stunnel offers TLS.  Clients that speak plain HTTP to it, and clients whose handshake fails,
    are closed with bytes unread or still coming.  One client that trusts it is served in order.

    The reader should see: the TLS handshake failed; stunnel's log says how.
    """
    c.stage()
    c.server.sh(
        "cd /etc/stunnel && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=app.example.org "
        "-keyout k.pem -out c.pem 2>/dev/null && cat k.pem c.pem > s.pem && chmod 600 s.pem"
    )
    where = f":::{port}" if c.ip == 6 else f"0.0.0.0:{port}"
    c.server.write(
        "/etc/stunnel/lab.conf",
        f"foreground = yes\nsyslog = yes\ndebug = 5\npid =\n[app]\naccept = {where}\n"
        "connect = 127.0.0.1:8000\ncert = /etc/stunnel/s.pem\nsslVersionMin = TLSv1.2\n",
    )
    loop = c.server.socket(family=socket.AF_INET)
    loop.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    loop.bind(("127.0.0.1", 8000))
    loop.listen(9)
    c.server.spawn("stunnel4", "/etc/stunnel/lab.conf")
    wait_for(lambda: daemons.listening(c.server, port), "stunnel")
    c.watch()
    good = ssl.create_default_context()
    good.check_hostname, good.verify_mode = False, ssl.CERT_NONE
    s = good.wrap_socket(c.client.connect(c.server.addr, port))
    b, _ = loop.accept()
    s.sendall(b"hello")
    b.recv(64)
    b.sendall(b"welcome")
    s.recv(64)
    b.close()
    s.recv(64)
    s.close()
    for n in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, port)
        s.sendall(
            b"GET /%s HTTP/1.1\r\nHost: app.example.org\r\nUser-Agent: curl/7.88.1\r\n\r\n"
            % c.text(200, 2400).replace(b" ", b"-")
        )
        if n % 2:
            try:
                s.sendall(c.text(2000, 9000))
            except OSError:
                pass
        drain(s)
        s.close()
        c.pause(0.2, 0.8)
    loop.close()
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["tls-handshake-failure", "protocol-mismatch"],
        needed=False,
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
        },
        logs=[("syslog", r"stunnel.*{ip}:{port}")],
        logs_ok=[
            ("syslog", r"stunnel.*(SSL_accept|http request|wrong version|Connection reset|closed)")
        ],
    )


def frame(kind, channel, payload):
    return struct.pack("!BHI", kind, channel, len(payload)) + payload + b"\xce"


def short(text):
    return struct.pack("B", len(text)) + text


def amqp(c, heartbeat):
    """Opens an AMQP 0-9-1 connection that promises a heartbeat; returns its socket."""
    s = c.client.connect(c.server.addr, 5672)
    s.sendall(b"AMQP\0\0\x09\1")
    s.recv(65536)
    s.sendall(
        frame(
            1,
            0,
            struct.pack("!HH", 10, 11)
            + struct.pack("!I", 0)
            + short(b"PLAIN")
            + struct.pack("!I", 12)
            + b"\0guest\0guest"
            + short(b"en_US"),
        )
    )
    s.recv(65536)
    s.sendall(frame(1, 0, struct.pack("!HHHIH", 10, 31, 100, 131072, heartbeat)))
    s.sendall(frame(1, 0, struct.pack("!HH", 10, 40) + short(b"/") + short(b"") + b"\0"))
    s.recv(65536)
    return s


def rabbitmq(c):
    """Starts RabbitMQ in c.server; it logs to /var/log/rabbitmq."""
    c.server.sh("mkdir -p /run/mq /var/log/rabbitmq && chmod 777 /run/mq /var/log/rabbitmq")
    c.server.write(
        "/etc/rabbitmq/rabbitmq.conf",
        "loopback_users = none\nlisteners.tcp.default = 5672\n" "log.file.level = info\n",
    )
    env = {
        "RABBITMQ_MNESIA_BASE": "/run/mq",
        "RABBITMQ_LOG_BASE": "/var/log/rabbitmq",
        "HOME": "/run/mq",
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "RABBITMQ_CONFIG_FILE": "/etc/rabbitmq/rabbitmq",
        "RABBITMQ_DIST_PORT": "25672",
        "RABBITMQ_ENABLED_PLUGINS_FILE": "/run/mq/plugins",
    }
    c.server.run("chown", "-R", "rabbitmq", "/run/mq", "/var/log/rabbitmq")
    c.server.spawn(
        "setpriv",
        "--reuid=rabbitmq",
        "--regid=rabbitmq",
        "--clear-groups",
        "/usr/lib/rabbitmq/bin/rabbitmq-server",
        env=env,
        out="rabbit.out",
    )
    wait_for(lambda: daemons.listening(c.server, 5672), "rabbitmq", 200)
    c.pause(1.0)


@case("heartbeat-missed", "RabbitMQ waits for heartbeats that do not come")
def heartbeat(c):
    """
    Clients agree on a heartbeat of one second and fall silent.  RabbitMQ logs "missed heartbeats
    from client" and throws the connection away.  One client keeps its promise and says goodbye:
    RabbitMQ answers its FIN with RST+ACK too, which harms nobody.

    The reader should see: missed heartbeats, from the broker's log (two physical lines).
    """
    c.stage()
    rabbitmq(c)
    c.watch()
    silent = [amqp(c, 1) for _ in range(c.rng.randrange(2, 4))]
    good = amqp(c, 1)
    for _ in range(9):
        time.sleep(0.5)
        good.sendall(frame(8, 0, b""))
    good.sendall(
        frame(1, 0, struct.pack("!HHH", 10, 50, 200) + short(b"bye") + struct.pack("!HH", 0, 0))
    )
    drain(good)
    polite = good.getsockname()[1]
    good.close()
    c.pause(0.1)
    for s in silent:
        try:
            s.sendall(frame(8, 0, b""))
            c.pause(0.1, 0.2)
        except OSError:
            pass
        drain(s)
        s.close()
    c.truth.every(
        (c.server.addr, 5672),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["heartbeat-missed"],
        by_reason={
            "TCP_STATE": ("active", ["abort"]),
            "TCP_ABORT_ON_CLOSE": ("active", ["abort-unread", "abort"]),
        },
        logs=[("rabbitmq/rabbit@localhost.log", r"closing AMQP connection .*\[?{ip}\]?:{port} ")],
        logs_ok=[("rabbitmq/rabbit@localhost.log", r"missed heartbeats|\[?{ip}\]?:{port} ")],
    )
    c.truth.add(
        (c.client.addr, polite),
        (c.server.addr, 5672),
        sender="server",
        phase="half-closed",
        mechanism=["abort"],
        cause=["fast-close"],
        logs_ok=[("rabbitmq/rabbit@localhost.log", rf":{polite} ")],
    )


def heartbeat_cut(c):
    """
    The path to a RabbitMQ client that keeps its heartbeat of one second is cut for a while.  The
    broker logs "missed heartbeats from client" and closes; when the path is back, the client's
    next heartbeat is answered with a reset.

    The reader should see: missed heartbeats, from the broker's log; the client is alive.
    """
    c.stage(delay=c.spec["shape"].get("delay", 0.008))
    rabbitmq(c)
    c.watch()
    group = [amqp(c, 1) for _ in range(c.rng.randrange(2, 4))]
    for _ in range(2):
        time.sleep(0.5)
        for s in group:
            s.sendall(frame(8, 0, b""))
    c.cable.cut = True
    time.sleep(4.5)
    c.cable.cut = False
    for s in group:
        try:
            s.sendall(frame(8, 0, b""))
        except OSError:
            pass
    time.sleep(2.5)
    for s in group:
        drain(s, 0.2)
        s.close()
    c.pause(0.3)
    c.truth.every(
        (c.server.addr, 5672),
        sender="server",
        phase="half-closed",
        mechanism=["after-close", "no-state"],
        cause=["heartbeat-missed"],
        by_reason={
            "TCP_STATE": ("active", ["abort", "gave-up"]),
            "TCP_ABORT_ON_CLOSE": ("active", ["abort-unread", "abort", "gave-up"]),
        },
        logs=[("rabbitmq/rabbit@localhost.log", r"closing AMQP connection .*\[?{ip}\]?:{port} ")],
        logs_ok=[("rabbitmq/rabbit@localhost.log", r"missed heartbeats|\[?{ip}\]?:{port} ")],
    )


case("heartbeat-cut", "A cut path and RabbitMQ's heartbeats", corpus=True)(heartbeat_cut)
case("heartbeat-cut-v6", "A cut path and RabbitMQ's heartbeats", corpus=True, graded=True, ip=6,
     shape=dict(delay=0.02, log_shift=2.0))(heartbeat_cut)


HAPROXY = """global
 log /dev/log local0
defaults
 mode {mode}
 log global
 option {log}
 option dontlognull
 timeout connect 2s
 timeout client {client}
 timeout server {server}
frontend web
 bind {bind}:8080
 default_backend app
backend app
 server s1 {to}:9000
"""


def haproxy(c, mode="tcp", client="9s", server="9s"):
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    bind = "[::]" if c.ip == 6 else "*"
    daemons.haproxy(
        c.proxy,
        HAPROXY.format(
            mode=mode, log=mode + "log", client=client, server=server, bind=bind, to=where
        ),
    )
    wait_for(lambda: daemons.listening(c.proxy, 8080), "haproxy")


def through(c, listener):
    a = c.client.connect(c.proxy.addr, 8080)
    b, _ = listener.accept()
    b.settimeout(8)
    return a, b, a.getsockname()[1]


@case("proxy-timeout", "HAProxy's client and server timeouts, and a backend that dies on it")
def proxy_timeout(c):
    """
    HAProxy in TCP mode with `timeout client 1s` and `timeout server 1s` in a quiet moment closes
    both legs; late words draw resets.  One backend aborts (SO_LINGER 0): HAProxy passes that on
    and logs SD.  Captured on the proxy with `-i any`, so both legs are in one file.

    The reader should see: the proxy's timeout on the quiet ones (flags cD or sD), the backend on
    the other (SD).
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, client="1s", server="1s")
    c.watch()
    for _ in range(2):
        a, b, _ = through(c, listener)
        exchange(c, a, b)
        a.close()
        c.pause(0.05)
        drain(b, 0.1)
        b.close()
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = through(c, listener)
        exchange(c, a, b)
        time.sleep(1.5)
        for s in (a, b):
            try:
                s.sendall(c.text(20, 100))
            except OSError:
                pass
            c.pause(0.05)
        drain(a, 0.1)
        drain(b, 0.1)
        a.close()
        b.close()
    late = {
        r: ("half-closed", ["after-close"])
        for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
    }
    by = {
        **late,
        "TCP_STATE": ("active", ["abort"]),
        "TCP_ABORT_ON_CLOSE": ("active", ["abort-unread", "abort"]),
    }
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="server",
        phase="active",
        mechanism=["abort"],
        cause=["proxy-timeout"],
        by_reason=by,
        logs=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* (cD|sD) ")],
    )
    c.truth.every(
        (c.server.addr, 9000),
        sender="client",
        phase="active",
        mechanism=["abort"],
        cause=["proxy-timeout", "fast-close", "client-abort"],  # this leg alone ends in order
        by_reason=by,
        logs_ok=[("syslog", r"haproxy\[\d+\]: .* (cD|sD) ")],
        severity=["fault", "notice", "harmless"],
    )


@case("proxy-backend-abort", "A backend aborts behind HAProxy", corpus=True, graded=True)
def backend_abort(c):
    """
    Behind HAProxy (HTTP mode) the backend program aborts some answers (SO_LINGER 0).  The proxy
    answers its client with 502 or closes; its log says SH or SD.

    The reader should see: the backend's program aborted; the proxy only reports it.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, mode="http")
    c.watch()
    for n in range(c.rng.randrange(3, 6)):
        a, b, _ = through_http(c, listener)
        if n % 2:
            b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + c.text(100, 900))
            c.pause(0.1)
        abort(b)
        drain(a)
        a.close()
        c.pause(0.1, 0.4)
    c.truth.every(
        (c.server.addr, 9000),
        sender="server",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["application-abort"],
        logs_ok=[("syslog", r"haproxy\[\d+\]: .* (SH|SD)")],
    )
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="auto",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["application-abort", "undetermined"],
        logs_ok=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* (SH|SD)")],
    )


def through_http(c, listener):
    a = c.client.connect(c.proxy.addr, 8080)
    a.sendall(b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n" % c.rng.randrange(1000))
    b, _ = listener.accept()
    b.settimeout(8)
    b.recv(4096)
    return a, b, a.getsockname()[1]


@case("nginx-return-444", "nginx drops requests with `return 444`", corpus=True)
def return_444(c):
    """
    nginx answers one location with `return 444` and `reset_timedout_connection on`: it closes
    such connections with SO_LINGER 0.  Other locations are served.  The access log shows 444.

    The reader should see: the server's program aborted on purpose.
    """
    c.stage()
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server,
        f"reset_timedout_connection on; server {{ listen {listen};\n"
        "location /private { return 444; }\nlocation / { return 200 'well met\\n'; } }",
    )
    c.watch()
    for n in range(c.rng.randrange(4, 8)):
        s = c.client.connect(c.server.addr, 80)
        path = b"/private" if n % 2 else b"/public"
        s.sendall(b"GET %s/%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n" % (path, n))
        drain(s)
        s.close()
        c.pause(0.1, 0.4)
    c.truth.every(
        (c.server.addr, 80),
        sender="server",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["application-abort"],
        logs_ok=[("nginx/access.log", r" 444 ")],
    )


@case(
    "nginx-timed-out",
    "nginx resets slow clients (`reset_timedout_connection on`)",
    corpus=True,
    graded=True,
)
def timed_out(c):
    """
    `client_header_timeout 1s` and `reset_timedout_connection on`: a client that sends half a
    request and stops is reset.  Requests in time are served.

    The reader should see: nginx's own timeout, on the server's side.
    """
    c.stage()
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server,
        f"reset_timedout_connection on; client_header_timeout 1s; client_body_timeout 1s;\n"
        f"server {{ listen {listen}; location / {{ return 200 'well met\\n'; }} }}",
    )
    c.watch()
    for n in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n" % n)
        drain(s, 0.2)
        s.close()
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"GET /%d HTTP/1.1\r\nHost: www.exa" % n)
        drain(s, 1.6)
        s.close()
        c.pause(0.1, 0.3)
    c.truth.every(
        (c.server.addr, 80),
        sender="server",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["endpoint-idle-timeout", "application-abort"],
        logs_ok=[("nginx/error.log", r"client timed out"), ("nginx/access.log", r" 408 ")],
    )
