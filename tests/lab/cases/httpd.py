# SPDX-License-Identifier: Apache-2.0
"""Web servers that end connections of their own: nginx and HTTP/2, its reload, headers that are too
large; Apache's restart and timers; PHP-FPM behind nginx; HAProxy's silent drop; a relay whose
service is down."""
import struct
import time

import daemons
from case import again
from cases.limits import pair
from cases.proxies import haproxy
from cases.told import ended, how
from daemons import trixie_has, trixie_root, wait_for
from talk import drain

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def h2(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def h2_open(c, port=80):
    """A client that knows beforehand that the server speaks HTTP/2 in clear."""
    s = c.client.connect(c.server.addr, port)
    s.sendall(PREFACE + h2(4, 0, 0))
    s.recv(4096)
    s.sendall(h2(4, 1, 0))
    return s


def h2_get(stream):
    """GET / of www.example.org: static names of HPACK alone."""
    return h2(1, 5, stream, b"\x82\x84\x86\x41\x0fwww.example.org")


def nginx_h2(c, more):
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server,
        f"{more}\nserver {{ listen {listen} http2; location / {{ return 200 'well met\\n'; }} }}",
    )


def h2_requests(c):
    """
    nginx takes five requests a connection (`keepalive_requests 5`, HTTP/2 in clear), answers the
    last one, says GOAWAY and closes.  The client's next requests are on their way already and
    meet a closed connection.

    The reader should see: requests that crossed the server's close; GOAWAY was its last word.
    """
    c.stage(delay=0.03)
    nginx_h2(c, "keepalive_requests 5; lingering_close off;")
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = h2_open(c)
        try:
            for n in range(12):
                s.sendall(h2_get(2 * n + 1))
                c.pause(0.02, 0.04)
        except OSError:
            pass
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.8)
    ended(
        c, 80, ["keepalive-reuse-race", "late-data-after-close", "unread-data-close"],
        logs_ok=[("nginx/access.log", r"GET"), ("nginx/error.log", r".")],
        severity=["fault", "notice", "harmless"],
    )


def h2_idle(c):
    """
    nginx closes HTTP/2 connections that are idle for two seconds (`keepalive_timeout 2s`): GOAWAY,
    then FIN.  The client uses its connection later.

    The reader should see: the server's idle timeout.
    """
    c.stage()
    nginx_h2(c, "keepalive_timeout 2s; lingering_timeout 1s;")
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = h2_open(c)
        s.sendall(h2_get(1))
        c.pause(0.1, 0.2)
        s.recv(4096)
        c.pause(4.0, 4.6)
        try:
            s.sendall(h2_get(3))
            c.pause(0.1)
            s.sendall(h2_get(5))
        except OSError:
            pass
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.8)
    ended(
        c, 80, ["endpoint-idle-timeout"],
        logs_ok=[("nginx/access.log", r"GET"), ("nginx/error.log", r".")],
    )


def reload(c):
    """
    nginx is reloaded (`nginx -s reload`) while clients hold kept-alive connections: its old worker
    closes those that are idle at that moment, whatever their age.  Some requests cross that, and
    one client writes later.

    The reader should see: the reload closed them, by nginx's log; no idle timer did.
    """
    c.stage(delay=0.03)
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server, f"server {{ listen {listen}; location / {{ return 200 'well met\\n'; }} }}"
    )
    c.server.sh("sed -i 's/error.log info/error.log notice/' /etc/nginx/nginx.conf")
    c.watch()
    ask = b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    group = []
    for n in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, 80)
        s.sendall(ask % n)
        s.recv(4096)
        group.append(s)
        c.pause(0.3, 0.9)
    c.server.run("nginx", "-s", "reload")
    for n in range(15):
        for s in group[1:]:
            try:
                s.sendall(ask % (100 + n))
            except OSError:
                pass
        time.sleep(0.01)
    c.pause(0.8, 1.2)
    try:
        group[0].sendall(ask % 999)
    except OSError:
        pass
    for s in group:
        drain(s, 0.2)
        s.close()
    s = c.client.connect(c.server.addr, 80)
    s.sendall(ask % 1000)
    s.recv(4096)
    s.close()
    ended(
        c, 80, ["service-restart", "keepalive-reuse-race"],
        logs_ok=[("nginx/access.log", r"GET"), ("nginx/error.log", r".")],
    )


def large_header(c):
    """
    Clients send a cookie of 60 kB; nginx takes headers of 8 kB (`large_client_header_buffers`),
    answers 400 "Request Header Or Cookie Too Large" and closes while the rest is still coming.

    The reader should see: the server did not want the request, by its answer and its log.
    """
    c.stage(delay=0.02)
    c.cable.rate = 60000
    listen = "[::]:80" if c.ip == 6 else "80"
    daemons.nginx(
        c.server,
        "lingering_time 1s; lingering_timeout 1s;\n"
        f"server {{ listen {listen}; location / {{ return 200 'well met\\n'; }} }}",
    )
    c.watch(snaplen=400)
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\nCookie: a=")
        try:
            for _ in range(25):
                s.sendall(c.text(3000, 4000).replace(b" ", b"-"))
                c.pause(0.06)
        except OSError:
            pass
        drain(s, 0.2)
        s.close()
        c.pause(1.1, 1.5)
    ended(
        c, 80, ["unread-data-close"],
        logs=[("nginx/error.log", r"client sent too long header line")], each=True,
        logs_ok=[("nginx/access.log", r" 400 "), ("nginx/error.log", r"client")],
    )


# --- Apache ---------------------------------------------------------------------------------------
APACHE = """ServerRoot /etc/apache2
PidFile /run/apache2.pid
Listen {listen}
ServerName www.example.org
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
TypesConfig /etc/mime.types
User www-data
Group www-data
StartServers 1
ThreadsPerChild 25
ServerLimit 2
MinSpareThreads 5
MaxSpareThreads 50
MaxRequestWorkers 50
DocumentRoot /var/www/html
ErrorLog /var/log/apache2/error.log
LogLevel info
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog /var/log/apache2/access.log combined
{more}
"""
ASK = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n"


def apache(c, more="", host=None, port=80):
    """Apache from the Debian 13 tree; returns a function that runs a script there."""
    trixie_has("/usr/sbin/apache2", "apache2")
    host = host or c.server
    root = trixie_root(host)

    def inside(script):
        return host.run("chroot", root, "sh", "-c", script, timeout=60)

    host.sh(f"mount --bind /var/log {root}/var/log; mkdir -p /var/log/apache2")
    inside("mkdir -p /var/www/html; echo 'well met' > /var/www/html/index.html; touch /etc/mime.types")
    listen = f"[::]:{port}" if c.ip == 6 else f"0.0.0.0:{port}"
    host.write(root + "/etc/apache2/lab.conf", APACHE.format(listen=listen, more=more))
    host.spawn("chroot", root, "/usr/sbin/apache2", "-DFOREGROUND", "-f", "/etc/apache2/lab.conf")
    wait_for(lambda: daemons.listening(host, port), "apache", 20)
    c.pause(0.5)
    return inside


def web(c, ask=ASK):
    s = c.client.connect(c.server.addr, 80)
    s.sendall(ask)
    s.recv(4096)
    return s


LOGS = [("apache2/access.log", r"."), ("apache2/error.log", r".")]


def apache_restart(c):
    """
    Apache is restarted at once (`apachectl restart`, SIGHUP) while clients hold kept-alive
    connections and one upload runs; its children are killed.

    The reader should see: the restart, by Apache's log.
    """
    c.stage()
    apache(c, "KeepAliveTimeout 60\nMaxKeepAliveRequests 0")
    c.watch()
    group = []
    for _ in range(c.rng.randrange(3, 5)):
        group.append(web(c))
        c.pause(0.3, 0.8)
    c.pause(0.5)
    boss = c.server.find("apache2")[0]
    c.server.signal(boss, 1)
    c.pause(1.5, 2.2)
    for s in group:
        try:
            s.sendall(ASK)
            c.pause(0.05)
            s.sendall(ASK)
        except OSError:
            pass
        drain(s, 0.2)
        s.close()
    web(c).close()
    ended(
        c, 80, ["service-restart"],
        logs=[("apache2/error.log", r"SIGHUP received")], logs_ok=LOGS,
    )


def apache_idle(c):
    """
    Apache's `KeepAliveTimeout 2` closes idle connections; it lingers for two seconds more and then
    is gone.  The clients use them when that is over.

    The reader should see: the server's idle timeout.
    """
    c.stage()
    apache(c, "KeepAliveTimeout 2")
    c.watch()
    group = [web(c) for _ in range(c.rng.randrange(2, 4))]
    busy = web(c)
    for _ in range(12):
        c.pause(0.5)
        busy.sendall(ASK)
        busy.recv(4096)
    for s in group:
        try:
            s.sendall(ASK)
        except OSError:
            pass
        drain(s, 0.2)
        s.close()
        c.pause(0.1)
    busy.close()
    ended(c, 80, ["endpoint-idle-timeout"], logs_ok=LOGS)


def apache_slow(c):
    """
    Apache's mod_reqtimeout gives a request's header and body two seconds each; slow clients go on
    sending drop by drop, are answered 408 and closed.

    The reader should see: the server's patience with a slow request was at its end.
    """
    c.stage()
    apache(c, "RequestReadTimeout header=2 body=2")
    c.watch()
    for n in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, 80)
        s.sendall(b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n")
        try:
            for k in range(22):
                s.sendall(b"X-%d: %d\r\n" % (k, n))
                c.pause(0.4)
        except OSError:
            pass
        drain(s, 0.2)
        s.close()
        c.pause(0.3, 0.6)
    ended(
        c, 80, ["endpoint-idle-timeout", "proxy-timeout", "unread-data-close", "application-abort"],
        logs_ok=LOGS,
    )


def apache_proxy(c):
    """
    Apache as a proxy (mod_proxy_http) before a program that resets some connections in the middle
    of the answer, and whose port is closed afterwards.  Its error log names the client, the server
    and the errno.

    The reader should see: the backend's program aborted; later nothing listened there.
    """
    c.proxied()
    listener = c.server.listen(9000)
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    apache(
        c, f"ProxyPass /app http://{where}:9000/ retry=0 disablereuse=on\n", host=c.proxy, port=8080
    )
    c.watch()
    for n in range(c.rng.randrange(3, 5)):
        a = c.client.connect(c.proxy.addr, 8080)
        a.sendall(b"GET /app/%d HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n" % n)
        if listener:
            b, _ = listener.accept()
            b.recv(4096)
            c.pause(0.1, 0.3)
            if n == 0:
                b.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                drain(a, 0.3)
                b.close()
            else:
                daemons.abort(b)
        drain(a, 0.5)
        a.close()
        c.pause(0.3, 0.6)
        if n == 1 and listener:
            listener.close()
            listener = None
    c.truth.every(
        (c.server.addr, 9000), lambda p: p.seq == 0, sender="server", phase="opening",
        mechanism=["refused"], cause=["service-down"], logs_ok=LOGS,
    )
    c.truth.every(
        (c.server.addr, 9000), sender="server", phase="active", mechanism=["abort-unread", "abort"],
        cause=["application-abort", "unread-data-close"], logs_ok=LOGS,
    )


# --- PHP-FPM --------------------------------------------------------------------------------------
FPM = """[global]
error_log = /var/log/php-fpm.log
daemonize = no
[www]
user = root
group = root
listen = {listen}
pm = static
pm.max_children = 2
request_terminate_timeout = 2s
"""


def fpm(c):
    """
    nginx asks PHP-FPM on another host.  Some scripts sleep longer than `request_terminate_timeout`
    (2 s): FPM kills the process, nginx logs "recv() failed (104: Connection reset by peer) while
    reading response header from upstream", or that the upstream closed.

    The reader should see: FPM ended the script for its time was up, by its log.
    """
    trixie_has("/usr/sbin/php-fpm8.4", "php8.4-fpm")
    c.proxied()
    root = trixie_root(c.server)
    c.server.sh(f"mount --bind /var/log {root}/var/log")
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    c.server.write(root + "/etc/php-lab.conf", FPM.format(listen=f"{where}:9000"))
    for name, seconds in (("slow", 9), ("quick", 0)):
        c.server.write(
            f"{root}/var/www/html/{name}.php", f"<?php sleep({seconds}); echo 'well met';\n"
        )
    c.server.spawn("chroot", root, "/usr/sbin/php-fpm8.4", "-R", "-y", "/etc/php-lab.conf")
    wait_for(lambda: daemons.listening(c.server, 9000), "php-fpm")
    listen = "[::]:8080" if c.ip == 6 else "8080"
    daemons.nginx(
        c.proxy,
        f"fastcgi_request_buffering off;\nserver {{ listen {listen}; location / {{\n"
        "fastcgi_param SCRIPT_FILENAME /var/www/html$uri; fastcgi_param REQUEST_METHOD "
        "$request_method;\nfastcgi_param CONTENT_LENGTH $content_length; fastcgi_param CONTENT_TYPE "
        f"$content_type;\nfastcgi_pass {where}:9000; }} }}",
        port=8080,
    )
    c.watch(snaplen=300)
    for n in range(c.rng.randrange(4, 6)):
        a = c.client.connect(c.proxy.addr, 8080)
        name = b"slow" if n % 2 else b"quick"
        size = 60000 if n % 2 else 40
        a.sendall(
            b"POST /%s.php HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % (name, size)
        )
        a.sendall(c.text(size, size + 1))
        drain(a, 4)
        a.close()
        c.pause(0.2, 0.5)
    c.truth.every(
        (c.server.addr, 9000), sender="server", phase="active", mechanism=["abort-unread", "abort"],
        cause=["application-abort", "process-crash", "unread-data-close"], by_reason=how(),
        logs=[("server/php-fpm.log", r"execution timed out")], each=True,
        logs_ok=[("server/php-fpm.log", r"."), ("proxy/nginx/error.log", r".")],
    )


# --- HAProxy --------------------------------------------------------------------------------------
def silent_drop(c):
    """
    HAProxy drops some requests in silence (`http-request silent-drop`): its kernel forgets the
    connection and says nothing.  The client waits, and asks once more: its host answers with a
    reset as if there had never been a connection.

    The reader should see: a host that lost its state; with the log, that HAProxy dropped it.
    """
    c.proxied()
    listener = c.server.listen(9000)
    haproxy(c, frontend=" http-request silent-drop if { path_beg /private }\n")
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        a = c.client.connect(c.proxy.addr, 8080)
        a.sendall(b"GET /private HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        c.pause(1.0, 1.6)
        try:
            a.sendall(b"GET /private HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        except OSError:
            pass
        drain(a, 0.3)
        a.close()
        c.pause(0.3, 0.6)
    listener.close()
    c.truth.every(
        (c.proxy.addr, 8080), sender="server", phase="active",
        mechanism=["no-state"], cause=["application-abort", "peer-lost-state"], by_reason={
            "TCP_STATE": ("active", ["abort", "abort-unread"]),
        },
        logs=[("syslog", r"haproxy\[\d+\]: {ip}:{port} .* PR")],
    )


def relay(c):
    """
    socat relays a port to a service that is down, as docker-proxy does for a container in which
    nothing listens: the client is let in, its request arrives, and the relay gives up.  Captured
    on the relay with `-i any`; nobody kept a log.

    The reader should see: the refused connection behind it, and that it is why.
    """
    c.proxied()
    where = f"TCP6:[{c.server.addr}]" if c.ip == 6 else f"TCP4:{c.server.addr}"
    kind = "TCP6-LISTEN" if c.ip == 6 else "TCP4-LISTEN"
    c.proxy.spawn("socat", f"{kind}:8080,fork,reuseaddr", f"{where}:9000")
    wait_for(lambda: daemons.listening(c.proxy, 8080), "socat")
    c.watch()
    for n in range(c.rng.randrange(3, 5)):
        a = c.client.connect(c.proxy.addr, 8080)
        c.pause(0.05, 0.2)
        try:
            a.sendall(b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n" % n)
        except OSError:
            pass
        drain(a, 0.3)
        a.close()
        c.pause(0.4, 0.9)
    c.truth.every(
        (c.proxy.addr, 8080), sender="server", phase="half-closed", mechanism=["after-close"],
        cause=["service-down", "late-data-after-close"], by_reason=how(),
        severity=["fault", "notice"],
    )
    c.truth.every(
        (c.server.addr, 9000), sender="server", phase="opening", mechanism=["refused"],
        cause=["port-closed", "service-down"],
    )


pair(h2_requests, "nginx-h2-requests", "nginx takes so many requests a connection", delay=0.05)
pair(h2_idle, "nginx-h2-idle", "nginx closes an idle HTTP/2 connection", delay=0.02)
pair(reload, "nginx-reload", "nginx is reloaded under kept-alive connections", delay=0.05)
pair(large_header, "nginx-large-header", "A cookie that is too large for nginx", delay=0.03)
pair(apache_restart, "apache-restart", "Apache is restarted under its clients", log_shift=3.0)
pair(apache_idle, "apache-idle", "Apache closes idle connections", delay=0.03)
pair(apache_slow, "apache-slow", "Apache gives up slow requests", log_shift=-4.0)
pair(apache_proxy, "apache-proxy", "Apache before a program that aborts", delay=0.02)
pair(fpm, "php-fpm-killed", "PHP-FPM ends scripts that take too long", log_shift=2.0)
pair(silent_drop, "haproxy-silent-drop", "HAProxy drops requests in silence", delay=0.01)
again(relay, "relay-refused", "A relay whose service is down")
