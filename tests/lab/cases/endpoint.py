# SPDX-License-Identifier: Apache-2.0
"""What programs at the ends do: close with bytes unread, abort, die, restart, close and be
written to."""
import os
import time
from contextlib import contextmanager

import daemons
import kernelword
from case import case
from daemons import abort, wait_for
from talk import begin, end, exchange, meet

SERVICE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "service.py")


@case("unread-data-close", "A server that closes with the request's body unread")
def unread(c, port=8090):
    """
    The server reads the head of each upload, answers (413, say) and closes while the rest lies
    unread in its socket: the kernel resets instead of sending FIN (TCP_ABORT_ON_CLOSE).  One
    client's upload is read to the end and closed in order.

    The reader should see: the server closed without reading everything.
    """
    c.stage()
    listener = begin(c, port)
    for n in range(c.rng.randrange(3, 6)):
        a, b, mine = meet(c, listener, port)
        head = b"POST /upload HTTP/1.1\r\nHost: app\r\nContent-Length: 9000\r\n\r\n"
        a.sendall(head + c.text(400, 6000))
        c.pause(0.12, 0.3)
        answer = n % 2 == 0
        b.recv(len(head) if answer else 16)
        if answer:
            b.sendall(
                b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            if n % 4 == 0:
                c.pause(0.1)
        b.close()
        c.pause(0.15, 0.4)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["abort-unread", "abort"],
            cause=["unread-data-close", "application-abort"],
        )
    a, b, _ = meet(c, listener, port)
    c.say(a, b, 500, 3000)
    c.say(b, a)
    b.close()
    c.pause(0.05)
    a.close()


@case("application-abort", "A server program that throws connections away")
def application_abort(c, port=9443):
    """
    The server program has read and answered everything, then closes with SO_LINGER 0: RST+ACK
    with nothing unread (TCP_STATE).  Two connections go at the same instant.  Others end in
    order.

    The reader should see: the server's program aborted; no log says why.
    """
    c.stage()
    listener = begin(c, port)
    for _ in range(c.rng.randrange(2, 4)):
        group = [meet(c, listener, port) for _ in range(c.rng.randrange(1, 3))]
        for a, b, mine in group:
            for _ in range(c.rng.randrange(1, 4)):
                c.say(a, b)
                c.say(b, a, 40, 2500)
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="server",
                phase="active",
                mechanism=["abort"],
                cause=["application-abort"],
            )
        c.pause(0.3, 1.2)
        for _, b, _ in group:
            abort(b)
        c.pause(0.2)
        for a, _, _ in group:
            end(a)


@case("client-abort", "Clients that break off: with linger 0, and with the answer unread")
def client_abort(c, port=8443):
    """
    Some clients abort in the middle of a download (SO_LINGER 0), others close with part of the
    answer unread; what the server still has in flight then draws bare RSTs.  One client reads to
    the end.

    The reader should see: the client gave up; the server is not to blame.
    """
    c.stage()
    listener = begin(c, port)
    for n in range(c.rng.randrange(3, 6)):
        a, b, mine = meet(c, listener, port)
        c.say(a, b)
        b.sendall(c.text(3000, 12000))
        c.pause(0.1, 0.2)
        a.recv(c.rng.randrange(500, 1400))
        unread_ = n % 2
        if unread_:
            a.close()
        else:
            while True:
                a.settimeout(0.1)
                try:
                    a.recv(65536)
                except OSError:
                    break
            b.sendall(c.text(100, 1000))
            a.recv(65536)
            abort(a)
        c.pause(0.2, 0.5)
        end(b)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="client",
            phase="active",
            mechanism=["abort-unread", "abort"] if unread_ else ["abort", "abort-unread"],
            cause=["client-abort", "unread-data-close"] if unread_ else ["client-abort"],
        )


@case("fast-close", "RST in place of the last FIN: nothing is lost")
def fast_close(c, port=8081):
    """
    An HTTP client sends its FIN after the complete answer; the server answers with RST+ACK
    instead of a FIN (its program closes with linger 0).  Other clients have the whole answer and
    reset instead of closing, as some proxies do with backends.

    The reader should see: harmless fast closes.
    """
    c.stage(log=False)
    listener = c.server.listen(port)
    c.watch()
    for n in range(c.rng.randrange(3, 6)):
        a, b, mine = meet(c, listener, port)
        body = c.text(60, 900)
        a.sendall(b"GET /%d HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n" % n)
        b.recv(4096)
        b.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
        )
        got = b""
        while not got.endswith(body):
            got += a.recv(65536)
        if n % 2 == 0:
            a.close()
            c.pause(0.06, 0.12)
            abort(b)
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="server",
                phase="half-closed",
                mechanism=["abort"],
                cause=["fast-close"],
            )
        else:
            c.pause(0.05, 0.1)
            abort(a)
            end(b)
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="client",
                phase="active",
                mechanism=["abort"],
                cause=["fast-close", "client-abort"],
            )
        c.pause(0.2, 0.6)
    c.ordinary(8080)


@case(
    "late-data-after-close",
    "A client that has what it wants and leaves while the server goes on talking",
)
def late_data(c, port=8082):
    """
    The client reads the head of an answer and closes; nothing is unread at that moment, so a FIN
    goes out.  The server, not listening, sends on: each late segment draws a bare RST.

    The reader should see: data lost only because nobody wanted it any more.
    """
    c.stage(log=False)
    listener = begin(c, port)
    for _ in range(c.rng.randrange(2, 5)):
        a, b, mine = meet(c, listener, port)
        c.say(a, b)
        c.say(b, a, 100, 900)
        a.close()
        c.pause(0.08, 0.4)
        try:
            for _ in range(c.rng.randrange(1, 4)):
                b.sendall(c.text(100, 900))
                c.pause(0.002, 0.01)
        except OSError:
            pass
        c.pause(0.1)
        b.close()
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="client",
            phase="half-closed",
            mechanism=["after-close"],
            cause=["late-data-after-close", "client-abort"],
        )


@case("gave-up-waiting", "Clients whose patience ends before the server answers", corpus=True)
def gave_up_waiting(c, port=8085):
    """
    Clients ask and wait; some close while the answer has not begun, and it comes then, to a closed
    socket.  Another asks as slow a thing, and waits for it.

    The reader should see: the client gave up waiting for a slow server, not harmless late data.
    """
    c.stage(log=False)
    listener = begin(c, port)
    patience = c.rng.uniform(0.6, 1.4)
    for patient in [False, True] + [False] * c.rng.randrange(1, 3):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b, c.rng.randrange(0, 2))
        c.say(a, b)
        time.sleep(patience)
        if not patient:
            a.close()
        c.pause(0.1, 0.4)
        b.sendall(c.text(100, 900))
        c.pause(0.1)
        if patient:
            end(a, b)
            continue
        b.close()
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="client",
            phase="half-closed",
            mechanism=["after-close"],
            cause=["client-abort", "late-data-after-close"],
        )


NGINX = "server {{ listen {listen}; keepalive_timeout {idle}; location / {{ return 200 'well met\\n'; }} }}"
REQUEST = b"GET /%s HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: pool/1.0\r\n\r\n"


def asked(c, s):
    s.sendall(REQUEST % c.text(4, 20).replace(b" ", b"-"))
    return s.recv(4096)


@case("keepalive-reuse-race", "A request that crosses nginx's keep-alive FIN")
def reuse_race(c, idle=1):
    """
    nginx closes idle connections after `keepalive_timeout 1`.  The client sends its next request
    while that FIN is on its way: the request reaches a closed socket and draws a bare RST one
    round trip later.  Other clients close in time.

    The reader should see: the keep-alive race; the request left before the FIN could be known.
    """
    c.stage(delay=c.rng.choice([0.025, 0.035, 0.045]))
    where = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(c.server, NGINX.format(idle=idle, listen=where))
    c.watch()
    d = c.cable.delay
    for _ in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, 80)
        asked(c, s)
        began = time.monotonic()
        if c.rng.random() < 0.5:
            c.pause(0.1, 0.4)
            asked(c, s)
            began = time.monotonic()
        polite = c.client.connect(c.server.addr, 80)
        asked(c, polite)
        c.pause(0.05, 0.2)
        polite.close()
        while time.monotonic() < began + idle - d:
            time.sleep(0.0005)
        try:
            asked(c, s)
        except OSError:
            pass
        s.close()
        c.pause(0.1, 0.3)
    c.truth.every(
        (c.server.addr, 80),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["keepalive-reuse-race", "endpoint-idle-timeout"],
    )


@case("endpoint-idle-timeout", "A stale pool connection is used long after nginx closed it")
def idle_timeout(c, idle=1):
    """
    nginx closes idle connections after `keepalive_timeout 1`; the clients' pool does not notice
    and writes seconds later, long after their kernels acknowledged the FIN.  It looks like the
    keep-alive race and is not: no timing could have saved it, the pool has to notice the close.

    The reader should see: the server's idle timeout; the client wrote to a connection closed long
    ago.
    """
    c.stage()
    where = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(c.server, NGINX.format(idle=idle, listen=where))
    c.watch()
    pool = []
    for _ in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, 80)
        asked(c, s)
        pool.append(s)
        c.pause(0.05, 0.3)
    time.sleep(idle + c.rng.uniform(1.0, 2.0))
    for s in pool:
        try:
            asked(c, s)
        except OSError:
            pass
        s.close()
        c.pause(0.05, 0.3)
    c.truth.every(
        (c.server.addr, 80),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["endpoint-idle-timeout"],
    )


def start_service(c, name, port):
    p = c.server.spawn("/usr/bin/python3", SERVICE, name, c.server.addr, port)
    wait_for(lambda: daemons.listening(c.server, port), name)
    pid = c.server.find(name)[0]
    c.server.kernel_marks += [f"{name}[{pid}]", f"{pid} ({name})", f"{name} invoked oom-killer"]
    return p, pid


def death(c, port, name, order, cause, logs, kill=None):
    """Clients of a service that dies: some with bytes unread there, some idle and written to
    later."""
    p, pid = start_service(c, name, port)
    if kill:
        kill(pid)
    c.watch()
    c.ordinary(8080)
    guests = [c.client.connect(c.server.addr, port) for _ in range(c.rng.randrange(4, 7))]
    for s in guests:
        s.sendall(c.text(10, 90).replace(b";", b"."))
        s.recv(4096)
    c.pause(0.3, 0.6)
    first, rest = guests[0], guests[1:]
    first.sendall(b"nap 0.6;" + order)
    c.pause(0.15, 0.3)
    busy = rest[: len(rest) // 2]
    for s in busy:
        s.sendall(c.text(10, 500).replace(b";", b"."))
    p.wait(20)
    c.pause(0.4, 0.7)
    for s in rest[len(busy) :]:
        s.sendall(c.text(10, 200))
    c.pause(0.3)
    for s in guests:
        try:
            s.recv(100)
        except OSError:
            pass
        s.close()
    c.pause(0.2)
    late = {"phase": "half-closed", "mechanism": ["after-close"]}
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=cause,
        logs=logs,
        by_reason={
            r: (late["phase"], late["mechanism"])
            for r in ("TCP_TIMEWAIT_SOCKET", "NO_SOCKET", "TCP_ABORT_ON_DATA")
        },
    )


@case("process-crash", "A service dies of a segmentation fault with clients connected")
def crash(c, port=8500, name="reportd"):
    """
    A single-threaded service dereferences a null pointer.  Connections with bytes unread get
    RST+ACK, idle ones FIN, all within a millisecond; a client that writes to a FINed one later
    draws a bare RST.  The kernel's segfault line is in kern.log.

    The reader should see: one crash behind all of them.
    """
    c.stage()
    death(
        c, port, name, b"crash", ["process-crash"], [("kern.log", rf"{name}\[\d+\]: segfault at")]
    )


@contextmanager
def little_memory(c):
    """A memory group of 48 MiB; gives what puts a process into it."""
    group = f"/sys/fs/cgroup/memory/whyrst-lab-{os.getpid()}-{c.name}"

    def fence(pid):
        os.mkdir(group)
        with open(group + "/memory.limit_in_bytes", "w") as f:
            f.write(str(48 << 20))
        with open(group + "/cgroup.procs", "w") as f:
            f.write(str(pid))

    try:
        yield fence
    finally:
        for _ in range(20):
            try:
                os.rmdir(group)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.2)


@case("oom-kill", "The kernel kills a service whose memory group is full")
def oom(c, port=8600, name="indexd"):
    """
    The service runs in a memory cgroup of 48 MiB and allocates until the kernel kills it.  Its
    connections are reset or closed as at any death; the OOM report is in kern.log.

    The reader should see: the OOM killer behind all of them.
    """
    c.stage()
    with little_memory(c) as fence:
        death(
            c,
            port,
            name,
            b"eat",
            ["oom-kill"],
            [("kern.log", r"Killed process \d+ \(%s\)" % name)],
            fence,
        )
        for claim in c.truth.families:
            claim[2]["logs_ok"] = [("kern.log", r"oom-kill|Memory cgroup out of memory|oom_reaper")]


@case("service-restart", "redis is restarted under its clients")
def restart(c, port=6379):
    """
    redis is stopped (SIGTERM) and started again while clients hold connections.  Its sockets
    close with FIN; the clients' pools write to them afterwards and draw bare RSTs.  redis logs to
    syslog.

    The reader should see: a service restart, shown by redis's own lines.
    """
    c.stage()
    c.server.write(
        "/etc/redis-lab.conf",
        f"port {port}\nbind * -::*\nprotected-mode no\nsyslog-enabled yes\n"
        "syslog-ident redis\nsave \"\"\nlogfile \"\"\n",
    )
    c.watch()
    redis = c.server.spawn("redis-server", "/etc/redis-lab.conf")
    wait_for(lambda: daemons.listening(c.server, port), "redis")
    pool = []
    for _ in range(c.rng.randrange(3, 6)):
        s = c.client.connect(c.server.addr, port)
        s.sendall(b"SET k%d %d\r\n" % (c.rng.randrange(99), c.rng.randrange(9999)))
        s.recv(64)
        pool.append(s)
        c.pause(0.05, 0.2)
    redis.terminate()
    redis.wait(5)
    c.pause(0.3, 0.6)
    redis = c.server.spawn("redis-server", "/etc/redis-lab.conf")
    wait_for(lambda: daemons.listening(c.server, port), "redis")
    c.pause(0.3, 0.8)
    for s in pool:
        try:
            s.sendall(b"GET k%d\r\n" % c.rng.randrange(99))
            s.recv(64)
            s.recv(64)
        except OSError:
            pass
        s.close()
        c.pause(0.05, 0.2)
    s = c.client.connect(c.server.addr, port)
    s.sendall(b"PING\r\n")
    s.recv(64)
    s.close()
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["after-close"],
        cause=["service-restart", "service-down"],
        logs=[("syslog", r"redis\[\d+\]: Redis is now ready to exit")],
        logs_ok=[("syslog", r"redis\[")],
    )
    c.truth.absent += [("syslog", r"rsyslogd")]


def keepalive(s, idle, interval, count):
    import socket

    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, count)


@case("keepalive-dead-peer", "Keep-alive probes into silence")
def dead_peer(c, port=5222):
    """
    The server's sockets probe idle peers (TCP_KEEPIDLE 1, INTVL 1, CNT 3).  The path is cut;
    after the last probe the kernel gives up with RST+ACK (TCP_KEEPALIVE_TIMEOUT).  An earlier
    connection is probed and answers.

    The reader should see: probes unanswered, then given up.
    """
    c.stage(delay=c.rng.choice([0.002, 0.01]))
    listener = begin(c, port)
    well = meet(c, listener, port)
    keepalive(well[1], 1, 1, 3)
    c.say(well[0], well[1])
    time.sleep(2.3)
    end(well[0], well[1])
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    for a, b, mine in group:
        exchange(c, a, b)
        keepalive(b, 1, 1, c.rng.choice([2, 3]))
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["gave-up"],
            cause=["keepalive-dead-peer"],
        )
        c.pause(0.1, 0.3)
    c.cable.cut = True
    time.sleep(5.5)
    for a, b, _ in group:
        daemons.linger0(a)
        a.close()
        b.close()
    c.pause(0.2)


@case("lost-state-together", "A pool wakes up after its server has forgotten it", corpus=True,
      port=7444, silence=2.5)
@case("peer-lost-state", "A server that has forgotten its connections")
def lost_state(c, port=7443, silence=None):
    """
    The server's connections vanish without a word (TCP_REPAIR, then close), as at a failover
    without state.  The clients' next segments draw bare RSTs, in a pool all at once after the same
    silence.  No log says why.

    The reader should see: the server no longer knows the connection; why, this evidence does not
    tell.
    """
    c.stage(log=False)
    listener = begin(c, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 5))]
    for a, b, mine in group:
        exchange(c, a, b)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["no-state"],
            cause=["peer-lost-state", "undetermined"],
        )
    c.pause(0.3, 0.6)
    for _, b, _ in group:
        c.server.forget(b)
    if silence:
        time.sleep(silence)
    for a, _, _ in group:
        if not silence:
            c.pause(0.05, 0.5)
        a.sendall(c.text(10, 300))
        c.pause(0.002 if silence else 0.1)
        a.close()


@case("host-reboot", "A server loses power and comes back")
def reboot(c, port=22):
    """
    The server loses all processes and connections at once and nothing of it is heard (a power
    cut).  Seconds later it is back under the same address; its log opens with the kernel's first
    boot line (the text of /proc/version, handed to the new rsyslogd as the kernel prints it) and
    the daemons' start lines.  The clients' next segments draw bare RSTs.

    The reader should see: the host restarted.
    """
    c.stage(captures=("client",))
    sshd = daemons.Sshd(c.server)
    c.watch()
    port2 = 8800
    sessions = [daemons.ssh(c.client, c.server.addr, "cat") for _ in range(2)]
    p, _ = start_service(c, "orderd", port2)
    guests = [c.client.connect(c.server.addr, port2) for _ in range(c.rng.randrange(2, 4))]
    for s in guests:
        s.sendall(b"hello")
        s.recv(64)
    c.pause(1.2, 1.5)
    c.server.syslog.close()
    c.server.lose_power()
    p.wait(5)
    c.pause(2.0, 3.0)
    c.server.sh("rm -f /dev/klog /dev/log; mkfifo /dev/klog")
    daemons.Syslog(c.server, c.log_style)
    with open("/proc/version") as f:
        hello = kernelword.plain(f.read().strip())
    os.write(c.server.syslog.fifo, f"<5>[    0.000000] {hello}\n".encode())
    c.pause(0.2)
    sshd.start()
    start_service(c, "orderd", port2)
    c.pause(0.3, 0.6)
    for s in guests:
        try:
            s.sendall(c.text(10, 80))
            c.pause(0.05, 0.2)
            s.recv(10)
        except OSError:
            pass
        s.close()
    for s in sessions:
        s.stdin.write(b"still there?\n")
        s.stdin.flush()
        c.pause(0.2)
        s.communicate(timeout=10)
    line = [("kern.log", r"Linux version")]
    for door in (port, port2):
        c.truth.every(
            (c.server.addr, door),
            sender="server",
            phase="active",
            mechanism=["no-state"],
            cause=["host-reboot"],
            logs=line,
            logs_ok=[
                ("kern.log", r"."),
                ("auth.log", r"Server listening"),
                ("syslog", r"rsyslogd.*start"),
            ],
        )
