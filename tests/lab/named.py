# SPDX-License-Identifier: Apache-2.0
"""Which log lines belong to a connection because they name its client with the port, or because
the same process of the same log wrote one that does.  Run as a program it brings the truth.json of
finished cases up to date."""
import collections
import gzip
import json
import re
import sys
from pathlib import Path

import pcapfile

SESSION = re.compile(r"\b(sshd(?:-session|-auth)?|internal-sftp|sftp-server|haproxy|postgres)"
                     r"(?:\[(?=\d+\])| (?=\d+ - ))(\d+)")


def datagram_lines(folder):
    """The lines of captured syslog datagrams: each sender's are counted by themselves."""
    for path in sorted(folder.glob("*.pcap")):
        counts = collections.Counter()
        for src, text in pcapfile.datagrams(path):
            counts[src] += 1
            yield f"{path.name} (syslog from {src})", counts[src], text


def lines_of(folder):
    yield from datagram_lines(folder)
    for path in sorted((folder / "logs").rglob("*")):
        if not path.is_file():
            continue
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", errors="replace") as f:
            for number, line in enumerate(f, 1):
                yield str(path.relative_to(folder)), number, line


def names(line, client):
    ip, port = client.rsplit(":", 1)
    bare = re.escape(ip.strip("[]"))
    return re.search(rf"(?<![\w.:]){bare}(?:\]?:| port[ =]|\(){port}\b", line)


def named_lines(folder, client):
    """Places of all lines that are that client's for certain."""
    all_lines = list(lines_of(folder))
    mine = [(f, n, t) for f, n, t in all_lines if names(t, client)]
    writers = {(f, m.group(2)) for f, _, t in mine for m in [SESSION.search(t)]
               if m and m.group(1) != "haproxy" and "drop connection" not in t}
    shared = {(f, m.group(2)) for f, n, t in all_lines for m in [SESSION.search(t)]
              if m and (f, m.group(2)) in writers and re.search(r" port \d+", t) and not names(t, client)}
    for f, n, t in all_lines:
        m = SESSION.search(t)
        if (f, n, t) not in mine and m and (f, m.group(2)) in writers - shared:
            mine.append((f, n, t))
    return [{"file": f, "line": n} for f, n, _ in sorted(mine, key=lambda x: (x[0], x[1]))]


def sessions_of(folder, places):
    """The other lines of the sessions that wrote those lines."""
    wanted = {(x["file"], x["line"]) for x in places}
    all_lines = list(lines_of(folder))
    writers = {(f, m.group(2)) for f, n, t in all_lines for m in [SESSION.search(t)]
               if m and (f, n) in wanted and m.group(1) in ("internal-sftp", "sftp-server")}
    return [{"file": f, "line": n} for f, n, t in all_lines for m in [SESSION.search(t)]
            if m and (f, m.group(2)) in writers]


def extend(folder, rows, absent):
    for row in rows:
        known = row["logs"] + row["logs_ok"] + absent
        row["logs_ok"] += [x for x in sessions_of(folder, row["logs"]) if x not in known]
        if row["client"].endswith(":0"):
            continue
        known = row["logs"] + row["logs_ok"] + absent
        row["logs_ok"] += [x for x in named_lines(folder, row["client"]) if x not in known]


def main():
    for name in sys.argv[1:]:
        path = Path(name) / "truth.json"
        truth = json.loads(path.read_text(encoding="utf-8"))
        extend(path.parent, truth["connections"], truth.get("absent_logs", []))
        path.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
