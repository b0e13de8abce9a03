#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's front door: list, make and check the project's own captures.

    lab.py list                              every case, its folder and title
    lab.py make NAME…|all|new|samples|corpus make them (root) [--out DIR] [--jobs N]
    lab.py coverage                          what shows each cause and mechanism, and what is missing
    lab.py check [DIR…]                      hold truth.json against tshark (no root)
"""
import argparse
import concurrent.futures
import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
os.environ["PATH"] += ":/usr/sbin:/sbin"

import check  # noqa: E402
import coverage  # noqa: E402
import kernelword  # noqa: E402
import net  # noqa: E402
from case import CASES, Case  # noqa: E402

CLONE_NEWNS = 0x20000
NF_LOG = "/proc/sys/net/netfilter/nf_log_all_netns"


def load():
    import cases

    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module("cases." + module.name)


def folder(spec):
    return (
        os.path.join(ROOT, "tests", "corpus") if spec["corpus"] else os.path.join(ROOT, "samples")
    )


def private_tracing():
    """A mount namespace for this run, so that tracefs can be had where nobody has mounted it."""
    if net.LIBC.unshare(CLONE_NEWNS) != 0:
        raise OSError("unshare: no mount namespace of one's own")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    if not os.path.exists(kernelword.TRACING + "/instances"):
        subprocess.run(["mount", "-t", "tracefs", "tracefs", kernelword.TRACING], check=True)


class Lab:
    """What all cases of a run share: the kernel log and the switch that lets namespaces log to
    it."""

    def __enter__(self):
        self.active, self.stopping = set(), False
        private_tracing()
        self.kernel_log = kernelword.KernelLog()
        with open(NF_LOG) as f:
            self.nf_log = f.read()
        self.set_nf_log("1")
        return self

    def set_nf_log(self, value):
        with open(NF_LOG, "w") as f:
            f.write(value)

    def __exit__(self, *exc):
        self.set_nf_log(self.nf_log)
        self.kernel_log.close()


def make_one(lab, spec, out):
    for attempt in (1, 2):  # a lost race of timing gets a second try
        began = time.time()
        if lab.stopping:
            return f"FAILED {spec['name']}: stopped"
        one = Case(lab, spec, out or folder(spec))
        lab.active.add(one)
        try:
            result = one.make()
            return f"made {spec['name']}: {len(result['connections'])} reset connections, {time.time() - began:.0f} s"
        except Exception:
            if lab.stopping:
                continue
            trouble = traceback.format_exc()
            print(
                f"{spec['name']}: attempt {attempt} failed\n{trouble}", file=sys.stderr, flush=True
            )
        finally:
            lab.active.discard(one)
    return f"FAILED {spec['name']}"


def make(names, out, jobs):
    if os.geteuid():
        sys.exit("lab.py make needs root: it makes network namespaces")
    wanted = [
        s
        for s in CASES.values()
        if "all" in names
        or ("new" in names and not os.path.isdir(os.path.join(folder(s), s["name"])))
        or s["name"] in names
        or ("corpus" if s["corpus"] else "samples") in names
    ]
    unknown = set(names) - set(CASES) - {"all", "new", "samples", "corpus"}
    if unknown or not wanted:
        sys.exit("no such case: " + ", ".join(sorted(unknown) or names))
    failed = 0
    with Lab() as lab, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        work = [pool.submit(make_one, lab, s, out) for s in wanted]
        try:
            for f in concurrent.futures.as_completed(work):
                print(f.result(), flush=True)
                failed += f.result().startswith("FAILED")
        except KeyboardInterrupt:  # Ctrl-C or SIGTERM: take down what runs, start nothing more
            lab.stopping, failed = True, 1
            for f in work:
                f.cancel()
            for one in list(lab.active):
                one.close()
            print("stopped; all hosts of this run are gone", file=sys.stderr)
    return 1 if failed else 0


def stop(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["list", "make", "check", "coverage"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out")
    parser.add_argument("--jobs", type=int, default=4)
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    dirs = [os.path.join(ROOT, "samples"), os.path.join(ROOT, "tests", "corpus")]
    if args.what == "check":
        return check.check(args.names or dirs)
    if args.what == "coverage":
        return coverage.show(dirs)
    load()
    if args.what == "list":
        for s in sorted(CASES.values(), key=lambda s: (s["corpus"], s["name"])):
            print(
                f"{'corpus ' if s['corpus'] else 'samples'} {'graded' if s['graded'] else '      '} "
                f"{s['name']:32} {s['title']}"
            )
        return 0
    return make(args.names or ["all"], args.out, args.jobs)


if __name__ == "__main__":
    sys.exit(main())
