# SPDX-License-Identifier: Apache-2.0
"""Clients that go away, in the words of the server that was at work for them."""
import concurrent.futures
import fcntl
import os
import socket
import ssl
import struct
import tempfile
import termios
import threading
import time

import daemons
from case import case
from cases.limits import trusting
from cases.upkeep import nginx_tls
from daemons import abort, wait_for
from talk import begin, drain, meet


def backend(c, port, seconds):
    """An HTTP server behind nginx that takes its time."""
    c.server.spawn(
        "/usr/bin/python3", "-c",
        "import http.server, socketserver, time\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        f"    def do_GET(self): time.sleep({seconds}); self.send_response(200); self.end_headers()\n"
        "class S(socketserver.ThreadingMixIn, http.server.HTTPServer): pass\n"
        f"S(('127.0.0.1', {port}), H).serve_forever()",
    )
    wait_for(lambda: daemons.listening(c.server, port), "the backend", 10)


@case("nginx-499", "Clients of nginx break off while it waits for another", corpus=True,
      shape=dict(tz="Europe/Berlin"))
def nginx_499(c, port=8080):
    """
    nginx passes requests on to a slow server.  Clients abort (SO_LINGER 0) while it waits; its
    access log gives such requests the status 499, and its error log says nothing by default.

    The reader should see: the client aborted, and nginx noticed.
    """
    c.stage()
    backend(c, 8000, 3)
    daemons.nginx(
        c.server,
        f"server {{ listen {port}; "
        "location / { proxy_pass http://127.0.0.1:8000; } }",
        port=port,
    )
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, port)
        s.sendall(b"GET /report HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        c.pause(0.6, 1.2)
        abort(s)
        c.pause(1.1, 1.6)
    c.truth.every(
        (c.server.addr, port), sender="client", phase="active", mechanism=["abort"],
        cause=["client-abort"], each=True, logs=[("nginx/access.log", r'" 499 ')],
        logs_ok=[("nginx/access.log", r'" 499 ')],
    )
    time.sleep(1)


@case("gave-up-midway", "Clients that break off in the middle of a transfer", corpus=True)
def gave_up_midway(c, port=8085):
    """
    Clients fetch a file, or send one, and close in the middle, with nothing unread: a FIN goes out,
    and what the server sends after it draws a bare RST.  Another fetches all of it.

    The reader should see: the client broke off, not harmless late data.
    """
    c.stage(log=False)
    listener = begin(c, port)
    for what in ["fetch", "whole", "send"] + ["fetch"] * c.rng.randrange(1, 3):
        a, b, mine = meet(c, listener, port)
        size, part = c.rng.randrange(9000, 20000), c.rng.randrange(2000, 5000)
        if what == "send":
            head = b"PUT /f HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: %d\r\n\r\n" % size
            a.sendall(head + c.text(part, part + 1))
            drain(b, 0.1)
        else:
            a.sendall(b"GET /f HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            b.recv(4096)
            b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            b.sendall(c.text(part, part + 1))
            drain(a, 0.1)
        if what == "whole":
            b.sendall(c.text(size - part, size - part + 1))
            drain(a, 0.1)
        a.close()
        c.pause(0.05, 0.15)
        if what == "send":
            b.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        elif what == "fetch":
            b.sendall(c.text(1000, 1400))
        c.pause(0.1)
        b.close()
        if what != "whole":
            c.truth.add(
                (c.client.addr, mine), (c.server.addr, port), sender="client",
                phase="half-closed", mechanism=["after-close"],
                cause=["client-abort", "late-data-after-close"],
            )


UPGRADE = (
    b"GET /feed HTTP/1.1\r\nHost: www.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def waiting(s):
    """Whether bytes lie unread at a socket."""
    return struct.unpack("i", fcntl.ioctl(s.fileno(), termios.FIONREAD, bytes(4)))[0] > 0


def certified(c):
    """A server's side of TLS with a certificate of its own."""
    c.server.sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=app.example.org "
        "-keyout /run/k.pem -out /run/c.pem 2>/dev/null"
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as f:
        f.write(c.server.sh("cat /run/c.pem /run/k.pem").encode())
        f.flush()
        server.load_cert_chain(f.name)
    return server


def both_tls(a, b, server):
    """The same two ends with TLS on the connection."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(server.wrap_socket, b, server_side=True)
        return trusting().wrap_socket(a), other.result()


def pushing(b, size, stop):
    """The server's part of a transfer: pieces at short intervals, until all is sent or it fails."""
    try:
        while size > 0 and not stop.is_set():
            b.sendall(os.urandom(min(size, 1200)))
            size -= 1200
            time.sleep(0.006)
    except OSError:
        pass


def leave(s, seconds):
    """Reads for so long, and closes in a moment when nothing lies unread."""
    until = time.monotonic() + seconds
    while time.monotonic() < until or waiting(s):
        s.recv(65536)
    s.close()


@case("left-midstream", "Clients that break off what no protocol in clear tells the length of",
      corpus=True, shape=dict(delay=0.02))
def left_midstream(c, port=8443):
    """
    Servers send at a steady pace: over TLS, over a WebSocket, and bytes of no known protocol.
    Clients read for a while and close with nothing unread, while more is on its way.  Another reads
    to the end.

    The reader should see: the clients broke off in the middle; that much was still under way.
    """
    c.stage(log=False, delay=0.02)
    server = certified(c)
    listener = begin(c, port)
    for what in ["tls", "whole", "websocket", "raw", c.rng.choice(["tls", "raw"])]:
        a, b, mine = meet(c, listener, port)
        if what == "tls":
            a, b = both_tls(a, b, server)
        a.sendall(UPGRADE if what == "websocket" else c.text(20, 60))
        b.recv(4096)
        if what == "websocket":
            b.sendall(UPGRADED)
        stop = threading.Event()
        sender = threading.Thread(
            target=pushing, args=(b, 20000 if what == "whole" else 10**7, stop))
        sender.start()
        if what == "whole":
            sender.join()
            b.shutdown(socket.SHUT_WR)
            drain(a, 0.5)
            a.close()
        else:
            leave(a, c.rng.uniform(0.12, 0.25))
            c.pause(0.2, 0.3)
            stop.set()
            sender.join()
            c.truth.add(
                (c.client.addr, mine), (c.server.addr, port), sender="client",
                phase="half-closed", mechanism=["after-close"],
                cause=["client-abort", "late-data-after-close"],
            )
        b.close()


@case("answered-early", "A server answers an upload before it is there, and closes", corpus=True)
def answered_early(c, port=8086):
    """
    The server reads the head of a request and a part of its body, answers that it does not want it,
    ends its side and closes; the rest of the body lies unread, and the kernel sends a RST.

    The reader should see: data was left unread after an early answer.
    """
    c.stage(log=False)
    listener = begin(c, port)
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = meet(c, listener, port)
        body = c.text(6000, 12000)
        a.sendall(
            b"POST /f HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: %d\r\n\r\n"
            % (3 * len(body)) + body
        )
        c.pause(0.05, 0.1)
        b.recv(4096)
        b.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        b.shutdown(1)
        b.close()
        drain(a, 0.2)
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server",
            phase="half-closed", mechanism=["abort", "abort-unread"],
            cause=["unread-data-close", "application-abort"],
        )
        c.pause(0.1, 0.3)


@case("tls-late-goodbye", "TLS clients close after the server has", corpus=True)
def tls_late_goodbye(c):
    """
    nginx closes TLS connections that are idle for two seconds.  Clients notice, at once or later,
    and close, too; TLS has them say goodbye (close_notify) to a socket that is gone.

    The reader should see: a harmless goodbye, and no request that failed.
    """
    c.stage(log=False)
    nginx_tls(c, "keepalive_timeout 2s;")
    c.watch()
    open_ = []
    for _ in range(c.rng.randrange(3, 5)):
        s = trusting().wrap_socket(c.client.connect(c.server.addr, 443))
        s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        s.recv(4096)
        open_.append(s)
        c.pause(0.3, 0.6)
    time.sleep(2.2)
    for s in open_:
        try:
            s.recv(100)
            s.unwrap()
        except OSError:
            pass
        s.close()
        c.pause(0.2, 0.5)
    c.truth.every(
        (c.server.addr, 443), sender="server", phase="half-closed", mechanism=["after-close"],
        cause=["late-data-after-close", "endpoint-idle-timeout"], severity=["harmless", "notice"],
    )
