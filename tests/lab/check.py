# SPDX-License-Identifier: Apache-2.0
"""Holds every truth.json against tshark: frames, coverage and line numbers.

In: case folders.  Out: complaints on stdout, and 1 if there are any.  Changes nothing.
"""
import gzip
import json
import os
import subprocess

from truth import CAUSES, MECHANISMS, PHASES

KEYS = {
    "inputs",
    "vantage",
    "log_clock_offset_s",
    "timezone",
    "connections",
    "absent_logs",
    "unmatched_logs",
    "skipped_rsts",
    "graded",
    "made_by",
}


def rst_frames(path):
    """RST frame number -> the two ends as a set, as tshark sees them."""
    out = subprocess.run(
        [
            "tshark",
            "-n",
            "-r",
            path,
            "-Y",
            "tcp.flags.reset==1 && !icmp && !icmpv6",
            "-T",
            "fields",
            "-E",
            "occurrence=l",
            "-e",
            "frame.number",
            "-e",
            "ip.src",
            "-e",
            "ipv6.src",
            "-e",
            "tcp.srcport",
            "-e",
            "ip.dst",
            "-e",
            "ipv6.dst",
            "-e",
            "tcp.dstport",
        ],
        capture_output=True,
        text=True,
    ).stdout
    found = {}
    for line in out.splitlines():
        n, s4, s6, sp, d4, d6, dp = line.split("\t")
        text = [
            f"[{six}]:{p}" if six else f"{four}:{p}"
            for four, six, p in ((s4, s6, sp), (d4, d6, dp))
        ]
        found[int(n)] = frozenset(text)
    return found


def lines_of(path):
    """How many lines a log has; of the datagrams in a capture, as tshark sees them."""
    capture, is_wire, sender = path.partition(" (syslog from ")
    if is_wire:
        field = "ipv6.src" if ":" in sender else "ip.src"
        wanted = f"udp.dstport==514 && {field}=={sender.rstrip(')')}"
        out = subprocess.run(["tshark", "-n", "-r", capture, "-Y", wanted], capture_output=True)
        return out.stdout.count(b"\n")
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return f.read().count(b"\n")


def check_case(folder):
    wrong = []
    with open(os.path.join(folder, "truth.json")) as f:
        truth = json.load(f)
    if set(truth) != KEYS:
        wrong.append(f"keys {sorted(set(truth) ^ KEYS)}")
    if not os.path.exists(os.path.join(folder, "README.md")):
        wrong.append("no README.md")
    wrong += [
        f"no input {i}" for i in truth["inputs"] if not os.path.exists(os.path.join(folder, i))
    ]
    seen = {n: rst_frames(os.path.join(folder, n)) for n in truth["vantage"]}
    left = {(n, frame) for n, frames in seen.items() for frame in frames}

    def take(capture, frame, what):
        if (capture, frame) not in left:
            wrong.append(f"{what}: frame {frame} of {capture} is no RST, or is claimed twice")
        left.discard((capture, frame))

    for c in truth["connections"]:
        who = f"{c['client']} {c['server']}"
        if c["rst_frame"] not in c["rst_frames"]:
            wrong.append(f"{who}: rst_frame is not among rst_frames")
        for frame in c["rst_frames"]:
            take(c["capture"], frame, who)
        if seen[c["capture"]].get(c["rst_frame"]) != frozenset((c["client"], c["server"])):
            wrong.append(f"{who}: frame {c['rst_frame']} is another connection's")
        for aka in c["aka"]:
            for frame in aka["rst_frames"]:
                take(aka["capture"], frame, who)
        if (
            not set(c["cause"]) <= CAUSES
            or not set(c["mechanism"]) <= MECHANISMS
            or c["phase"] not in PHASES
        ):
            wrong.append(f"{who}: word not in the vocabulary")
    for s in truth["skipped_rsts"]:
        take(s["capture"], s["frame"], "skipped")
    wrong += [f"frame {frame} of {n} is in no connection" for n, frame in sorted(left)]
    for ref in (
        truth["absent_logs"]
        + truth["unmatched_logs"]
        + [x for c in truth["connections"] for x in c["logs"] + c["logs_ok"] + c.get("logs_any", [])]
    ):
        path = os.path.join(folder, ref["file"])
        if not 1 <= ref["line"] <= lines_of(path):
            wrong.append(f"no line {ref['line']} in {ref['file']}")
    return wrong, len(truth["connections"])


def check(dirs):
    cases, connections, bad = 0, 0, 0
    for d in dirs:
        if not os.path.isdir(d):
            continue
        nested = [os.path.join(d, n) for n in sorted(os.listdir(d))]
        for folder in [d] if os.path.exists(os.path.join(d, "truth.json")) else nested:
            if not os.path.exists(os.path.join(folder, "truth.json")):
                continue
            wrong, n = check_case(folder)
            cases, connections, bad = cases + 1, connections + n, bad + bool(wrong)
            for w in wrong:
                print(f"{os.path.basename(folder)}: {w}")
    print(f"{cases} cases, {connections} reset connections, {bad} with complaints")
    return 1 if bad or not cases else 0
