# SPDX-License-Identifier: Apache-2.0
"""Causes that no log tells here, and that something smaller gives away: a counter, a flow label, an
answer's status."""
import socket

import daemons
from case import again, case
from cases.opening import refused
from cases.proxies import EITHER
from daemons import abort
from talk import begin, drain, end, exchange, meet


@case("app-abort-counted", "A program that reads, does not answer and aborts; counters tell", corpus=True)
def counted(c, port=9444):
    """
    The server program reads all that clients send, answers some of it and throws the connections
    away (SO_LINGER 0).  On the wire that is what a close with unread data looks like.  `nstat` of
    the server was taken afterwards: TCPAbortOnData counts, TCPAbortOnClose does not.

    The reader should see: the program aborted; it had left nothing unread.
    """
    c.stage(log=False)
    listener = begin(c, port)
    for n in range(c.rng.randrange(2, 5)):
        a, b, mine = meet(c, listener, port)
        if n % 2:
            exchange(c, a, b)
        c.say(a, b, 300, 3000)
        c.pause(0.1, 0.4)
        abort(b)
        c.pause(0.1)
        end(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["abort-unread", "abort"],
            cause=["application-abort"],
        )
    c.snapshot(c.server, "nstat.txt", "nstat", "-az")
    for claim in c.truth.claims:  # the counter rules the other reading out
        claim.cause = ["application-abort"]


again(counted, "app-abort-counted-v6", "The same with IPv6", graded=True, ip=6)


@case("reject-own-v6", "A host's own firewall rejects one port, another is closed", corpus=True, ip=6)
def own_reject(c):
    """
    The server's input chain rejects one port (`reject with tcp reset`) where a service listens;
    other ports are closed.  Nothing logs, and only the client's side is captured.  The kernel's
    own refusals bear an IPv6 flow label, those of netfilter do not.

    The reader should see: `port-closed` for the closed ports; for the other, that its refusals
    are not made by the kernel that made those.
    """
    c.stage(log=False, captures=("client",))
    own, shut, other = c.rng.sample([23, 445, 3306, 3389, 5432, 8443, 9100], 3)
    c.server.nft(
        f"""table inet filter {{
      chain input {{
        type filter hook input priority 0
        tcp dport {own} reject with tcp reset
      }}
    }}\n"""
    )
    listener = c.server.listen(own)
    c.watch()
    c.ordinary(8080)
    for port, cause in ((shut, "port-closed"), (own, "firewall-reject"), (other, "port-closed")):
        for mine in refused(c, port, c.rng.randrange(1, 3)):
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="server",
                phase="opening",
                mechanism="refused",
                kernel=cause == "port-closed",
                cause=[cause],
            )
    listener.close()


again(own_reject, "reject-own-v6-slow", "The same over a longer path", graded=True, ip=6,
      shape=dict(delay=0.02))


@case("gateway-unlogged", "nginx answers 504 to an upload that its backend does not read", corpus=True)
def gateway(c):
    """
    Uploads go through nginx (`proxy_request_buffering off`, `proxy_send_timeout 1s`,
    `lingering_close off`) to a backend that has stopped reading.  nginx waits, answers 504 and
    closes with the rest of the body unread.  Its logs were thrown away, and the client's side is
    captured alone.

    The reader should see: the proxy gave up waiting; it says so itself.
    """
    c.proxied()
    c.planned = ("client",)
    listener = c.server.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind((c.server.addr, 9000))
    listener.listen(8)
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    daemons.nginx(
        c.proxy,
        "proxy_request_buffering off; proxy_send_timeout 1s; lingering_close off;\n"
        "client_max_body_size 9m; client_body_buffer_size 8k;\n"
        f"server {{ listen {'[::]:' if c.ip == 6 else ''}8080;\n"
        f"location / {{ proxy_http_version 1.1; proxy_pass http://{where}:9000; }} }}",
        port=8080,
    )
    c.proxy.sysctl("net.ipv4.tcp_wmem=4096 16384 32768", "net.ipv4.tcp_rmem=4096 32768 65536")
    c.watch(snaplen=256)
    for _ in range(c.rng.randrange(2, 4)):
        a = c.client.connect(c.proxy.addr, 8080)
        size = c.rng.randrange(300, 400) * 1000
        a.sendall(
            b"POST /upload HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: %d\r\n\r\n" % size
        )
        b, _ = listener.accept()
        a.settimeout(4)
        try:
            a.sendall(c.text(size, size + 1))
        except OSError:
            pass
        drain(a, 3)
        a.close()
        b.close()
        c.pause(0.2, 0.4)
    listener.close()
    c.proxy.sh("rm -r /var/log/nginx")
    c.truth.every(
        (c.proxy.addr, 8080),
        sender="server",
        phase="active",
        mechanism=["abort-unread", "abort"],
        cause=["proxy-timeout"],
        by_reason=EITHER,
    )


again(gateway, "gateway-unlogged-v6", "The same with IPv6", graded=True, ip=6)
