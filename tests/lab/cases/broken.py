# SPDX-License-Identifier: Apache-2.0
"""Servers that hang up over one client's bytes, and say in their logs over whose: broken protocol,
and a program that fails over a request."""
import daemons
from case import again
from cases.services import redis
from cases.told import ended
from daemons import wait_for
from talk import drain

WEB = 8080
APP = """import http.server, socketserver


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        raise KeyError("total")

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    {family}


Server(("{where}", {port}), Handler).serve_forever()
"""
GET = b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
POST = b"POST /%d HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: %d\r\n\r\n"


def redis_broken(c, port=6379):
    """
    Clients of redis send what its protocol does not allow (a length that is none, a quote without
    its end, more arguments than there may be) and go on sending.  Others ask in order.

    The reader should see: the client broke the protocol, by the server's log.
    """
    c.stage(delay=0.01)
    redis(c, "loglevel verbose\n")
    c.watch()
    for bad in (b"*2\r\n$3\r\nGET\r\n$99999999999\r\n", b'GET "\r\nname', b"*9999999999\r\n"):
        good, s = (c.client.connect(c.server.addr, port) for _ in range(2))
        for one in (good, s):
            one.sendall(b"PING\r\n")
            drain(one, 0.1)
        c.pause(0.1, 0.3)
        s.sendall(bad)
        try:
            for _ in range(4):
                c.pause(0.01, 0.02)
                s.sendall(c.text(300, 900))
        except OSError:
            pass
        drain(s)
        s.close()
        good.sendall(b"QUIT\r\n")
        drain(good, 0.1)
        good.close()
        c.pause(0.4, 0.8)
    ended(
        c, port, ["protocol-mismatch", "application-abort"], each=True,
        logs=[("syslog", r"Protocol error .* addr={ip}:{port} ")],
        logs_ok=[("syslog", r"redis\[")],
    )


def handler_failed(c):
    """
    A program of Python's own HTTP server fails over each POST, before it has read what came with
    it.  The program lives on and answers each GET.  Its standard error goes to syslog.

    The reader should see: the program failed over this request, by the line in its log.
    """
    c.stage(delay=0.01)
    family = "address_family = __import__('socket').AF_INET6" if c.ip == 6 else "pass"
    where = "::" if c.ip == 6 else "0.0.0.0"
    c.server.write("/etc/app/app.py", APP.format(family=family, where=where, port=WEB))
    c.server.spawn("sh", "-c", "/usr/bin/python3 -u /etc/app/app.py 2>&1 | logger -t app")
    wait_for(lambda: daemons.listening(c.server, WEB), "app")
    c.watch()
    for n in range(c.rng.randrange(2, 4)):
        good, s = (c.client.connect(c.server.addr, WEB) for _ in range(2))
        good.sendall(GET % n)
        size = c.rng.randrange(20000, 40000)
        s.sendall(POST % (n, size) + c.text(size, size + 1))
        drain(s, 0.5)
        drain(good, 0.1)
        s.close()
        good.close()
        c.pause(0.4, 0.8)
    ended(
        c, WEB, ["application-abort", "unread-data-close"], each=True,
        logs=[("syslog", r"request from \('{ip}', {port}\)")], logs_ok=[("syslog", r" app")],
    )


again(redis_broken, "redis-broken", "redis hangs up on clients that break its protocol")
again(handler_failed, "handler-failed", "A program fails over requests and lives on")
