# SPDX-License-Identifier: Apache-2.0
"""Services that say why they end sessions: idle limits, orders, uploads that are too large, and a
proxy whose server is sick."""
import signal
import struct
import threading
import time

import daemons
from case import again
from cases.data import PG, ask, login, postgres, words
from cases.services import amqp, frame, rabbitmq, through
from daemons import trixie_has, trixie_root, wait_for
from talk import drain, exchange


def how(**more):
    """Phase and mechanism by the kernel's reason."""
    closed = ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
    return {
        **{r: ("half-closed", ["after-close"]) for r in closed},
        "TCP_STATE": ("active", ["abort", "abort-unread"]),
        "TCP_ABORT_ON_CLOSE": ("active", ["abort-unread", "abort"]),
        **more,
    }


def ended(c, port, cause, **k):
    """Claims every connection to that port as ended by the server."""
    c.truth.every(
        (c.server.addr, port), sender="server", phase="active", mechanism=["abort"], cause=cause,
        by_reason=how(), **k,
    )


def ask_again(c, group, text):
    """The pool uses its connections once more."""
    for s in group:
        try:
            s.sendall(text)
        except OSError:
            pass
        c.pause(0.05, 0.1)
        drain(s, 0.1)
        s.close()


# --- PostgreSQL -----------------------------------------------------------------------------------
def postgres_idle(c):
    """
    PostgreSQL has `idle_session_timeout=2s`.  A pool leaves its sessions alone for longer and then
    uses them: each was told "terminating connection due to idle-session timeout" and closed.

    The reader should see: the time limit, in the server's last words and in its log.
    """
    c.stage()
    postgres(c, "idle_session_timeout=2s")
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 5)):
        group.append(login(c))
        c.pause(0.1, 0.5)
    c.pause(2.6, 3.0)
    ask_again(c, group, words(b"SELECT 1"))
    ended(
        c, PG, ["endpoint-idle-timeout"], each=True,
        logs=[("syslog", r"terminating connection due to idle-session timeout")],
        logs_ok=[("syslog", r"postgres\[")],
    )


def postgres_ordered(c):
    """
    An administrator ends sessions with pg_terminate_backend() while others go on.  The clients
    notice when they ask again.

    The reader should see: somebody's order, not a restart.
    """
    c.stage()
    postgres(c)
    c.watch()
    group, stays = [login(c) for _ in range(c.rng.randrange(2, 4))], login(c)
    admin = login(c)
    c.pause(0.2, 0.4)
    for s in group:
        mine = s.getsockname()[1]
        ask(admin, b"select pg_terminate_backend(pid) from pg_stat_activity where client_port=%d" % mine)
        c.pause(0.1, 0.3)
        ask(stays, b"SELECT 1")
    ask_again(c, group, words(b"SELECT 1"))
    for s in (stays, admin):
        s.sendall(b"X\0\0\0\4")
        drain(s, 0.2)
        s.close()
    ended(
        c, PG, ["application-abort"], each=True,
        logs=[("syslog", r"terminating connection due to administrator command")],
        logs_ok=[("syslog", r"postgres\[")],
    )


# --- MariaDB --------------------------------------------------------------------------------------
MARIADB = """[mariadbd]
user=root
datadir=/var/lib/mysql
socket=/run/mysqld/m.sock
bind-address=*
log_error=/var/log/mysql/error.log
log_warnings=4
innodb_buffer_pool_size=8M
innodb_log_file_size=4M
skip-name-resolve
{more}
"""


def mariadb(c, more=""):
    """MariaDB from the Debian 13 tree in c.server; returns a function that runs SQL there."""
    trixie_has("/usr/sbin/mariadbd", "mariadb-server")
    root = trixie_root(c.server)

    def inside(script):
        return c.server.run("chroot", root, "sh", "-c", script, timeout=120)

    c.server.sh(
        f"mount --bind /var/log {root}/var/log; mkdir -p /run/mysqld /var/log/mysql; "
        "chmod 777 /run/mysqld /var/log/mysql"
    )
    inside(
        "rm -rf /var/lib/mysql; mariadb-install-db --user=root --datadir=/var/lib/mysql "
        "--auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1"
    )
    c.server.write(root + "/etc/mysql/lab.cnf", MARIADB.format(more=more))
    c.server.spawn("chroot", root, "/usr/sbin/mariadbd", "--defaults-file=/etc/mysql/lab.cnf")
    wait_for(lambda: daemons.listening(c.server, 3306), "mariadb", 60)
    time.sleep(1)

    def sql(text):
        return inside(f'mariadb -N -S /run/mysqld/m.sock -e "{text}"')

    sql("create user fred@'%' identified by ''; grant all on *.* to fred@'%'")
    return sql


def command(kind, text=b""):
    return struct.pack("<I", len(text) + 1)[:3] + b"\0" + kind + text


ASK = command(b"\3", b"select 1")


def mariadb_login(c):
    s = c.client.connect(c.server.addr, 3306)
    s.recv(4096)
    body = struct.pack("<IIB23x", 0x0008A201, 1 << 24, 33) + b"fred\0\0mysql_native_password\0"
    s.sendall(struct.pack("<I", len(body))[:3] + b"\1" + body)
    s.recv(4096)
    s.sendall(ASK)
    s.recv(4096)
    return s


def mariadb_idle(c, limit=2):
    """
    MariaDB has `wait_timeout=2` and resets idle sessions; its log calls each an "Aborted
    connection … (Got timeout reading communication packets)" and names no port.

    The reader should see: the server's time limit, in its log.
    """
    c.stage()
    mariadb(c, f"wait_timeout={limit}")
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        group.append(mariadb_login(c))
        c.pause(0.2, 0.5)
    c.pause(limit + 0.8, limit + 1.2)
    ask_again(c, group, ASK)
    ended(
        c, 3306, ["endpoint-idle-timeout", "application-abort"], each=True,  # a reset, no more words
        logs=[("mysql/error.log", r"Aborted connection .*timeout")],
        logs_ok=[("mysql/error.log", r"Aborted connection|fred")],
    )


def mariadb_killed(c):
    """
    An administrator ends sessions of MariaDB with KILL, seconds apart; the clients notice when
    they ask again.

    The reader should see: somebody's order, in the server's log.
    """
    c.stage()
    sql = mariadb(c)
    c.watch()
    group = [mariadb_login(c) for _ in range(c.rng.randrange(2, 4))]
    stays = mariadb_login(c)
    ids = sql("select id from information_schema.processlist where user='fred' order by id").split()
    for s, number in zip(group, ids):
        c.pause(1.1, 1.6)
        sql(f"kill {number}")
        c.pause(0.2, 0.3)
        ask_again(c, [s], ASK)
        stays.sendall(ASK)
        stays.recv(4096)
    stays.sendall(command(b"\1"))
    drain(stays, 0.2)
    stays.close()
    ended(
        c, 3306, ["application-abort"], each=True,
        logs=[("mysql/error.log", r"Aborted connection .*KILLED")],
        logs_ok=[("mysql/error.log", r"Aborted connection|fred")],
    )


# --- RabbitMQ -------------------------------------------------------------------------------------
CTL = {
    "HOME": "/run/mq",
    "RABBITMQ_NODENAME": "rabbit@localhost",
    "RABBITMQ_MNESIA_BASE": "/run/mq",
    "RABBITMQ_LOG_BASE": "/var/log/rabbitmq",
}


def rabbitmq_forced(c):
    """
    An administrator closes all connections of RabbitMQ (`rabbitmqctl close_all_connections`) with a
    reason.  The clients are told, send two heartbeats more and hang up; the broker answers that
    with a reset.

    The reader should see: somebody's order and its reason, in the broker's log.
    """
    c.stage()
    rabbitmq(c)
    c.watch()
    group = [amqp(c, 60) for _ in range(c.rng.randrange(2, 4))]
    c.pause(0.3)
    c.server.run(
        "setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups",
        "/usr/lib/rabbitmq/bin/rabbitmqctl", "close_all_connections", "maintenance by ops",
        env=CTL, timeout=200,
    )
    c.pause(0.5)
    for s in group:
        for _ in range(2):
            try:
                s.sendall(frame(8, 0, b""))
            except OSError:
                pass
            c.pause(0.2)
        drain(s, 0.2)
        s.close()
        c.pause(0.2)
    log = "rabbitmq/rabbit@localhost.log"
    ended(
        c, 5672, ["application-abort", "fast-close"],
        logs=[(log, r"Error on AMQP connection .*{ip}:{port} ")],
        logs_ok=[(log, r"{ip}:{port} "), (log, r"connection_forced")],
    )


def rabbitmq_gone(c):
    """
    Clients of RabbitMQ hang up without a word of AMQP, some time after a heartbeat.  The broker
    logs "client unexpectedly closed TCP connection" and answers the FIN with a reset.

    The reader should see: the client hung up; the reset is the broker's way to close.
    """
    c.stage()
    rabbitmq(c)
    c.watch()
    group = [amqp(c, 60) for _ in range(c.rng.randrange(2, 4))]
    for s in group:
        c.pause(0.2, 0.4)
        s.sendall(frame(8, 0, b""))
        c.pause(0.3, 0.6)
        s.close()
    c.pause(0.3)
    log = "rabbitmq/rabbit@localhost.log"
    c.truth.every(
        (c.server.addr, 5672), sender="server", phase="half-closed",
        mechanism=["abort", "abort-unread"], cause=["fast-close", "client-abort"],
        logs=[(log, r"closing AMQP connection .*{ip}:{port} ")], logs_ok=[(log, r"{ip}:{port} ")],
    )


# --- HTTP -----------------------------------------------------------------------------------------
def too_large(c):
    """
    nginx has `client_max_body_size 8k`, answers 413 to larger uploads, and closes while the rest is
    still coming; the client goes on sending until it is reset.

    The reader should see: the server did not want the upload, by its answer and its log.
    """
    c.stage(delay=0.01)
    c.cable.rate = 40000
    daemons.nginx(
        c.server,
        "client_max_body_size 8k; lingering_time 1s; lingering_timeout 1s;\n"
        "server { listen 80; listen [::]:80; location / { return 200 ok; }\n"
        "location /upload { proxy_pass http://127.0.0.1:9; } }",
    )
    c.watch(snaplen=300)
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
        try:
            for _ in range(40):
                s.sendall(c.text(3000, 4000))
                c.pause(0.02)
        except OSError:
            pass
        drain(s, 0.2)
        s.close()
        c.pause(1.1, 1.5)
    ended(
        c, 80, ["unread-data-close"], each=True,
        logs=[("nginx/error.log", r"client intended to send too large body")],
        logs_ok=[("nginx/access.log", r" 413 "), ("nginx/error.log", r"client: ")],
    )


MARKED = """global
 log /dev/log local0
defaults
 mode tcp
 log global
 option tcplog
 timeout connect 2s
 timeout client 30s
 timeout server 30s
frontend web
 bind {bind}:8080
 default_backend app
backend app
 option httpchk
 server s1 {to}:9000 check port 9001 inter 300ms fall 2 rise 2 on-marked-down shutdown-sessions
"""


class Health:
    """Answers health checks until it is ended."""

    def __init__(self, host, port):
        self.listener, self.stop = host.listen(port), threading.Event()
        self.listener.settimeout(0.1)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.stop.is_set():
            try:
                s, _ = self.listener.accept()
            except OSError:
                continue
            s.recv(1000)
            s.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            s.close()

    def end(self):
        self.stop.set()
        self.thread.join()
        self.listener.close()


def marked_down(c):
    """
    HAProxy checks its server on another port.  The checks begin to be refused, HAProxy marks the
    server down and ends its sessions (`on-marked-down shutdown-sessions`) although the service
    itself is well.

    The reader should see: HAProxy ended them for the server was marked down; the refused checks.
    """
    c.proxied()
    listener, health = c.server.listen(9000), Health(c.server, 9001)
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    daemons.haproxy(c.proxy, MARKED.format(bind="[::]" if c.ip == 6 else "*", to=where))
    wait_for(lambda: daemons.listening(c.proxy, 8080), "haproxy")
    c.pause(0.7)
    c.watch()
    live = [through(c, listener) for _ in range(c.rng.randrange(3, 5))]
    for a, b, _ in live:
        exchange(c, a, b)
    c.pause(0.3)
    health.end()
    c.pause(0.2)
    for _ in range(8):
        for a, b, _ in live[:2]:
            try:
                a.sendall(c.text(20, 60))
                c.pause(0.01)
                b.sendall(c.text(20, 60))
            except OSError:
                pass
        c.pause(0.15)
    for a, b, _ in live:
        drain(a, 0.1)
        drain(b, 0.1)
        a.close()
        b.close()
    said = [("syslog", r"haproxy\[\d+\]: ")]
    c.truth.every(
        (c.proxy.addr, 8080), sender="server", phase="active", mechanism=["abort"],
        cause=["service-down", "proxy-timeout"], by_reason=how(),
        logs=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* D[A-Z-] ")], logs_ok=said,
    )
    c.truth.every(
        (c.server.addr, 9000), sender="client", phase="active", mechanism=["abort"],
        cause=["service-down", "proxy-timeout", "client-abort", "fast-close"], by_reason=how(),
        logs_ok=said, severity=["fault", "notice", "harmless"],  # this leg alone ends in order
    )
    c.truth.every(
        (c.server.addr, 9001), sender="auto", phase="opening", mechanism=["refused"],
        cause=["service-down", "port-closed"], logs_ok=said,
        by_reason={
            **{k: v for k, v in how().items() if k != "NO_SOCKET"},
            "TCP_ABORT_ON_DATA": ("active", ["abort", "abort-unread", "after-close"]),
        },
        by_sender={"client": dict(cause=["client-abort", "fast-close", "half-open-probe"])},
    )


def rabbitmq_pending(c):
    """
    Clients of RabbitMQ open a connection and are asked to log in, but do not: after 10 seconds, its
    handshake_timeout, the broker resets them.  Nobody kept the broker's log.

    The reader should see: a time limit of the login.
    """
    c.stage(log=False, delay=0.01)
    rabbitmq(c)
    c.watch()
    group = []
    for _ in range(2):
        s = c.client.connect(c.server.addr, 5672)
        s.sendall(b"AMQP\0\0\x09\1")
        s.recv(65536)
        group.append(s)
        c.pause(0.3, 0.6)
    for s in group:
        drain(s, 10.6)
        s.close()
    for pid in c.server.find("beam.smp"):
        c.server.signal(pid, signal.SIGKILL)
    c.pause(0.2)
    c.server.sh("rm -rf /var/log/rabbitmq/*")
    ended(c, 5672, ["endpoint-idle-timeout"], each=True, needed=False)


again(postgres_idle, "postgres-idle", "PostgreSQL ends idle sessions")
again(postgres_idle, "postgres-idle-v6", "PostgreSQL ends idle sessions", ip=6, graded=True,
      shape=dict(log_style="bsd", log_shift=-12))
again(postgres_ordered, "postgres-ordered", "PostgreSQL is told to end sessions")
again(postgres_ordered, "postgres-ordered-v6", "PostgreSQL is told to end sessions", ip=6,
      graded=True, shape=dict(delay=0.02))
again(mariadb_idle, "mariadb-idle", "MariaDB ends idle sessions")
again(mariadb_idle, "mariadb-idle-v6", "MariaDB ends idle sessions", ip=6, graded=True, limit=3)
again(mariadb_killed, "mariadb-killed", "MariaDB is told to kill sessions")
again(mariadb_killed, "mariadb-killed-v6", "MariaDB is told to kill sessions", ip=6, graded=True)
again(too_large, "nginx-too-large", "An upload that nginx does not want")
again(too_large, "nginx-too-large-v6", "An upload that nginx does not want", ip=6, graded=True,
      shape=dict(delay=0.02, captures=("client",)))
again(marked_down, "haproxy-marked-down", "HAProxy ends the sessions of a sick server")
again(marked_down, "haproxy-marked-down-v6", "HAProxy ends the sessions of a sick server", ip=6,
      graded=True)
again(rabbitmq_forced, "rabbitmq-forced", "RabbitMQ is told to close connections")
again(rabbitmq_forced, "rabbitmq-forced-2", "RabbitMQ is told to close connections", graded=True,
      shape=dict(delay=0.01, log_shift=2.5))
again(rabbitmq_pending, "rabbitmq-pending", "Clients of RabbitMQ that do not log in",
      shape=dict(captures=("client",)))
again(rabbitmq_gone, "rabbitmq-gone", "Clients of RabbitMQ hang up")
again(rabbitmq_gone, "rabbitmq-gone-2", "Clients of RabbitMQ hang up", graded=True,
      shape=dict(delay=0.015))
