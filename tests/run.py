#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every stage of the tests in order, quick ones first, and tallies what really ran.

Each stage speaks TAP, or is a meson build whose cmocka programs do.  A stage that fails does not
stop the ones after it.  The last line printed is "N passed, N failed[, N skipped]".
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TAP_LINE = re.compile(r"^(not )?ok\b(?P<rest>.*)$")
SKIP_MARK = re.compile(r"#\s*skip", re.I)
NINJA_PROGRESS = re.compile(r"\[\d+/\d+\] |ninja: Entering")
SHOWN_LINES = 60
SAN_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:halt_on_error=1:strict_string_checks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class Tally:
    """Counts of one stage, and the lines worth showing when something failed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.complaints = []

    def fail(self, text):
        self.failed += 1
        self.complaints.append(text)

    def add_tap(self, text):
        """Counts TAP lines; returns how many there were."""
        seen, failing = 0, False
        for line in text.splitlines():
            match = TAP_LINE.match(line)
            if match:
                seen += 1
                failing = False
                if SKIP_MARK.search(match["rest"]):
                    self.skipped += 1
                elif match[1]:
                    failing = True
                    self.fail(line)
                else:
                    self.passed += 1
            elif failing and line.startswith("#"):
                self.complaints.append(line)
        return seen


def run(argv, env=None):
    full = dict(os.environ, **(env or {}))
    return subprocess.run([str(a) for a in argv], cwd=TOP, env=full, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def tap_stage(*argv, env=None):
    def stage():
        tally = Tally()
        done = run([sys.executable, *argv], env)
        seen = tally.add_tap(done.stdout)
        if done.returncode != 0 and not tally.failed:
            tally.fail(f"{argv[0]} exited {done.returncode}\n{done.stdout}")
        elif not seen:
            tally.fail(f"{argv[0]} ran no test\n{done.stdout}")
        for line in done.stdout.splitlines():
            if line.startswith("# note: "):
                print(f"    {line[8:]}")
        return tally
    return stage


def command_stage(*argvs):
    """Each command is one test: it passes when it ends with status 0."""
    def stage():
        tally = Tally()
        for argv in argvs:
            try:
                done = run(argv)
            except OSError as error:
                tally.fail(f"not ok - {' '.join(argv)}: {error.strerror}")
                continue
            if done.returncode == 0:
                tally.passed += 1
            else:
                tally.fail(f"not ok - {' '.join(argv)}: status {done.returncode}\n{done.stdout}")
        return tally
    return stage


def configure(folder, options, env):
    built = TOP / folder / "build.ninja"
    again = ["--reconfigure"] if built.exists() else []
    done = run(["meson", "setup", *again, folder, *options], env)
    if done.returncode != 0 and again:
        done = run(["meson", "setup", "--wipe", folder, *options], env)
    return done


def count_program(tally, entry):
    """One test program of meson's log: its TAP lines, or itself when it speaks none."""
    seen_failures = tally.failed
    seen = tally.add_tap(entry.get("stdout", ""))
    result = entry["result"]
    if result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
        if tally.failed == seen_failures:
            tally.fail(f"{entry['name']}: {result} (exit {entry.get('returncode')})")
        tally.complaints.append(entry.get("stdout", "")[-3000:] + entry.get("stderr", "")[-6000:])
    elif not seen and result == "SKIP":
        tally.skipped += 1
    elif not seen:
        tally.passed += 1


def meson_stage(folder, options=(), env=None, slack=1):
    """Configures, builds and tests one meson folder."""
    def stage():
        tally = Tally()
        done = configure(folder, options, env)
        if done.returncode == 0:
            done = run(["ninja", "-C", folder], env)
        if done.returncode != 0:
            lines = [t for t in done.stdout.splitlines() if not NINJA_PROGRESS.match(t)]
            tally.fail(f"{folder} does not build\n" + "\n".join(lines))
            return tally
        log = TOP / folder / "meson-logs" / "testlog.json"
        log.unlink(missing_ok=True)
        run(["meson", "test", "-C", folder, "--no-rebuild", "-t", str(slack)],
            dict(env or {}, CMOCKA_MESSAGE_OUTPUT="TAP"))
        entries = log.read_text(errors="replace").splitlines() if log.exists() else []
        for line in entries:
            count_program(tally, json.loads(line))
        if not entries:
            tally.fail(f"{folder}: meson ran no test")
        return tally
    return stage


def stages():
    san = dict(SAN_OPTIONS, CC="clang")
    san_setup = ["-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false"]
    return [
        ("style", tap_stage("tests/house/style.py")),
        ("layering", tap_stage("tests/house/layering.py")),
        ("headers", tap_stage("tests/house/headers.py")),
        ("selftest", tap_stage("tests/house/selftest.py")),
        ("gcc", meson_stage("build", env={"CC": "gcc"})),
        ("globals", tap_stage("tests/house/globals.py", "build")),
        ("sanitizers", meson_stage("build-san", san_setup, san, slack=4)),
        ("catalogue", tap_stage("tests/house/catalogue.py")),
        ("rules", command_stage(["build/whyrst", "rules", "check"],
                                ["build/whyrst", "rules", "test"])),
        ("robust", tap_stage("tests/robust/run.py", "--program", "build/whyrst")),
        ("robust-san", tap_stage("tests/robust/run.py", "--sanitized", "--program",
                                 "build-san/whyrst", env=SAN_OPTIONS)),
        ("browser", tap_stage("tests/browser/browser.py")),
        ("fuzz", tap_stage("tests/fuzz/run.py", "all", "--brief", env=SAN_OPTIONS)),
        ("cases", tap_stage("tests/cases/check.py", "--tap")),
        ("cases-san", tap_stage("tests/cases/check.py", "--tap", "--survive", "--program",
                                "build-san/whyrst", env=SAN_OPTIONS)),
    ]


def show(complaints):
    lines = "\n".join(complaints).splitlines()
    for line in lines[:SHOWN_LINES]:
        print(f"    {line}")
    if len(lines) > SHOWN_LINES:
        print(f"    ... and {len(lines) - SHOWN_LINES} lines more")


def main():
    known = stages()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=[name for name, _ in known],
                        help="run this stage alone (may be repeated)")
    chosen = parser.parse_args().only
    total, rows = Tally(), []
    sys.stdout.reconfigure(line_buffering=True)
    for name, stage in known:
        if chosen and name not in chosen:
            continue
        print(f"== {name}")
        started = time.monotonic()
        tally = stage()
        show(tally.complaints)
        rows.append((name, tally, time.monotonic() - started))
        total.passed += tally.passed
        total.failed += tally.failed
        total.skipped += tally.skipped
    print("\nstage        passed  failed  skipped  seconds")
    for name, tally, took in rows:
        print(f"{name:<11}  {tally.passed:6}  {tally.failed:6}  {tally.skipped:7}  {took:7.1f}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
