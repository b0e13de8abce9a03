# SPDX-License-Identifier: Apache-2.0
"""More of OpenSSH: hosts.deny, LoginGraceTime, a broken installation, too many passwords."""
import time

from case import case
from cases.ssh import ID, UNREAD_OR_LATE, login
from daemons import Sshd, banner, ssh


def knock(c, text=ID, wait=3.0, src=None, first=False):
    """A client that sends its banner (at once, or after the server's) and waits for the end."""
    s = c.client.connect(c.server.addr, 22, src=src)
    s.settimeout(wait)
    port = s.getsockname()[1]
    try:
        if not first:
            banner(s)
        s.sendall(text)
        while s.recv(4096):
            pass
    except OSError:
        pass
    s.close()
    return port


@case("tcp-wrappers-denied", "hosts.deny turns a client away")
def wrappers(c):
    """
    /etc/hosts.deny names one client address.  sshd (linked with libwrap, as Debian's is) logs
    "refused connect from" and exits five seconds later (libwrap's refuse() sleeps); the client's
    unread banner makes a reset of it.  Another address logs in.

    The reader should see: TCP wrappers denied the address.  The line names no port and comes five
    seconds before the RST.
    """
    c.stage()
    Sshd(c.server)
    bad = "203.0.113.66" if c.ip == 4 else "2001:db8:6::66"
    c.client.add_address(bad)
    c.server.write("/etc/hosts.deny", f"sshd: {'[%s]' % bad if c.ip == 6 else bad}\n")
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
    for _ in range(c.rng.randrange(2, 5)):
        knock(
            c, src=bad, first=True, wait=8
        )  # libwrap's refuse() sleeps for five seconds before it exits
        c.pause(0.3, 1.4)
    login(c)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="idle-open",
        mechanism=["abort-unread", "abort"],
        cause=["tcp-wrappers-denied"],
        by_reason=UNREAD_OR_LATE,
        each=True,
        logs=[("auth.log", r"refused connect from")],
    )
    c.truth.absent += [("auth.log", r"Accepted |Disconnected from")]


@case("ssh-login-grace-timeout", "Clients that never log in, and one that speaks too late")
def grace(c):
    """
    `LoginGraceTime 2`.  Clients exchange banners and then say nothing; sshd's alarm ends the
    child, which closes with FIN.  This build (Debian's 9.2p1 with the fix for CVE-2024-6387) logs
    nothing then.  Some clients speak afterwards and draw a bare RST; others close in order.
    `sshd -T` is in host/.

    The reader should see: the login grace time ran out, from timing and the configured value alone.
    """
    c.stage()
    Sshd(c.server, {"LoginGraceTime": "2"})
    c.watch()
    login(c)
    held = []
    for _ in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, 22)
        banner(s)
        s.sendall(ID)
        held.append(s)
        c.pause(0.1, 0.4)
    time.sleep(2.6)
    for n, s in enumerate(held):
        s.settimeout(0.2)
        try:
            while s.recv(4096):
                pass
            if n:
                s.sendall(b"\0\0\1\x14" + c.text(276, 277))
                c.pause(0.05, 0.1)
        except OSError:
            pass
        s.close()
        c.pause(0.1, 0.3)
    c.snapshot(c.server, "sshd-T.txt", "/usr/sbin/sshd", "-T")
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["ssh-login-grace-timeout"],
    )
    c.truth.absent += [("auth.log", r"Accepted |Disconnected from")]


@case("ssh-server-error", "sshd cannot serve: its privilege separation directory is gone")
def server_error(c):
    """
    /run/sshd was removed.  The listening sshd still accepts, but each re-executed child dies at
    once with "fatal: Missing privilege separation directory", the client's banner unread.

    The reader should see: an error of the server's installation, named in its log.
    """
    c.stage()
    Sshd(c.server)
    c.watch()
    login(c)
    c.server.sh("rmdir /run/sshd")
    for _ in range(c.rng.randrange(2, 5)):
        knock(c, first=True)
        c.pause(0.3, 1.2)
    c.server.sh("mkdir /run/sshd")
    login(c)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="idle-open",
        mechanism=["abort-unread", "abort"],
        cause=["ssh-server-error"],
        by_reason=UNREAD_OR_LATE,
        each=True,
        logs=[("auth.log", r"Missing privilege separation directory")],
    )
    c.truth.absent += [("auth.log", r"Accepted |Disconnected from")]


@case("ssh-auth-limit", "Too many passwords: sshd hangs up, and that is no reset", corpus=True)
def auth_limit(c):
    """
    `MaxAuthTries 2`.  A client tries wrong passwords until sshd says "maximum authentication
    attempts exceeded" and disconnects; both sides close with FIN.  Beside it one client is
    refused by a closed port.

    The reader should see: one refused port; the ssh sessions ended in order and their log lines
    are no lost reset.
    """
    c.stage()
    Sshd(c.server, {"MaxAuthTries": "2"})
    c.watch()
    from cases.opening import refused

    for _ in range(3):
        p = ssh(
            c.client,
            c.server.addr,
            "true",
            password="wrong",
            options=["-o", "NumberOfPasswordPrompts=4", "-o", "PreferredAuthentications=password"],
        )
        p.communicate(timeout=30)
        c.pause(0.2, 0.5)
    for p in refused(c, 2222):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, 2222),
            sender="server",
            phase="opening",
            mechanism="refused",
            cause=["port-closed"],
        )
    c.truth.absent += [("auth.log", r"sshd\[")]
