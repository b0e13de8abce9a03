#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real capture and its log, moved in time to where clocks are hard.

usage: test_clocks.py WHYRST.  The packets and lines of a sample are moved by one span, so that they
run across the end of summer time, its beginning, New Year, a 29 February or a leap second, and the
log's stamps are written as a host there writes them: local time, no zone, no year.  Each line must
still be linked to the RST frames that the sample's truth.json names.
"""
import datetime
import json
import re
import struct
import subprocess
import sys
import tempfile
import zoneinfo
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples" / "ssh-protocol-mismatch"
LOG = "logs/auth.log"
UTC = datetime.timezone.utc
STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\+00:00 ")


def utc(*civil):
    return datetime.datetime(*civil, tzinfo=UTC)


def records():
    data = next(SAMPLE.glob("*.pcap")).read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1", "little-endian microseconds expected"
    at, made = 24, []
    while at + 16 <= len(data):
        seconds, micros, kept, whole = struct.unpack("<4I", data[at:at + 16])
        made.append((seconds * 10**6 + micros, struct.pack("<2I", kept, whole)
                     + data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return data[:24], made


def lines():
    made = []
    for line in (SAMPLE / LOG).read_text().splitlines():
        stamp = STAMP.match(line)
        when = datetime.datetime.fromisoformat(stamp[1]).replace(tzinfo=UTC)
        made.append((when, line[stamp.end():]))
    return made


def middle(made):
    """Between the first and the last line that a connection owns: both sides get some."""
    owned = sorted(number for number, _ in truth())
    return made[owned[len(owned) // 2] - 1][0]


def truth():
    """(line of the log, RST frame) of every link that the sample promises."""
    told = json.loads((SAMPLE / "truth.json").read_text())
    return {(link["line"], c["rst_frame"]) for c in told["connections"] for link in c["logs"]
            if link["file"] == LOG}


def local(when, zone):
    return when.astimezone(zoneinfo.ZoneInfo(zone))


def bsd(when, zone):
    t = local(when, zone)
    return t.strftime("%b ") + "%2d" % t.day + t.strftime(" %H:%M:%S")


def iso(when, zone):
    return local(when, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def leap(when, _zone):
    """The second after 23:59:59 is :60, and the clock stands at it for that second."""
    if when.replace(microsecond=0) == utc(2017, 1, 1):
        return "2016-12-31T23:59:60" + when.strftime(".%f") + "Z"
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


# name, the instant that the middle of the log is moved to, zone, stamp, is the zone told, years
CASES = [
    ("the end of summer time", utc(2026, 10, 25, 1), "Europe/Berlin", bsd, True),
    ("the end of summer time, dated", utc(2026, 10, 25, 1), "Europe/Berlin", iso, True),
    ("the end of summer time in New York", utc(2026, 11, 1, 6), "America/New_York", bsd, True),
    ("the beginning of summer time", utc(2026, 3, 29, 1), "Europe/Berlin", bsd, True),
    ("the beginning of summer time, dated", utc(2026, 3, 29, 1), "Europe/Berlin", iso, True),
    ("New Year", utc(2027, 1, 1), "Etc/UTC", bsd, True),
    ("New Year in Tokyo", utc(2026, 12, 31, 15), "Asia/Tokyo", bsd, True),
    ("New Year, zone not told", utc(2027, 1, 1), "Etc/UTC", bsd, False),
    ("a 29 February", utc(2028, 2, 29, 12), "Etc/UTC", bsd, True),
    ("into a 29 February", utc(2028, 2, 29), "Etc/UTC", bsd, True),
    ("out of a 29 February in Berlin", utc(2028, 2, 29, 23), "Europe/Berlin", bsd, True),
    ("a leap second", utc(2017, 1, 1), "Etc/UTC", leap, False),
    ("a zone that nobody tells", utc(2026, 7, 1, 12), "Asia/Kolkata", bsd, False),
    ("a zone that nobody tells, in winter", utc(2026, 1, 15, 3), "America/St_Johns", bsd, False),
]


def make(folder, when, zone, stamp, told):
    head, packets = records()
    made = lines()
    shift = when - middle(made)
    micros = shift // datetime.timedelta(microseconds=1)
    with (folder / "server.pcap").open("wb") as out:
        out.write(head)
        for at, rest in packets:
            out.write(struct.pack("<2I", *divmod(at + micros, 10**6)) + rest)
    (folder / "auth.log").write_text("".join(
        f"{stamp(at + shift, zone)} {text}\n" for at, text in made))
    if told:
        (folder / "timezone").write_text(zone + "\n")
    return made[0][0] + shift, made[-1][0] + shift


def run(whyrst, folder):
    done = subprocess.run([whyrst, "--format", "json", "."], cwd=folder, stdout=subprocess.PIPE,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(whyrst, when, zone, stamp, told):
    with tempfile.TemporaryDirectory() as name:
        first, last = make(Path(name), when, zone, stamp, told)
        told_records = run(whyrst, name)
    links = {(e["line"], d["frame"]) for d in told_records if d["type"] == "diagnosis"
             for e in d["evidence"] if e["kind"] == "log"}
    made = [f"line {line} is not linked to frame {frame}" for line, frame in sorted(truth() - links)]
    log = next(r for r in told_records if r["type"] == "log")
    for key, want in (("first", first), ("last", last)):
        got = datetime.datetime.fromisoformat(log[key].replace("Z", "+00:00"))
        if abs((got - want).total_seconds()) > 1.001:
            made.append(f"{key} is {log[key]}, not {want:%FT%TZ}")
    offset, spread = log.get("clock_offset_s", 0.0), log.get("clock_offset_spread_s", 0.0)
    if abs(offset) > spread + 0.001:
        made.append(f"offset {offset} is not within {spread} of none")
    return made


def main():
    whyrst = str(Path(sys.argv[1]).resolve())
    assert truth(), "the sample promises no link"
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (name, *rest) in enumerate(CASES, 1):
        made = faults(whyrst, *rest)
        print(f"{'not ok' if made else 'ok'} {number} - {name}")
        for fault in made:
            print("#  ", fault)
        failed += bool(made)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
