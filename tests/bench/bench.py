#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates large captures and runs whyrst, a bare libpcap loop, tcpdump, tcptrace and tshark on
them in turn.  Prints medians, the ratio to the loop and peak memory; leaves nothing behind."""
import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = {"mixed": "mixed sizes, VLAN, IPv6", "small": "small packets",
         "storm": "half the flows a refused SYN", "open": "all flows open at once"}
LIMIT_SECONDS, LIMIT_MIB = 600, 12 * 1024
RESET_FILTER = "tcp[tcpflags] & tcp-rst != 0"


def programs(build, whyrst, capture):
    """(name, command, whether it is quick enough to be repeated)."""
    path = str(capture)
    yield "pcap loop", [build / "tests/bench/pcap_loop", path], True
    yield "whyrst", [whyrst, path], True
    for name, argv, quick in (
            ("tcpdump -w", ["tcpdump", "-r", path, "-w", "/dev/null", RESET_FILTER], True),
            ("tcptrace", ["tcptrace", "-n", path], False),
            ("tshark", ["tshark", "-n", "-r", path, "-Y", "tcp.flags.reset==1"], False)):
        if shutil.which(argv[0]):
            yield name, argv, quick


def measure(build, argv, folder, limit):
    """(seconds, peak MiB, exit status) of one run, its output thrown away."""
    result = folder / "result"
    subprocess.run([str(a) for a in (build / "tests/bench/measure", result, limit, LIMIT_MIB, *argv)],
                   check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    seconds, peak, status = result.read_text().split()
    return float(seconds), int(peak) / 1024, int(status)


def generate(build, kind, capture, scale):
    done = subprocess.run([str(build / "tests/bench/gen_capture"), kind, str(capture), "--scale",
                           str(scale)], check=True, text=True, stdout=subprocess.PIPE)
    return tuple(int(word) for word in done.stdout.split())


def bench(build, kind, folder, options):
    capture = folder / f"{kind}.pcap"
    n_packets, n_bytes = generate(build, kind, capture, options.scale)
    print(f"\n{kind}: {KINDS[kind]}; {n_packets:,} packets, {n_bytes / 1e6:,.0f} MB")
    runs = {}
    todo = [p for p in programs(build, options.whyrst, capture)
            if not options.programs or p[0].split()[0] in options.programs + ["pcap"]]
    measure(build, todo[0][1], folder, options.limit)  # brings the file into memory
    for turn in range(options.runs):
        for name, argv, quick in todo:
            if quick or turn == 0:
                runs.setdefault(name, []).append(measure(build, argv, folder, options.limit))
    capture.unlink()
    report(runs, n_packets, n_bytes)


def report(runs, n_packets, n_bytes):
    loop = statistics.median(r[0] for r in runs["pcap loop"])
    print(f"{'':12}{'runs':>5}{'seconds':>9}{'x loop':>8}{'M pkt/s':>9}{'MB/s':>8}"
          f"{'peak MiB':>10}")
    for name, rows in runs.items():
        seconds = statistics.median(r[0] for r in rows)
        peak = max(r[1] for r in rows)
        bad = {r[2] for r in rows} - {0}
        print(f"{name:12}{len(rows):5}{seconds:9.2f}{seconds / loop:8.1f}"
              f"{n_packets / seconds / 1e6:9.2f}{n_bytes / seconds / 1e6:8.0f}{peak:10.0f}"
              + (f"  exit status {sorted(bad)}" if bad else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--whyrst", type=Path, help="another whyrst than the one just built")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is about 1 GB or 10 M packets")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=int, default=LIMIT_SECONDS, help="seconds a run may take")
    parser.add_argument("--kind", action="append", choices=list(KINDS))
    parser.add_argument("--programs", action="append",
                        help="only these besides the loop (may be repeated)")
    options = parser.parse_args()
    options.whyrst = (options.whyrst or options.build / "whyrst").resolve()
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory(prefix="whyrst-bench.") as folder:
        for kind in options.kind or KINDS:
            bench(options.build.resolve(), kind, Path(folder), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
