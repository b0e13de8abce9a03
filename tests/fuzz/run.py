#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of build-san/ over seeds made from the samples, within limits of time,
memory and seconds an input.  What libFuzzer finds stays in build-san/fuzz/TARGET/."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from seeds import TOP, write_seeds

BUILD = TOP / "build-san"
BRIEF_SECONDS, BRIEF_SEED = 2, 1
RSS_MB, INPUT_SECONDS, MAX_LEN = 1024, 10, 65536
SHOWN = 30
NOISE = re.compile(r"#\d+\s|stat::")


def targets():
    listed = subprocess.run(["meson", "introspect", "--targets", str(BUILD)], check=True, text=True,
                            stdout=subprocess.PIPE)
    return {t["name"]: t["filename"][0] for t in json.loads(listed.stdout)
            if t["name"].startswith("fuzz_")}


def fuzz(name, program, seconds, brief):
    """Runs one target; returns its exit status and its last lines.  A brief run always begins the
    same way, so that it fails for a change and not by chance."""
    work = BUILD / "fuzz" / name
    seeds = work / "seeds"
    shutil.rmtree(seeds, ignore_errors=True)
    write_seeds(name, seeds)
    grown = work / "corpus"
    if brief:
        grown = work / "brief"
        shutil.rmtree(grown, ignore_errors=True)
    grown.mkdir(parents=True, exist_ok=True)
    # Twice the time bounds a target that hangs outside of an input.
    argv = [program, f"-max_total_time={seconds}", f"-rss_limit_mb={RSS_MB}",
            f"-timeout={INPUT_SECONDS}", f"-max_len={MAX_LEN}", "-print_final_stats=1",
            f"-seed={BRIEF_SEED if brief else 0}", f"-artifact_prefix={work}/", str(grown), str(seeds)]
    try:
        done = subprocess.run(argv, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=2 * seconds + 120, check=False,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=1",
                                       UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"))
    except subprocess.TimeoutExpired:
        return 1, ["did not end in its time"]
    return done.returncode, done.stdout.splitlines()


def figure(lines, key):
    return next((line.split(":")[-1].strip() for line in lines if key in line), "?")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", default="all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--brief", action="store_true", help="a short run of each, built already")
    options = parser.parse_args()
    if not options.brief:
        subprocess.run(["ninja", "-C", str(BUILD)], check=True, stdout=subprocess.DEVNULL)
    known = targets()
    chosen = known if options.target == "all" else {
        name: path for name, path in known.items()
        if name in (options.target, f"fuzz_{options.target}")}
    if not chosen:
        print(f"no fuzz target {options.target}; there are: {' '.join(sorted(known)) or 'none'}")
        return 2
    seconds = BRIEF_SECONDS if options.brief else options.seconds
    failed = 0
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        runs = {name: pool.submit(fuzz, name, path, seconds, options.brief) for name, path in chosen.items()}
        for n, (name, pending) in enumerate(sorted(runs.items()), 1):
            status, lines = pending.result()
            failed += status != 0
            print(f"{'not ok' if status else 'ok'} {n} - {name} "
                  f"({figure(lines, 'number_of_executed_units')} inputs)")
            if status:
                said = [line for line in lines if not NOISE.match(line)]
                print("\n".join(f"#   {line[:300]}" for line in said[-SHOWN:]))
    print(f"1..{len(chosen)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
