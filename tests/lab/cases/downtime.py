# SPDX-License-Identifier: Apache-2.0
"""A whole host that goes down in order, told by its journal."""
import time

from case import again, case
from cases.ownkernel import under_systemd
from talk import drain


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
