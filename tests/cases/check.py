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
           ("cause", "cause"), ("best", "best/found"), ("kernel", "kernel_reason"),
           ("recall", "links_found/links_asked"), ("precis.", "links_right/links_made")]


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


def find_cases(options):
    paths = sorted((TOP / "samples").glob("**/truth.json"))
    paths += sorted((TOP / "tests" / "corpus").glob("**/truth.json"))
    cases = [Case(path) for path in paths]
    wanted = options.case
    return [c for c in cases if not (options.ungraded and c.graded) and
            (not wanted or any(w in (c.name, c.folder.name) for w in wanted))]


def cell(counts, what):
    if "/" in what:
        right, asked = (counts[w] for w in what.split("/"))
        return f"{right}/{asked}" if asked else "-"
    if f"{what}_asked" in counts:
        return f"{counts[what + '_right']}/{counts[what + '_asked']}"
    return str(counts[what]) if what in counts else "-"


def row_of(name, counts):
    return f"{name:<26}" + "".join(f"{cell(counts, what):>10}" for _, what in COLUMNS)


def calibration_rows(score):
    for low, told, right, mean in scoring.calibration(score):
        if told:
            yield (f"confidence {low:.2f} and above: {right} of {told} right "
                   f"({100 * right / told:.0f} %; told {100 * mean:.0f} % on average)")


def table_of(title, score):
    """The lines of one table: a row for each cause, the sum, and how far confidence holds."""
    if not score.causes:
        return
    yield f"{title:<26}" + "".join(f"{head:>10}" for head, _ in COLUMNS)
    for cause in sorted(score.causes):
        if any(score.causes[cause].values()):
            yield row_of(cause, score.causes[cause])
    total = score.total()
    yield row_of("all", total)
    yield (f"unmatched log lines: {total['unmatched_right']} of {total['unmatched_asked']} told, "
           f"{total['unmatched_spurious']} without reason; links to lines that belong nowhere: "
           f"{total['absent_linked']}")
    yield from calibration_rows(score)


def tables_of(cases, sums):
    for name, score in sums.items():
        n = sum(c.graded == (name == "graded") for c in cases)
        yield from table_of(f"{name}: {n} cases", score)


def totals(cases):
    sums = {"graded": scoring.Score(), "ungraded": scoring.Score()}
    for case in cases:
        sums["graded" if case.graded else "ungraded"].add(case.score)
    return sums


def card_of(cases, sums):
    return {"shares": {name: scoring.figures(s) for name, s in sums.items() if s.causes},
            "failures": {c.name: c.n_failures() for c in cases}}


def fallen(card, committed, options):
    """Every share that is worse than the committed one; a lower share of inventions is better."""
    for group, shares in committed.get("shares", {}).items():
        if options.ungraded and group == "graded":
            continue
        for key, before in shares.items():
            now = card["shares"].get(group, {}).get(key)
            if now is None:
                yield f"{group} {key}: nothing to measure any more (was {before})"
            elif (before - now if key != "spurious" else now - before) > TOLERANCE:
                yield f"{group} {key}: {now}, was {before}"


def shown_failures(case, even_graded):
    """What was wrong, in words; what was wrong with a graded case is nobody's business."""
    if case.graded and not even_graded:
        return ["graded: what was wrong is not shown"] if case.score.failures else []
    return case.score.failures


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
             shown_failures(case, False))
    if not cases:
        line(True, "cases", skip=" # SKIP no case yet")
    elif complete and not survive_only:
        line(not falls, "no share fell below the scorecard", falls)
    print(f"1..{n}")


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="this case alone (may be repeated)")
    parser.add_argument("--ungraded", action="store_true", help="the ungraded cases alone")
    parser.add_argument("--verbose", action="store_true",
                        help="a line for each failure of an ungraded case")
    parser.add_argument("--show-graded", action="store_true",
                        help="with --verbose, those of graded cases too: never to tune by")
    parser.add_argument("--strict", action="store_true", help="any failure is exit status 1")
    parser.add_argument("--update", action="store_true", help="rewrite scorecard.json")
    parser.add_argument("--tap", action="store_true", help="speak TAP, held to the scorecard")
    parser.add_argument("--survive", action="store_true",
                        help="only that the runs end well and keep the contract")
    parser.add_argument("--program", default="build/whyrst")
    return parser.parse_args()


def print_report(options, cases, sums):
    for text in tables_of(cases, sums):
        print(text)
    if not oracle.have():
        print("no tshark here: RST frames and streams were not checked")
    for case in cases if options.verbose else ():
        for text in shown_failures(case, options.show_graded):
            print(f"{case.name}: {text}")


def status_of(options, cases, committed, breaches, falls):
    if options.survive:
        return 1 if breaches else 0
    risen = any(c.n_failures() > committed.get("failures", {}).get(c.name, 0) for c in cases)
    wrong = any(c.n_failures() for c in cases) if options.strict else (options.tap and risen)
    return 1 if breaches or wrong or (falls and not options.update) else 0


def main():
    options = options_of()
    program = (TOP / options.program).resolve()
    cases = find_cases(options)
    complete = not options.case and not options.ungraded
    with ThreadPoolExecutor(min(os.cpu_count() or 2, 8)) as pool:
        list(pool.map(lambda c: c.check(program, options.survive), cases))
    sums = totals(cases)
    card = card_of(cases, sums)
    committed = json.loads(CARD.read_text(encoding="utf-8")) if CARD.exists() else {}
    falls = list(fallen(card, committed, options)) if not options.case else []
    breaches = [f"{c.name}: {text}" for c in cases for text in c.breaches]
    if options.tap:
        print_tap(cases, committed, falls, options.survive, complete)
        for text in tables_of(cases, sums) if not options.survive else ():
            print(f"# note: {text}")
    else:
        print_report(options, cases, sums)
        for text in breaches:
            print(f"BREACH {text}")
        for text in falls:
            print(f"FELL {text}")
    if options.update and complete:
        CARD.write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return status_of(options, cases, committed, breaches, falls)


if __name__ == "__main__":
    sys.exit(main())
