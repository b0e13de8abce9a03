# SPDX-License-Identifier: Apache-2.0
"""The JSON Lines contract as code: keys, types, vocabularies, order.  It knows no case."""
import ipaddress
import json
import math
import re

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")
SENDERS = {"client", "server", "path"}
PHASES = {"opening", "idle-open", "active", "half-closed", "closed", "unknown"}
MECHANISMS = set("""refused refused-late rejected-in-path abandoned-open unexpected-synack collision
    abort abort-unread after-close no-state gave-up injected stale undetermined""".split())
CAUSES = set("""port-closed service-down firewall-reject listen-backlog-overflow port-scan
    half-open-probe backscatter port-reuse-collision ssh-max-startups ssh-source-penalty
    ssh-login-grace-timeout ssh-auth-limit ssh-client-alive-timeout tcp-wrappers-denied
    ssh-protocol-mismatch ssh-server-error sftp-session-closed unread-data-close application-abort
    client-abort process-crash oom-kill service-restart host-reboot connection-limit
    protocol-mismatch tls-handshake-failure keepalive-reuse-race endpoint-idle-timeout
    proxy-timeout heartbeat-missed middlebox-idle-timeout nat-mapping-lost keepalive-dead-peer
    retransmission-timeout path-mtu-blackhole receiver-stalled host-overloaded conntrack-invalid
    conntrack-table-full content-filter ips-reset forged-reset fast-close late-data-after-close
    peer-lost-state undetermined reset-not-captured""".split())
FATES = {"seen", "altered", "swallowed", "forged"}
LEG_ENDS = set("""open refused unanswered closed-by-client closed-by-server reset-by-client
    reset-by-server""".split())
SEVERITIES = {"harmless", "notice", "fault"}
INPUT_TYPES = ("capture", "log", "host")


def is_text(v):
    return isinstance(v, str)


def is_bool(v):
    return isinstance(v, bool)


def is_count(v):
    return isinstance(v, int) and not isinstance(v, bool) and v >= 0


def is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)


def is_duration(v):
    return is_number(v) and v >= 0


def is_share(v):
    return is_number(v) and 0 <= v <= 1


def is_time(v):
    return is_text(v) and bool(TIME.match(v))


def is_frame(v):
    return is_count(v) and v >= 1


def is_address(v):
    try:
        ipaddress.ip_address(v)
    except ValueError:
        return False
    return is_text(v)


def one_of(words):
    return lambda v: v in words


def list_of(check):
    return lambda v: isinstance(v, list) and all(check(x) for x in v)


def map_of(check):
    return lambda v: isinstance(v, dict) and all(check(x) for x in v.values())


def holds(required, optional=None):
    """An object with exactly these keys, the optional ones perhaps absent."""
    optional = optional or {}

    def check(v):
        return isinstance(v, dict) and not list(key_faults(v, required, optional))
    return check


def key_faults(record, required, optional):
    for key in required:
        if key not in record:
            yield f"no {key}"
    for key, value in record.items():
        check = required.get(key) or optional.get(key)
        if check is None:
            yield f"unknown key {key}"
        elif not check(value):
            yield f"{key} = {json.dumps(value)[:80]}"


SENT_IN = holds({"capture": is_text, "frame": is_frame})
HOST_NAME = holds({"name": is_text, "address": is_address}, {"file": is_text, "line": is_frame})
END = holds({"ip": is_address}, {"port": lambda v: is_count(v) and v < 65536})
EVIDENCE = {
    "packet": ({"kind": is_text, "frame": is_frame, "says": is_text},
               {"capture": is_text, "time": is_time, "fact": is_text, "value": is_text}),
    "log": ({"kind": is_text, "file": is_text, "line": is_frame, "match": is_text,
             "text": is_text},
            {"event": is_text, "recognised": lambda v: v is False, "time": is_time,
             "sent_in": SENT_IN, "host_name": HOST_NAME, "packet_frame": is_frame,
             "offset_s": is_number, "says": is_text}),
    "host": ({"kind": is_text, "file": is_text, "fact": is_text, "value": lambda v: True},
             {"says": is_text, "line": is_frame}),
}


def is_evidence(v):
    if not isinstance(v, dict) or v.get("kind") not in EVIDENCE:
        return False
    return holds(*EVIDENCE[v["kind"]])(v)


# How a log's clock ran, and what it is known by.
CLOCK_COURSE = {
    "clock_by": one_of({"nothing", "lines", "datagrams", "turns", "one-end", "other-log", "option",
                        "contested"}),
    "clock_drift_ppm": is_number, "clock_drift_spread_ppm": is_number,
    "clock_steps": list_of(holds({"after_line": is_frame, "before_line": is_frame,
                                  "by_s": is_number, "spread_s": is_duration})),
}

# type: (keys that must be there, keys that may be there)
RECORDS = {
    "capture": ({"capture": is_text, "format": is_text, "link_types": list_of(is_text),
                 "packets": is_count, "bytes": is_count, "truncated": is_bool,
                 "rst_skipped": list_of(holds({"frame": is_frame, "reason": is_text}))},
                {"first": is_time, "last": is_time, "snaplen_cut": is_count,
                 "joined_from": list_of(is_text),
                 "dropped": is_count, "lost_share": is_share, "control_only": is_bool,
                 "filter": is_text,
                 "bytes_analysed": is_count, "bytes_skipped": map_of(is_count),
                 "damaged_where": list_of(is_text),
                 "skipped": map_of(is_count), "truncated_where": is_text, "flaws": map_of(is_count),
                 "rst_frames": is_count, "connections": is_count, "syslog_datagrams": is_count,
                 "series": holds({"file": is_frame, "files": is_frame},
                                 {"gap_s": is_duration, "overlap_s": is_duration,
                                  "continued": is_count}),
                 "vantage": lambda v: is_text(v) or is_count(v) or list_of(is_text)(v),
                 "clock_offset_s": is_number}),
    "log": ({"file": is_text, "format": is_text, "lines": is_count, "events": is_count},
            {"continues": is_text, "syslog_from": is_address, "host": is_text,
             "host_unplaced": is_bool, "first": is_time, "last": is_time,
             "timezone": is_text, "timezone_why": is_text, "year_inferred": is_bool,
             "bytes_outside_captured_time": is_count, "unrecognised": is_count,
             "skipped": map_of(is_count), "flaws": map_of(is_count), "clock_offset_s": is_number,
             "clock_offset_spread_s": is_duration, "clock_anchors": is_count,
             **CLOCK_COURSE, "clock_taken_within_s": is_duration,
             "other_clocks": list_of(holds({"clock_offset_s": is_number,
                                            "clock_offset_spread_s": is_duration,
                                            "clock_anchors": is_count},
                                           {"host": is_text, **CLOCK_COURSE}))}),
    "host": ({"file": is_text, "kind": is_text, "facts": lambda v: isinstance(v, dict)},
             {"host": is_text}),
    "diagnosis": ({"id": is_text, "capture": is_text, "frame": is_frame, "time": is_time,
                   "client": END, "server": END, "phase": one_of(PHASES),
                   "mechanism": one_of(MECHANISMS), "cause": one_of(CAUSES),
                   "severity": one_of(SEVERITIES), "confidence": is_share, "title": is_text,
                   "explanation": is_text, "rst_frames": list_of(is_frame),
                   "evidence": list_of(is_evidence)},
                  {"sender": one_of(SENDERS), "sender_confidence": is_share, "rule": is_text,
                   "stream": is_count, "community_id": lambda v: is_text(v) and v.startswith("1:"),
                   "conn_state": is_text, "history": is_text, "client_guessed": is_bool,
                   "kernel_reason": list_of(is_text), "duration_s": is_duration,
                   "idle_before_s": is_duration, "bytes": map_of(is_count),
                   "rst_validity": is_text, "killed": is_bool,
                   "legs": list_of(holds({"by": one_of({"nat", "proxy"}), "capture": is_text,
                                          "stream": is_count, "client": END, "server": END},
                                         {"diagnosis": is_text, "beyond": one_of({"client", "server"}),
                                          "end": one_of(LEG_ENDS), "lead_s": is_number,
                                          "sure": is_bool})),
                   "fates": list_of(holds({"capture": is_text, "frame": is_frame,
                                           "from": one_of(SENDERS - {"path"}),
                                           "fate": one_of(FATES), "other": is_text},
                                          {"other_frame": is_frame})),
                   "seen_in": list_of(holds({"capture": is_text, "frame": is_frame},
                                            {"stream": is_count,
                                             "rst_frames": list_of(is_frame)})),
                   "alternatives": list_of(holds({"cause": one_of(CAUSES),
                                                  "confidence": is_share},
                                                 {"rule": is_text, "indistinct": is_bool,
                                                  "told_apart_by": is_text})),
                   "undecided": list_of(holds({"rule": is_text, "cause": one_of(CAUSES)},
                                              {"missing": is_text, "collect": is_text})),
                   "remedies": list_of(is_text), "references": list_of(is_text),
                   "display_filter": is_text}),
    "attempt": ({"capture": is_text, "frame": is_frame, "time": is_time, "client": END,
                 "server": END, "stream": is_count, "claimed": one_of({"client", "server"}),
                 "sender": one_of(SENDERS), "confidence": is_share, "rst_validity": is_text,
                 "rst_frames": list_of(is_frame)}, None),
    "unmatched-log": ({"file": is_text, "line": is_frame, "event": is_text,
                       "cause": one_of({"reset-not-captured"}), "why": is_text},
                      {"time": is_time, "client": END, "server": END, "text": is_text,
                       "sent_in": SENT_IN, "why_id": is_text, "capture_hint": is_text}),
    "log-answer": ({"file": is_text, "line": is_frame, "candidates": list_of(holds(
        {"client": END, "server": END, "capture": is_text, "stream": is_count,
         "ending": one_of({"reset", "survived-resets", "fin", "open"}), "tied": is_bool},
        {"first": is_time, "last": is_time, "frame": is_frame, "rst_time": is_time,
         "names": is_text, "gap_s": is_duration})),
                    "verdict": one_of({"found", "ended-in-order", "belongs", "absent",
                                       "unknown"})},
                   {"passed_over": is_text, "event": is_text, "claim": is_text, "scope": is_text,
                    "client": END, "server": END, "source": END, "destination": END,
                    "sent_in": SENT_IN,
                    "fields": map_of(is_text), "host": is_text, "program": is_text,
                    "pid": is_count, "time": is_time, "text": is_text, "capture_time": is_time,
                    "uncertainty_s": is_duration, "more_candidates": is_count, "why": is_text,
                    "capture_hint": is_text}),
    "group": ({"cause": one_of(CAUSES), "count": is_count, "pattern": is_text,
               "members": list_of(is_text)},
              {"server": END, "client": END, "first": is_time, "last": is_time,
               "title": is_text}),
    "summary": ({"complete": is_bool, "whyrst": is_text, "packets": is_count,
                 "connections": is_count, "reset_connections": is_count, "log_lines": is_count,
                 "events": is_count, "diagnoses": is_count, "attempts": is_count,
                 "unmatched_logs": is_count, "by_cause": map_of(is_count),
                 "by_severity": map_of(is_count),
                 "inputs_skipped": list_of(holds({"input": is_text, "why": is_text}))},
                {"unmatched_logs_counted_only": is_count, "resets_counted_only": is_count}),
}


def unique_keys(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")
    return dict(pairs)


def not_a_number(word):
    raise ValueError(f"{word} is no JSON")


def has_null(value):
    if isinstance(value, dict):
        return any(has_null(v) for v in value.values())
    if isinstance(value, list):
        return any(has_null(v) for v in value)
    return value is None


def parse(data):
    """The records of a run's output and what is wrong with their writing."""
    records, faults = [], []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return [], [f"output is not UTF-8: {error}"]
    if text and not text.endswith("\n"):
        faults.append("the last line has no end")
    for i, line in enumerate(text.split("\n")[:-1], 1):
        try:
            record = json.loads(line, object_pairs_hook=unique_keys, parse_constant=not_a_number)
        except ValueError as error:
            faults.append(f"line {i}: {error}")
            continue
        if not isinstance(record, dict) or record.get("type") not in RECORDS:
            faults.append(f"line {i}: no known type")
            continue
        records.append(record)
    return records, faults


def record_faults(record):
    kind = record["type"]
    required, optional = RECORDS[kind]
    body = {key: value for key, value in record.items() if key != "type"}
    place = f"{kind} {record.get('id') or record.get('capture') or record.get('file') or ''}"
    if has_null(record):
        yield f"{place}: null"
    if optional is not None:
        yield from (f"{place}: {fault}" for fault in key_faults(body, required, optional))
    elif not all(key in body and check(body[key]) for key, check in required.items()):
        yield f"{place}: lacks {' '.join(required)}"
    if kind == "diagnosis" and record.get("frame") not in record.get("rst_frames", []):
        yield f"{place}: frame is not among rst_frames"
    if kind == "log":
        told = record["events"] + record.get("unrecognised", 0) + sum(record.get("skipped", {}).values())
        if record["lines"] != told:
            yield f"{place}: {record['lines']} lines, of which {told} are told"
    if kind == "capture" and "bytes_analysed" in record:
        told = record["bytes_analysed"] + sum(record.get("bytes_skipped", {}).values())
        if record["bytes"] != told:
            yield f"{place}: {record['bytes']} bytes, of which {told} are told"


def moment(text):
    """A time as something to sort by, whatever its number of decimals."""
    whole, _, decimals = text.rstrip("Z").partition(".")
    return whole, decimals.ljust(9, "0")


def order_faults(records):
    kinds = [record["type"] for record in records]
    if kinds.count("summary") != 1 or kinds[-1] != "summary":
        yield "the one summary must come last"
    ranks = [kind not in INPUT_TYPES for kind in kinds]
    if ranks != sorted(ranks):
        yield "an input stands after a finding"
    diagnoses = [r for r in records if r["type"] == "diagnosis"]
    times = [moment(r["time"]) for r in diagnoses if is_time(r.get("time"))]
    if times != sorted(times):
        yield "diagnoses are not in the order of time"
    ids = [r.get("id") for r in diagnoses]
    if len(set(ids)) != len(ids):
        yield "an id stands twice"
    for group in (r for r in records if r["type"] == "group"):
        unknown = set(group.get("members", [])) - set(ids)
        if unknown:
            yield f"a group names {' '.join(sorted(unknown))}, which no diagnosis is"


def faults_of(data):
    """(records, everything that breaks the contract)."""
    records, faults = parse(data)
    for record in records:
        faults.extend(record_faults(record))
    if records:
        faults.extend(order_faults(records))
    else:
        faults.append("no record at all")
    return records, faults
