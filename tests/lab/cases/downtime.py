# SPDX-License-Identifier: Apache-2.0
"""A whole host that goes down in order, told by its journal."""
import time

import guest
import net
from case import again, case
from cases.endpoint import SERVICE
from cases.ownkernel import UNITS, answers
from daemons import wait_for
from talk import drain


def shut_down(c, port=8700, how="reboot"):
    """
    The server's host is told to shut down.  systemd stops the service: its connections with bytes
    unread are reset, the others get FIN, and what their clients write later draws bare RSTs until
    the host is gone.

    The reader should see: the whole host went down, in systemd's words.
    """
    c.client, c.server = c.host("client"), c.host("server")
    ic, is_ = net.join(c.client, c.server, offloads=False)
    c.cable, c.planned = None, c.spec["shape"].get("captures", ("client",))
    net.give(c.client, ic, *c.addresses())
    theirs = c.addresses("198.51.100", "2001:db8:2")
    for name, text in UNITS.items():
        text = text.format(service=SERVICE, address=theirs[c.ip == 6], port=port)
        text = text.replace("[Service]", "Conflicts=shutdown.target\nBefore=shutdown.target\n[Service]")
        c.server.write("/etc/systemd/system/" + name, text)
    c.server.write("/etc/hostname", c.server.hostname + "\n")
    c.box = guest.Guest(
        c.server, [(is_, *theirs)], memory=256, manager="/usr/lib/systemd/systemd"
    )
    wait_for(lambda: answers(c, port), "the service", 90)
    c.pause(0.3)
    c.watch()
    guests = [c.client.connect(c.server.addr, port) for _ in range(c.rng.randrange(4, 7))]
    for s in guests:
        s.sendall(c.text(10, 90).replace(b";", b"."))
        s.recv(4096)
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
