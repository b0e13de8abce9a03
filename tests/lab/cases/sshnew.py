# SPDX-License-Identifier: Apache-2.0
"""OpenSSH 10 (Debian 13): penalties for sources, and the old limits in its new words."""
import os

from case import case
from cases.ssh import ID, UNREAD_OR_LATE, login
from cases.sshmore import knock
from daemons import NewSshd, banner, ssh


def show(c, sshd):
    path = os.path.join(c.out, "host", "server")
    os.makedirs(path, exist_ok=True)
    with open(path + "/sshd-T.txt", "w") as f:
        f.write(sshd.effective())


@case("ssh-source-penalty", "OpenSSH 10 turns a source away for its failed logins")
def penalty(c):
    """
    `PerSourcePenalties authfail:6 min:3 …` in OpenSSH 10.  One address fails to log in, earns a
    penalty, and its next connections are dropped before the banner; its own banner, unread or
    late, makes resets of them.  Another address logs in all the while.

    The reader should see: a source penalty, from "drop connection … penalty: failed
    authentication".
    """
    c.stage()
    sshd = NewSshd(
        c.server, {"PerSourcePenalties": "authfail:6 min:3 noauth:2 max:60", "MaxAuthTries": "3"}
    )
    bad = "203.0.113.91" if c.ip == 4 else "2001:db8:5::91"
    c.client.add_address(bad)
    c.server.run(
        "ip",
        "route",
        "replace",
        bad + ("/128" if c.ip == 6 else "/32"),
        "dev",
        c.server.ifnames[0],
        check=False,
    )
    c.watch()
    login(c)
    for _ in range(2):
        p = ssh(
            c.client,
            c.server.addr,
            "true",
            password="wrong",
            options=[
                "-b",
                bad,
                "-o",
                "PreferredAuthentications=password",
                "-o",
                "NumberOfPasswordPrompts=3",
            ],
        )
        p.communicate(timeout=30)
    c.pause(0.2, 0.4)
    for _ in range(c.rng.randrange(3, 6)):
        knock(c, src=bad, first=True, wait=0.5)
        c.pause(0.2, 0.5)
    login(c)
    show(c, sshd)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="idle-open",
        mechanism=["abort-unread", "abort"],
        cause=["ssh-source-penalty"],
        by_reason=UNREAD_OR_LATE,
        needed=False,
        logs=[("auth.log", r"drop connection .*\[{ip}\]:{port} .*penalty")],
        logs_ok=[("auth.log", r"penalty|Failed password for fred from {ip} ")],
    )
    c.truth.absent += [("auth.log", r"Accepted ")]


def new_startups(c):
    """
    OpenSSH 10 with `MaxStartups 3:100:4` (and no penalties, so that they cannot be the reason).
    Slow clients hold the places; those that come after are dropped and reset.

    The reader should see: MaxStartups, in the words of a newer sshd.
    """
    c.stage()
    sshd = NewSshd(
        c.server, {"MaxStartups": "3:100:4", "PerSourcePenalties": "no", "LoginGraceTime": "60"}
    )
    c.watch()
    login(c)
    slow = [c.client.connect(c.server.addr, 22) for _ in range(3)]
    for s in slow:
        s.sendall(ID)
        banner(s)
    c.pause(0.3, 0.5)
    for _ in range(c.rng.randrange(4, 8)):
        knock(c, first=True, wait=0.5)
        c.pause(0.05, 0.3)
    for s in slow:
        s.settimeout(0.2)
        try:
            while s.recv(4096):
                pass
        except OSError:
            pass
        s.close()
    c.pause(0.6)
    login(c)
    show(c, sshd)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="idle-open",
        mechanism=["abort-unread", "abort"],
        cause=["ssh-max-startups"],
        by_reason=UNREAD_OR_LATE,
        needed=False,
        logs=[("auth.log", r"drop connection .*\[{ip}\]:{port} .*[Mm]ax[Ss]tartups")],
        logs_ok=[("auth.log", r"MaxStartups")],
    )
    c.truth.absent += [("auth.log", r"Accepted ")]


def new_grace(c):
    """
    OpenSSH 10 with `LoginGraceTime 2` and no penalties: this sshd does log "Timeout before
    authentication".  Clients that speak after the end draw a bare RST.

    The reader should see: the login grace time ran out, with the line that says so.
    """
    import time

    c.stage()
    sshd = NewSshd(c.server, {"LoginGraceTime": "2", "PerSourcePenalties": "no"})
    c.watch()
    login(c)
    held = []
    for _ in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, 22)
        banner(s)
        s.sendall(ID)
        held.append(s)
        c.pause(0.1, 0.3)
    time.sleep(3.2)
    for s in held:
        s.settimeout(0.2)
        try:
            while s.recv(4096):
                pass
            s.sendall(b"\0\0\1\x14" + c.text(276, 277))
            c.pause(0.06, 0.1)
        except OSError:
            pass
        s.close()
        c.pause(0.1, 0.3)
    show(c, sshd)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["ssh-login-grace-timeout"],
        by_reason=UNREAD_OR_LATE,
        logs_ok=[
            (
                "auth.log",
                r"Timeout before authentication for connection from {ip} to|"
                r"Timeout before authentication.*{ip} port {port}\b",
            )
        ],
    )
    c.truth.absent += [("auth.log", r"Accepted ")]
