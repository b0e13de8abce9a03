#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a host's snapshots say of its clock holds for its logs: zone data, uptime beside a date. What
they say of its sockets holds for that host alone, where another lists its addresses.

usage: test_snapshots.py WHYRST.  The log of a sample is written as a host of another zone writes it,
with that zone's own TZif file as etc/localtime; the kernel log of another is written with the time
since boot alone.  Each line must still be linked to the frames that the sample's truth.json names.
"""
import datetime
import json
import re
import subprocess
import sys
import tempfile
import zoneinfo
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
UTC = datetime.timezone.utc
STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)\+00:00 (\S+) ")
ZONES = Path("/usr/share/zoneinfo")


def run(whyrst, sample, files):
    """(log records by name, (line, frame) of all links)"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        capture = next((TOP / "samples" / sample).glob("*.pcap"))
        (folder / capture.name).write_bytes(capture.read_bytes())
        for path, body in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(body if isinstance(body, bytes) else body.encode())
        done = subprocess.run([whyrst, "--format", "json", "."], cwd=folder,
                              stdout=subprocess.PIPE, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    logs = {Path(r["file"]).name: r for r in records if r["type"] == "log"}
    return logs, {(e["line"], d["frame"]) for d in records if d["type"] == "diagnosis"
                  for e in d["evidence"] if e["kind"] == "log"}


def lines(sample, log):
    for line in (TOP / "samples" / sample / log).read_text().splitlines():
        stamp = STAMP.match(line)
        when = datetime.datetime.fromisoformat(stamp[1]).replace(tzinfo=UTC)
        yield when, stamp[2], line[stamp.end():]


def truth(sample, log):
    told = json.loads((TOP / "samples" / sample / "truth.json").read_text())
    return {(link["line"], c["rst_frame"]) for c in told["connections"]
            for link in c["logs"] if link["file"] == log}


def zone_faults(whyrst):
    sample, log = "ssh-protocol-mismatch", "logs/auth.log"
    for name, rule in (("Asia/Kolkata", "IST-5:30"), ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3")):
        zone = zoneinfo.ZoneInfo(name)
        body = "".join(f"{t.astimezone(zone):%b %e %H:%M:%S} {host} {rest}\n"
                       for t, host, rest in lines(sample, log))
        logs, got = run(whyrst, sample, {"var/log/auth.log": body,
                                         "etc/localtime": (ZONES / name).read_bytes()})
        if not truth(sample, log) <= got:
            yield f"{name}: {sorted(truth(sample, log) - got)} not linked"
        if logs["auth.log"].get("timezone") != rule or "localtime" not in logs["auth.log"]["timezone_why"]:
            yield f"{name}: read as {logs['auth.log'].get('timezone')}"


def boot_faults(whyrst):
    sample, log = "process-crash", "logs/kern.log"
    told = list(lines(sample, log))
    boot = told[0][0] - datetime.timedelta(days=1, hours=2, minutes=10, seconds=7.5)
    now = told[-1][0] + datetime.timedelta(minutes=3)
    body = "".join(f"[{(t - boot).total_seconds():12.6f}] "
                   + re.sub(r"^kernel: (\[[^]]*\] )?", "", rest) + "\n" for t, _, rest in told)
    up = now - boot
    minutes = int(up.total_seconds()) // 60
    clock = f"{now + datetime.timedelta(seconds=4):%H:%M:%S}"
    date = f"{now:%a %b %e %H:%M:%S UTC %Y}\n"
    snapshots = {"proc/uptime": f"{up.total_seconds():.2f} 4711.25\n",
                 "host/uptime.txt": f" {clock} up 1 day, {minutes // 60 - 24:2d}:{minutes % 60:02d},"
                                    "  1 user,  load average: 0.10, 0.20, 0.30\n"}
    for name, snapshot in snapshots.items():
        beside = str(Path(name).parent / "date")
        logs, got = run(whyrst, sample, {"dmesg": body, name: snapshot, beside: date})
        first = logs["dmesg"].get("first", "1970-01-01T00:00:00Z").replace("Z", "+00:00")
        first = datetime.datetime.fromisoformat(first)
        within = logs["dmesg"].get("clock_taken_within_s", 0)
        if abs((first - told[0][0]).total_seconds()) > within or within < 6:
            yield f"{name}: the first line at {first}, not {told[0][0]}, within {within} s"
        if name == "proc/uptime" and not truth(sample, log) <= got:
            yield f"{name}: {sorted(truth(sample, log) - got)} not linked"
        if run(whyrst, sample, {"dmesg": body, name: snapshot})[0]["dmesg"].get("first"):
            yield f"{name}: a boot time without a date"


LISTEN = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 64 0.0.0.0:{} 0.0.0.0:*\n"
ADDRESSES = "2: eth0    inet {}/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever\n"


def listing_faults(whyrst):
    """The client's host listens on the port that the server's host refused, whose listing lacks it."""
    case = TOP / "tests" / "corpus" / "refused-told-by-snapshots"
    told = [c for c in json.loads((case / "truth.json").read_text())["connections"]
            if c["cause"] == ["port-closed"]]
    for c in told:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "server.pcap").write_bytes((case / "server.pcap").read_bytes())
            client, server = c["client"].rpartition(":")[0], c["server"].rpartition(":")[0]
            refused = c["server"].rpartition(":")[2]
            for host, own, port in (("a", client, refused), ("b", server, 8080)):
                (folder / "host" / host).mkdir(parents=True)
                (folder / "host" / host / "ip.txt").write_text(ADDRESSES.format(own))
                (folder / "host" / host / "ss.txt").write_text(LISTEN.format(port))
            done = subprocess.run([whyrst, "--format", "json", "."], cwd=folder,
                                  stdout=subprocess.PIPE, check=True)
        got = [d for d in map(json.loads, done.stdout.splitlines())
               if d["type"] == "diagnosis" and d["frame"] == c["rst_frame"]]
        if [d["cause"] for d in got] != ["port-closed"]:
            yield f"frame {c['rst_frame']}: {[d['cause'] for d in got]}"
        elif any(e["kind"] == "host" for e in got[0]["evidence"]):
            yield f"frame {c['rst_frame']}: the client's listing is cited"


def main():
    program = str(Path(sys.argv[1]).resolve())
    checks = [("zone data as etc/localtime", zone_faults), ("uptime beside a date", boot_faults),
              ("a listing of the client's host", listing_faults)]
    print(f"1..{len(checks)}")
    bad = 0
    for n, (name, check) in enumerate(checks, 1):
        made = list(check(program))
        bad += bool(made)
        print(f"{'not ok' if made else 'ok'} {n} - {name}")
        for fault in made:
            print("#  ", fault)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
