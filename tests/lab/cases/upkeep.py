# SPDX-License-Identifier: Apache-2.0
"""What operations does to connections, and what time does: a proxy's hard stop and its idle timer,
TLS that closes in silence, TCP_USER_TIMEOUT, a worker that is killed, two hosts' clocks minutes
apart."""
import signal
import socket
import time

import daemons
from case import again
from cases.endpoint import end, keepalive, meet
from cases.limits import pair, trusting
from cases.proxies import haproxy
from cases.services import drain, through
from cases.ssh import ID
from cases.told import ended, how
from daemons import trixie_has, trixie_root, wait_for

USER_TIMEOUT = 18  # TCP_USER_TIMEOUT


def nginx_tls(c, more):
    c.server.sh(
        "mkdir -p /etc/nginx && cd /etc/nginx && openssl req -x509 -newkey rsa:2048 -nodes -days 30 "
        "-subj /CN=app.example.org -keyout k.pem -out c.pem 2>/dev/null"
    )
    listen = "[::]:443" if c.ip == 6 else "443"
    daemons.nginx(
        c.server,
        f"{more}\nserver {{ listen {listen} ssl http2; ssl_certificate /etc/nginx/c.pem;\n"
        "ssl_certificate_key /etc/nginx/k.pem; location / { return 200 'well met\\n'; } }",
        port=443,
    )


def tls_idle(c):
    """
    nginx closes TLS connections that are idle for two seconds (`keepalive_timeout 2s`): an alert,
    which nobody can read, then FIN.  The clients' pool writes later.

    The reader should see: the server's idle timeout, though nothing is in clear.
    """
    c.stage()
    nginx_tls(c, "keepalive_timeout 2s;")
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = trusting().wrap_socket(c.client.connect(c.server.addr, 443))
        s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        s.recv(4096)
        c.pause(3.8, 4.6)
        try:
            s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            c.pause(0.1)
            s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        except OSError:
            pass
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.8)
    ended(
        c, 443, ["endpoint-idle-timeout"],
        logs_ok=[("nginx/access.log", r"GET"), ("nginx/error.log", r"client: ")],
    )


def proxy_idle(c):
    """
    HAProxy closes kept-alive connections after a second (`timeout http-keep-alive 1s`) and says
    nothing of it.  The clients use them later.

    The reader should see: the proxy's idle timer; the lines of the requests before are no reason.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, frontend=" option http-server-close\n", **{"http-keep-alive": "1s"})
    c.watch()
    ask = b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    for n in range(c.rng.randrange(2, 4)):
        a = c.client.connect(c.proxy.addr, 8080)
        a.sendall(ask % n)
        b, _ = listener.accept()
        b.recv(4096)
        b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
        a.recv(4096)
        b.close()
        c.pause(2.0, 2.8)
        try:
            a.sendall(ask % (n + 100))
        except OSError:
            pass
        drain(a, 0.3)
        a.close()
        c.pause(0.3, 0.6)
    listener.close()
    c.truth.every(
        (c.proxy.addr, 8080), sender="server", phase="half-closed", mechanism=["after-close"],
        cause=["endpoint-idle-timeout", "proxy-timeout"], by_reason=how(),
        logs_ok=[("syslog", r"haproxy\[\d+\]: {ip}:{port} ")],
    )
    c.truth.every(
        (c.server.addr, 9000), sender="client", phase="active", mechanism=["abort"],
        cause=["fast-close", "client-abort"], by_reason=how(),
        severity=["harmless", "notice", "fault"], logs_ok=[("syslog", r"haproxy")],
    )


def hard_stop(c):
    """
    HAProxy in TCP mode is told to stop softly (SIGUSR1, as at a reload) with `hard-stop-after 1s`;
    sessions that still run after it are cut, whatever they do.

    The reader should see: the proxy was stopped or reloaded.
    """
    c.proxied()
    listener = c.server.listen(9000)
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    p = daemons.haproxy(
        c.proxy,
        "global\n log /dev/log local0\n hard-stop-after 1s\ndefaults\n mode tcp\n log global\n"
        " option tcplog\n timeout connect 2s\n timeout client 60s\n timeout server 60s\n"
        f"frontend web\n bind {'[::]' if c.ip == 6 else '*'}:8080\n default_backend app\n"
        f"backend app\n server s1 {where}:9000\n",
    )
    wait_for(lambda: daemons.listening(c.proxy, 8080), "haproxy")
    c.watch()
    live = [through(c, listener) for _ in range(c.rng.randrange(3, 5))]
    for a, b, _ in live:
        c.say(a, b)
        c.say(b, a)
        c.pause(0.1, 0.4)
    for pid in c.proxy.find("haproxy"):
        c.proxy.signal(pid, signal.SIGUSR1)
    del p
    for n in range(20):
        for a, b, _ in live[:2]:
            for s in (a, b):
                try:
                    s.sendall(c.text(20, 60))
                except OSError:
                    pass
        time.sleep(0.08)
    for a, b, _ in live:
        for s in (a, b):
            try:
                s.sendall(c.text(20, 60))
            except OSError:
                pass
    c.pause(0.1)
    for a, b, _ in live:
        drain(a, 0.1)
        drain(b, 0.1)
        a.close()
        b.close()
    said = [("syslog", r"haproxy\[\d+\]: ")]
    c.truth.every(
        (c.proxy.addr, 8080), sender="server", phase="active", mechanism=["abort"],
        cause=["service-restart", "application-abort"], by_reason=how(), logs_ok=said,
    )
    c.truth.every(
        (c.server.addr, 9000), sender="client", phase="active", mechanism=["abort"],
        cause=["service-restart", "client-abort", "fast-close", "late-data-after-close"],
        by_reason=how(), logs_ok=said, severity=["fault", "notice", "harmless"],
    )


def impatient(c, port=5223):
    """
    The server's sockets have TCP_USER_TIMEOUT 2500 ms beside keep-alive probes each second.  The
    path is cut while nothing is said: after it the kernel gives up, two probes unanswered, whatever
    TCP_KEEPCNT says.

    The reader should see: probes unanswered, then given up.
    """
    c.stage(delay=c.rng.choice([0.002, 0.01]))
    listener = c.server.listen(port)
    c.watch()
    c.ordinary(8080)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    for a, b, mine in group:
        c.say(a, b)
        c.say(b, a)
        keepalive(b, 1, 1, 9)
        b.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, 2500)
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="active",
            mechanism=["gave-up"], cause=["keepalive-dead-peer"],
        )
        c.pause(0.1, 0.3)
    c.cable.cut = True
    time.sleep(6)
    for a, b, _ in group:
        daemons.linger0(a)
        a.close()
        b.close()
    c.pause(0.2)


def unheard(c, port=5224):
    """
    The server's sockets have TCP_USER_TIMEOUT 1500 ms.  The path is cut while the server is
    talking: its kernel gives up after two or three retransmissions without a RST.  When the path is
    back the client speaks, and draws one.

    The reader should see: unanswered retransmissions; then the server no longer knew it.
    """
    c.stage(delay=c.rng.choice([0.002, 0.01]))
    listener = c.server.listen(port)
    c.watch()
    c.ordinary(8080)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(2, 4))]
    for a, b, mine in group:
        c.say(a, b)
        c.say(b, a)
        b.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, 1500)
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="active",
            mechanism=["no-state"], cause=["retransmission-timeout", "peer-lost-state"],
        )
        c.pause(0.1, 0.3)
    c.cable.cut = True
    for _, b, _ in group:
        b.sendall(c.text(200, 900))
    time.sleep(4.5)
    c.cable.cut = False
    for a, b, _ in group:
        a.sendall(c.text(20, 90))
        c.pause(0.2)
        end(a)
        b.close()


APP = """import time
def app(environ, answer):
    if environ["PATH_INFO"].startswith("/slow"):
        time.sleep(9)
    answer("200 OK", [("Content-Length", "9")])
    return [b"well met\\n"]
"""


def gunicorn(c, port=8000):
    """
    gunicorn's master gives a worker two seconds (`--timeout 2`), then kills it: "WORKER TIMEOUT".
    Uploads to a slow page lie unread by then and are reset with the worker; other requests are
    served.

    The reader should see: the master killed the worker for its time was up, by its log.
    """
    trixie_has("/usr/bin/gunicorn", "gunicorn")
    c.stage()
    root = trixie_root(c.server)
    c.server.sh(f"mkdir -p /var/log/gunicorn; mount --bind /var/log {root}/var/log")
    c.server.write(root + "/srv/page.py", APP)
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    c.server.spawn(
        "chroot", root, "/usr/bin/gunicorn", "--chdir", "/srv", "-b", f"{where}:{port}", "-w", "2",
        "--timeout", "2", "--graceful-timeout", "1", "--worker-tmp-dir", "/dev/shm",
        "--error-logfile", "/var/log/gunicorn/error.log", "page:app",
    )
    wait_for(lambda: daemons.listening(c.server, port), "gunicorn", 20)
    c.pause(0.6)
    c.watch(snaplen=300)
    for n in range(c.rng.randrange(3, 5)):
        path = b"/slow" if n % 2 == 0 else b"/quick"
        size = 30000 if n % 2 == 0 else 0
        s = c.client.connect(c.server.addr, port)
        s.sendall(
            b"POST %s HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n" % (path, size)
        )
        if size:
            s.sendall(c.text(size, size + 1))
        drain(s, 5)
        s.close()
        c.pause(0.6, 1.0)
    ended(
        c, port, ["application-abort", "process-crash", "unread-data-close"],
        logs=[("gunicorn/error.log", r"WORKER TIMEOUT")], each=True,
        logs_ok=[("gunicorn/error.log", r".")],
    )


def ssh_behind(c):
    """
    sshd behind HAProxy (TCP mode), on two hosts whose clocks are minutes apart.  sshd's
    `MaxStartups 2:100:2` turns some connections away before login: HAProxy passes its words on and
    closes.  Logins go through before and after.

    The reader should see: MaxStartups on the leg to sshd, by its words and its log; the proxy only
    passes it on.
    """
    c.proxied()
    daemons.Syslog(c.server, c.log_style)
    daemons.Sshd(c.server, {"MaxStartups": "2:100:2", "LoginGraceTime": "60"}, port=9000)
    haproxy(c, mode="tcp")
    c.watch()

    def login():
        p = daemons.ssh(c.client, c.proxy.addr, "true", port=8080)
        p.communicate(timeout=30)

    login()
    slow = [c.client.connect(c.proxy.addr, 8080) for _ in range(2)]
    for s in slow:
        s.sendall(ID)
        daemons.banner(s)
    for _ in range(c.rng.randrange(3, 5)):
        p = daemons.ssh(c.client, c.proxy.addr, "true", port=8080)
        p.communicate(timeout=30)
        c.pause(0.3, 0.8)
    for s in slow:
        s.close()
    c.pause(0.4)
    login()
    ssh = [("server/auth.log", r"sshd\[")]
    c.truth.every(
        (c.server.addr, 9000), sender="auto", phase="active", mechanism=["abort-unread"],
        cause=["ssh-max-startups"], by_reason=how(), logs_ok=ssh,
        logs=[("server/auth.log", r"drop connection .*from \[?{ip}\]?:{port} ")], needed=False,
        by_sender={
            "client": dict(
                cause=["client-abort", "fast-close", "late-data-after-close", "ssh-max-startups"],
                severity=["notice", "harmless", "fault"], logs=[],
                logs_ok=[("proxy/syslog", r"haproxy"), *ssh],
            )
        },
    )
    c.truth.every(
        (c.proxy.addr, 8080), sender="auto", phase="active", mechanism=["abort-unread"],
        cause=["ssh-max-startups", "application-abort", "late-data-after-close"], by_reason=how(),
        logs_ok=[("proxy/syslog", r"haproxy"), *ssh], severity=["fault", "notice", "harmless"],
        by_sender={
            "client": dict(
                cause=["client-abort", "fast-close", "late-data-after-close", "ssh-max-startups"],
                severity=["notice", "harmless", "fault"],
            )
        },
    )


pair(tls_idle, "nginx-tls-idle", "nginx closes idle TLS connections", delay=0.02)
pair(proxy_idle, "haproxy-keep-alive", "HAProxy closes kept-alive connections", log_shift=4.0)
pair(hard_stop, "haproxy-hard-stop", "HAProxy is stopped, and sessions are cut", delay=0.01)
pair(impatient, "user-timeout-idle", "TCP_USER_TIMEOUT and keep-alive probes")
pair(unheard, "user-timeout-busy", "TCP_USER_TIMEOUT and unanswered data")
pair(gunicorn, "gunicorn-timeout", "gunicorn kills a worker that takes too long", log_shift=-2.5)
again(ssh_behind, "ssh-behind-haproxy", "sshd's limit behind HAProxy; two clocks, minutes apart",
      shape=dict(log_style="iso", log_shift={"proxy": 187.4, "server": -243.2}))
again(ssh_behind, "ssh-behind-haproxy-v6", "sshd's limit behind HAProxy; two clocks, minutes apart",
      ip=6, graded=True, shape=dict(log_style="bsd", log_shift={"proxy": -95.0, "server": 310.7}))
