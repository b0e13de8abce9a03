# SPDX-License-Identifier: Apache-2.0
"""Orders that end all sessions at once: PostgreSQL that is stopped at once, redis that is told to
kill all its clients and lives on."""
import time

from case import again
from cases.data import PG, ask, login, postgres, words
from cases.limits import PING, redis_login
from cases.services import redis
from cases.told import ask_again, ended
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


again(postgres_immediate, "postgres-immediate", "PostgreSQL is stopped at once", ip=6,
      shape=dict(delay=0.015, log_style="bsd"))
again(redis_swept, "redis-swept", "redis is told to kill all its clients", shape=dict(delay=0.01))
