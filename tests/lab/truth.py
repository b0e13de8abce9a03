# SPDX-License-Identifier: Apache-2.0
"""What really happened, written down by whoever made it happen.

In: claims of a case (who, why), the finished captures and logs, the kernel's own reasons. Out:
truth.json.  The analyzer is never asked; a claim that the captures or the kernel deny is an
error.
"""
import gzip
import json
import os
import re
from pathlib import Path

import pcapfile
from named import datagram_lines, extend
from pcapfile import ACK, FIN, RST, SYN

# Best first, where the vocabulary leaves a choice.
SEVERITY = {
    **dict.fromkeys(("fast-close", "late-data-after-close"), ["harmless"]),
    **dict.fromkeys(("port-scan", "half-open-probe", "backscatter"), ["notice", "harmless"]),
    **dict.fromkeys(("port-closed", "port-reuse-collision", "client-abort"), ["notice", "fault"]),
}
CAUSES = set(
    """
    port-closed service-down firewall-reject listen-backlog-overflow port-scan half-open-probe
    backscatter port-reuse-collision ssh-max-startups ssh-source-penalty ssh-login-grace-timeout
    ssh-auth-limit ssh-client-alive-timeout tcp-wrappers-denied ssh-protocol-mismatch
    ssh-server-error sftp-session-closed unread-data-close application-abort client-abort
    process-crash oom-kill service-restart host-reboot connection-limit protocol-mismatch
    tls-handshake-failure keepalive-reuse-race endpoint-idle-timeout proxy-timeout
    heartbeat-missed middlebox-idle-timeout nat-mapping-lost keepalive-dead-peer
    retransmission-timeout path-mtu-blackhole receiver-stalled host-overloaded conntrack-invalid
    conntrack-table-full content-filter ips-reset forged-reset fast-close late-data-after-close
    peer-lost-state undetermined reset-not-captured
    """.split()
)
MECHANISMS = set(
    """
    refused refused-late rejected-in-path abandoned-open unexpected-synack collision abort
    abort-unread after-close no-state gave-up injected stale undetermined
    """.split()
)
WIRE = "syslog datagrams"  # in the place of a log's name: the lines that the captures hold
PHASES = set("opening idle-open active half-closed closed unknown".split())


def end_text(end):
    return f"[{end[0]}]:{end[1]}" if ":" in end[0] else f"{end[0]}:{end[1]}"


def phase_of(packets, client, given):
    """How far the connection had come before the deciding RST, by what the home capture holds."""
    begun = [n for n, p in enumerate(packets) if p.flags & SYN and not p.flags & ACK]
    packets = packets[begun[-1] if begun else 0 :]
    if not packets:
        return given
    fins = {(p.src, p.sport) for p in packets if p.flags & FIN}
    if fins:
        return "closed" if len(fins) == 2 else "half-closed"
    if any(p.length > 0 and not p.flags & SYN for p in packets):
        return "active"
    answered = next(
        (n for n, p in enumerate(packets) if p.flags & SYN and p.flags & ACK), len(packets)
    )
    third = any((p.src, p.sport) == client and not p.flags & SYN for p in packets[answered:])
    if begun and not third:
        return "opening"
    return "idle-open"


def case_traced(case):
    return case.spec["shape"].get("trace", False)


class Claim:
    """One reset connection as the case made it."""

    def __init__(self, client, server, **k):
        self.client, self.server = client, server
        self.sender, self.phase = k.pop("sender"), k.pop("phase")
        self.mechanism, self.cause = k.pop("mechanism"), k.pop("cause")
        self.mechanism = (
            [self.mechanism] if isinstance(self.mechanism, str) else list(self.mechanism)
        )
        self.cause = [self.cause] if isinstance(self.cause, str) else list(self.cause)
        # The wire cannot tell a program that did not read from one that read and did not answer.
        either = {"abort", "abort-unread"} <= set(self.mechanism)
        if either and "application-abort" in self.cause and "unread-data-close" not in self.cause:
            self.cause = list(self.cause) + ["unread-data-close"]
        self.severity = k.pop("severity", None) or SEVERITY.get(self.cause[0], ["fault", "notice"])
        self.logs, self.logs_ok = k.pop("logs", []), k.pop("logs_ok", [])
        self.after, self.before = k.pop("after", 0.0), k.pop("before", 1e18)
        self.capture = k.pop("capture", None)
        self.nat = k.pop("nat", {})  # capture name -> (client, server) as seen there
        self.also = k.pop("also", [])  # more tuples whose RSTs belong to this teardown
        self.kernel = k.pop("kernel", True)  # a kernel under trace sent the deciding RST
        self.stranger = k.pop("stranger", False)  # a third host's kernel sent it, in an end's name
        self.deciding = k.pop("deciding", None)  # picks the RST that tore it down, if not the first
        self.by_reason = k.pop(
            "by_reason", {}
        )  # kernel reason -> (phase, mechanisms), where timing decides
        self.join_seq = k.pop(
            "join_seq", False
        )  # other captures lie behind a NAT: find the RSTs by number
        self.by_sender = k.pop(
            "by_sender", {}
        )  # "client"/"server" -> fields to change, with sender="auto"
        self.each = k.pop(
            "each", False
        )  # one line a connection, in order, though the lines name no port
        self.one_of = k.pop("one_of", False)  # any one line of `logs` is enough: they say the same
        self.needed = k.pop("needed", True)  # every pattern of `logs` must match a line
        if k:
            raise TypeError(f"unknown claim fields {sorted(k)}")
        bad = [x for x in self.cause if x not in CAUSES] + [
            x for x in self.mechanism if x not in MECHANISMS
        ]
        if (
            bad
            or self.phase not in PHASES
            or self.sender not in ("client", "server", "path", "auto")
        ):
            raise ValueError(f"not in the vocabulary: {bad or self.phase or self.sender}")

    def tuples(self, capture):
        return [self.nat.get(capture, (self.client, self.server)), *self.also]

    def holds(self, p, capture):
        ends = {(p.src, p.sport), (p.dst, p.dport)}
        return self.after <= p.t < self.before and any(ends == set(t) for t in self.tuples(capture))


class Truth:
    def __init__(self, case):
        self.case, self.claims, self.skips, self.families = case, [], [], []
        self.unmatched, self.absent = [], []

    def add(self, client, server, **k):
        c = Claim(client, server, **k)
        self.claims.append(c)
        return c

    def every(self, server, match=None, **k):
        """Claims every connection to `server` that holds a RST and that no other claim names.

        `{ip}` and `{port}` in log patterns stand for the client's.  `match(packet)` narrows it.
        """
        self.families.append((server, match, k))

    def expand(self, rsts):
        named = {
            frozenset(t)
            for c in self.claims
            for t in [(c.client, c.server), *c.also, *c.nat.values()]
        }
        for server, match, k in self.families:
            for name, ps in rsts.items():
                for p in ps if k.get("capture") in (None, name) else ():
                    src, dst = (p.src, p.sport), (p.dst, p.dport)
                    here = next(
                        (e for e in (dst, src) if e == server or server == (e[0], None)), None
                    )
                    client = src if here == dst else dst
                    if not here or frozenset((src, dst)) in named or (match and not match(p)):
                        continue
                    if any(skip(p) for _, skip in self.skips):
                        continue
                    named.add(frozenset((src, dst)))
                    fill = {
                        w: [
                            (
                                f,
                                x.replace("{ip}", re.escape(client[0])).replace(
                                    "{port}", str(client[1])
                                ),
                            )
                            for f, x in k.get(w, [])
                        ]
                        for w in ("logs", "logs_ok")
                    }
                    self.add(client, here, **{**k, **fill})

    def skip(self, why, match):
        """RST frames that match(packet) belong to no diagnosis."""
        self.skips.append((why, match))

    def lines(self, patterns, needed=True):
        found = []
        for name, pattern in patterns:
            hits = [
                {"file": file, "line": n}
                for file, n, text in (datagram_lines(Path(self.case.out)) if name == WIRE else ())
                if re.search(pattern, text)
            ]
            for part in (name, name + ".1", name + ".2.gz"):
                path = os.path.join(self.case.out, "logs", part)
                if os.path.exists(path):
                    with (gzip.open if part.endswith(".gz") else open)(
                        path, "rt", encoding="utf-8", errors="replace"
                    ) as f:
                        hits += [
                            {"file": "logs/" + part, "line": n}
                            for n, line in enumerate(f, 1)
                            if re.search(pattern, line)
                        ]
            if needed and not hits:
                raise RuntimeError(f"{self.case.name}: no line of logs/{name} matches {pattern!r}")
            found += [h for h in hits if h not in found]
        return found

    def reason(self, rst, rows):
        answer = not (rst.flags & pcapfile.ACK and rst.seq)
        near = [
            (abs(t - rst.t), r)
            for t, s, d, answers, _, r in rows
            if s == (rst.src, rst.sport)
            and d == (rst.dst, rst.dport)
            and answers == answer
            and abs(t - rst.t) < 1.0
        ]
        # A listener that answers a stray segment is traced with no destination.
        near = near or [
            (abs(t - rst.t), r)
            for t, s, d, _, state, r in rows
            if s[0] in (rst.src, "0.0.0.0", "::")
            and s[1] == rst.sport
            and state == "TCP_LISTEN"
            and abs(t - rst.t) < 0.15
        ]
        return min(near)[1] if near else None

    def connection(self, claim, rsts, rows, used):
        names = [claim.capture] if claim.capture else []
        names += [n for n in self.case.capture_names() if n not in names]
        seen = {}
        for name in names:
            mine = [p for p in rsts[name] if claim.holds(p, name) and (name, p.frame) not in used]
            if mine:
                pick = claim.deciding and [p for p in mine if claim.deciding(p)] or mine
                seen[name] = (pick[0].frame, mine)
                used.update((name, p.frame) for p in mine)
        home = next((n for n in names if n in seen), None)
        if home and claim.join_seq:
            marks = {(p.seq, p.flags) for p in seen[home][1]}
            for name in set(names) - set(seen):
                mine = [
                    p
                    for p in rsts[name]
                    if (p.seq, p.flags) in marks
                    and (name, p.frame) not in used
                    and any(abs(p.t - q.t) < 1 for q in seen[home][1])
                ]
                if mine:
                    seen[name] = (mine[0].frame, mine)
                    used.update((name, p.frame) for p in mine)
        if home is None or (claim.capture and home != claim.capture):
            raise RuntimeError(
                f"{self.case.name}: no RST captured for {claim.client} {claim.server}"
            )
        frame, mine = seen[home]
        first = next(p for p in mine if p.frame == frame)
        reasons = [
            self.reason(next(q for q in ps if q.frame == f), rows) for f, ps in seen.values()
        ]
        reason = next((r for r in reasons if r), None)
        if claim.sender == "path":
            reason = self.reason(first, rows)
        if claim.sender == "path" and reason and not claim.stranger:
            raise RuntimeError(f"{self.case.name}: claimed path, but a kernel sent it: {reason}")
        if claim.sender != "path" and claim.kernel and not reason:
            raise RuntimeError(
                f"{self.case.name}: no kernel reason for frame {frame} of {home} at "
                f"{first.t}: {[r for r in rows if (first.src, first.sport) in r]}"
            )
        phase, mechanism = claim.by_reason.get(reason, (claim.phase, claim.mechanism))
        cli, srv = claim.tuples(home)[0]
        if claim.sender != "path":
            by = "client" if (first.src, first.sport) == cli else "server"
            if claim.sender == "auto":
                claim.sender = by
                change = claim.by_sender.get(by, {})
                for field in change:
                    setattr(claim, field, change[field])
                phase, mechanism = claim.by_reason.get(reason, (claim.phase, claim.mechanism))
                claim.severity = change.get("severity") or SEVERITY.get(
                    claim.cause[0], ["fault", "notice"]
                )
            if by != claim.sender and (first.src, first.sport) in (cli, srv):
                raise RuntimeError(f"{self.case.name}: frame {frame} of {home} is the {by}'s")
        if (
            mechanism[0] not in ("refused-late", "unexpected-synack", "collision")
            and phase != "unknown"
        ):
            held = [p for p in self.before(home, frame) if claim.holds(p, home)]
            phase = phase_of(held, cli, phase)
        row = {
            "client": end_text(cli),
            "server": end_text(srv),
            "capture": home,
            "rst_frame": frame,
            "rst_frames": [p.frame for p in mine],
            "sender": claim.sender,
            "phase": phase,
            "mechanism": mechanism,
            "cause": claim.cause,
            "severity": claim.severity,
            "logs": self.lines(claim.logs, claim.needed),
            "logs_ok": self.lines(claim.logs_ok, needed=False),
            "aka": [
                {"capture": n, "rst_frame": f, "rst_frames": [p.frame for p in ps]}
                for n, (f, ps) in seen.items()
                if n != home
            ],
        }
        if claim.one_of and row["logs"]:
            row["logs_any"], row["logs"] = row["logs"], []
        if (
            len(row["logs"]) > 1 and not claim.each
        ):  # the first line says it; the others may be linked
            row["logs_ok"] += row["logs"][1:]
            row["logs"] = row["logs"][:1]
        if case_traced(self.case) and len(mine) > 1:  # a listener's answer names no peer
            row["logs_ok"] += self.lines(
                [("tcp-trace.txt", rf"src={re.escape(end_text(srv))} dest=\S+:0 ")], needed=False
            )
        if reason:
            row["kernel_reason"] = reason
        return first.t, row

    @staticmethod
    def share(rows):
        """Lines that name no port: the n-th is the n-th connection's, if there are as many; or
        else nobody's for certain."""
        together = {}
        for row in rows:
            if len(row["logs"]) > 1:
                together.setdefault(json.dumps(row["logs"]), []).append(row)
        for text, group in together.items():
            lines = json.loads(text)
            for n, row in enumerate(group):
                mine = [lines[n]] if len(lines) == len(group) else []
                row["logs_ok"] += [x for x in lines if x not in mine]
                row["logs"] = mine
        for row in rows:
            row["logs_ok"] = [
                x
                for n, x in enumerate(row["logs_ok"])
                if x not in row["logs"] and x not in row["logs_ok"][:n]
            ]

    def packets(self, name):
        return pcapfile.packets(os.path.join(self.case.out, name))

    def before(self, name, frame):
        """What a capture holds before a frame; of a ring, its files before, too."""
        names = [n for n in self.case.capture_names() if n < name and self.case.spec["shape"].get("ring")]
        held = [p for n in names if self.same_ring(n, name) for p in self.all[n]]
        return held + [p for p in self.all[name] if p.frame < frame]

    @staticmethod
    def same_ring(a, b):
        return a.split("_")[0] == b.split("_")[0]

    def resolve(self):
        case = self.case
        clocks = case.spec["shape"].get("clocks", {})
        self.all = {
            n: [p._replace(t=p.t - clocks.get(n, 0)) for p in self.packets(n)]
            for n in case.capture_names()
        }
        rsts = {n: [p for p in ps if p.flags & RST] for n, ps in self.all.items()}
        rows, used, skipped, done = case.trace_rows, set(), [], []
        for name, ps in rsts.items():
            for p in ps:
                why = next((w for w, match in self.skips if match(p)), None)
                if why:
                    skipped.append({"capture": name, "frame": p.frame, "why": why})
                    used.add((name, p.frame))
        self.expand(rsts)
        for claim in self.claims:
            done.append(self.connection(claim, rsts, rows, used))
        left = [
            (n, p.frame, p.src, p.sport, p.dst, p.dport)
            for n, ps in rsts.items()
            for p in ps
            if (n, p.frame) not in used
        ]
        if left:
            raise RuntimeError(f"{case.name}: RSTs of no connection: {len(left)}: {left[:6]}")
        done.sort(key=lambda d: d[0])
        self.share([d for _, d in done])
        extend(Path(case.out), [d for _, d in done], self.lines(self.absent))
        linked = {
            (x["file"], x["line"])
            for _, d in done
            for x in d["logs"] + d["logs_ok"] + d.get("logs_any", [])
        }
        absent = [x for x in self.lines(self.absent) if (x["file"], x["line"]) not in linked]
        return {
            "inputs": case.inputs(),
            "vantage": case.vantage(),
            "log_clock_offset_s": case.log_offset,
            "timezone": case.tz,
            "connections": [d for _, d in done],
            "absent_logs": absent,
            "unmatched_logs": self.lines(self.unmatched),
            "skipped_rsts": skipped,
            "graded": case.graded,
            "made_by": f"tests/lab/lab.py make {case.name}",
        }

    def write(self):
        truth = self.resolve()
        with open(os.path.join(self.case.out, "truth.json"), "w") as f:
            json.dump(truth, f, indent=1)
            f.write("\n")
        return truth
