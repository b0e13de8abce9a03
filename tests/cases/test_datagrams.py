#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Syslog datagrams of a real capture, brought into the shapes in which captures hold them.

usage: test_datagrams.py WHYRST.  The sample's datagrams are fragmented, mirrored, cut, moved to
another port, stripped of their stamps, spread over the files of a ring and held by two captures:
each line is told once, with the frame that carried it.  Then the lines are written into a log file
as a host with another clock would, and that clock must be found.
"""
import datetime
import gzip
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples" / "syslog-captured"
HEADER = re.compile(rb"^<(\d+)>1 (\S+) (\S+) (\S+) (\S+) - - +(.*)$", re.S)
ETHERNET, IP, UDP = 14, 20, 8


def load():
    data = next(SAMPLE.glob("*.pcap")).read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1", "little-endian microseconds expected"
    at, made = 24, []
    while at + 16 <= len(data):
        seconds, micros, kept, _ = struct.unpack("<4I", data[at:at + 16])
        made.append((seconds * 10**6 + micros, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return data[:24], made


HEAD, FRAMES = load()


def is_syslog(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[36:38] == b"\x02\x02"


def payload_of(frame):
    return frame[ETHERNET + IP + UDP:ETHERNET + struct.unpack("!H", frame[16:18])[0]]


def with_checksum(ip):
    ip = ip[:10] + b"\0\0" + ip[12:]
    total = sum(struct.unpack("!10H", ip))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ip[:10] + struct.pack("!H", total ^ 0xffff) + ip[12:]


def packed(frame, payload, port=514):
    """The frame with another payload."""
    udp = frame[34:36] + struct.pack("!3H", port, UDP + len(payload), 0)
    ip = with_checksum(frame[14:16] + struct.pack("!H", IP + UDP + len(payload)) + frame[18:34])
    return frame[:14] + ip + udp + payload


def fragments(frame):
    ip, body = frame[14:34], frame[34:ETHERNET + struct.unpack("!H", frame[16:18])[0]]
    for at, part, more in ((0, body[:48], 0x2000), (48, body[48:], 0)):
        head = ip[:2] + struct.pack("!3H", IP + len(part), 7, more | at // 8) + ip[8:]
        yield frame[:14] + with_checksum(head) + part


def written(path, frames, snaplen=65535):
    rows = [struct.pack("<4I", t // 10**6, t % 10**6, len(f[:snaplen]), len(f)) + f[:snaplen]
            for t, f in frames]
    path.write_bytes(HEAD + b"".join(rows))
    return path.name


def each(change):
    """The sample's frames, those that are syslog changed into any number of others."""
    for t, frame in FRAMES:
        if is_syslog(frame):
            yield from ((t + 40 * i, new) for i, new in enumerate(change(frame)))
        else:
            yield t, frame


def plain(path):
    return [written(path / "a.pcap", FRAMES)]


def in_fragments(path):
    return [written(path / "a.pcap", each(fragments))]


def mirrored(path):
    return [written(path / "a.pcap", each(lambda f: (f, f)))]


def other_port(path):
    return [written(path / "a.pcap", each(lambda f: [packed(f, payload_of(f), 5514)]))]


def two_captures(path):
    return plain(path) + [written(path / "b.pcap", [(t + 2_500_000, f) for t, f in FRAMES])]


def compressed(path):
    (path / "a.pcap.gz").write_bytes(gzip.compress((path / plain(path)[0]).read_bytes(), mtime=0))
    (path / "a.pcap").unlink()
    return ["a.pcap.gz"]


def ring(path):
    cuts = range(0, len(FRAMES), 30)
    return [written(path / f"ring.pcap{i or ''}", FRAMES[at:at + 30]) for i, at in enumerate(cuts)]


def two_in_one(path):
    """Two messages a datagram, and the length in front."""
    held, frames = [], []
    for t, frame in FRAMES:
        if not is_syslog(frame):
            frames.append((t, frame))
            continue
        held.append(b"%d " % len(payload_of(frame)) + payload_of(frame))
        if len(held) == 2:
            frames.append((t, packed(frame, b"".join(held))))
            held = []
    return [written(path / "a.pcap", frames)]


def stampless(frame):
    pri, _, _, program, pid, message = HEADER.match(payload_of(frame)).groups()
    return [packed(frame, b"<%s>%s[%s]: %s" % (pri, program, pid, message))]


def without_stamps(path):
    return [written(path / "a.pcap", each(stampless))]


def run(whyrst, folder, names, *options):
    done = subprocess.run([whyrst, "--format", "json", *options, *names], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_type(records, kind):
    return [r for r in records if r["type"] == kind]


def evidence(records):
    """(RST's place in time, message, record) of every log line that is linked."""
    return [(d["client"]["port"], re.sub(r"^.*sshd\S*(?: \d+ - -)? +", "", e["text"]), e)
            for d in of_type(records, "diagnosis") for e in d["evidence"] if e["kind"] == "log"]


def frames_of(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    at, made = 24, []
    while at + 16 <= len(data):
        kept = struct.unpack("<I", data[at + 8:at + 12])[0]
        made.append(data[at + 16:at + 16 + kept])
        at += 16 + kept
    return made


def faults_of_shape(whyrst, make, expected):
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        records = run(whyrst, folder, make(folder))
        logs = of_type(records, "log")
        if len(logs) != 1 or logs[0]["lines"] != len(TEXTS):
            yield f"{make.__name__}: {[(r['file'], r['lines']) for r in logs]}"
            return
        if logs[0]["clock_by"] not in ("datagrams", "lines"):
            yield f"{make.__name__}: clock by {logs[0]['clock_by']}"
        if sorted((port, text) for port, text, _ in evidence(records)) != expected:
            yield f"{make.__name__}: other lines are linked"
        for _, text, e in evidence(records):
            sent = e["sent_in"]
            frame = frames_of(folder / sent["capture"])[sent["frame"] - 1]
            if text.encode()[-20:] not in frame:
                yield f"{make.__name__}: line {e['line']} is not in {sent}"


TEXTS = [HEADER.match(payload_of(f)).groups() for _, f in FRAMES if is_syslog(f)]


def bsd_log(offset, wanted):
    """The lines as a host whose clock is so far off writes them, in whole seconds."""
    rows = []
    for (_, stamp, host, program, pid, message) in TEXTS:
        when = datetime.datetime.fromisoformat(stamp.decode()) + datetime.timedelta(seconds=offset)
        text = message.decode().rstrip("\n")
        if wanted(text):
            rows.append(when.strftime("%b %d %H:%M:%S ") +
                        f"{host.decode()} {program.decode()}[{pid.decode()}]: {text}\n")
    return "".join(rows)


def faults_of_file(whyrst):
    """A file that names nobody, of the same host but with another clock than the datagrams'."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        names = plain(folder) + ["auth.log"]
        (folder / "auth.log").write_text(bsd_log(200, lambda text: " port " not in text))
        records = run(whyrst, folder, names)
        sent, file = of_type(records, "log")
        apart = file["clock_offset_s"] - sent["clock_offset_s"]
        room = file["clock_offset_spread_s"] + sent["clock_offset_spread_s"]
        if file["clock_by"] != "datagrams" or abs(apart - 200) > room or room > 2:
            yield f"the file's clock: {apart} ± {room}, by {file['clock_by']}"
        (folder / "auth.log").write_text(bsd_log(0, lambda text: True))
        linked = evidence(run(whyrst, folder, names))
        if not linked or any(e["file"] != "auth.log" or "sent_in" not in e for _, _, e in linked):
            yield "lines that a file holds, too, are not told by the file alone"


def faults_of_cut(whyrst):
    """Half a port is no port: a cut line links nothing that the whole line does not."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        for snaplen in range(120, 190, 7):
            records = run(whyrst, folder, [written(folder / "a.pcap", each(lambda f: [f]), snaplen)])
            flaws = of_type(records, "capture")[0].get("flaws", {})
            if "syslog.cut" not in flaws:
                yield f"snaplen {snaplen}: nothing is cut"
            for port, text, _ in evidence(records):
                named = re.search(r"port (\d+)", text)
                if named and int(named[1]) != port:
                    yield f"snaplen {snaplen}: {port} is linked with {text}"


def faults_of_question(whyrst):
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        names = plain(folder)
        log = of_type(run(whyrst, folder, names), "log")[0]["file"]
        answer, = run(whyrst, folder, names, "--explain-log", f"{log}:2")
        frame = answer["sent_in"]["frame"]
        if answer["verdict"] != "belongs" or payload_of(FRAMES[frame - 1][1])[:20] not in \
                answer["text"].encode():
            yield f"--explain-log: {answer}"


def main():
    whyrst = str(Path(sys.argv[1]).resolve())
    faults, expected = [], None
    for make in (plain, in_fragments, mirrored, other_port, two_captures, compressed, ring,
                 two_in_one, without_stamps):
        if expected is None:
            with tempfile.TemporaryDirectory() as temp:
                records = run(whyrst, temp, plain(Path(temp)))
                expected = sorted((port, text) for port, text, _ in evidence(records))
        faults += faults_of_shape(whyrst, make, expected)
    faults += faults_of_file(whyrst)
    faults += faults_of_cut(whyrst)
    faults += faults_of_question(whyrst)
    if len(expected) < 5:
        faults.append(f"only {len(expected)} lines are linked at all")
    print("\n".join(faults) or "all shapes tell the same")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
