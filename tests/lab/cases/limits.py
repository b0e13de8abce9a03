# SPDX-License-Identifier: Apache-2.0
"""Services whose limits and orders few know: redis and memcached, MariaDB and a packet that is too
large, stunnel and its timer, sshd and a login without a session."""
import socket
import ssl
import time

import daemons
from case import again
from cases.closing import PADDED
from cases.services import redis
from cases.told import ask_again, command, ended, mariadb, mariadb_login
from daemons import Sshd, trixie_has, trixie_root, wait_for
from talk import drain

PING = b"PING\r\n"


def redis_login(c):
    s = c.client.connect(c.server.addr, 6379)
    s.sendall(PING)
    s.recv(64)
    return s


def redis_ordered(c):
    """
    An administrator ends clients of redis with CLIENT KILL while others go on; the pool uses
    those connections seconds later.  redis logs at `verbose`, which tells of each client that
    comes, and of a killed one nothing.

    The reader should see: the server ended these alone; not that a timer or a restart did.
    """
    c.stage()
    redis(c, "loglevel verbose\n")
    c.watch()
    stays, admin = redis_login(c), redis_login(c)
    group = [redis_login(c) for _ in range(c.rng.randrange(2, 4))]
    for s in group:
        c.pause(1.0, 2.6)
        stays.sendall(PING)
        stays.recv(64)
        where = (f"[{c.client.addr}]" if c.ip == 6 else c.client.addr) + f":{s.getsockname()[1]}"
        admin.sendall(b"CLIENT KILL ADDR %s\r\n" % where.encode())
        admin.recv(64)
    c.pause(0.8, 1.5)
    ask_again(c, group, PING)
    for s in (stays, admin):
        s.sendall(b"QUIT\r\n")
        drain(s, 0.2)
        s.close()
    ended(
        c, 6379, ["application-abort", "endpoint-idle-timeout"],
        logs_ok=[("syslog", r"redis\[\d+\]: (Accepted|Client closed)")],
    )


def redis_protected(c):
    """
    redis is in protected mode: it has no password and takes no clients but from its own host.  Each
    client is told "-DENIED Redis is running in protected mode" and closed; what it had asked lies
    unread, or comes after the close.

    The reader should see: the server does not admit this client, by its own words.
    """
    c.stage()
    redis(c, "protected-mode yes\n")
    c.watch()
    for _ in range(c.rng.randrange(3, 6)):
        s = c.client.connect(c.server.addr, 6379)
        s.sendall(b"GET k%d\r\n" % c.rng.randrange(99))
        drain(s)
        s.close()
        c.pause(0.2, 0.6)
    ended(c, 6379, ["application-abort", "unread-data-close"])


def memcached(c, more=()):
    """memcached from the Debian 13 tree in c.server; it logs nothing."""
    trixie_has("/usr/bin/memcached", "memcached")
    root = trixie_root(c.server)
    c.server.spawn(
        "chroot", root, "/usr/bin/memcached", "-u", "root", "-l", c.server.addr, "-p", "11211", "-m",
        "8", "-t", "1", *more,
    )
    wait_for(lambda: daemons.listening(c.server, 11211), "memcached")


def memcached_limit(c):
    """
    memcached takes few connections (`-c 20`).  Further ones are told "ERROR Too many open
    connections" and closed, with the client's command unread or still coming.

    The reader should see: the service's limit of connections, by its own words.
    """
    c.stage(log=False)
    memcached(c, ("-c", "20"))
    c.watch()
    held = []
    for _ in range(24):
        s = c.client.connect(c.server.addr, 11211)
        s.sendall(b"version\r\n")
        s.settimeout(0.3)
        try:
            if not s.recv(64).startswith(b"VERSION"):
                break
        except OSError:
            break
        held.append(s)
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 11211)
        s.sendall(b"get k%d\r\n" % c.rng.randrange(99))
        drain(s)
        s.close()
        c.pause(0.2, 0.5)
    for s in held:
        s.sendall(b"quit\r\n")
        drain(s, 0.1)
        s.close()
    ended(c, 11211, ["connection-limit"])


def mariadb_packet(c):
    """
    MariaDB has `max_allowed_packet=64k`.  Clients send larger statements: the server says "Got a
    packet bigger than 'max_allowed_packet' bytes" (1153) and closes with most of it unread.

    The reader should see: the server did not want a statement of that size, by its own words.
    """
    c.stage(delay=0.01)
    c.cable.rate = 60000
    mariadb(c, "max_allowed_packet=64k\nnet_buffer_length=4k")
    c.watch(snaplen=300)
    for _ in range(c.rng.randrange(2, 4)):
        s = mariadb_login(c)
        c.pause(0.2, 0.4)
        text = command(b"\3", b"insert into t values ('" + b"x" * c.rng.randrange(70000, 90000) + b"')")
        try:
            s.sendall(text)
        except OSError:
            pass
        drain(s, 1.0)
        s.close()
        c.pause(0.4, 0.8)
    ended(
        c, 3306, ["unread-data-close", "application-abort"], each=True,
        logs=[("mysql/error.log", r"Aborted connection .*max_allowed_packet")],
        logs_ok=[("mysql/error.log", r"Aborted connection|fred")],
    )


STUNNEL = (
    "foreground = yes\nsyslog = yes\ndebug = {debug}\npid =\nTIMEOUTidle = {idle}\nTIMEOUTclose = 1\n"
    "[app]\naccept = {where}:8443\nconnect = 127.0.0.1:8000\ncert = /etc/stunnel/s.pem\n"
)


def stunnel(c, idle=60, debug=6):
    c.server.sh(
        "cd /etc/stunnel && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=app.example.org "
        "-keyout k.pem -out c.pem 2>/dev/null && cat k.pem c.pem > s.pem && chmod 600 s.pem"
    )
    where = "::" if c.ip == 6 else "0.0.0.0"
    c.server.write("/etc/stunnel/lab.conf", STUNNEL.format(idle=idle, debug=debug, where=where))
    c.server.spawn("stunnel4", "/etc/stunnel/lab.conf")
    wait_for(lambda: daemons.listening(c.server, 8443), "stunnel")


def behind(c):
    loop = c.server.socket(family=socket.AF_INET)
    loop.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    loop.bind(("127.0.0.1", 8000))
    loop.listen(9)
    loop.settimeout(5)
    return loop


def trusting():
    good = ssl.create_default_context()
    good.check_hostname, good.verify_mode = False, ssl.CERT_NONE
    return good


def stunnel_idle(c):
    """
    stunnel has `TIMEOUTidle = 2`: it resets both sides of a connection that carries nothing for so
    long, and says so ("TIMEOUTidle exceeded: sending reset") at debug level 6, the info of syslog.

    The reader should see: the wrapper's idle timer, by its log.
    """
    c.stage()
    loop = behind(c)
    stunnel(c, idle=2)
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = trusting().wrap_socket(c.client.connect(c.server.addr, 8443))
        b, _ = loop.accept()
        s.sendall(b"hello")
        b.recv(64)
        b.sendall(b"welcome")
        s.recv(64)
        time.sleep(3.6)
        drain(s, 0.2)
        s.close()
        b.close()
        c.pause(0.2, 0.5)
    loop.close()
    ended(
        c, 8443, ["endpoint-idle-timeout", "proxy-timeout", "application-abort"],  # a reset, no words
        logs=[("syslog", r"stunnel.*(TIMEOUTidle exceeded|Connection reset:)")], each=True,
        logs_ok=[("syslog", r"stunnel")],
    )


def stunnel_alone(c):
    """
    The service behind stunnel is down: it takes the client's connection, cannot connect onward
    ("connect: 127.0.0.1:8000: Connection refused"), and resets the client.

    The reader should see: the service behind the wrapper is down, by its log.
    """
    c.stage()
    stunnel(c)
    c.watch()
    for _ in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, 8443)
        try:
            t = trusting().wrap_socket(s)
            t.sendall(b"hello")
            drain(t, 0.3)
            t.close()
        except OSError:
            s.close()
        c.pause(0.3, 0.7)
    ended(
        c, 8443, ["service-down", "application-abort"],
        logs=[("syslog", r"stunnel.*Connection refused")], each=True,
        logs_ok=[("syslog", r"stunnel")],
    )


def unused_login(c):
    """
    sshd has `UnusedConnectionTimeout 2s`: it ends a login that holds no session ("terminating
    inactive connection").  The client, a tunnel without one that pads its silence with messages to
    be ignored, speaks on while that arrives.

    The reader should see: sshd's own time limit, by its log.
    """
    c.stage(delay=0.06)
    Sshd(c.server, {"UnusedConnectionTimeout": "2s"})
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        c.client.run(
            "/usr/bin/python3", PADDED, c.server.addr, 22, "fred", "sesame-fred", check=False
        )
        c.pause(0.2, 0.5)
    ended(
        c, 22, ["endpoint-idle-timeout", "application-abort"],
        logs=[("auth.log", r"terminating inactive connection from user fred {ip} port {port}")],
        logs_ok=[("auth.log", r"sshd\[")],
    )


def pair(f, name, title, **shape):
    """A case and its graded twin."""
    again(f, name, title)
    again(f, name + "-v6", title, ip=6, graded=True, shape=shape)


pair(redis_ordered, "redis-ordered", "redis is told to kill clients", log_style="bsd", delay=0.02)
pair(redis_protected, "redis-protected", "redis in protected mode", delay=0.01)
pair(memcached_limit, "memcached-limit", "memcached takes no more clients", delay=0.015)
pair(mariadb_packet, "mariadb-packet", "A statement too large for MariaDB", delay=0.02)
pair(stunnel_idle, "stunnel-idle", "stunnel resets a silent connection", log_shift=-7.5)
pair(stunnel_alone, "stunnel-alone", "The service behind stunnel is down", log_style="bsd")
pair(unused_login, "ssh-unused-login", "sshd ends logins without a session", delay=0.09)
