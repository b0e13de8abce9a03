# SPDX-License-Identifier: Apache-2.0
"""A pool before a database: PgBouncer's timer, its limit, and PostgreSQL that goes away."""
import daemons
from cases.data import hello, postgres, words
from cases.limits import pair
from cases.services import drain
from cases.told import ask_again, ended
from daemons import trixie_has, trixie_root, wait_for

BOUNCER = """[databases]
postgres = host=127.0.0.1 port=5432
[pgbouncer]
listen_addr = *
listen_port = 6432
unix_socket_dir =
auth_type = trust
auth_file = /etc/pgbouncer/users.txt
logfile = /var/log/pgbouncer/pgbouncer.log
pidfile = /run/pgbouncer.pid
{more}
"""


def pgbouncer(c, more=""):
    """PgBouncer from the Debian 13 tree before c.server's PostgreSQL."""
    trixie_has("/usr/sbin/pgbouncer", "pgbouncer")
    root = trixie_root(c.server)
    c.server.sh(
        f"mount --bind /var/log {root}/var/log; mkdir -p /var/log/pgbouncer; "
        "chmod 777 /var/log/pgbouncer /run"
    )
    c.server.write(root + "/etc/pgbouncer/users.txt", '"postgres" ""\n')
    c.server.write(root + "/etc/pgbouncer/lab.ini", BOUNCER.format(more=more))
    c.server.spawn(
        "chroot", root, "/usr/sbin/pgbouncer", "-u", "postgres", "/etc/pgbouncer/lab.ini"
    )
    wait_for(lambda: daemons.listening(c.server, 6432), "pgbouncer", 20)


def enter(c):
    """A session through the pool; what came in the place of one is returned, too."""
    s = c.client.connect(c.server.addr, 6432)
    s.sendall(hello())
    got = b""
    while b"Z\0\0\0\5" not in got:
        more = s.recv(65536)
        if not more:
            break
        got += more
    return s, got


SAID = [("pgbouncer/pgbouncer.log", r".")]


def bouncer_idle(c):
    """
    PgBouncer has `client_idle_timeout = 2`.  An application's pool leaves its sessions alone for
    longer and then uses them: each was told "client_idle_timeout" and closed.

    The reader should see: the time limit of the pool before the database.
    """
    c.stage()
    postgres(c)
    pgbouncer(c, "client_idle_timeout = 2\npool_mode = transaction")
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        s, _ = enter(c)
        s.sendall(words(b"SELECT 1"))
        s.recv(4096)
        group.append(s)
        c.pause(0.2, 0.5)
    c.pause(6.2, 6.8)  # PgBouncer looks every three seconds
    ask_again(c, group, words(b"SELECT 1"))
    ended(
        c, 6432, ["endpoint-idle-timeout"],
        logs=[("pgbouncer/pgbouncer.log", r"@\[?{ip}\]?:{port} closing because: client_idle_timeout")],
        logs_ok=SAID,
    )


def bouncer_limit(c):
    """
    PgBouncer takes four clients (`max_client_conn = 4`).  Further ones are told "no more connections
    allowed" and closed; what they send next meets that.

    The reader should see: the pool's limit of clients.
    """
    c.stage()
    postgres(c)
    pgbouncer(c, "max_client_conn = 4")
    c.watch()
    held = [enter(c)[0] for _ in range(4)]
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 6432)
        try:
            s.sendall(hello())
            c.pause(0.05, 0.1)
            s.sendall(words(b"SELECT 1"))
            c.pause(0.05)
            s.sendall(words(b"SELECT 1"))
        except OSError:
            pass
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.6)
    for s in held:
        s.sendall(b"X\0\0\0\4")
        drain(s, 0.2)
        s.close()
    ended(
        c, 6432, ["connection-limit"],
        logs=[("pgbouncer/pgbouncer.log", r"@\[?{ip}\]?:{port} closing because: no more connections")],
        logs_ok=SAID, needed=False,
    )


def bouncer_wait(c):
    """
    PgBouncer has one connection to its database (`default_pool_size = 1`) and lets clients wait for
    it for two seconds (`query_wait_timeout = 2`).  One client holds it; others are told
    "query_wait_timeout" and closed.

    The reader should see: the pool's patience was at its end, not an idle client.
    """
    c.stage()
    postgres(c)
    pgbouncer(c, "default_pool_size = 1\nquery_wait_timeout = 2\npool_mode = session")
    c.watch()
    holder, _ = enter(c)
    holder.sendall(words(b"BEGIN"))
    holder.recv(4096)
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 6432)
        s.sendall(hello())
        c.pause(0.1, 0.3)
        s.sendall(words(b"SELECT 1"))
        group.append(s)
    c.pause(5.5, 6.2)
    ask_again(c, group, words(b"SELECT 1"))
    holder.sendall(b"X\0\0\0\4")
    drain(holder, 0.2)
    holder.close()
    ended(
        c, 6432, ["proxy-timeout"],
        logs=[("pgbouncer/pgbouncer.log", r"@\[?{ip}\]?:{port} closing because: query_wait_timeout")],
        logs_ok=SAID,
    )


def bouncer_alone(c):
    """
    PostgreSQL behind PgBouncer is stopped (`pg_ctl stop -m immediate`) with sessions in the middle
    of a transaction.  PgBouncer tells its clients ("server conn crashed?") and closes; what they
    ask next meets that.

    The reader should see: the database behind the pool went away.
    """
    c.stage()
    ctl = postgres(c)
    pgbouncer(c, "pool_mode = session")
    c.watch()
    group = [enter(c)[0] for _ in range(c.rng.randrange(2, 4))]
    for s in group:
        s.sendall(words(b"BEGIN"))
        s.recv(4096)
        c.pause(0.2, 0.4)
    c.server.run(*ctl, "stop", "-m", "immediate")
    c.pause(0.4, 0.8)
    ask_again(c, group, words(b"SELECT 1"))
    ended(
        c, 6432, ["service-down", "service-restart", "application-abort"],
        logs=[("pgbouncer/pgbouncer.log", r"@\[?{ip}\]?:{port} closing because: ")],
        logs_ok=[*SAID, ("syslog", r"postgres\[")], needed=False,
    )


pair(bouncer_idle, "pgbouncer-idle", "PgBouncer ends idle clients", delay=0.015)
pair(bouncer_limit, "pgbouncer-limit", "PgBouncer takes no more clients", delay=0.02)
pair(bouncer_wait, "pgbouncer-wait", "PgBouncer has no connection to spare", delay=0.02)
pair(bouncer_alone, "pgbouncer-alone", "The database behind PgBouncer goes away", delay=0.01)
