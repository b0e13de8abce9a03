#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs whyrst on every case that has a truth.json and prints a scorecard.

Each run must keep the output contract, agree with tshark about RST frames and streams, give the
same bytes twice, and be right about what the truth says.  The committed scorecard.json holds
how many failures each case may have and the shares that must not fall.
"""
import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import contract
import oracle
import score as scoring

TOP = Path(__file__).resolve().parent.parent.parent
CARD = Path(__file__).resolve().parent / "scorecard.json"
RUN_SECONDS = 120
TOLERANCE = 0.00011
COLUMNS = [("conns", "connections"), ("found", "found"), ("missed", "missed"),
           ("spurious", "spurious"), ("sender", "sender"), ("mechan.", "mechanism"),
           ("cause", "cause"), ("recall", "links_found/links_asked"),
           ("precis.", "links_right/links_made")]


class Case:
    """One folder with a truth, and all that was found out about it."""

    def __init__(self, path):
        self.folder = path.parent
        self.name = str(self.folder.relative_to(TOP))
        self.truth = json.loads(path.read_text(encoding="utf-8"))
        self.graded = self.truth.get("graded", True)
        self.breaches = []  # of the contract or against the oracle
        self.score = scoring.Score()
        self.judged = False

    def run(self, program):
        argv = [str(program), "--format", "json", *self.truth["inputs"]]
        return subprocess.run(argv, cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=RUN_SECONDS, check=False)

    def check(self, program, survive_only):
        try:
            self.judge(program, survive_only)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            self.breaches.append(f"{type(error).__name__}: {error}")
        return self

    def judge(self, program, survive_only):
        first = self.run(program)
        if first.returncode != 0:
            tail = first.stderr.decode(errors="replace").strip().splitlines()[-12:]
            self.breaches += [f"exit status {first.returncode}", *tail]
        records, faults = contract.faults_of(first.stdout)
        self.breaches += faults
        if survive_only:
            return
        if self.run(program).stdout != first.stdout:
            self.breaches.append("a second run gave other bytes")
        if not faults and oracle.have():
            self.breaches += oracle.faults_of(records, self.folder)
        sound = [r for r in records if not list(contract.record_faults(r))]
        self.score = scoring.judge(self.truth, sound)
        self.judged = True

    def n_failures(self):
        return len(self.score.failures)


def find_cases(wanted):
    paths = sorted((TOP / "samples").glob("**/truth.json"))
    paths += sorted((TOP / "tests" / "corpus").glob("**/truth.json"))
    cases = [Case(path) for path in paths]
    return [c for c in cases if not wanted or any(w in (c.name, c.folder.name) for w in wanted)]


def cell(counts, what):
    if "/" in what:
        right, asked = (counts[w] for w in what.split("/"))
        return f"{right}/{asked}" if asked else "-"
    if f"{what}_asked" in counts:
        return f"{counts[what + '_right']}/{counts[what + '_asked']}"
    return str(counts[what]) if what in counts else "-"


def print_row(name, counts):
    print(f"{name:<26}" + "".join(f"{cell(counts, what):>9}" for _, what in COLUMNS))


def print_table(title, score):
    if not score.causes:
        return
    print(f"{title:<26}" + "".join(f"{head:>9}" for head, _ in COLUMNS))
    for cause in sorted(score.causes):
        if any(score.causes[cause].values()):
            print_row(cause, score.causes[cause])
    print_row("all", score.total())
    total = score.total()
    print(f"unmatched log lines: {total['unmatched_right']} of {total['unmatched_asked']} told, "
          f"{total['unmatched_spurious']} without reason; links to lines that belong nowhere: "
          f"{total['absent_linked']}")
    for low, n, right in scoring.calibration(score):
        if n:
            print(f"confidence {low:.1f} and above: {right} of {n} right ({100 * right / n:.0f} %)")
    print()


def totals(cases):
    sums = {"graded": scoring.Score(), "ungraded": scoring.Score()}
    for case in cases:
        sums["graded" if case.graded else "ungraded"].add(case.score)
    return sums


def card_of(cases, sums):
    return {"shares": {name: scoring.figures(s) for name, s in sums.items() if s.causes},
            "failures": {c.name: c.n_failures() for c in cases}}


def fallen(card, committed):
    """Every share that is worse than the committed one; a lower share of inventions is better."""
    for group, shares in committed.get("shares", {}).items():
        for key, before in shares.items():
            now = card["shares"].get(group, {}).get(key)
            if now is None:
                yield f"{group} {key}: nothing to measure any more (was {before})"
            elif (before - now if key != "spurious" else now - before) > TOLERANCE:
                yield f"{group} {key}: {now}, was {before}"


def print_tap(cases, committed, falls, survive_only, complete):
    n = 0

    def line(good, name, found=(), skip=""):
        nonlocal n
        n += 1
        print(f"{'ok' if good else 'not ok'} {n} - {name}{skip}")
        for text in list(found)[:20]:
            print(f"#   {text}")

    if not oracle.have() and not survive_only:
        line(True, "RST frames and streams agree with tshark", skip=" # SKIP no tshark here")
    for case in cases:
        line(not case.breaches, f"{case.name}: contract and oracle", case.breaches)
        if survive_only:
            continue
        allowed = committed.get("failures", {}).get(case.name, 0)
        line(case.judged and case.n_failures() <= allowed,
             f"{case.name}: {case.n_failures()} wrong answers, at most {allowed}",
             case.score.failures)
    if not cases:
        line(True, "cases", skip=" # SKIP no case yet")
    elif complete and not survive_only:
        line(not falls, "no share fell below the scorecard", falls)
    print(f"1..{n}")


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="this case alone (may be repeated)")
    parser.add_argument("--verbose", action="store_true", help="a line for each failure")
    parser.add_argument("--strict", action="store_true", help="any failure is exit status 1")
    parser.add_argument("--update", action="store_true", help="rewrite scorecard.json")
    parser.add_argument("--tap", action="store_true", help="speak TAP, held to the scorecard")
    parser.add_argument("--survive", action="store_true",
                        help="only that the runs end well and keep the contract")
    parser.add_argument("--program", default="build/whyrst")
    return parser.parse_args()


def main():
    options = options_of()
    program = (TOP / options.program).resolve()
    cases = find_cases(options.case)
    with ThreadPoolExecutor(min(os.cpu_count() or 2, 8)) as pool:
        list(pool.map(lambda c: c.check(program, options.survive), cases))
    sums = totals(cases)
    card = card_of(cases, sums)
    committed = json.loads(CARD.read_text(encoding="utf-8")) if CARD.exists() else {}
    falls = list(fallen(card, committed)) if not options.case else []
    breaches = [f"{c.name}: {text}" for c in cases for text in c.breaches]
    if options.tap:
        print_tap(cases, committed, falls, options.survive, not options.case)
    else:
        for name, score in sums.items():
            print_table(f"{name}: {sum(c.graded == (name == 'graded') for c in cases)} cases",
                        score)
        if not oracle.have():
            print("no tshark here: RST frames and streams were not checked")
        if options.verbose:
            for case in cases:
                for text in case.score.failures:
                    print(f"{case.name}: {text}")
        for text in breaches:
            print(f"BREACH {text}")
        for text in falls:
            print(f"FELL {text}")
    if options.update and not options.case:
        CARD.write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    risen = any(c.n_failures() > committed.get("failures", {}).get(c.name, 0) for c in cases)
    wrong = any(c.n_failures() for c in cases) if options.strict else (options.tap and risen)
    if options.survive:
        return 1 if breaches else 0
    return 1 if breaches or wrong or (falls and not options.update) else 0


if __name__ == "__main__":
    sys.exit(main())
