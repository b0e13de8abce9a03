# SPDX-License-Identifier: Apache-2.0
"""Days without a reset: nothing to find, and resets that only a log knows of."""
import daemons
from case import case
from cases.endpoint import asked
from cases.services import redis
from cases.ssh import ID, login
from cases.sshmore import knock
from daemons import Sshd, abort, banner, ssh
from talk import drain


def quiet_day(c):
    """
    Logins, wrong passwords up to `MaxAuthTries`, port checks, web requests and redis commands, all
    closed in order.  The logs are full of "Connection closed", "Failed password" and "maximum
    authentication attempts exceeded".

    The reader should see: no reset, and no line that speaks of a lost one.
    """
    c.stage()
    Sshd(c.server, {"MaxAuthTries": "2"})
    redis(c)
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server, f"server {{ listen {listen}; location / {{ return 200 'well met\\n'; }} }}"
    )
    c.watch()
    login(c)
    p = ssh(
        c.client, c.server.addr, "true", password="wrong",
        options=["-o", "NumberOfPasswordPrompts=4", "-o", "PreferredAuthentications=password"],
    )
    p.communicate(timeout=60)
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 22)
        banner(s)
        s.close()
        s = c.client.connect(c.server.addr, 80)
        asked(c, s)
        s.close()
        s = c.client.connect(c.server.addr, 6379)
        s.sendall(b"PING\r\n")
        s.recv(64)
        s.sendall(b"QUIT\r\n")
        drain(s)
        s.close()
        c.pause(0.2, 0.5)
    c.ordinary(8080)
    login(c)
    c.truth.absent += [("auth.log", r"sshd\[")]


case("quiet-day", "A day without a reset", corpus=True)(quiet_day)
case("quiet-day-v6", "A day without a reset", corpus=True, graded=True, ip=6,
     shape=dict(log_shift=-40.0, rotate=True))(quiet_day)


def only_the_log(c):
    """
    Clients of sshd reset during the key exchange, but they came in by an interface that was not
    captured.  The capture holds other connections, that end in order.

    The reader should see: no reset in the capture; the log's lines listed as resets that no
    capture holds.
    """
    c.stage()
    other = "203.0.113.71" if c.ip == 4 else "2001:db8:9::71"
    Sshd(c.server)
    c.server.run(
        "ip", "route", "replace", other + ("/128" if c.ip == 6 else "/32"), "dev",
        c.server.ifnames[0],
    )
    c.client.add_address(other)
    c.watch(expression=f"tcp and not host {other}")
    login(c)
    c.ordinary(8080)
    for _ in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, 22, src=other)
        banner(s)
        s.sendall(ID)
        c.pause(0.2, 0.3)
        abort(s)
        c.pause(0.3, 0.6)
    knock(c, text=b"bye\r\n")
    c.ordinary(8080)
    login(c)
    c.truth.unmatched.append(("auth.log", rf"Connection reset by {other} port"))


case("only-the-log", "Resets that only the log knows of", corpus=True)(only_the_log)
case("only-the-log-v6", "Resets that only the log knows of", corpus=True, graded=True, ip=6,
     shape=dict(log_style="bsd"))(only_the_log)
