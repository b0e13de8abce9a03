# SPDX-License-Identifier: Apache-2.0
"""What the checks of the house share: the list of files, C text without comments, and TAP."""
import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SKIPPED_FOLDERS = {".git", "__pycache__"}
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def walked():
    for folder, names, files in os.walk(TOP):
        names[:] = sorted(n for n in names
                          if n not in SKIPPED_FOLDERS and not n.startswith("build"))
        for name in sorted(files):
            yield str((Path(folder) / name).relative_to(TOP))


def all_files():
    """Tracked and new files as paths from the root; every file where git cannot say."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={TOP}", "-C", str(TOP), "ls-files", "-z", "--cached",
         "--others", "--exclude-standard"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False) if have_git() else None
    if listed is None or listed.returncode != 0:
        return list(walked())
    names = sorted(set(listed.stdout.decode(errors="surrogateescape").split("\0")) - {""})
    return [name for name in names if (TOP / name).is_file()]


def have_git():
    return any(os.access(os.path.join(d, "git"), os.X_OK)
               for d in os.environ.get("PATH", "").split(os.pathsep))


def read(name):
    return (TOP / name).read_text(encoding="utf-8", errors="replace")


def code_only(text):
    """C text with comments gone and string contents emptied; line numbers stay."""
    def blank(match):
        token = match[0]
        if token[0] in "\"'":
            return token[0] * 2
        return "\n" * token.count("\n")
    return TOKEN.sub(blank, text)


class Tap:
    """Prints one TAP line a check, with what was found under a failing one."""

    def __init__(self):
        self.n, self.n_failed = 0, 0

    def check(self, name, found, shown=40):
        self.n += 1
        self.n_failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {self.n} - {name}")
        for line in list(found)[:shown]:
            print(f"#   {line}")
        if len(found) > shown:
            print(f"#   ... and {len(found) - shown} more")

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}")

    def done(self):
        print(f"1..{self.n}")
        return 1 if self.n_failed else 0
