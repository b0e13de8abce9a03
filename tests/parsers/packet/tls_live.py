#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real TLS bytes, made by Python's OpenSSL in memory, read by the word reader.

usage: tls_live.py WORDS_FACTS
"""
import shutil
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path


def contexts(folder, client_max=None, server_min=None, verify=False):
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if client_max:
        client.maximum_version = client_max
    if server_min:
        server.minimum_version = server_min
    client.set_alpn_protocols(["http/1.1"])
    return client, server


class Talk:
    """A client and a server joined in memory, with all that each sent."""

    def __init__(self, client, server):
        self.bios = [ssl.MemoryBIO() for _ in range(4)]
        client_in, client_out, server_in, server_out = self.bios
        self.ends = [client.wrap_bio(client_in, client_out, server_hostname="www.example.test"),
                     server.wrap_bio(server_in, server_out, server_side=True)]
        self.sent = [b"", b""]
        for _ in range(6):
            for end in self.ends:
                self.try_to(end.do_handshake)
        for end in self.ends:
            self.try_to(lambda e=end: e.write(b"hello"))
        for end in self.ends:
            self.try_to(lambda e=end: e.read(100))
            self.try_to(end.unwrap)

    def try_to(self, step):
        try:
            step()
        except ssl.SSLError:
            pass
        client_in, client_out, server_in, server_out = self.bios
        for i, (source, sink) in enumerate([(client_out, server_in), (server_out, client_in)]):
            data = source.read()
            self.sent[i] += data
            sink.write(data)


def facts(program, data):
    out = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True).stdout.decode()
    return dict(pair.split("=", 1) for pair in out.split())


def differences(program, folder, name, want_client, want_server, **how):
    talk = Talk(*contexts(folder, **how))
    for side, sent, want in zip(("client", "server"), talk.sent, (want_client, want_server)):
        got = facts(program, sent)
        for key, value in want.items():
            if got[key] != value:
                yield f"{name}, {side}: {key} is {got[key]}, not {value}"


HELLO = {"tls": "1", "client_hello": "1", "sni": "www.example.test", "alpn": "http/1.1", "cut": "0"}
ANSWER = {"tls": "1", "server_hello": "1", "cut": "0"}
CASES = [
    ("1.3", {**HELLO, "version": "0304", "data": "1", "alert": "none", "ends_alert_sized": "1"},
     {**ANSWER, "version": "0304", "data": "1", "alert": "none"}, {}),
    ("1.2", {**HELLO, "version": "0303", "ccs": "1", "data": "1", "encrypted_alert": "1",
             "ends_with_alert": "1"},
     {**ANSWER, "version": "0303", "ccs": "1", "data": "1"},
     {"client_max": ssl.TLSVersion.TLSv1_2}),
    ("no common version", {**HELLO, "version": "0303", "data": "0"},
     {"tls": "1", "server_hello": "0", "alert": "protocol_version", "ends_with_alert": "1"},
     {"client_max": ssl.TLSVersion.TLSv1_2, "server_min": ssl.TLSVersion.TLSv1_3}),
    ("unknown issuer", {**HELLO, "encrypted_alert": "0", "alert": "unknown_ca",
                        "ends_with_alert": "1"},
     {**ANSWER, "version": "0303"},
     {"client_max": ssl.TLSVersion.TLSv1_2, "verify": True}),
]


def main():
    if not shutil.which("openssl"):
        return 77
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=example.test",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2"],
                       check=True, stderr=subprocess.DEVNULL)
        for case, client, server, how in CASES:
            wrong += differences(sys.argv[1], folder, case, client, server, **how)
    print("\n".join(wrong) or f"{len(CASES)} handshakes read")
    return 1 if wrong else 0


sys.exit(main())
