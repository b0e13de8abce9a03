# SPDX-License-Identifier: Apache-2.0
"""Forgers who copy the look of a kernel's own reset and strike one end only."""
import time

from case import case
from cases.endpoint import keepalive
from forger import Forger
from pcapfile import SYN
from talk import begin, end, exchange, meet


@case(
    "forged-unnoticed",
    "Forged RSTs to one end in a kernel's own clothes; the other only acknowledges",
    corpus=True,
)
def unnoticed(c, port=5222, captures=("client",)):
    """
    Somebody on the path resets the client in the server's name with the very RST that the
    server's kernel would send: same hop count, window 0, IP ID 0, no options, the exact number.
    The server knows nothing of it and has nothing to say, but its kernel speaks: it acknowledges
    what the client had sent one round trip before, or probes an idle connection
    (TCP_KEEPIDLE 1).  Beside them the server's program closes two connections itself, with the
    client's bytes unread.

    The reader should see: an end that acknowledges after "its own" reset did not send it; the
    aborts are the server's.
    """
    c.stage(delay=c.rng.choice([0.008, 0.02]), captures=captures)
    forger = Forger(c.cable)
    listener = begin(c, port)
    for kind in c.rng.sample(["busy", "idle", "busy", "idle", "abort", "abort"], 6):
        a, b, mine = meet(c, listener, port)
        us, them = (c.client.addr, mine), (c.server.addr, port)
        if kind == "idle":
            keepalive(b, 1, 1, 2)
        exchange(c, a, b, c.rng.randrange(2, 5))
        c.pause(0.2, 0.4)
        if kind == "abort":
            a.sendall(c.text(40, 400))
            c.pause(0.1)
            b.close()
        else:
            if kind == "busy":
                a.sendall(c.text(40, 400))
            forger.forge(*them, *us, window=0, ident=0, ttl=forger.flows[(*them, *us)]["ttl"])
        time.sleep(2.4 if kind == "idle" else 0.3)
        c.truth.add(
            us,
            them,
            sender="server" if kind == "abort" else "path",
            phase="active",
            mechanism=["abort-unread", "abort"] if kind == "abort" else ["injected"],
            cause=["unread-data-close", "application-abort"]
            if kind == "abort"
            else ["forged-reset", "ips-reset"],
            deciding=lambda p, w=them: (p.src, p.sport) == w,
        )
        end(a, b) if kind != "abort" else end(a)
        c.pause(0.2, 0.4)


@case("challenge-drawn", "A forged SYN draws the numbers for a forged RST", corpus=True)
def challenge(c, port=5432):
    """
    As killcx does: a SYN in the client's name meets its living connection, the server answers
    with a challenge ACK that tells both numbers (RFC 5961 section 4), and a RST with them ends
    the server's side.  The client loses power before it speaks again.

    The reader should see: no client that took a port again, for it would have sent its SYN again.
    """
    c.stage(log=False, delay=c.rng.choice([0.004, 0.012]), captures=("client", "server"))
    forger = Forger(c.cable)
    listener = c.server.listen(port)
    c.watch()
    for _ in range(2):
        a, b, mine = meet(c, listener, port)
        us, them = (c.client.addr, mine), (c.server.addr, port)
        exchange(c, a, b, c.rng.randrange(2, 4))
        c.pause(0.3)
        now = dict(forger.flows[(*us, *them)])
        forger.forge(*us, *them, SYN, offset=c.rng.randrange(1 << 24, 1 << 28), window=512)
        c.pause(0.05)
        forger.flows[(*us, *them)] = now
        forger.forge(*us, *them, window=0)
        c.pause(0.2)
        c.client.forget(a)
        b.close()
        c.truth.add(
            us,
            them,
            sender="path",
            phase="opening",
            mechanism=["collision", "injected"],
            cause=["forged-reset", "ips-reset"],
        )
    time.sleep(1.3)
    a, b, _ = meet(c, listener, port)
    end(a, b)
