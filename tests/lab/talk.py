# SPDX-License-Identifier: Apache-2.0
"""What two programs of a case do on their connection: meet, talk in turn, and end it.

In: a case whose hosts stand.  Out: sockets of both ends.  What it means is the case's to claim.
"""


def begin(c, port, ordinary=8080):
    """Captures run and hold connections that end in order; returns the listener at that port."""
    listener = c.server.listen(port)
    c.watch()
    c.ordinary(ordinary)
    return listener


def meet(c, listener, port):
    """A connection: (the client's end, the server's, the client's port)."""
    a = c.client.connect(c.server.addr, port)
    b, _ = listener.accept()
    b.settimeout(10)
    return a, b, a.getsockname()[1]


def exchange(c, a, b, times=1):
    """a asks and b answers, so often."""
    for _ in range(times):
        c.say(a, b)
        c.say(b, a)


def drain(s, wait=0.4):
    """What came until now and within that many seconds."""
    s.settimeout(wait)
    got = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                break
            got += more
    except OSError:
        pass
    return got


def end(*socks):
    """Reads what there is and closes."""
    for s in socks:
        drain(s, 0.3)
        s.close()
