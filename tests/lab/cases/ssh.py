# SPDX-License-Identifier: Apache-2.0
"""OpenSSH: too many startups, silent clients, strangers at the door, sessions cut short."""
import signal
import time

from case import case
from daemons import Sshd, banner, ssh

ID = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n"
# What sshd's close() turns into depends on whether the client's banner had arrived by then.
UNREAD_OR_LATE = {
    "TCP_ABORT_ON_CLOSE": ("idle-open", ["abort-unread", "abort"]),
    "TCP_TIMEWAIT_SOCKET": ("half-closed", ["after-close"]),
    "TCP_ABORT_ON_DATA": ("half-closed", ["after-close"]),
    "NO_SOCKET": ("half-closed", ["after-close"]),
    "TCP_STATE": ("idle-open", ["abort"]),
}


def closed_after(c, n):
    """A pattern for the n-th "session closed for local user" line, by the process id that wrote
    it."""
    out = c.server.sh(
        "grep -o 'internal-sftp.*session closed for local user' /var/log/auth.log || true"
    )
    pids = [line.split("[")[1].split("]")[0] for line in out.splitlines()]
    return rf"internal-sftp\[{pids[n]}\]: session closed for local user fred"


def login(c, command="true", **k):
    """A real login that ends in order; its lines are decoys."""
    p = ssh(c.client, c.server.addr, command, **k)
    p.communicate(timeout=30)
    return p.returncode


@case("ssh-max-startups", "A burst of logins meets sshd's MaxStartups")
def max_startups(c, burst=9, limit="3:100:4"):
    """
    sshd allows three unauthenticated connections at once (`MaxStartups 3:100:4`).  Slow clients
    hold those places, then a burst of real ssh clients arrives.  sshd writes "Exceeded
    MaxStartups" to each and closes: where the client's banner had already arrived unread the
    kernel sends RST+ACK, elsewhere FIN, and the banner that comes after draws a bare RST.

    The reader should see: refused before login by MaxStartups; sshd logs only the first drop of
    an episode.
    """
    c.pair()
    Sshd(c.server, {"MaxStartups": limit, "LoginGraceTime": "60"})
    c.capture(c.server)
    login(c)
    c.pause(0.3, 0.6)
    slow = [c.client.connect(c.server.addr, 22) for _ in range(3)]
    for s in slow:
        s.sendall(ID)
        banner(s)
    c.pause(0.4, 0.8)
    late = [c.client.connect(c.server.addr, 22) for _ in range(burst // 3)]
    for s in late:
        s.sendall(ID)
    clients = [ssh(c.client, c.server.addr, "true") for _ in range(burst - len(late))]
    for p in clients:
        p.communicate(timeout=30)
    c.pause(0.3, 0.5)
    for s in slow + late:
        s.settimeout(0.2)
        try:
            while s.recv(4096):
                pass
        except OSError:
            pass
        s.close()
    c.pause(0.6, 1.0)
    login(c)
    c.snapshot(c.server, "sshd-T.txt", "/usr/sbin/sshd", "-T")
    c.truth.every(
        (c.server.addr, 22),
        sender="server",
        phase="idle-open",
        mechanism=["abort-unread", "abort"],
        cause=["ssh-max-startups"],
        by_reason=UNREAD_OR_LATE,
        needed=False,
        logs=[("auth.log", r"drop connection .*\[{ip}\]:{port} .*past MaxStartups")],
        logs_ok=[("auth.log", r"MaxStartups")],
    )
    c.truth.absent += [
        ("auth.log", r"Accepted|session (opened|closed)|Received disconnect|Disconnected from")
    ]


@case("ssh-client-alive", "Clients that stop answering, and sshd's ClientAlive")
def client_alive(c):
    """
    `ClientAliveInterval 1`, `ClientAliveCountMax 2`.  One ssh client is frozen (SIGSTOP): its
    kernel still acknowledges, so sshd's FIN is taken; thawed, it answers the old keep-alive
    questions and gets a bare RST. Another client loses its path; sshd's last question is still
    unacknowledged when it closes, so not even the FIN goes out, the orphaned socket dies without
    a RST, and what the client says when the path is back meets only the listener (the kernel
    calls that TCP_FLAGS: an ACK for a listening socket).

    The reader should see: sshd gave both up because they did not answer ("Timeout, client not
    responding").
    """
    c.pair(delay=c.rng.choice([0.003, 0.01]))
    c.server.sysctl("net.ipv4.tcp_orphan_retries=1")
    Sshd(c.server, {"ClientAliveInterval": "1", "ClientAliveCountMax": "2"})
    c.capture(c.server)
    login(c)
    frozen = ssh(c.client, c.server.addr, "sleep 60")
    c.pause(1.2, 1.6)
    freeze = c.client.find("ssh")
    for pid in freeze:
        c.client.signal(pid, signal.SIGSTOP)
    time.sleep(8)
    for pid in freeze:
        c.client.signal(pid, signal.SIGCONT)
    time.sleep(1.5)
    frozen.kill()
    for pid in c.client.find("ssh"):
        c.client.signal(pid, signal.SIGKILL)
    c.pause(0.3)
    first = time.time()
    c.pause(0.5, 1.0)
    cut = ssh(c.client, c.server.addr, "sleep 60")
    c.pause(1.2, 1.6)
    c.cable.cut = True
    time.sleep(10)
    c.cable.cut = False
    cut.stdin.write(b"is anybody there?\n")
    cut.stdin.flush()
    c.pause(2.0, 2.5)
    cut.kill()
    for pid in c.client.find("ssh"):
        c.client.signal(pid, signal.SIGKILL)
    login(c)
    c.snapshot(c.server, "sshd-T.txt", "/usr/sbin/sshd", "-T")
    line = [("auth.log", r"Timeout, client not responding from .*{ip} port {port}\b")]
    near = [("auth.log", r"session closed for user fred")]
    c.truth.every(
        (c.server.addr, 22),
        match=lambda p: p.t < first,
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["ssh-client-alive-timeout"],
        logs=line,
        logs_ok=near,
    )
    c.truth.every(
        (c.server.addr, 22),
        match=lambda p: p.t >= first,
        sender="server",
        phase="active",
        mechanism=["no-state", "gave-up"],
        cause=["ssh-client-alive-timeout"],
        logs=line,
        logs_ok=near,
    )
    c.truth.absent += [("auth.log", r"Accepted |Received disconnect|Disconnected from")]


@case("ssh-protocol-mismatch", "A web client speaks HTTP to sshd")
def protocol_mismatch(c):
    """
    HTTP requests arrive at port 22.  sshd reads the first line, complains about the banner and
    closes while the other header lines are still unread, so the kernel resets.  A port checker
    that connects and leaves in order, and an ssh login, are the ordinary neighbours.

    The reader should see: another protocol was spoken to sshd.
    """
    c.pair()
    Sshd(c.server, {})
    c.capture(c.server)
    login(c)
    ports = []
    for n in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, 22)
        ports.append(s.getsockname()[1])
        if n % 2:
            banner(s)
        s.sendall(
            b"GET /%s HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
            % c.text(3, 9).replace(b" ", b"-")
        )
        try:
            while s.recv(512):
                pass
        except OSError:
            pass
        s.close()
        c.pause(0.2, 0.9)
        q = c.client.connect(c.server.addr, 22)
        banner(q)
        q.close()
        c.pause(0.2, 0.5)
    login(c)
    for port in ports:
        c.truth.add(
            (c.client.addr, port),
            (c.server.addr, 22),
            sender="server",
            phase="active",
            mechanism=["abort-unread", "abort"],
            cause=["ssh-protocol-mismatch", "protocol-mismatch"],
            by_reason={"TCP_TIMEWAIT_SOCKET": ("half-closed", ["after-close"])},
            logs=[
                ("auth.log", rf"banner exchange: Connection from \S+ port {port}: invalid format")
            ],
            logs_ok=[("auth.log", rf"port {port}\b")],
        )
    c.truth.absent += [
        (
            "auth.log",
            r"Accepted |Received disconnect|Connection closed by|did not send identification",
        )
    ]


@case("sftp-session-closed", "SFTP transfers cut off in the middle")
def sftp_closed(c):
    """
    `ForceCommand internal-sftp -l INFO`.  A client is killed while a download streams towards it
    (its kernel resets with the file's bytes unread), and an administrator kills the server's
    session process while an upload comes in (the server's kernel resets).  A third transfer ends
    in order.

    The reader should see: an SFTP session ended by a reset; the log says "session closed for
    local user fred".
    """
    c.pair(delay=c.rng.choice([0.004, 0.01, 0.02]))
    c.cable.rate = 120000
    Sshd(
        c.server,
        {
            "Subsystem": "sftp internal-sftp -l INFO",
            "Match": "Match User fred\n  ForceCommand internal-sftp -l INFO\n",
        },
    )
    c.server.sh(
        "head -c 3000000 /dev/urandom > /home/fred/report.bin; chown fred /home/fred/report.bin"
    )
    c.client.sh(
        "head -c 3000000 /dev/urandom > /home/upload.bin; head -c 900 /dev/urandom > /home/small.bin"
    )
    c.capture(c.server, snaplen=96)
    who = (c.server.addr, 22)

    def talk(commands):
        p = ssh(c.client, c.server.addr, None, program="sftp", options=["-q"])
        p.stdin.write(commands)
        p.stdin.flush()
        return p

    p = talk(b"put /home/small.bin /home/fred/small.bin\nquit\n")
    p.communicate(timeout=20)
    c.pause(0.3, 0.7)
    p = talk(b"get /home/fred/report.bin /home/got.bin\n")
    c.pause(1.5, 2.0)
    for pid in c.client.find("ssh"):
        c.client.signal(pid, signal.SIGSTOP)  # the file goes on arriving, nobody reads
    c.pause(0.3, 0.5)
    for pid in c.client.find("ssh"):
        c.client.signal(pid, signal.SIGKILL)
    p.communicate(timeout=20)
    c.pause(0.3)
    middle = time.time()
    c.pause(0.8, 1.2)
    p = talk(b"put /home/upload.bin /home/fred/upload.bin\n")
    c.pause(1.5, 2.0)
    mine = [
        x for x in c.server.find("sshd") if b"fred@notty" in open(f"/proc/{x}/cmdline", "rb").read()
    ]
    for pid in mine:
        c.server.signal(pid, signal.SIGSTOP)
    c.pause(0.2, 0.4)
    for pid in mine:
        c.server.signal(pid, signal.SIGKILL)
    p.communicate(timeout=20)
    c.pause(0.5, 0.8)
    near = [("auth.log", r"port {port}\b|forced close|pam_unix.*session closed for user fred")]
    c.truth.every(
        who,
        match=lambda p: p.t < middle,
        sender="client",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["sftp-session-closed", "client-abort"],
        logs=[("auth.log", closed_after(c, 1))],
        logs_ok=near,
    )
    c.truth.every(
        who,
        match=lambda p: p.t >= middle,
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["sftp-session-closed", "application-abort", "unread-data-close", "process-crash"],
        logs=[("auth.log", closed_after(c, 2))],
        logs_ok=near,
    )
    c.truth.absent += [("auth.log", closed_after(c, 0))]
