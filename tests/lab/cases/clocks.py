# SPDX-License-Identifier: Apache-2.0
"""Log clocks that are wrong while the daemon writes: drifting, set in the middle, in zones of their
own."""
from case import again, case
from cases import opening
from daemons import Sshd, banner


def strangers(c, n, log="auth.log"):
    """HTTP requests to sshd, each reset and named in its log; port checkers between them."""
    for k in range(n):
        s = c.client.connect(c.server.addr, 22)
        port = s.getsockname()[1]
        if k % 2:
            banner(s)
        s.sendall(b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n" % k)
        try:
            while s.recv(512):
                pass
        except OSError:
            pass
        s.close()
        c.truth.add(
            (c.client.addr, port),
            (c.server.addr, 22),
            sender="server",
            phase="active",
            mechanism=["abort-unread", "abort"],
            cause=["ssh-protocol-mismatch", "protocol-mismatch"],
            by_reason={"TCP_TIMEWAIT_SOCKET": ("half-closed", ["after-close"])},
            logs=[
                (log, rf"banner exchange: Connection from \S+ port {port}: invalid format")
            ],
            logs_ok=[(log, rf"port {port}\b")],
        )
        c.pause(0.4, 1.6)
        q = c.client.connect(c.server.addr, 22)
        banner(q)
        q.close()
        c.pause(0.2, 0.6)


def watch(c):
    c.pair()
    Sshd(c.server, {})
    c.capture(c.server)


def left_alone(c, log="auth.log"):
    c.truth.absent += [(log, r"Connection closed by|did not send identification")]


def drift(c):
    """
    HTTP requests arrive at port 22 for half a minute.  The log's clock is far off, and runs at a
    rate of its own, as that of a virtual machine which nobody sets.

    The reader should see: the same as with a good clock, each line on its own connection; and the
    clock's offset.
    """
    watch(c)
    strangers(c, c.rng.randrange(12, 16))
    left_alone(c)


def step(c):
    """
    HTTP requests arrive at port 22.  In the middle the log's clock, far off until then, is set;
    no line says so.

    The reader should see: the same as with a good clock; that the log's clock was stepped.
    """
    watch(c)
    strangers(c, c.rng.randrange(5, 7))
    c.server.clock.set(c.spec["shape"]["set_to"])
    strangers(c, c.rng.randrange(5, 7))
    left_alone(c)


case("clock-drift", "A log whose clock runs fast", corpus=True,
     shape=dict(log_style="iso", wrong={"server": dict(offset=-3600.7, rate=1.002)}))(drift)
case("clock-drift-v6", "A log whose clock runs slow", corpus=True, graded=True, ip=6,
     shape=dict(log_style="iso", wrong={"server": dict(offset=84.3, rate=0.9985)}))(drift)
case("clock-step", "A log whose clock is set in the middle", corpus=True,
     shape=dict(log_style="iso", set_to=0.2, wrong={"server": dict(offset=95.4)}))(step)
case("clock-step-v6", "A log whose clock is set in the middle", corpus=True, graded=True, ip=6,
     shape=dict(log_style="bsd", set_to=12.0, wrong={"server": dict(offset=-1800.3)}))(step)
again(opening.firewall, "clock-zones", "Two hosts' logs, each in its own zone and wrong", ip=4,
      shape=dict(log_style="bsd", wrong={"router": dict(offset=-3.2, tz="America/New_York"),
                                         "server": dict(offset=47.1, tz="Asia/Kolkata")}))
again(opening.firewall, "clock-zones-v6", "Two hosts' logs, each in its own zone and wrong", ip=6,
      graded=True,
      shape=dict(log_style="bsd", wrong={"router": dict(offset=8.6, tz="Asia/Kathmandu"),
                                         "server": dict(offset=-61.0, tz="America/St_Johns")}))
