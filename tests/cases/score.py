# SPDX-License-Identifier: Apache-2.0
"""Holds the diagnoses of one case against its truth and counts, cause by cause."""
import ipaddress
import os
from collections import Counter

FIELDS = ("sender", "mechanism", "cause", "severity", "phase", "client", "server", "frame",
          "kernel_reason")
CONFIDENCE_BINS = (0.95, 0.9, 0.7, 0.5, 0.0)
CONFIDENT = 0.9  # what is told with this much must be right


def norm(path):
    return os.path.normpath(path)


def as_list(value):
    return value if isinstance(value, list) else [value]


def end_of(text):
    """"192.0.2.1:22" or "[2001:db8::1]:22" as (address, port)."""
    ip, port = text.rsplit(":", 1)
    return ipaddress.ip_address(ip.strip("[]")), int(port)


def end_in(record):
    return ipaddress.ip_address(record["ip"]), record.get("port", 0)


def line_of(row):
    return norm(row["file"]), row["line"]


class Score:
    """Counts by cause, failures in words, and (confidence, was right) pairs."""

    def __init__(self):
        self.causes = {}
        self.failures = []
        self.confidence = []

    def count(self, cause, what, n=1):
        self.causes.setdefault(cause, Counter())[what] += n

    def fail(self, frame, field, expected, got):
        self.failures.append(f"{frame}: {field}: expected {expected}, got {got}")

    def add(self, other):
        for cause, counts in other.causes.items():
            self.causes.setdefault(cause, Counter()).update(counts)
        self.failures += other.failures
        self.confidence += other.confidence

    def total(self):
        return sum(self.causes.values(), Counter())


def places_of(diagnosis):
    """Every (capture, frame) at which a diagnosis says its event was seen."""
    own = norm(diagnosis["capture"])
    return ({(own, frame) for frame in diagnosis["rst_frames"]} |
            {(norm(s["capture"]), frame) for s in diagnosis.get("seen_in", [])
             for frame in s.get("rst_frames", [s["frame"]])})


def deciders_of(connection):
    """The (capture, frame) of the deciding RST, in each capture that holds it."""
    rows = [connection, *connection.get("aka", [])]
    return {(norm(row["capture"]), row["rst_frame"]) for row in rows}


def pairs(connections, diagnoses):
    """[(connection, diagnosis or None)] and the diagnoses that no connection explains."""
    free = list(diagnoses)
    matched = []
    for connection in connections:
        wanted = deciders_of(connection)
        found = next((d for d in free if (norm(d["capture"]), d["frame"]) in wanted), None)
        found = found or next((d for d in free if places_of(d) & wanted), None)
        if found is not None:
            free.remove(found)
        matched.append((connection, found))
    return matched, free


def expectation(connection, diagnosis, field):
    """(what the truth accepts, what was said, whether it fits); None where the truth is silent."""
    said = diagnosis.get(field)
    if field == "frame":
        return "the deciding RST", said, (norm(diagnosis["capture"]), said) in deciders_of(
            connection)
    if connection.get(field) is None:
        return None
    wanted = connection[field]
    if field in ("client", "server"):
        if norm(diagnosis["capture"]) != norm(connection["capture"]):
            return None  # another side of a NAT shows other addresses
        return wanted, said, end_in(said) == end_of(wanted)
    if field == "kernel_reason":
        if said is None:
            return None
        return wanted, said, bool(set(as_list(wanted)) & set(said))
    return "/".join(map(str, as_list(wanted))), said, said in as_list(wanted)


def place_text(connection):
    return f"{connection['capture']} frame {connection['rst_frame']}"


def judge_pair(score, connection, diagnosis):
    cause, place = as_list(connection["cause"])[0], place_text(connection)
    score.count(cause, "connections")
    if diagnosis is None:
        score.count(cause, "missed")
        score.fail(place, "found", cause, "nothing")
        return
    score.count(cause, "found")
    for field in FIELDS:
        judged = expectation(connection, diagnosis, field)
        if judged is None:
            continue
        wanted, said, fits = judged
        score.count(cause, f"{field}_asked")
        score.count(cause, f"{field}_right", fits)
        if not fits:
            score.fail(place, field, wanted, said)
    right = diagnosis["cause"] in as_list(connection["cause"])
    score.count(cause, "best", diagnosis["cause"] == cause)
    score.confidence.append((diagnosis["confidence"], right))
    judge_links(score, cause, connection, diagnosis)


def judge_links(score, cause, connection, diagnosis):
    linked = {line_of(e) for e in diagnosis["evidence"] if e["kind"] == "log"}
    wanted = {line_of(row) for row in connection.get("logs", [])}
    either = {line_of(row) for row in connection.get("logs_any", [])}  # one of them is enough
    allowed = wanted | either | {line_of(row) for row in connection.get("logs_ok", [])}
    score.count(cause, "links_asked", len(wanted) + bool(either))
    score.count(cause, "links_found", len(wanted & linked) + bool(either & linked))
    score.count(cause, "links_made", len(linked))
    score.count(cause, "links_right", len(linked & allowed))
    for file, line in sorted(wanted - linked):
        score.fail(place_text(connection), "log", f"{file}:{line} linked", "no link")
    if either and not either & linked:
        file, line = min(either)
        score.fail(place_text(connection), "log", f"{file}:{line} or one like it linked", "no link")
    for file, line in sorted(linked - allowed):
        score.fail(place_text(connection), "log", f"{file}:{line} not linked", "a link")


def judge_unmatched(score, truth, records):
    """Lines that report a reset which no capture holds: all of them, and no others."""
    wanted = {line_of(row) for row in truth.get("unmatched_logs", [])}
    said = {line_of(r) for r in records if r["type"] == "unmatched-log"}
    cause = "reset-not-captured"
    score.count(cause, "unmatched_asked", len(wanted))
    score.count(cause, "unmatched_right", len(wanted & said))
    score.count(cause, "unmatched_spurious", len(said - wanted))
    for file, line in sorted(wanted - said):
        score.fail(f"{file}:{line}", "unmatched-log", "reported", "nothing")
    for file, line in sorted(said - wanted):
        score.fail(f"{file}:{line}", "unmatched-log", "nothing", "reported")


def judge_absent(score, truth, diagnoses):
    absent = {line_of(row) for row in truth.get("absent_logs", [])}
    for diagnosis in diagnoses:
        linked = {line_of(e) for e in diagnosis["evidence"] if e["kind"] == "log"}
        for file, line in sorted(linked & absent):
            score.count(diagnosis["cause"], "absent_linked")
            score.fail(f"{diagnosis['capture']} frame {diagnosis['frame']}", "absent log",
                       f"{file}:{line} linked to nothing", "a link")


def judge_skipped(score, truth, records):
    skipped = {(norm(r["capture"]), row["frame"]) for r in records if r["type"] == "capture"
               for row in r["rst_skipped"]}
    for row in truth.get("skipped_rsts", []):
        if (norm(row["capture"]), row["frame"]) not in skipped:
            score.fail(f"{row['capture']} frame {row['frame']}", "skipped RST",
                       row.get("why", "skipped"), "not in rst_skipped")


def judge(truth, records):
    """The score of one case."""
    score = Score()
    diagnoses = [r for r in records if r["type"] == "diagnosis"]
    matched, spurious = pairs(truth.get("connections", []), diagnoses)
    for connection, diagnosis in matched:
        judge_pair(score, connection, diagnosis)
    for diagnosis in spurious:
        score.count(diagnosis["cause"], "spurious")
        score.confidence.append((diagnosis["confidence"], False))
        score.fail(f"{diagnosis['capture']} frame {diagnosis['frame']}", "found", "nothing",
                   diagnosis["cause"])
    judge_absent(score, truth, diagnoses)
    judge_skipped(score, truth, records)
    judge_unmatched(score, truth, records)
    return score


def share(right, asked):
    return right / asked if asked else None


def confident(score):
    """Of the causes told with confidence, the share that is right."""
    told = [right for c, right in score.confidence if c >= CONFIDENT]
    return share(sum(told), len(told))


def figures(score):
    """The shares that a scorecard holds, rounded down so that equal never reads as less."""
    t = score.total()
    raw = {"found": share(t["found"], t["connections"]),
           "spurious": share(t["spurious"], t["connections"]),
           **{field: share(t[f"{field}_right"], t[f"{field}_asked"]) for field in FIELDS},
           "best_cause": share(t["best"], t["found"]),
           "confident_right": confident(score),
           "log_recall": share(t["links_found"], t["links_asked"]),
           "log_precision": share(t["links_right"], t["links_made"]),
           "unmatched_recall": share(t["unmatched_right"], t["unmatched_asked"])}
    return {key: round(value, 4) for key, value in raw.items() if value is not None}


def calibration(score):
    """[(lowest confidence of the bin, diagnoses, right ones, their mean confidence)]."""
    rows, above = [], 1.01
    for low in CONFIDENCE_BINS:
        inside = [(c, right) for c, right in score.confidence if low <= c < above]
        rows.append((low, len(inside), sum(right for _, right in inside),
                     share(sum(c for c, _ in inside), len(inside)) or 0.0))
        above = low
    return rows
