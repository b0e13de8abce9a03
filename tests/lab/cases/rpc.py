# SPDX-License-Identifier: Apache-2.0
"""gRPC: a server that does not like to be pinged."""
import struct
import time

import daemons
from case import case
from cases.httpd import PREFACE, h2, h2_get
from cases.limits import pair
from cases.told import ended
from daemons import wait_for
from talk import drain, meet

RPC = 50051
SERVER = '''import time
from concurrent import futures

import grpc


def watch(ask, context):
    yield b"watching"
    time.sleep(30)


class Watcher(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_stream_rpc_method_handler(watch)


server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((Watcher(),))
server.add_insecure_port("[::]:{port}")
server.start()
server.wait_for_termination()
'''
CLIENT = '''import grpc

channel = grpc.insecure_channel("{where}", options=[
    ("grpc.keepalive_time_ms", 1000),
    ("grpc.keepalive_timeout_ms", 5000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
])
try:
    for message in channel.unary_stream("/lab.Watcher/Watch")(b"all"):
        pass
except grpc.RpcError as e:
    print(e.details())
'''


def grpc_server(c):
    c.server.write("/etc/app/server.py", SERVER.format(port=RPC))
    c.server.spawn("/usr/bin/python3", "/etc/app/server.py")
    wait_for(lambda: daemons.listening(c.server, RPC), "grpc")
    c.pause(0.3)


def pings(c):
    """
    A gRPC server takes a ping every five minutes at most while nothing else is said (as gRPC does
    unless told otherwise).  Clients ping every second: after the third the server says GOAWAY,
    ENHANCE_YOUR_CALM, "too_many_pings", and closes.  One client goes on pinging, as some do that do
    not look at GOAWAY in time, and its pings meet a closed connection.

    The reader should see: the client's keep-alive pings are too frequent for the server, by the
    server's last words.
    """
    c.stage(delay=c.spec["shape"].get("delay", 0.03))
    grpc_server(c)
    where = f"[{c.server.addr}]:{RPC}" if c.ip == 6 else f"{c.server.addr}:{RPC}"
    c.client.write("/etc/app/client.py", CLIENT.format(where=where))
    c.watch()
    real = [c.client.spawn("/usr/bin/python3", "/etc/app/client.py") for _ in range(2)]
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, RPC)
        s.sendall(PREFACE + h2(4, 0, 0))
        s.recv(4096)
        s.sendall(h2(4, 1, 0))
        try:
            for n in range(30):
                s.sendall(h2(6, 0, 0, struct.pack("!Q", n)))
                c.pause(0.015, 0.03)
        except OSError:
            pass
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.6)
    for p in real:
        p.wait(20)
    time.sleep(0.3)
    ended(c, RPC, ["application-abort"])


@case("grpc-calm-obeyed", "A client hangs up when its server says ENHANCE_YOUR_CALM", corpus=True)
def calm_obeyed(c):
    """
    A server says GOAWAY, ENHANCE_YOUR_CALM, while it sends on a stream.  The client closes at once,
    and what the server sends on draws a bare RST.

    The reader should see: the server gave the connection up; the client's close was no harmless one.
    """
    c.stage(delay=0.02, log=False)
    listener = c.server.listen(RPC)
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = meet(c, listener, RPC)
        a.sendall(PREFACE + h2(4, 0, 0))
        b.sendall(h2(4, 0, 0) + h2(4, 1, 0))
        a.sendall(h2(4, 1, 0) + h2_get(1))
        c.pause(0.1)
        b.sendall(h2(1, 4, 1, b"\x88") + h2(0, 0, 1, c.text(300, 600)))
        c.pause(0.1, 0.2)
        b.sendall(h2(7, 0, 0, struct.pack("!II", 1, 11) + b"too_many_pings"))
        drain(a, 0.06)
        a.close()
        try:
            for _ in range(3):
                b.sendall(h2(0, 0, 1, c.text(300, 600)))
                c.pause(0.04)
        except OSError:
            pass
        b.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, RPC), sender="client", phase="half-closed",
            mechanism=["after-close"],
            cause=["application-abort", "client-abort", "late-data-after-close"],
        )
        c.pause(0.2, 0.4)


@case("h2-streams-cut", "A server cuts its streams and the connection under its client", corpus=True)
def streams_cut(c):
    """
    A server program destroys an HTTP/2 session while streams run, as Node.js does it: RST_STREAM
    for each, GOAWAY without an error, FIN.  The client's next request crosses that.

    The reader should see: no race with an idle timer; the server cut what was running.
    """
    c.stage(delay=0.03, log=False)
    listener = c.server.listen(RPC)
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = meet(c, listener, RPC)
        a.sendall(PREFACE + h2(4, 0, 0))
        b.sendall(h2(4, 0, 0) + h2(4, 1, 0))
        a.sendall(h2(4, 1, 0) + h2_get(1) + h2_get(3))
        c.pause(0.1)
        b.recv(4096)
        b.sendall(h2(1, 4, 1, b"\x88") + h2(0, 0, 1, c.text(300, 600)) + h2(1, 4, 3, b"\x88"))
        c.pause(0.08)
        a.sendall(h2_get(5))
        time.sleep(0.02)
        for stream in (1, 3):
            b.sendall(h2(3, 0, stream, bytes(4)))
        b.sendall(h2(7, 0, 0, struct.pack("!II", 3, 0)))
        b.close()
        drain(a, 0.2)
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, RPC), sender="server", phase="half-closed",
            mechanism=["after-close"], cause=["application-abort", "late-data-after-close"],
        )
        c.pause(0.2, 0.4)


pair(pings, "grpc-pings", "gRPC clients that ping too often", delay=0.05)
