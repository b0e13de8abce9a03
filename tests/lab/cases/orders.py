# SPDX-License-Identifier: Apache-2.0
"""Orders that end all sessions at once: PostgreSQL that is stopped at once, redis that is told to
kill all its clients and lives on.  And a client whose host MariaDB has had enough of."""
import time

from case import again
from cases.data import PG, ask, login, postgres, words
from cases.limits import PING, redis_login
from cases.services import redis
from cases.told import ASK, ask_again, ended, mariadb
from talk import drain


def postgres_immediate(c):
    """
    `pg_ctl stop -m immediate` under a pool: each backend tells its client "terminating connection
    due to immediate shutdown command" and quits.  The clients notice when they ask again.

    The reader should see: the service was stopped, in its own last words.
    """
    c.stage()
    ctl = postgres(c)
    c.watch()
    group = [login(c) for _ in range(c.rng.randrange(3, 5))]
    for n, s in enumerate(group):
        c.pause(0.2, 0.6)
        ask(s, b"SELECT %d" % n)
    c.pause(0.2, 0.5)
    c.server.run(*ctl, "stop", "-m", "immediate", check=False)
    c.pause(0.5, 0.9)
    ask_again(c, group, words(b"SELECT 1"))
    ended(
        c, PG, ["service-restart"],
        logs=[("syslog", r"received immediate shutdown request")],
        logs_ok=[("syslog", r"postgres\[")],
    )


def redis_swept(c):
    """
    An administrator ends all clients of redis in one go, `CLIENT KILL TYPE normal`, and redis goes
    on: the pool, which notices when it asks again, comes back a moment later.  redis logs at
    `verbose`, which tells of each client that comes, and of a killed one nothing.

    The reader should see: an order, not a restart: the log tells of no end and no start.
    """
    c.stage()
    redis(c, "loglevel verbose\n")
    c.watch()
    group = [redis_login(c) for _ in range(c.rng.randrange(3, 6))]
    for s in group:
        c.pause(0.1, 0.4)
        s.sendall(PING)
        s.recv(64)
    c.pause(0.3, 0.5)
    c.server.run("redis-cli", "client", "kill", "type", "normal")
    c.pause(0.4, 0.8)
    ask_again(c, group, PING)
    for _ in group:
        s = redis_login(c)
        c.pause(0.1, 0.3)
        s.sendall(b"QUIT\r\n")
        drain(s, 0.2)
        s.close()
    time.sleep(0.5)
    ended(
        c, 6379, ["application-abort"],
        logs_ok=[("syslog", r"redis\[\d+\]: (Accepted|Client closed)")],
    )


def mariadb_blocked(c, limit=3):
    """
    MariaDB has `max_connect_errors=3` and resolves names.  A port check opens connections and hangs
    up before it logs in, once too often: from then on the server tells every client of that host
    "Host ... is blocked because of many connection errors" in place of its greeting.

    The reader should see: the server blocks this host, and what lifts it; not that it is full.
    """
    c.stage()
    mariadb(c, f"skip-name-resolve=0\nmax_connect_errors={limit}")
    c.server.sh(f"echo '{c.client.addr} desk1.example.org desk1' >> {c.server.work}/trixie/etc/hosts")
    c.watch()
    for _ in range(limit + 2):
        s = c.client.connect(c.server.addr, 3306)
        s.recv(4096)
        s.close()
        c.pause(0.1, 0.3)
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 3306)
        s.recv(4096)
        group.append(s)
        c.pause(0.2, 0.5)
    ask_again(c, group, ASK)
    ended(
        c, 3306, ["connection-limit", "application-abort"],
        logs_ok=[("mysql/error.log", r"Aborted connection|desk1|{ip}|blocked")],
    )


again(mariadb_blocked, "mariadb-blocked", "MariaDB blocks a host for its failed connections",
      shape=dict(delay=0.01))
again(postgres_immediate, "postgres-immediate", "PostgreSQL is stopped at once", ip=6,
      shape=dict(delay=0.015, log_style="bsd"))
again(redis_swept, "redis-swept", "redis is told to kill all its clients", shape=dict(delay=0.01))
