# SPDX-License-Identifier: Apache-2.0
"""Clients that leave TLS 1.3 connections: what an answer is and what a goodbye, TLS hides."""
import ssl
import threading

from case import again

PORT = 8443
ASK = b"GET /report HTTP/1.1\r\nHost: www.example.org\r\n\r\n"


def keys(c, name="tls"):
    """A certificate and its key, as files."""
    path = f"{c.work}/{name}.pem"
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


def ask_certified(c, own):
    """A request behind the handshake, with the certificate of `own` or none, and what comes of it."""
    asking = ssl.create_default_context()
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    if own:
        asking.load_cert_chain(*own)
    s = asking.wrap_socket(c.client.connect(c.server.addr, PORT))
    s.sendall(ASK)
    try:
        s.recv(4096)
    except OSError:
        pass
    s.close()


def refused(c):
    """
    The server wants its clients to have a certificate that it knows.  Two have none, and one has that
    of somebody else.  In TLS 1.3 the client is done with its handshake before the server has seen the
    certificate: the requests are on their way, unread, when the server says in an alert, which nobody
    but the client can read, that it does not want to go on.

    The reader should see: the handshake failed, for want of a certificate where there was none.
    """
    c.stage(log=False, delay=0.01)
    known, strange = keys(c), keys(c, "strange")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*known)
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.load_verify_locations(known[0])
    listener = c.server.listen(PORT)

    def serve():
        s, _ = listener.accept()
        try:
            with serving.wrap_socket(s, server_side=True) as t:
                t.recv(4096)
        except OSError:
            s.close()

    c.watch()
    for own in (None, strange, None):
        thread = threading.Thread(target=serve)
        thread.start()
        ask_certified(c, own)
        thread.join()
        c.pause(0.2, 0.5)
    c.truth.every(
        (c.server.addr, PORT), sender="server", phase="active",
        mechanism=["abort-unread", "abort"], cause=["tls-handshake-failure"], needed=False,
        by_reason={
            r: ("half-closed", ["after-close"])
            for r in ("TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET")
        },
    )


again(
    refused, "mtls-refused", "TLS clients without the certificate that the server asks for",
    shape=dict(captures=("client",)),
)
