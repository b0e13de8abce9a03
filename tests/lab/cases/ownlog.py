# SPDX-License-Identifier: Apache-2.0
"""Daemons that write a file of their own, in the form that they have by themselves: how they die, and
how they tell of time limits."""
import signal

import daemons
from case import case
from cases.limits import PING, redis_login
from cases.services import amqp, frame, rabbitmq, redis
from cases.told import ASK, ask_again, ended, mariadb, mariadb_login
from talk import drain

REDIS_FILE = "syslog-enabled no\nlogfile /var/log/redis/redis-server.log\n"
REDIS_LOG = [("redis/redis-server.log", r".")]


def redis_own(c, more=""):
    """redis as Debian sets it up: it stamps its lines itself."""
    c.server.sh("mkdir -p /var/log/redis")
    redis(c, REDIS_FILE + more)


@case("redis-crashed", "redis crashes and says so in its own log", corpus=True)
def redis_crashed(c):
    """
    redis dies of a signal (`DEBUG SEGFAULT`) with several clients; its report stands in its own
    log.  The clients notice when they ask again.

    The reader should see: the crash, by "crashed by signal" in redis' log.
    """
    c.stage(log=False)
    redis_own(c, "enable-debug-command yes\n")
    c.watch(snaplen=200)
    group = [redis_login(c) for _ in range(c.rng.randrange(3, 6))]
    c.pause(0.3, 0.8)
    group[0].sendall(b"DEBUG SEGFAULT\r\n")
    c.pause(0.6, 1.2)
    ask_again(c, group, PING)
    ended(c, 6379, ["process-crash"], logs_ok=REDIS_LOG)


@case("redis-idle-late", "redis closes idle clients, which notice seconds later", corpus=True)
def redis_idle_late(c):
    """
    redis has `timeout 3` and logs at `verbose`: "Closing idle client", three times, without a word
    about whom.  Nobody uses these connections until more than two seconds later.

    The reader should see: the idle timeout; each line goes with one connection that ended then.
    """
    c.stage(log=False)
    redis_own(c, "timeout 3\nloglevel verbose\n")
    c.watch()
    group = []
    for _ in range(3):
        group.append(redis_login(c))
        c.pause(0.2, 0.4)
    c.pause(6.4, 7.0)
    ask_again(c, group, PING)
    ended(c, 6379, ["endpoint-idle-timeout"], logs_ok=REDIS_LOG)


@case("mariadb-crashed", "MariaDB crashes and says so in its own log", corpus=True)
def mariadb_crashed(c):
    """
    MariaDB dies of SIGSEGV with several clients.  The handler of signals writes "[ERROR] mariadbd got
    signal 11" with a stamp of six digits, unlike the other lines of that log.

    The reader should see: the crash, by that line.
    """
    c.stage(log=False)
    mariadb(c)
    c.watch()
    group = [mariadb_login(c) for _ in range(c.rng.randrange(3, 5))]
    c.pause(0.3, 0.8)
    for pid in c.server.find("mariadbd"):
        c.server.signal(pid, signal.SIGSEGV)
    c.pause(1.5, 2.5)
    ask_again(c, group, ASK)
    ended(c, 3306, ["process-crash"], logs_ok=[("mysql/error.log", r".")])


@case("rabbitmq-sigkill", "RabbitMQ is killed and has no time to say anything", corpus=True)
def rabbitmq_sigkill(c):
    """
    RabbitMQ's process is killed (SIGKILL) with several clients.  It had set linger 0 on its sockets, so
    each connection is reset in the same moment with nothing unread.

    The reader should see: all of them at once; that the process died is as likely as that it threw its
    clients out, and the log ends without a word.
    """
    c.stage(log=False)
    rabbitmq(c)
    c.watch()
    group = [amqp(c, 20) for _ in range(c.rng.randrange(3, 6))]
    c.pause(0.4, 0.9)
    for pid in c.server.find("beam.smp"):
        c.server.signal(pid, signal.SIGKILL)
    c.pause(0.4, 0.8)
    ask_again(c, group, frame(8, 0, b""))
    ended(
        c, 5672, ["service-restart", "process-crash"],  # the wire tells no more
        logs_ok=[("rabbitmq/rabbit@localhost.log", r"\[?{ip}\]?:{port} ")],
    )


@case("nginx-slow-upload", "nginx resets uploads that stop half-way", corpus=True)
def nginx_slow_upload(c):
    """
    `client_body_timeout 2s` and `reset_timedout_connection on`: uploads that stop half-way are reset.
    The error log has no line about it, the access log has status 408.  Other requests are served.

    The reader should see: nginx's own timeout, by that status.
    """
    c.stage(log=False)
    daemons.nginx(
        c.server,
        "reset_timedout_connection on; client_body_timeout 2s; server { listen 80; "
        "location /up { proxy_pass http://127.0.0.1:9; } location / { return 200 'well met\\n'; } }",
    )
    c.watch()
    for n in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n" % n)
        drain(s, 0.2)
        s.close()
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"POST /up/%d HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 5000\r\n\r\n" % n)
        s.sendall(c.text(200, 900))
        drain(s, 2.8)
        s.close()
        c.pause(0.2, 0.5)
    c.truth.every(
        (c.server.addr, 80), sender="server", phase="active", mechanism=["abort-unread", "abort"],
        cause=["endpoint-idle-timeout", "unread-data-close", "application-abort"],
        logs_ok=[("nginx/access.log", r".")],
    )
