# SPDX-License-Identifier: Apache-2.0
"""tshark as the oracle for what a capture holds: RST frames and their stream numbers."""
import os
import shutil
import subprocess

SECONDS = int(os.environ.get("WHYRST_ORACLE_SECONDS", "120"))


def have():
    return shutil.which("tshark") is not None


def resets(path):
    """{frame: stream} of every frame whose TCP header carries RST (not one quoted by ICMP)."""
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-Y", "tcp.flags.reset==1 && !icmp && !icmpv6",
         "-T", "fields", "-E", "occurrence=l", "-e", "frame.number", "-e", "tcp.stream"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line]
    # tshark says 2 on a truncated tail and still lists what it read.
    if done.returncode not in (0, 2):
        raise RuntimeError(f"tshark: {done.stderr.strip()[:200]}")
    return {int(frame): int(stream) for frame, stream in rows}


def shows(path, display_filter, frame):
    """Whether a display filter, read by tshark itself, holds for a frame of the capture."""
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-Y", f"({display_filter}) && frame.number == {frame}",
         "-T", "fields", "-e", "frame.number"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
    return done.stdout.strip() == str(frame)


def claims(records, capture):
    """{frame: [who claims it]} over one capture, by everything that may name an RST frame."""
    claimed = {}
    for record in records:
        if record["type"] == "diagnosis":
            own = record["rst_frames"] if record["capture"] == capture else []
            seen = [frame for s in record.get("seen_in", []) if s["capture"] == capture
                    for frame in s.get("rst_frames", [s["frame"]])]
            for frame in own + seen:
                claimed.setdefault(frame, []).append(record["id"])
        elif record["type"] == "capture" and record["capture"] == capture:
            for row in record["rst_skipped"]:
                claimed.setdefault(row["frame"], []).append(f"skipped as {row['reason']}")
    return claimed


def faults_of(records, folder):
    """Every way in which the records and tshark disagree about RST frames; None: not checkable."""
    for record in [r for r in records if r["type"] == "capture"]:
        capture = record["capture"]
        path = os.path.join(folder, capture)
        if not os.path.isfile(path):
            continue  # a member of an archive: tshark cannot open it there
        known = resets(path)
        claimed = claims(records, capture)
        if record.get("rst_frames", len(known)) != len(known):
            yield f"{capture}: {record['rst_frames']} RST frames, tshark says {len(known)}"
        for frame in sorted(known.keys() - claimed.keys()):
            yield f"{capture} frame {frame}: an RST that is neither diagnosed nor skipped"
        for frame in sorted(claimed.keys() - known.keys()):
            yield f"{capture} frame {frame}: no RST to tshark, yet {', '.join(claimed[frame])}"
        for frame, names in sorted(claimed.items()):
            if len(names) > 1:
                yield f"{capture} frame {frame}: claimed by {', '.join(names)}"
        yield from stream_faults(records, capture, path, known)


def stream_faults(records, capture, path, known):
    for record in records:
        if record["type"] != "diagnosis" or record["capture"] != capture:
            continue
        frame, stream = record["frame"], record.get("stream")
        if frame in known and stream != known[frame]:
            yield f"{capture} frame {frame}: stream {stream}, tshark says {known[frame]}"
        wanted = record.get("display_filter")
        if wanted and wanted != f"tcp.stream eq {stream}" and not shows(path, wanted, frame):
            yield f"{capture} frame {frame}: display filter does not show it: {wanted}"
