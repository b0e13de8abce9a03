# SPDX-License-Identifier: Apache-2.0
"""What one half of a connection through a proxy has from the other, with no log to say so."""
import sys
from pathlib import Path

import daemons
from case import case
from cases.services import through
from daemons import abort, wait_for
from talk import drain, end

FORWARDER = Path(__file__).resolve().parent.parent / "forwarder.py"


def forwarder(c, idle):
    everywhere = "::" if c.ip == 6 else "0.0.0.0"
    c.proxy.spawn(
        sys.executable, str(FORWARDER), everywhere, "8080", c.server.addr, "9000", str(idle)
    )
    wait_for(lambda: daemons.listening(c.proxy, 8080), "the proxy")


def exchange(c, a, b):
    c.say(a, b, 30, 200)
    c.say(b, a, 100, 900)


@case("proxy-passes-on", "A proxy passes on a reset, then loses its server", corpus=True)
def passes_on(c):
    """
    A proxy of TCP connections ends each half as the other ended.  The program behind it aborts two
    sessions (SO_LINGER 0): the proxy resets its clients.  One session ends in order.  Then the
    program is gone, its port refuses, and the proxy closes new connections with the request
    unread.  Captured on the proxy, both halves in one file; there is no log.

    The reader should see: what the clients met came from behind the proxy: first from the program
    that aborted, then from a port where nothing listened any more.
    """
    c.proxied(log=False)
    listener = c.server.listen(9000)
    forwarder(c, 60)
    c.watch()
    aborted, refused = [], []
    for n in range(3):
        a, b, mine = through(c, listener)
        exchange(c, a, b)
        if n == 1:
            end(a)
            drain(b, 0.3)
            b.close()
            continue
        c.pause(0.1, 0.3)
        abort(b)
        drain(a, 0.5)
        a.close()
        aborted.append(mine)
        c.pause(0.3, 0.6)
    listener.close()
    for _ in range(c.rng.randrange(2, 4)):
        a = c.client.connect(c.proxy.addr, 8080)
        a.sendall(c.text(40, 200))
        refused.append(a.getsockname()[1])
        drain(a, 0.5)
        a.close()
        c.pause(0.4, 0.9)
    c.truth.every(
        (c.proxy.addr, 8080),
        match=lambda p: p.sport in aborted or p.dport in aborted,
        sender="server",
        phase="active",
        mechanism=["abort", "abort-unread"],
        cause=["application-abort"],
    )
    c.truth.every(
        (c.proxy.addr, 8080),
        match=lambda p: p.sport in refused or p.dport in refused,
        sender="server",
        phase="active",
        mechanism=["abort-unread"],
        cause=["service-down"],
    )
    c.truth.every(
        (c.server.addr, 9000),
        match=lambda p: p.seq != 0,
        sender="server",
        phase="active",
        mechanism=["abort"],
        cause=["application-abort"],
    )
    c.truth.every(
        (c.server.addr, 9000),
        sender="server",
        phase="opening",
        mechanism=["refused"],
        cause=["service-down"],
    )


@case("proxy-closes-both", "A proxy closes both halves of idle connections", corpus=True)
def closes_both(c):
    """
    A proxy of TCP connections closes both halves of a connection that was silent for 3 s.  Clients
    hold theirs in a pool and write later.  Some are in use all the time.  Captured on the proxy,
    both halves in one file; there is no log.

    The reader should see: the proxy's idle timeout; the server behind it did not close.
    """
    c.proxied(log=False)
    listener = c.server.listen(9000)
    forwarder(c, 3)
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        a, b, _ = through(c, listener)
        exchange(c, a, b)
        c.pause(4.0, 4.6)
        a.sendall(c.text(20, 90))
        drain(a, 0.3)
        a.close()
        drain(b, 0.2)
        b.close()
        c.pause(0.3, 0.7)
    a, b, _ = through(c, listener)
    exchange(c, a, b)
    end(a)
    drain(b, 0.3)
    b.close()
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["proxy-timeout"],
    )
