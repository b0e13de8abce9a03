#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates large captures and logs and runs whyrst on them in turn with others: on captures a bare
libpcap loop, tcpdump, tcptrace, softflowd and tshark; on compressed captures the decompressor alone; on
logs a loop of read(2) and memchr(3) that counts lines.  Prints medians, the ratio to the loop and peak
memory; leaves nothing behind."""
import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import make_capture

KINDS = {"mixed": "mixed sizes, VLAN, IPv6", "small": "small packets",
         "storm": "half the flows a refused SYN", "open": "all flows open at once"}
PACKED_KINDS = {"gz": ["gzip", "-6"], "zst": ["zstd", "-3", "-q"]}  # the mixed capture, packed
LOG_KINDS = {"log-sshd": "half the lines sshd's", "log-sshd-iso": "the same with ISO 8601 stamps",
             "log-quiet": "no line concerns the capture", "log-outside": "written a week before",
             "log-days": "ten days, captured for half an hour in their middle"}
A_WEEK_US = 7 * 86400 * 1000000
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
            # without -n nothing is sent anywhere
            ("softflowd", ["softflowd", "-d", "-6", "-r", path, "-m", "10000000", "-c", "none", "-p",
                           str(capture.parent / "softflowd.pid")], True),
            ("tshark", ["tshark", "-n", "-r", path, "-Y", "tcp.flags.reset==1"], False)):
        if shutil.which(argv[0]):
            yield name, argv, quick


def measure(build, argv, folder, options):
    """(seconds, peak MiB, exit status, seconds of CPU) of one run, its output thrown away."""
    result = folder / "result"
    subprocess.run([str(a) for a in (build / "tests/bench/measure", result, options.limit, LIMIT_MIB,
                                     options.fetch, *argv)],
                   check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    seconds, peak, status, cpu = result.read_text().split()
    return float(seconds), int(peak) / 1024, int(status), float(cpu)


def generate(build, kind, capture, scale):
    done = subprocess.run([str(build / "tests/bench/gen_capture"), kind, str(capture), "--scale",
                           str(scale)], check=True, text=True, stdout=subprocess.PIPE)
    return tuple(int(word) for word in done.stdout.split())


def bench_log(build, kind, folder, options):
    log, capture = folder / "big.log", folder / "small.pcap"
    shape = {"log-outside": "log-sshd"}.get(kind, kind)
    done = subprocess.run([str(build / "tests/bench/gen_log"), shape, str(log), "--scale",
                           str(options.scale)], check=True, text=True, stdout=subprocess.PIPE)
    *rows, last = (row.split() for row in done.stdout.splitlines())
    n_lines, n_bytes = int(last[0]), int(last[2])
    # a log in which no line concerns the capture needs one all the same
    rows = [(int(t), address, int(port), rst == "1") for t, address, port, rst in rows]
    middle = 1795478400000000 + 24 * 3600 * 1000000
    rows = rows or [(middle + k * 1000000, "203.0.113.1", 40000 + k, k % 10 == 0) for k in range(200)]
    if kind == "log-outside":
        rows = [(t + A_WEEK_US, *rest) for t, *rest in rows]
    make_capture.write(capture, rows)
    print(f"\n{kind}: {LOG_KINDS[kind]}; {n_lines:,} lines, {n_bytes / 1e6:,.0f} MB; "
          f"{len(rows)} connections captured")
    todo = (("line loop", [build / "tests/bench/line_loop", log]),
            ("whyrst", [options.whyrst, capture, log]))
    measure(build, todo[0][1], folder, options)  # brings the file into memory
    runs = {}
    for _ in range(options.runs):
        for name, argv in todo:
            runs.setdefault(name, []).append(measure(build, argv, folder, options))
    log.unlink()
    report_log(runs, n_lines, n_bytes)


def bench_packed(build, kind, folder, options):
    pack = PACKED_KINDS[kind]
    if not shutil.which(pack[0]):
        print(f"\n{kind}: {pack[0]} is not installed")
        return
    capture, packed = folder / "mixed.pcap", folder / f"mixed.pcap.{kind}"
    n_packets, n_bytes = generate(build, "mixed", capture, options.scale)
    with packed.open("wb") as out:
        subprocess.run([*pack, "-c", str(capture)], check=True, stdout=out)
    capture.unlink()
    print(f"\n{kind}: mixed, packed by {' '.join(pack)} to {packed.stat().st_size / 1e6:,.0f} MB; "
          f"{n_packets:,} packets, {n_bytes / 1e6:,.0f} MB")
    todo = ((f"{pack[0]} -dc", [shutil.which(pack[0]), "-dc", packed]), ("whyrst", [options.whyrst, packed]))
    measure(build, todo[0][1], folder, options)  # brings the file into memory
    runs = {}
    for _ in range(options.runs):
        for name, argv in todo:
            runs.setdefault(name, []).append(measure(build, argv, folder, options))
    packed.unlink()
    report(runs, n_packets, n_bytes)


def report_log(runs, n_lines, n_bytes):
    """Wall time as in other tables; ratios of CPU time bear a busy machine better."""
    wall, cpu = (statistics.median(r[k] for r in runs["line loop"]) for k in (0, 3))
    print(f"{'':12}{'runs':>5}{'seconds':>9}{'x loop':>8}{'CPU s':>8}{'x loop':>8}{'ns/line':>9}"
          f"{'MB/s':>8}{'peak MiB':>10}")
    for name, rows in runs.items():
        seconds, used = (statistics.median(r[k] for r in rows) for k in (0, 3))
        bad = {r[2] for r in rows} - {0}
        print(f"{name:12}{len(rows):5}{seconds:9.2f}{seconds / wall:8.1f}{used:8.2f}"
              f"{used / cpu:8.1f}{used / n_lines * 1e9:9.0f}{n_bytes / used / 1e6:8.0f}"
              f"{max(r[1] for r in rows):10.0f}" + (f"  exit status {sorted(bad)}" if bad else ""))


def bench(build, kind, folder, options):
    capture = folder / f"{kind}.pcap"
    n_packets, n_bytes = generate(build, kind, capture, options.scale)
    print(f"\n{kind}: {KINDS[kind]}; {n_packets:,} packets, {n_bytes / 1e6:,.0f} MB")
    runs = {}
    todo = [p for p in programs(build, options.whyrst, capture)
            if not options.programs or p[0].split()[0] in options.programs + ["pcap"]]
    measure(build, todo[0][1], folder, options)  # brings the file into memory
    for turn in range(options.runs):
        for name, argv, quick in todo:
            if quick or turn == 0:
                runs.setdefault(name, []).append(measure(build, argv, folder, options))
    capture.unlink()
    report(runs, n_packets, n_bytes)


def report(runs, n_packets, n_bytes):
    """Ratios to the first of the programs."""
    loop = statistics.median(r[0] for r in next(iter(runs.values())))
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
    parser.add_argument("--fetch", type=int, default=1792, metavar="MIB",
                        help="memory that is fetched from the host before every run; 0: none, and "
                        "what a virtual machine waits for its host is in the figures")
    parser.add_argument("--kind", action="append", choices=[*KINDS, *PACKED_KINDS, *LOG_KINDS])
    parser.add_argument("--programs", action="append",
                        help="only these besides the loop (may be repeated)")
    options = parser.parse_args()
    options.whyrst = (options.whyrst or options.build / "whyrst").resolve()
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory(prefix="whyrst-bench.") as folder:
        for kind in options.kind or [*KINDS, *PACKED_KINDS, *LOG_KINDS]:
            run = bench_log if kind in LOG_KINDS else bench_packed if kind in PACKED_KINDS else bench
            run(options.build.resolve(), kind, Path(folder), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
