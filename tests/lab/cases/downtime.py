# SPDX-License-Identifier: Apache-2.0
"""A whole host that goes down in order, told by its journal, or forgets what it had open."""
import time

from case import again, case
from cases.endpoint import keepalive, little_memory, start_service
from cases.ownkernel import under_systemd
from cases.services import redis
from talk import drain, exchange, meet


def shut_down(c, port=8700, how="reboot"):
    """
    The server's host is told to shut down.  systemd stops the service: its connections with bytes
    unread are reset, the others get FIN, and what their clients write later draws bare RSTs until
    the host is gone.

    The reader should see: the whole host went down, in systemd's words.
    """
    guests = under_systemd(
        c, port, "client", section="Conflicts=shutdown.target\nBefore=shutdown.target\n"
    )
    guests[0].sendall(b"nap 60")  # one thread: what arrives now stays unread
    c.pause(0.2, 0.3)
    for s in guests[1:3]:
        s.sendall(c.text(10, 500).replace(b";", b"."))
    order = {"reboot": "RTMIN+5", "poweroff": "RTMIN+4"}[how]
    try:
        c.box.run(
            "(journalctl -f -n 1000 -o short-precise >/var/log/journal.txt 2>&1) & sleep 1; "
            f"kill -s {order} 1", check=False, patience=6,
        )
    except RuntimeError:
        pass  # it goes down before it can say that it did
    over = time.monotonic() + 12
    while c.box.process.poll() is None and time.monotonic() < over:
        for s in guests[3:]:
            try:
                s.sendall(c.text(10, 20))
            except OSError:
                pass
        time.sleep(0.5)
    if c.box.process.poll() is None:  # user-mode Linux waits for a watchdog that is not there
        c.box.power_off()
    for s in guests:
        drain(s, 0.1)
        s.close()
    c.truth.every(
        (c.server.addr, port), sender="server", phase="half-closed",
        mechanism=["abort-unread", "abort", "after-close"],
        cause=["host-reboot", "service-restart"], kernel=False,
        logs=[("journal.txt", r"systemd\[1\]: (Activating special unit|Reached target shutdown)")],
        one_of=True, logs_ok=[("journal.txt", r".")],
    )


case("host-shutdown", "A host is shut down under its clients", corpus=True)(shut_down)
again(shut_down, "host-shutdown-v6", "A host is shut down under its clients", ip=6, graded=True,
      how="poweroff")


def stops(c):
    p = redis(c)
    p.terminate()
    p.wait(10)


def dies(c, order):
    """Another service dies of what a client says."""
    p, pid = start_service(c, "batchd", 7446)
    with little_memory(c) as fence:
        fence(pid)
        with c.client.connect(c.server.addr, 7446) as s:
            s.sendall(order)
            p.wait(20)


def forgotten_later(c, port=7445, before=stops):
    """
    {before}.  Clients of another service of that host open their connections after that and
    talk; the capture begins then.  The host forgets them without a word (TCP_REPAIR, then close),
    and the clients' next segments draw bare RSTs.

    The reader should see: the server no longer knows the connections.  What ended before they were
    last alive has not ended them, and the packets do not tell what did.
    """
    c.stage()
    before(c)
    time.sleep(6.5)  # nothing measures the log's clock
    listener = c.server.listen(port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    c.watch()
    for a, b, mine in group:
        exchange(c, a, b, 2)
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="active",
            mechanism=["no-state"], cause=["peer-lost-state", "undetermined"],
        )
    c.pause(0.3, 0.6)
    for _, b, _ in group:
        c.server.forget(b)
    c.pause(0.2)
    for a, _, _ in group:
        a.sendall(c.text(10, 300))
        c.pause(0.1)
        a.close()


forgotten_later.__doc__ = forgotten_later.__doc__.replace(
    "{before}", "A service of the server stops, crashes or is killed for want of memory"
)
for name_, before_, ip_, graded_ in (
    ("lost-state-later", stops, 4, False),
    ("lost-state-after-crash", lambda c: dies(c, b"crash"), 4, False),
    ("lost-state-after-oom", lambda c: dies(c, b"eat"), 6, False),
    ("lost-state-later-v6", stops, 6, True),
    ("lost-state-after-crash-v6", lambda c: dies(c, b"crash"), 6, True),
):
    case(
        name_, "A server forgets connections that began after another service had ended",
        corpus=True, graded=graded_, ip=ip_, before=before_,
    )(forgotten_later)


def back_without_state(c, port=5224):
    """
    The server's sockets probe idle clients (TCP_KEEPIDLE 2, INTVL 1).  The clients' host is gone
    for some seconds and has forgotten its connections when it is back: the probes, unanswered until
    then, draw bare RSTs, each connection's at its own time after the same silence.

    The reader should see: the client's host no longer knows the connections.  Probes into nothing
    say that it was away; no idle timer of a device does that.
    """
    c.stage(delay=0.002, log=False)
    listener = c.server.listen(port)
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b)
        keepalive(b, 2, 1, 9)
        group.append((a, b))
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="client", phase="active",
            mechanism=["no-state"], cause=["peer-lost-state", "undetermined"],
        )
        c.pause(0.25, 0.3)
    c.cable.cut = True
    for a, _ in group:
        c.client.forget(a)
    time.sleep(3.6)
    c.cable.cut = False
    time.sleep(1.6)
    for _, b in group:
        b.close()


case("client-lost-state", "A client's host is back and has forgotten its connections",
     corpus=True)(back_without_state)
again(back_without_state, "client-lost-state-v6",
      "A client's host is back and has forgotten its connections", ip=6, graded=True)
