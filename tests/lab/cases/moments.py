# SPDX-License-Identifier: Apache-2.0
"""What a server does to all of its connections in one moment, and what only captures show of it."""
import sys
import time
from pathlib import Path

import daemons
from case import case
from daemons import wait_for

SWEEPER = Path(__file__).resolve().parent.parent / "sweeper.py"


def talk(s, words, reply=True):
    """A request and its answer; what a closed connection says is nobody's concern here."""
    try:
        s.sendall(words)
        return s.recv(4096) if reply else b""
    except OSError:
        return b""


@case("restart-unlogged", "redis is restarted, and nobody kept a log", corpus=True)
def restart(c, port=6379):
    """
    redis is stopped and started again while connections of different age are open: some have
    just been used, some have been silent for seconds.  All of them end in one moment; their
    owners write later and draw bare RSTs.  There is no log.

    The reader should see: the server ended all of its connections at once, so its process ended;
    whether it was restarted or died is not in the packets.
    """
    c.stage(log=False)
    c.server.write(
        "/etc/redis-lab.conf", f"port {port}\nbind * -::*\nprotected-mode no\nsave \"\"\n"
    )
    redis = c.server.spawn("redis-server", "/etc/redis-lab.conf")
    wait_for(lambda: daemons.listening(c.server, port), "redis")
    c.watch()
    pool = []
    for _ in range(c.rng.randrange(4, 7)):
        s = c.client.connect(c.server.addr, port)
        talk(s, b"SET k%d %d\r\n" % (c.rng.randrange(99), c.rng.randrange(9999)))
        pool.append(s)
        c.pause(0.3, 1.2)
    for s in pool[::2]:
        talk(s, b"GET k%d\r\n" % c.rng.randrange(99))
    redis.terminate()
    redis.wait(5)
    c.pause(0.8, 1.5)
    redis = c.server.spawn("redis-server", "/etc/redis-lab.conf")
    wait_for(lambda: daemons.listening(c.server, port), "redis")
    for s in pool:
        talk(s, b"GET k%d\r\n" % c.rng.randrange(99))
        talk(s, b"GET k%d\r\n" % c.rng.randrange(99))
        s.close()
        c.pause(0.05, 0.3)
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["service-restart", "service-down"],
    )


def swept(c, port, busy):
    c.stage(log=False)
    c.server.spawn(
        sys.executable, str(SWEEPER), "::" if c.ip == 6 else "0.0.0.0", str(port), "1.5", "4"
    )
    wait_for(lambda: daemons.listening(c.server, port), "the service")
    c.watch()
    begun = time.monotonic()
    worker = c.client.connect(c.server.addr, port) if busy else None
    pool = []
    for _ in range(c.rng.randrange(3, 6)):
        s = c.client.connect(c.server.addr, port)
        talk(s, c.text(20, 200))
        pool.append(s)
        c.pause(0.2, 0.6)
    while time.monotonic() - begun < 10:
        if worker:
            talk(worker, c.text(20, 200))
        c.pause(0.2, 0.5)
    for s in pool:
        talk(s, c.text(20, 200))
        s.close()
        c.pause(0.05, 0.3)
    if worker:
        worker.close()
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["endpoint-idle-timeout"],
    )


@case("idle-sweep", "A server that looks for idle connections every four seconds", corpus=True)
def sweep(c, port=7300):
    """
    Every four seconds the server closes what has been silent for more than 1.5 s: several
    connections of different silence in one moment.  One that is in use stays.  The pool of the
    others does not notice, and writes later.  There is no log.

    The reader should see: an idle timeout of the server, not a restart: it left the busy one open.
    """
    swept(c, port, busy=True)


@case("idle-sweep-all", "The same server, and no connection is in use", corpus=True, ip=6)
def sweep_all(c, port=7300):
    """
    As idle-sweep, but all connections are silent: the sweep ends every one of them in one moment,
    as a restart would.  There is no log.

    The reader should see: an idle timeout, told without confidence, beside a restart.
    """
    swept(c, port, busy=False)


@case("reject-one-source", "A host firewall rejects one address; others are served", corpus=True)
def one_source(c, port=8443):
    """
    The client has a second address.  It is served, then the server's own firewall begins to
    reject it with a TCP reset, as a ban for bad behaviour does.  The first address is served all
    the time, between the refusals.  There is no log.

    The reader should see: not a service that is down, but one that refuses a single source.
    """
    c.stage(log=False)
    banned = c.client.addr.rsplit(".", 1)[0] + ".%d" % c.rng.randrange(240, 250)
    c.client.add_address(banned)
    door = c.server.listen(port)
    c.watch()

    def visit(src):
        s = c.client.connect(c.server.addr, port, src=src)
        t, _ = door.accept()
        c.say(s, t)
        s.close()
        t.close()
        c.pause(0.1, 0.4)

    visit(c.client.addr)
    visit(banned)
    c.server.nft(
        f"""table ip filter {{
      chain input {{
        type filter hook input priority 0
        ip saddr {banned} tcp dport {port} reject with tcp reset
      }}
    }}\n"""
    )
    for _ in range(c.rng.randrange(3, 5)):
        s = c.client.socket()
        s.bind((banned, 0))
        mine = s.getsockname()[1]
        try:
            s.connect((c.server.addr, port))
        except ConnectionRefusedError:
            pass
        s.close()
        c.truth.add(
            (banned, mine),
            (c.server.addr, port),
            sender="server",
            phase="opening",
            kernel=False,
            mechanism=["refused"],
            cause=["firewall-reject"],
        )
        c.pause(0.1, 0.4)
        visit(c.client.addr)
    door.close()
