#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTML reports of samples before a real browser.  Speaks TAP; without Chromium, node or the two
node modules it says what is missing and skips.  Node modules stay in the build folder."""
import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
PAGES = {"logs": ["ssh-max-startups"], "two-captures": ["middlebox-idle-timeout"],
         "scan": ["port-scan"], "unmatched": ["reset-not-captured"], "harmless": ["half-open-probe"],
         "several": ["ssh-max-startups", "proxy-timeout", "oom-kill", "forged-reset", "backscatter"]}
HOSTILE = b"Nov 22 23:30:51 web sshd[1]: <script>alert(1)</script> \x1b[31m \xe2\x80\xae \xff \" ' </code>\n"


def skip(why):
    print(f"ok 1 - reports in a browser # SKIP {why}\n1..1")
    sys.exit(0)


def modules(folder):
    """Puts the node modules that package-lock.json names into folder; False without a network."""
    lock = HERE / "package-lock.json"
    if (folder / "node_modules").exists() and \
            (folder / "package-lock.json").read_bytes() == lock.read_bytes():
        return True
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
    return done.returncode == 0


def make_pages(program, folder):
    pages = []
    for name, samples in PAGES.items():
        inputs = [TOP / "samples" / sample for sample in samples]
        if name == "logs":
            evil = folder / "<img src=x onerror=alert(1)>.log"
            evil.write_bytes(HOSTILE)
            inputs.append(evil)
        page = folder / f"{name}.html"
        subprocess.run([program, "-q", "-o", page, *inputs], check=True)
        pages.append(page)
    return pages


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=TOP / "build/whyrst", type=Path)
    parser.add_argument("--keep", type=Path, help="leave the pages in this folder")
    args = parser.parse_args()
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser",
                                                   "google-chrome"))), None)
    if not browser:
        skip("no chromium; ./dev browser installs it")
    if not shutil.which("node") or not shutil.which("npm"):
        skip("no node and npm; ./dev browser installs them")
    tools = args.program.resolve().parent / "browser"
    if not modules(tools):
        skip("axe-core and playwright-core are not here and npm cannot fetch them")
    shutil.copy(HERE / "pages.js", tools / "pages.js")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        pages = make_pages(args.program.resolve(), folder)
        return subprocess.run(["node", tools / "pages.js", browser, *pages], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
