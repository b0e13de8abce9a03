# SPDX-License-Identifier: Apache-2.0
"""What the corpus covers: for each mechanism and each cause the cases that show it, a near miss
that looks like it and is something else, and how much of it is graded.

In: the truth.json of every case.  Out: a table, and complaints where something is missing.
"""
import collections
import json
import os

from truth import CAUSES, MECHANISMS

ENOUGH = 3  # from so many cases on, a cause is both graded and not

# cause or mechanism -> the case that looks like it and is something else
NEAR_MISSES = {
    "port-closed": "firewall-reject",
    "service-down": "port-scan",
    "firewall-reject": "port-closed-and-service-down",
    "listen-backlog-overflow": "service-down-race",
    "port-scan": "port-closed-and-service-down",
    "half-open-probe": "port-scan",
    "backscatter": "lone-rst",
    "port-reuse-collision": "peer-lost-state",
    "ssh-max-startups": "max-startups-of-others",
    "ssh-source-penalty": "max-startups-openssh10",
    "ssh-login-grace-timeout": "ssh-client-alive",
    "ssh-auth-limit": "ssh-auth-limit",
    "ssh-client-alive-timeout": "ssh-session-killed",
    "tcp-wrappers-denied": "ssh-server-error",
    "ssh-protocol-mismatch": "protocol-mismatch",
    "ssh-server-error": "tcp-wrappers-denied",
    "sftp-session-closed": "ssh-session-killed",
    "unread-data-close": "application-abort",
    "application-abort": "fast-close",
    "client-abort": "fast-close",
    "process-crash": "crash-of-another",
    "oom-kill": "process-crash",
    "service-restart": "postgres-killed",
    "host-reboot": "peer-lost-state",
    "connection-limit": "redis-output-limit",
    "protocol-mismatch": "tls-handshake-failure",
    "tls-handshake-failure": "protocol-mismatch",
    "keepalive-reuse-race": "endpoint-idle-timeout",
    "endpoint-idle-timeout": "keepalive-reuse-race",
    "proxy-timeout": "proxy-client-abort",
    "heartbeat-missed": "rabbitmq-no-heartbeat",
    "middlebox-idle-timeout": "peer-lost-state",
    "nat-mapping-lost": "peer-lost-state",
    "keepalive-dead-peer": "retransmission-timeout",
    "retransmission-timeout": "ssh-client-alive",
    "path-mtu-blackhole": "retransmission-timeout",
    "receiver-stalled": "keepalive-dead-peer",
    "host-overloaded": "listen-backlog-overflow",
    "conntrack-invalid": "backscatter",
    "conntrack-table-full": "conntrack-table-full-elsewhere",
    "content-filter": "ips-reset",
    "ips-reset": "content-filter",
    "forged-reset": "idle-reset-both",
    "fast-close": "application-abort",
    "late-data-after-close": "endpoint-idle-timeout",
    "peer-lost-state": "host-reboot",
    "reset-not-captured": "quiet-day",
    # mechanisms
    "refused": "firewall-reject",
    "refused-late": "service-down-late",
    "rejected-in-path": "port-closed-and-service-down",
    "abandoned-open": "client-abort",
    "unexpected-synack": "conntrack-invalid",
    "collision": "peer-lost-state",
    "abort": "unread-data-close",
    "abort-unread": "application-abort",
    "after-close": "peer-lost-state",
    "no-state": "late-data-after-close",
    "gave-up": "path-mtu-blackhole",
    "injected": "peer-lost-state",
    "stale": "late-data-after-close",
}


class Row:
    """One word of the vocabulary: who shows it."""

    def __init__(self):
        self.cases = {False: set(), True: set()}
        self.resets = {False: 0, True: 0}

    def add(self, case, graded, resets=1):
        self.cases[graded].add(case)
        self.resets[graded] += resets

    def n(self):
        return len(self.cases[False]) + len(self.cases[True])


def truths(dirs):
    for d in dirs:
        for name in sorted(os.listdir(d)):
            path = os.path.join(d, name, "truth.json")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    yield name, json.load(f)


def gather(dirs):
    words, all_ = collections.defaultdict(Row), Row()
    for name, truth in truths(dirs):
        graded = truth["graded"]
        all_.add(name, graded, len(truth["connections"]))
        for c in truth["connections"]:
            words[c["cause"][0]].add(name, graded)
            words[c["mechanism"][0]].add(name, graded)
        if truth["unmatched_logs"]:
            words["reset-not-captured"].add(name, graded, 0)
    return words, all_


def missing(words, all_):
    """Complaints in words."""
    known = all_.cases[False] | all_.cases[True]
    for word in sorted(CAUSES | MECHANISMS):
        row = words[word]
        if not row.n():
            yield f"no case shows {word}"
        elif word in CAUSES and row.n() >= ENOUGH and not (row.cases[True] and row.cases[False]):
            yield f"{word}: {row.n()} cases, all of them {'graded' if row.cases[True] else 'ungraded'}"
        if word != "undetermined" and NEAR_MISSES.get(word) not in known:
            yield f"no near miss of {word}"
    for what, part, whole in (
        ("cases", len(all_.cases[True]), len(known)),
        ("resets", all_.resets[True], sum(all_.resets.values())),
    ):
        if part * 3 < whole:
            yield f"{part} of {whole} {what} are graded: less than a third"


def show(dirs):
    words, all_ = gather(dirs)
    print(f"{'':26}{'cases':>8}{'graded':>8}{'resets':>8}{'graded':>8}  near miss; shown by")
    for title, kinds in (("cause", CAUSES), ("mechanism", MECHANISMS)):
        print(title)
        for word in sorted(kinds):
            row = words[word]
            mine = sorted(row.cases[False]) or sorted(row.cases[True])
            print(
                f"  {word:24}{row.n():8}{len(row.cases[True]):8}{sum(row.resets.values()):8}"
                f"{row.resets[True]:8}  {NEAR_MISSES.get(word, '-')}; {', '.join(mine[:3])}"
            )
    print(
        f"  {'all':24}{all_.n():8}{len(all_.cases[True]):8}{sum(all_.resets.values()):8}"
        f"{all_.resets[True]:8}"
    )
    wrong = list(missing(words, all_))
    for text in wrong:
        print(text)
    return 1 if wrong else 0
