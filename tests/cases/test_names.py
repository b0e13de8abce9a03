#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines that carry the client's name are linked by a hosts file or a line that explains it, else not.

usage: test_names.py WHYRST.  The log of a sample is rewritten to name its client as a host with
reverse look-ups does; the links are those that the sample's truth.json promises.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples" / "ssh-protocol-mismatch"
LOG = "logs/auth.log"
NAME = "Client.Example.NET"


def truth():
    told = json.loads((SAMPLE / "truth.json").read_text())
    client = told["connections"][0]["client"].rpartition(":")[0]
    return client, {(link["line"], c["rst_frame"]) for c in told["connections"]
                    for link in c["logs"] if link["file"] == LOG}


def evidence(whyrst, log, hosts):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server.pcap").write_bytes(next(SAMPLE.glob("*.pcap")).read_bytes())
        (folder / "auth.log").write_text(log)
        if hosts:
            (folder / "etc").mkdir()
            (folder / "etc" / "hosts").write_text("127.0.0.1 localhost\n" + hosts)
        done = subprocess.run([whyrst, "--format", "json", "."], cwd=folder,
                              stdout=subprocess.PIPE, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return [(d, e) for d in records if d["type"] == "diagnosis"
            for e in d["evidence"] if e["kind"] == "log" and e["match"] in ("tuple", "endpoint")]


def links(whyrst, log, hosts):
    return {(e["line"], d["frame"]) for d, e in evidence(whyrst, log, hosts)}


def names(whyrst, log, hosts):
    """What the evidence says of names: (name, address, line that gives it or None)."""
    told = [e["host_name"] for _, e in evidence(whyrst, log, hosts) if "host_name" in e]
    return {(n["name"], n["address"], n.get("line")) for n in told}


def faults(whyrst):
    client, wanted = truth()
    log = (SAMPLE / LOG).read_text()
    direct = links(whyrst, log, "")
    named = log.replace(client, NAME)
    assert named != log
    if links(whyrst, named, ""):
        yield "a name is linked although nobody says whose it is"
    got = links(whyrst, named, f"{client} {NAME.lower()} client\n")
    if got != direct or not got & wanted:
        yield f"by the hosts file {sorted(got)}, by number {sorted(direct)}"
    if names(whyrst, named, f"{client} {NAME.lower()} client\n") != {(NAME, client, None)}:
        yield "the evidence does not say that the hosts file explains the name"
    if names(whyrst, log, f"{client} {NAME.lower()} client\n"):
        yield "a line with the number is said to be explained by a name"
    if links(whyrst, named, f"{client} {NAME}\n203.0.113.9 {NAME}\n") != direct:
        yield "an address that no capture knows makes a name ambiguous"
    if links(whyrst, named, f"203.0.113.9 {NAME}\n"):
        yield "a name of somebody else is linked"
    if links(whyrst, log, f"203.0.113.9 {client}\n") != direct:
        yield "a name that looks like a number goes before the number"


def learned_faults(whyrst):
    """A line of another program says whose the name is: before, behind, of two, or not at all."""
    client, wanted = truth()
    log = (SAMPLE / LOG).read_text()
    direct = links(whyrst, log, "")
    named = log.replace(client, NAME)
    head = log.splitlines()[0].split(" sshd")[0].split(" useradd")[0]
    server = json.loads((SAMPLE / "truth.json").read_text())["connections"][0]["server"]
    server = server.rpartition(":")[0].strip("[]")

    def said(name, address):
        return f"{head} postfix/smtpd[4711]: connect from {name}[{address}]\n"

    if links(whyrst, named + said(NAME, client), "") != direct:
        yield "a line behind does not explain the name"
    last = len(named.splitlines()) + 1
    if names(whyrst, named + said(NAME, client), "") != {(NAME, client, last)}:
        yield "the evidence does not say which line explains the name"
    before = {(line - 1, frame)
              for line, frame in links(whyrst, said(NAME.lower(), client) + named, "")}
    if before != direct or not before & wanted:
        yield f"by a line before {sorted(before)}, by number {sorted(direct)}"
    if links(whyrst, named + said(NAME, client) + said(NAME, server), ""):
        yield "a name of two captured addresses is linked"
    if links(whyrst, named + said(NAME, client) + said(NAME, server), f"{client} {NAME}\n") != direct:
        yield "the hosts file does not go before the lines"
    denied = f"{head} sshd[4711]: reverse mapping checking getaddrinfo for {NAME} [{client}] failed.\n"
    if links(whyrst, named + denied, ""):
        yield "a name is believed that its own line denies"


def main():
    program = str(Path(sys.argv[1]).resolve())
    made = [*faults(program), *learned_faults(program)]
    print("1..1")
    print(f"{'not ok' if made else 'ok'} 1 - names and the hosts file")
    for fault in made:
        print("#  ", fault)
    return 1 if made else 0


if __name__ == "__main__":
    sys.exit(main())
