# SPDX-License-Identifier: Apache-2.0
"""Ends that look like others: a listener that goes while clients knock, sshd's limit with bytes
unread, sessions killed, echoes of ACK floods, NAT's complaints, silence with heartbeats off."""
import os
import signal
import socket
import time

import daemons
import rawpacket
from case import case
from cases.endpoint import SERVICE
from cases.middle import STATEFUL, invalid
from cases.opening import refused
from cases.services import amqp, frame, rabbitmq, redis
from cases.ssh import ID, login
from daemons import Sshd, banner, ssh, wait_for
from pcapfile import ACK
from talk import begin, drain, end, exchange, meet

PADDED = os.path.join(os.path.dirname(SERVICE), "padded.py")
LATE = {
    r: ("half-closed", ["after-close"])
    for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
}


def stop_while_connecting(c, port=6379):
    """
    redis is frozen (SIGSTOP, as by a swapping host) and stopped (SIGTERM takes effect when it
    wakes) while clients are connecting: their handshakes are complete, nobody has accepted them,
    and the kernel resets them as the listener closes.  Those that come after are refused.  redis
    logs to syslog.

    The reader should see: the service went down while these clients were connecting.
    """
    c.stage(delay=c.spec["shape"].get("delay", 0.01))
    p = redis(c)
    c.watch()
    ok = c.client.connect(c.server.addr, port)
    ok.sendall(b"PING\r\n")
    ok.recv(64)
    ok.close()
    c.pause(0.3, 0.6)
    p.send_signal(signal.SIGSTOP)
    c.pause(0.1, 0.2)
    knocking = [c.client.connect(c.server.addr, port) for _ in range(c.rng.randrange(3, 6))]
    for n, s in enumerate(knocking):
        if n % 2:
            s.sendall(b"GET k%d\r\n" % n)
    c.pause(0.3, 0.5)
    p.terminate()
    p.send_signal(signal.SIGCONT)
    p.wait(5)
    c.pause(0.2, 0.3)
    for s in knocking:
        s.close()
    down = [("syslog", r"redis\[\d+\]: Redis is now ready to exit")]
    for mine in refused(c, port, 2):
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="opening",
            mechanism="refused",
            cause=["service-down", "service-restart"],
            logs=down,
            logs_ok=[("syslog", r"redis\[")],
        )
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="idle-open",
        mechanism=["abort", "abort-unread", "refused-late"],
        cause=["service-down", "service-restart"],
        by_reason={"NO_SOCKET": ("opening", ["refused-late", "no-state"])},
        logs=down,
        logs_ok=[("syslog", r"redis\[")],
    )
    c.truth.absent += [("syslog", r"rsyslogd")]


case("service-down-late", "redis stops while clients are connecting", corpus=True)(
    stop_while_connecting
)
case("service-down-late-v6", "redis stops while clients are connecting", corpus=True, graded=True,
     ip=6, shape=dict(delay=0.02, log_shift=-2.5))(stop_while_connecting)


def stop_race(c, port=6379):
    """
    redis is stopped (SIGTERM) while clients connect in quick succession over a long path.  Some
    handshakes are complete for the client, but their last ACK finds no listener any more and
    draws a bare RST; SYNs that arrive later are refused.

    The reader should see: the service closed its listener while these clients were connecting.
    """
    c.stage(delay=c.spec["shape"].get("delay", 0.05))
    p = redis(c)
    c.watch()
    ok = c.client.connect(c.server.addr, port)
    ok.sendall(b"PING\r\n")
    ok.recv(64)
    ok.close()
    c.pause(0.2, 0.4)
    knocking, end_at, stop_at = [], None, time.monotonic() + 0.15
    while end_at is None or time.monotonic() < end_at:
        if stop_at and time.monotonic() > stop_at:
            p.terminate()
            stop_at = None
        s = c.client.socket()
        s.setblocking(False)
        try:
            s.connect((c.server.addr, port))
        except OSError:
            pass
        knocking.append(s)
        time.sleep(0.012)
        if end_at is None and p.poll() is not None:
            end_at = time.monotonic() + 0.03
    c.pause(0.3)
    for s in knocking:
        s.close()
    down = dict(
        cause=["service-down", "service-restart"],
        logs=[("syslog", r"redis\[\d+\]: Redis is now ready to exit")],
        logs_ok=[("syslog", r"redis\[")],
    )
    c.truth.every(
        (c.server.addr, port),
        match=lambda p: p.flags & ACK and p.seq == 0,
        sender="server",
        phase="opening",
        mechanism="refused",
        **down,
    )
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="opening",
        mechanism=["refused-late"],
        by_reason={
            "TCP_STATE": ("idle-open", ["abort", "refused-late"]),
            "TCP_ABORT_ON_CLOSE": ("idle-open", ["abort-unread", "abort"]),
        },
        **down,
    )
    c.truth.absent += [("syslog", r"rsyslogd")]


case("service-down-race", "redis stops while SYN-ACKs are on their way", corpus=True)(stop_race)
case("service-down-race-v6", "redis stops while SYN-ACKs are on their way", corpus=True,
     graded=True, ip=6, shape=dict(delay=0.07))(stop_race)


def auth_limit(c):
    """
    `MaxAuthTries 2`.  A client that pads its traffic with SSH_MSG_IGNORE, as the protocol allows,
    tries wrong passwords.  sshd disconnects with "maximum authentication attempts exceeded" while
    padding is unread or on its way: a reset.  Clients without padding end in order after the same
    line.

    The reader should see: sshd's limit of login tries.
    """
    c.stage(delay=c.spec["shape"].get("delay", 0.012))
    Sshd(c.server, {"MaxAuthTries": "2"})
    c.watch()
    for n in range(c.rng.randrange(3, 6)):
        if n == 1:
            p = ssh(
                c.client, c.server.addr, "true", password="wrong",
                options=["-o", "NumberOfPasswordPrompts=4",
                         "-o", "PreferredAuthentications=password"],
            )
            p.communicate(timeout=30)
            continue
        c.client.run("/usr/bin/python3", PADDED, c.server.addr, 22, "fred", check=False)
        c.pause(0.4, 0.8)
    login(c)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["ssh-auth-limit"],
        by_reason=LATE,
        logs=[("auth.log", r"maximum authentication attempts exceeded .*{ip} port {port}\b")],
        logs_ok=[("auth.log", r"port {port}\b")],
    )
    c.truth.absent += [("auth.log", r"Accepted ")]


case("ssh-auth-limit-reset", "Too many passwords, and bytes unread", corpus=True)(auth_limit)
case("ssh-auth-limit-reset-slow", "Too many passwords, and bytes unread", corpus=True,
     graded=True, shape=dict(delay=0.03, log_style="bsd"))(auth_limit)


def session_killed(c):
    """
    An administrator kills the sshd processes of a login (SIGKILL) in the middle of the session.
    Where the client's keystrokes were unread the kernel resets, else it sends FIN and what the
    client types next draws a bare RST.  Another session ends in order.

    The reader should see: the server's process ended the session; no line of sshd says why.
    """
    c.stage()
    Sshd(c.server)
    c.watch(snaplen=200)
    login(c)
    c.pause(0.3, 0.6)
    for n in range(c.rng.randrange(2, 4)):
        p = ssh(c.client, c.server.addr, "cat")
        p.stdin.write(b"good morning\n")
        p.stdin.flush()
        p.stdout.readline()
        c.pause(0.2, 0.4)
        mine = [
            x
            for x in c.server.find("sshd")
            if b"fred@notty" in open(f"/proc/{x}/cmdline", "rb").read()
        ]
        if n % 2 == 0:
            for pid in mine:
                c.server.signal(pid, signal.SIGSTOP)
            p.stdin.write(b"are you there?\n")
            p.stdin.flush()
            c.pause(0.2, 0.3)
        for pid in mine:
            c.server.signal(pid, signal.SIGKILL)
        c.pause(0.1, 0.2)
        try:
            p.stdin.write(b"hello?\n")
            p.stdin.flush()
        except OSError:
            pass
        p.communicate(timeout=20)
        c.pause(0.5, 0.9)
    login(c)
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["application-abort", "unread-data-close", "process-crash", "late-data-after-close"],
        severity=["fault", "notice", "harmless"],
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
        },
        logs_ok=[("auth.log", r"port {port}\b|session closed for user fred")],
    )
    c.truth.absent += [("auth.log", r"Received disconnect|Disconnected from")]


def echo_of_acks(c, port=80):
    """
    Somebody floods a distant server with ACK segments that carry this host's address.  The server
    knows no such connections: its bare RSTs arrive here, alone.

    The reader should see: lone RSTs for connections that nobody here began.
    """
    c.stage(routed=True, log=False, router_log=False, captures=("client",))
    listener = begin(c, port)
    for _ in range(c.rng.randrange(3, 6)):
        mine, door = c.rng.randrange(20000, 60000), c.rng.choice([443, 8443, 25])
        rawpacket.send(
            c.router,
            rawpacket.tcp(
                c.client.addr, mine, c.server.addr, door, ACK,
                seq=c.rng.getrandbits(32), ack=c.rng.getrandbits(32), ttl=61,
            ),
            c.server.addr,
        )
        c.pause(0.1, 0.5)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, door),
            sender="server",
            phase="unknown",
            mechanism=["undetermined", "no-state"],
            cause=["backscatter", "undetermined", "peer-lost-state"],
        )
    listener.close()


case("backscatter-acks", "Answers to somebody else's forged ACKs", corpus=True)(echo_of_acks)
case("backscatter-acks-v6", "Answers to somebody else's forged ACKs", corpus=True, graded=True,
     ip=6)(echo_of_acks)


def invalid_logged(c):
    """
    As conntrack-invalid, and the router's kernel logs what it judges invalid
    (`nf_conntrack_log_invalid=6`): a segment beyond the client's window passes a DNAT
    untranslated, and the client resets it.

    The reader should see: connection tracking judged the segment invalid, in the kernel's words.
    """
    invalid(c, log=True)


case("conntrack-invalid-logged", "A segment judged invalid, and the line that says so",
     corpus=True)(invalid_logged)
case("conntrack-invalid-logged-2", "A segment judged invalid, and the line that says so",
     corpus=True, graded=True, shape=dict(log_style="bsd", delay=0.02))(invalid_logged)


def quiet_broker(c, idle=3):
    """
    A RabbitMQ client has switched heartbeats off.  The firewall between forgets the idle
    connection after three seconds; what the client publishes next is rejected with a TCP reset in
    the broker's name.  Another client with heartbeats of one second lives.

    The reader should see: the path forgot the connection; nobody missed a heartbeat.
    """
    c.stage(routed=True, captures=("client", "server"))
    c.router.nft(
        STATEFUL.format(log='log prefix "NO-STATE: "', verdict="reject with tcp reset")
    )
    c.router.sysctl(
        "net.netfilter.nf_conntrack_tcp_loose=0",
        f"net.netfilter.nf_conntrack_tcp_timeout_established={idle}",
    )
    rabbitmq(c)
    c.watch()
    lively = amqp(c, 1)
    silent = [amqp(c, 0) for _ in range(c.rng.randrange(2, 4))]
    began = time.monotonic()
    while time.monotonic() < began + idle + 1.6:
        time.sleep(0.5)
        lively.sendall(frame(8, 0, b""))
    for s in silent:
        mine = s.getsockname()[1]
        s.sendall(frame(8, 0, b""))
        c.pause(0.1, 0.2)
        end(s)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, 5672),
            sender="path",
            phase="active",
            mechanism=["injected", "no-state"],
            cause=["middlebox-idle-timeout"],
            capture="client.pcap",
            logs=[("router/kern.log", rf"NO-STATE: .*SPT={mine} DPT=5672 ")],
            logs_ok=[
                ("router/kern.log", rf"NO-STATE: .*DPT={mine} "),
                ("server/rabbitmq/rabbit@localhost.log", rf":{mine} "),
            ],
        )
    c.mute(c.server)
    drain(lively, 0.3)
    lively.close()


case("rabbitmq-no-heartbeat", "RabbitMQ without heartbeats behind a forgetful firewall",
     corpus=True)(quiet_broker)
case("rabbitmq-no-heartbeat-2", "RabbitMQ without heartbeats behind a forgetful firewall",
     corpus=True, graded=True, shape=dict(log_shift={"router": 6.5, "server": -3.0}))(quiet_broker)
case("ssh-session-killed", "An administrator kills a login's processes", corpus=True)(
    session_killed
)
case("ssh-session-killed-v6", "An administrator kills a login's processes", corpus=True,
     graded=True, ip=6)(session_killed)


@case("close-without-waiting", "A server that does not wait for the rest", corpus=True)
def close_without_waiting(c, port=9000):
    """
    A server answers and closes sockets on which it had set `TCP_LINGER2` to -1: it sends FIN, and
    its kernel resets the very acknowledgement of that FIN instead of waiting for the other end to
    close, too.  Nothing was on its way.  There is no log.

    The reader should see: no reset that lost anything, and that it answered the acknowledgement.
    """
    c.stage(log=False, delay=0.01)
    listener = begin(c, port)
    ends = [meet(c, listener, port) for _ in range(3)]
    for a, b, mine in ends:
        exchange(c, a, b, 2)
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="half-closed",
            mechanism="after-close", cause=["fast-close", "application-abort"],
        )
    c.pause(0.2, 0.4)
    for a, b, _ in ends:
        b.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, -1)
        b.close()
        c.pause(0.1, 0.3)
    end(*(a for a, _, _ in ends))
