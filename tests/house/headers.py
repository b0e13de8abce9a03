#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every header of the house by itself, so that each one names all that it needs."""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tree import TOP, Tap, all_files

MODULES = ["libpcap", "libpcre2-8", "libxml-2.0", "libarchive", "jansson", "libxxhash", "cmocka"]
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-DWHYRST_VERSION=\"0\"", "-Wall", "-Wextra", "-Werror",
         "-Wstrict-prototypes", "-Wundef", "-I."]


def compiles(header, flags):
    done = subprocess.run(["gcc", "-fsyntax-only", *FLAGS, *flags, "-x", "c", header], cwd=TOP,
                          text=True, stderr=subprocess.PIPE, check=False)
    return done.stderr.splitlines() or ([f"gcc exited {done.returncode}"] * (done.returncode != 0))


def main():
    tap = Tap()
    flags = subprocess.run(["pkg-config", "--cflags", *MODULES], text=True, check=True,
                           stdout=subprocess.PIPE).stdout.split()
    headers = [f for f in all_files() if f.endswith(".h")]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for header, found in zip(headers, pool.map(lambda h: compiles(h, flags), headers)):
            tap.check(f"{header} compiles by itself", found)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
