# SPDX-License-Identifier: Apache-2.0
"""Databases in trouble: PostgreSQL's clients that break off, its limit, a backend killed; redis
and a client that does not read."""
import glob
import signal
import struct
import time

import daemons
from case import case
from cases.services import redis
from daemons import abort, wait_for
from talk import drain

PG = 5432


def postgres(c, more=""):
    """Starts PostgreSQL in c.server; it logs through syslog.  Returns pg_ctl's words."""
    bin_ = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    as_pg = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    c.server.sh("mkdir -p /run/pg /run/postgresql; chown postgres /run/pg /run/postgresql")
    c.server.run(*as_pg, bin_ + "/initdb", "-D", "/run/pg/data", "-A", "trust", "-U", "postgres")
    c.server.sh(
        "cat >> /run/pg/data/postgresql.conf <<X\nlisten_addresses='*'\nlog_destination='syslog'\n"
        "log_connections=on\nlog_disconnections=on\nfsync=off\nshared_buffers=8MB\n"
        f"{more}\nX\necho 'host all all all trust' >> /run/pg/data/pg_hba.conf"
    )
    ctl = [*as_pg, bin_ + "/pg_ctl", "-D", "/run/pg/data", "-w", "-l", "/dev/null"]
    c.server.spawn(*ctl, "start")
    wait_for(lambda: daemons.listening(c.server, PG), "postgres", 30)
    c.pause(0.5)
    return ctl


def hello():
    body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    return struct.pack("!I", len(body) + 4) + body


def words(text):
    return b"Q" + struct.pack("!I", len(text) + 5) + text + b"\0"


def login(c):
    s = c.client.connect(c.server.addr, PG)
    s.sendall(hello())
    got = b""
    while b"Z\0\0\0\5" not in got:
        got += s.recv(65536)
    return s


def ask(s, text):
    s.sendall(words(text))
    got = b""
    while b"Z\0\0\0\5" not in got:
        got += s.recv(65536)


def polite(c, s):
    s.sendall(b"X\0\0\0\4")
    drain(s, 0.3)
    s.close()
    c.pause(0.05)


def process_of(c, port):
    """The backend that serves the client's port, by its own log line."""
    out = c.server.sh(f"grep -h 'connection received: .*port={port}' /var/log/syslog | tail -1")
    return int(out.split("postgres[")[1].split("]")[0])


def broken_off(c):
    """
    Clients of PostgreSQL abort in the middle of a transaction (SO_LINGER 0).  The backend logs
    "could not receive data from client: Connection reset by peer"; its "connection received" line
    names the port.  Others say goodbye.

    The reader should see: the client aborted, in the server's words.
    """
    c.stage()
    ctl = postgres(c)
    c.watch()
    for n in range(c.rng.randrange(3, 5)):
        s = login(c)
        ask(s, b"BEGIN")
        ask(s, b"SELECT %d" % c.rng.randrange(1000))
        c.pause(0.1, 0.5)
        if n == 1:
            polite(c, s)
            continue
        mine = s.getsockname()[1]
        pid = process_of(c, mine)
        abort(s)
        c.pause(0.2, 0.4)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, PG),
            sender="client",
            phase="active",
            mechanism=["abort"],
            cause=["client-abort"],
            logs=[("syslog", rf"postgres\[{pid}\]: .*Connection reset by peer")],
            logs_ok=[("syslog", rf"postgres\[{pid}\]: ")],
        )
    c.server.run(*ctl, "stop", "-m", "fast", check=False)


case("postgres-client-abort", "Clients of PostgreSQL break off", corpus=True)(broken_off)
case("postgres-client-abort-v6", "Clients of PostgreSQL break off", corpus=True, graded=True,
     ip=6, shape=dict(log_shift=31.0))(broken_off)


def too_many(c):
    """
    `max_connections = 4`.  Further clients are told "sorry, too many clients already" and closed;
    they do not look at the answer and send their first query, which draws a bare RST.

    The reader should see: PostgreSQL's connection limit.
    """
    c.stage()
    ctl = postgres(c, "max_connections=4\nsuperuser_reserved_connections=0\nmax_wal_senders=0")
    c.watch()
    held = [login(c) for _ in range(4)]
    for _ in range(c.rng.randrange(3, 6)):
        s = c.client.connect(c.server.addr, PG)
        mine = s.getsockname()[1]
        s.sendall(hello())
        c.pause(0.25, 0.5)
        s.sendall(words(b"SELECT 1"))
        c.pause(0.1)
        s.close()
        c.pause(0.2, 0.5)
        pid = process_of(c, mine)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, PG),
            sender="server",
            phase="half-closed",
            mechanism=["after-close"],
            cause=["connection-limit"],
            logs=[("syslog", rf"postgres\[{pid}\]: .*too many clients")],
            logs_ok=[("syslog", rf"postgres\[{pid}\]: ")],
        )
    for s in held:
        polite(c, s)
    c.server.run(*ctl, "stop", "-m", "fast", check=False)


case("postgres-limit", "PostgreSQL takes no more clients", corpus=True)(too_many)
case("postgres-limit-tz", "PostgreSQL takes no more clients", corpus=True, graded=True,
     shape=dict(tz="Europe/Berlin", log_style="bsd"))(too_many)


def killed(c):
    """
    One PostgreSQL backend is killed (SIGKILL) with a query of its client unread.  The postmaster
    says so and ends all the others; clients that write to them afterwards draw bare RSTs.

    The reader should see: one process died of a signal, and took all connections with it.
    """
    c.stage()
    ctl = postgres(c)
    c.watch()
    pool = [login(c) for _ in range(c.rng.randrange(4, 6))]
    for s in pool:
        ask(s, b"SELECT %d" % c.rng.randrange(1000))
    c.pause(0.2, 0.4)
    pid = process_of(c, pool[0].getsockname()[1])
    c.server.signal(pid, signal.SIGSTOP)
    pool[0].sendall(words(b"SELECT 7"))
    c.pause(0.15, 0.25)
    c.server.signal(pid, signal.SIGKILL)
    time.sleep(0.8)
    for s in pool:
        try:
            s.settimeout(0.2)
            s.recv(4096)
            s.sendall(words(b"SELECT 8"))
            c.pause(0.05, 0.1)
        except OSError:
            pass
        s.close()
        c.pause(0.1)
    time.sleep(0.5)
    c.server.run(*ctl, "stop", "-m", "fast", check=False)
    c.truth.every(
        (c.server.addr, PG),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["process-crash", "service-restart"],
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
        },
        logs=[("syslog", r"postgres\[\d+\]: .*was terminated by signal 9")],
        logs_ok=[("syslog", r"postgres\[\d+\]: ")],
    )


case("postgres-killed", "A PostgreSQL backend is killed", corpus=True)(killed)
case("postgres-killed-v6", "A PostgreSQL backend is killed", corpus=True, graded=True, ip=6,
     shape=dict(delay=0.012))(killed)


def glutton(c):
    """
    A client of redis asks and asks and does not read the answers.  redis closes it for
    "overcoming of output buffer limits" with more questions unread.

    The reader should see: the server gave up on a client that did not read; redis's line names it.
    """
    import socket

    c.stage()
    redis(c, "client-output-buffer-limit normal 300kb 0 0\nloglevel verbose\n")
    c.watch(snaplen=200)
    for _ in range(c.rng.randrange(2, 4)):
        ok = c.client.connect(c.server.addr, 6379)
        ok.sendall(b"PING\r\n")
        ok.recv(64)
        ok.close()
        s = c.client.connect(
            c.server.addr, 6379,
            setup=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),
        )
        s.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n" + c.text(20000, 20001) + b"\r\n")
        s.recv(64)
        mine = s.getsockname()[1]
        try:
            s.settimeout(0.3)
            for _ in range(60):
                s.sendall(b"GET k\r\n" * 30)
                time.sleep(0.004)
        except OSError:
            pass
        c.pause(0.4, 0.8)
        s.close()
        c.pause(0.2)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, 6379),
            sender="server",
            phase="active",
            mechanism=["abort-unread", "abort", "gave-up"],
            cause=["receiver-stalled", "connection-limit"],
            by_reason={"TCP_ABORT_ON_DATA": ("half-closed", ["after-close"])},
            logs=[("syslog", rf"redis\[\d+\]: .*:{mine} .*output buffer limits")],
            logs_ok=[("syslog", rf":{mine}\b")],
        )


case("redis-output-limit", "redis gives up a client that does not read", corpus=True)(glutton)
case("redis-output-limit-v6", "redis gives up a client that does not read", corpus=True,
     graded=True, ip=6)(glutton)
