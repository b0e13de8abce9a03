# SPDX-License-Identifier: Apache-2.0
"""Clients that leave TLS 1.3 connections: what an answer is and what a goodbye, TLS hides."""
import ssl
import threading

from case import again

PORT = 8443
ASK = b"GET /report HTTP/1.1\r\nHost: www.example.org\r\n\r\n"


def keys(c):
    """A certificate and its key, as files."""
    path = c.work + "/tls.pem"
    c.server.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        "-subj", "/CN=www.example.org", "-keyout", path, "-out", path + ".crt",
    )
    return path + ".crt", path


def sealed(c, listener, serving):
    """One TLS connection; `serving` speaks for the server in a thread of its own.  Returns the
    client's end and that thread."""

    def serve():
        s, _ = listener.accept()
        try:
            with serving.wrap_socket(s, server_side=True) as t:
                t.recv(4096)
                c.pause(*c.slowness)
                t.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + c.text(3000, 3001))
                if not t.recv(64):
                    t.unwrap()
        except OSError:
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    asking = ssl.create_default_context()
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    return asking.wrap_socket(c.client.connect(c.server.addr, PORT)), thread


def goodbye(s):
    """close_notify, then the FIN; the server's own goodbye is not waited for."""
    s.settimeout(0.02)
    try:
        s.unwrap()
    except OSError:
        pass
    s.close()


def wait(s, patience):
    """For an answer; the tickets are read meanwhile."""
    s.settimeout(patience)
    try:
        s.recv(4096)
    except TimeoutError:
        pass


def gave_up(c):
    """
    Clients ask over TLS 1.3 and wait.  All that the server sends at first are its session tickets.
    The clients' patience ends: some say close_notify before they close, some do not.  The answer
    comes then, to a closed socket.  Another client waits for it.

    The reader should see: the client gave up waiting; neither are tickets an answer, nor is
    close_notify a question.
    """
    c.stage(log=False, delay=0.01)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*keys(c))
    listener = c.server.listen(PORT)
    c.watch()
    for way in ("goodbye", "waits", "silent", "goodbye"):
        patience = c.rng.uniform(0.6, 1.2)
        c.slowness = (patience + 0.3, patience + 0.5)
        s, thread = sealed(c, listener, serving)
        mine = s.getsockname()[1]
        s.sendall(ASK)
        if way == "waits":
            got = 0
            while got < 3000:
                got += len(s.recv(4096))
            s.unwrap().close()
        else:
            wait(s, patience)
            goodbye(s) if way == "goodbye" else s.close()
            c.truth.add(
                (c.client.addr, mine), (c.server.addr, PORT), sender="client", phase="half-closed",
                mechanism=["after-close"], cause=["client-abort", "late-data-after-close"],
            )
        thread.join()


again(
    gave_up, "tls-gave-up", "TLS clients whose patience ends before the server answers",
    shape=dict(captures=("client",)),
)
