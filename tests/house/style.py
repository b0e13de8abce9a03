#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks that read text alone: licence line, width, blanks, words and functions not used."""
import re
import shutil
import subprocess
import sys

from tree import TOP, Tap, all_files, code_only, read

MAX_COLUMNS, MAX_COLUMNS_PYTHON = 100, 120
LONG_FILE, TOO_LONG_FILE, LONG_FUNCTION = 500, 600, 60
SPDX = "SPDX-License-Identifier: Apache-2.0"
C_FIRST_LINE = f"/* {SPDX} */"
DATA = ("samples/", "tests/corpus/")
BINARY = re.compile(r"\.(pcap|pcapng|cap|gz|bz2|xz|zst|lz4|zip|tar|tgz|png|ico)$")
UNFINISHED = re.compile(r"\b(TO[D]O|FIXM[E]|XX[X])\b")
# Paths of one machine and words about how a change came to be have no place in the project.
LEAKS = re.compile(r"/wor[k]/|/tmp/w[t]\b|/tmp/buil[d]-|\.librar[y]/|\bsubagen[t]|/home/[a-z]+/src")
FORBIDDEN = {
    "unbounded copy": r"strcpy|strcat|sprintf|vsprintf|gets|stpcpy|alloca|strncpy|strncat",
    "hidden state or silent overflow": r"strtok|atoi|atol|atoll|atof|localtime|gmtime|ctime|"
                                       r"asctime|strerror|setlocale|rand|srand|random|setenv|"
                                       r"putenv|tzset|mktime|getpwnam|readdir64",
    "runs something": r"system|popen|fork|vfork|posix_spawnp?|execl|execlp|execle|execv|execvp|"
                      r"execvpe|execve|dlopen",
    "resolves or fetches": r"getaddrinfo|getnameinfo|gethostbyname\w*|gethostbyaddr\w*|"
                           r"getservby\w+|socket|connect|res_query|res_search",
    "wall clock": r"time|gettimeofday|ftime|timespec_get",
}
XML_COMMENT = re.compile(r"^.*<!--(?s:.*?)-->.*$", re.MULTILINE)
ANY_CLOCK = re.compile(r"\bclock_gettime\s*\(\s*(?!CLOCK_MONOTONIC|CLOCK_(?:PROCESS|THREAD)_CPUTIME_ID)")


def lines_where(names, wrong):
    """file:line of each line for which wrong(line) holds."""
    return [f"{name}:{i}: {line.strip()[:90]}" for name in names
            for i, line in enumerate(read(name).split("\n"), 1) if wrong(line)]


def without_licence(names):
    found = []
    for name in names:
        head = read(name).split("\n", 3)[:3]
        if name.endswith((".c", ".h")):
            good = head[0] == C_FIRST_LINE
        else:
            skip = 1 if head[0].startswith(("#!", "<?xml")) else 0
            good = any(SPDX in line for line in head[:skip + 1])
        if not good:
            found.append(f"{name}: no licence line at its head")
    return found


def wide_comments(names):
    """XML comments, with what stands before and behind them; an element's own words may be long."""
    found = []
    for name in names:
        text = read(name)
        for match in XML_COMMENT.finditer(text):
            start = text.count("\n", 0, match.start()) + 1
            found += [f"{name}:{start + i}: {line.strip()[:90]}"
                      for i, line in enumerate(match[0].split("\n")) if len(line) > MAX_COLUMNS]
    return found


def calls(names, functions):
    pattern = re.compile(rf"(?<![\w.>])({functions})\s*\(")
    found = []
    for name in names:
        for i, line in enumerate(code_only(read(name)).split("\n"), 1):
            match = pattern.search(line)
            if match:
                found.append(f"{name}:{i}: {match[1]}()")
    return found


def formatted(names):
    tool = shutil.which("clang-format")
    if not names:
        return []
    done = subprocess.run([tool, "--dry-run", "-Werror", *names], cwd=TOP, text=True,
                          stderr=subprocess.PIPE, check=False)
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines()
                    if "clang-format-violations" in line})
    return wrong or ([done.stderr] if done.returncode else [])


def long_functions(names):
    for name in names:
        start = 0
        for i, line in enumerate(read(name).split("\n"), 1):
            if line == "{":
                start = i
            elif line == "}" and start:
                if i - start - 1 > LONG_FUNCTION:
                    yield f"{name}:{start}: a function of {i - start - 1} lines"
                start = 0


def notes(c_files):
    long = [(name, read(name).count("\n")) for name in c_files]
    for name, n in long:
        if n > LONG_FILE:
            print(f"# note: {name}: {n} lines")
    for text in long_functions(c_files):
        print(f"# note: {text}")


def main():
    tap = Tap()
    every = [f for f in all_files() if not BINARY.search(f)]
    ours = [f for f in every if not f.startswith(DATA)]
    c_files = [f for f in ours if f.endswith((".c", ".h"))]
    product = [f for f in c_files if not f.startswith("tests/")]
    scripts = [f for f in ours if f.endswith((".py", ".sh", "meson.build")) or
               f in ("dev", ".ci/run", "meson_options.txt")]
    data = [f for f in ours if f.endswith((".xml", ".rng"))]
    code = c_files + scripts
    text = [f for f in ours if f != "LICENSE"]

    tap.check("each file opens with its licence line", without_licence(code + data))
    tap.check(f"no line over {MAX_COLUMNS} columns",
              lines_where([f for f in code if not f.endswith(".py")],
                          lambda line: len(line) > MAX_COLUMNS))
    tap.check(f"no line of Python over {MAX_COLUMNS_PYTHON} columns",
              lines_where([f for f in code if f.endswith(".py")],
                          lambda line: len(line) > MAX_COLUMNS_PYTHON))
    tap.check(f"no comment of XML over {MAX_COLUMNS} columns", wide_comments(data))
    tap.check("no tabs", lines_where(code + data, lambda line: "\t" in line))
    tap.check("no blanks at line ends", lines_where(text, lambda line: line != line.rstrip()))
    tap.check("nothing unfinished by its own words", lines_where(code + data, UNFINISHED.search))
    tap.check("no path or word of the workplace",
              lines_where(every, LEAKS.search))
    for why, functions in FORBIDDEN.items():
        tap.check(f"forbidden functions: {why}", calls(product, functions))
    tap.check("forbidden functions in tests: unbounded copy",
              calls([f for f in c_files if f.startswith("tests/")], FORBIDDEN["unbounded copy"]))
    tap.check("no clock but the monotonic one and those of the CPU", lines_where(product, ANY_CLOCK.search))
    tap.check(f"no C file over {TOO_LONG_FILE} lines",
              [f"{f}: {n}" for f in c_files if (n := read(f).count("\n")) > TOO_LONG_FILE])
    tap.check("clang-format leaves every file as it is", formatted(c_files))
    notes(c_files)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
