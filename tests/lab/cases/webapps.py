# SPDX-License-Identifier: Apache-2.0
"""Application servers that end HTTP connections by timers and limits of their own, and write nothing
about it: Node.js and Tomcat."""
import select
import time

import daemons
from case import case
from cases.limits import pair
from cases.told import ended, how
from daemons import wait_for
from talk import drain, meet

WEB = 8080
TOMCAT = """<Server port="-1">
  <Service name="Catalina">
    <Connector port="{port}" address="{where}" protocol="HTTP/1.1" connectionTimeout="20000" {more}/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false">
        <Valve className="org.apache.catalina.valves.AccessLogValve" directory="/var/log/tomcat10"
               prefix="access" suffix=".log" rotatable="false" buffered="false" pattern="common"/>
      </Host>
    </Engine>
  </Service>
</Server>
"""
NODE_SERVER = """const http = require('http');
const server = http.createServer({options}, (ask, answer) => {{
  ask.resume();
  ask.on('end', () => answer.end('well met\\n'));
}});
server.listen({port}, '{where}');
"""
ASK = b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n"


def node(c, options="{}"):
    where = "::" if c.ip == 6 else "0.0.0.0"
    c.server.write(
        "/etc/app/server.js", NODE_SERVER.format(options=options, port=WEB, where=where)
    )
    c.server.spawn("node", "/etc/app/server.js")
    wait_for(lambda: daemons.listening(c.server, WEB), "node")
    c.pause(0.3)


def asked(c, n=0, s=None):
    """Asks on that connection, or on a new one, and reads the answer; returns it, and when."""
    s = s or c.client.connect(c.server.addr, WEB)
    s.sendall(ASK % n)
    s.recv(4096)
    return s, time.monotonic()


def patience(c):
    """For how long the server keeps an idle connection, as its clients see it."""
    s, since = asked(c)
    s.settimeout(90)
    s.recv(64)
    s.close()
    return time.monotonic() - since


def race(c, n):
    """Clients that pool their connections ask again just as the server closes."""
    limit, delay = patience(c), c.spec["shape"].get("delay", 0.03)
    c.watch()
    group = []
    for _ in range(n):
        s, since = asked(c)
        group.append((since, *asked(c, 1, s)))
        c.pause(0.3, 0.5)
    late = set()
    for n, (_, s, since) in enumerate(group):
        time.sleep(max(0, since + limit - delay * c.rng.uniform(0.7, 1.3) - time.monotonic()))
        if select.select([s], [], [], 0)[0]:
            late.add(s.getsockname()[1])  # its FIN was there: nothing crossed it
        try:
            s.sendall(ASK % (2 + n))
        except OSError:
            pass
    for _, s, _ in group:
        drain(s, 0.3)
        s.close()
    return late


def node_race(c):
    """
    A Node.js server keeps idle connections as long as Node.js does unless told otherwise
    (`keepAliveTimeout`: five seconds, and one more in newer versions).  A client has a pool, and
    its requests cross the server's FIN.  Nobody writes a log.

    The reader should see: the keep-alive race, and that the time is Node's default.
    """
    c.stage(delay=c.spec["shape"].get("delay", 0.03))
    node(c)
    for port in race(c, c.rng.randrange(3, 5)):
        c.truth.add(
            (c.client.addr, port), (c.server.addr, WEB), sender="server", phase="half-closed",
            mechanism=["after-close"], cause=["endpoint-idle-timeout"], by_reason=how(),
        )
    ended(c, WEB, ["keepalive-reuse-race"])


def node_slow(c):
    """
    A Node.js server gives a request two seconds to come in full (`requestTimeout`).  Clients with a
    slow upload are answered 408 and closed while they send on.

    The reader should see: a time limit of the server's for requests, by its answer.
    """
    c.stage(delay=0.02)
    node(c, "{ requestTimeout: 2000, headersTimeout: 1500, connectionsCheckingInterval: 300 }")
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, WEB)
        s.sendall(
            b"POST /report HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 90000\r\n\r\n"
        )
        try:
            for _ in range(40):
                s.sendall(c.text(200, 500))
                c.pause(0.08, 0.1)
        except OSError:
            pass
        drain(s)
        s.close()
        c.pause(0.3, 0.6)
    ended(c, WEB, ["endpoint-idle-timeout"])


# --- Tomcat ---------------------------------------------------------------------------------------
def tomcat(c, more=""):
    """Tomcat with one page; its access log is in /var/log/tomcat10."""
    base, home = "/run/tomcat", "/usr/share/tomcat10"
    where = "::" if c.ip == 6 else "0.0.0.0"
    c.server.sh(
        f"mkdir -p /var/log/tomcat10 {base}/conf {base}/temp {base}/webapps/ROOT; "
        f"echo '<web-app/>' > {base}/conf/web.xml; cp /etc/tomcat10/web.xml {base}/conf/; "
        f"echo 'well met' > {base}/webapps/ROOT/index.html"
    )
    c.server.write(f"{base}/conf/server.xml", TOMCAT.format(port=WEB, where=where, more=more))
    c.server.spawn(
        "java", "-cp", f"{home}/bin/bootstrap.jar:{home}/bin/tomcat-juli.jar", "-Xmx128m",
        f"-Dcatalina.home={home}", f"-Dcatalina.base={base}", f"-Djava.io.tmpdir={base}/temp",
        "org.apache.catalina.startup.Bootstrap", "start", out="tomcat.out",
    )
    wait_for(lambda: daemons.listening(c.server, WEB), "tomcat", 60)
    asked(c)[0].close()
    c.pause(0.3)


def tomcat_idle(c):
    """
    Tomcat keeps idle connections for 20 seconds (`connectionTimeout` of the server.xml that it is
    shipped with).  A pool uses its connections after that.

    The reader should see: the server's idle timeout, and that 20 seconds are Tomcat's.
    """
    c.stage()
    tomcat(c)
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 5)):
        group.append(asked(c)[0])
        c.pause(0.3, 0.9)
    c.pause(22.0, 22.5)
    for n, s in enumerate(group):
        try:
            s.sendall(ASK % (1 + n))
        except OSError:
            pass
        c.pause(0.05, 0.1)
        drain(s, 0.1)
        s.close()
    ended(c, WEB, ["endpoint-idle-timeout"], logs_ok=[("tomcat10/access.log", r".")])


def tomcat_upload(c):
    """
    Clients upload to a place that is not there.  Tomcat answers 404 without having read the body,
    reads on for so many bytes (`maxSwallowSize`, here 8 kB), and closes while the rest is still
    coming: "Connection reset", and the client may never see the 404.

    The reader should see: the server did not read the request's body, and answered early.
    """
    c.stage(delay=0.02)
    c.cable.rate = 80000
    tomcat(c, 'maxSwallowSize="8192"')
    c.watch(snaplen=240)
    for n in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, WEB)
        s.sendall(
            b"POST /upload/%d HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 90000\r\n\r\n" % n
        )
        try:
            for _ in range(22):
                s.sendall(c.text(3000, 4000))
                c.pause(0.05)
        except OSError:
            pass
        drain(s)
        s.close()
        c.pause(0.3, 0.8)
    ended(c, WEB, ["unread-data-close"], logs_ok=[("tomcat10/access.log", r".")])


pair(node_race, "node-race", "Requests that cross Node's keep-alive FIN", delay=0.05)
pair(node_slow, "node-slow-request", "Node.js gives up slow requests", delay=0.04)
pair(tomcat_idle, "tomcat-idle", "Tomcat closes idle connections", delay=0.015)
pair(tomcat_upload, "tomcat-upload", "An upload that Tomcat does not read", delay=0.03)


H2_SERVER = """const http2 = require('http2');
const server = http2.createServer();
server.on('stream', (stream) => { stream.respond({':status': 200}); stream.end('well met\\n'); });
server.listen(8080, '0.0.0.0');
"""


@case("wrong-language", "HTTP/1 to a server of HTTP/2 and to a broker; a module that is full",
      corpus=True)
def wrong_language(c):
    """
    Clients ask in HTTP/1 where Node.js speaks HTTP/2 from the first byte, as gRPC does, and where
    mosquitto speaks MQTT; one that does the latter right is served.  A server of rsync's protocol
    says that it has too many connections.

    The reader should see: for each port what was wrong, by the words on the wire.
    """
    c.stage(log=False)
    c.server.write("/etc/app/h2.js", H2_SERVER)
    c.server.spawn("node", "/etc/app/h2.js")
    c.server.write("/etc/mosquitto-lab.conf", "listener 1883 0.0.0.0\nallow_anonymous true\n")
    c.server.spawn("mosquitto", "-c", "/etc/mosquitto-lab.conf")
    full = c.server.listen(873)
    for port in WEB, 1883:
        wait_for(lambda: daemons.listening(c.server, port), f"port {port}")
    c.watch()
    good = c.client.connect(c.server.addr, 1883)
    good.sendall(b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4desk")
    for port in [WEB, 1883] * 2:
        s = c.client.connect(c.server.addr, port)
        for n in range(3):
            try:
                s.sendall(ASK % n)
            except OSError:
                pass
            drain(s, 0.15)
        s.close()
        c.pause(0.1, 0.3)
    for _ in range(2):
        a, b, _ = meet(c, full, 873)
        b.sendall(b"@RSYNCD: 31.0\n")
        a.sendall(b"@RSYNCD: 31.0 sha512 sha256\npictures\n")
        c.pause(0.05, 0.1)
        b.recv(20)
        b.sendall(b"@ERROR: max connections (2) reached -- try again later\n")
        c.pause(0.05, 0.1)
        drain(a, 0.1)
        b.close()
        c.pause(0.05, 0.1)
        a.close()
    drain(good, 0.1)
    good.sendall(b"\xe0\0")
    good.close()
    for port in WEB, 1883:
        ended(c, port, ["protocol-mismatch"])
    ended(c, 873, ["connection-limit"])
