# SPDX-License-Identifier: Apache-2.0
"""What the tests of the program as a whole share: a private folder, ways to run it, and packers.

The program is copied into the folder, so that a user without rights elsewhere can run it too.
"""
import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import struct
import subprocess
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SAMPLE = TOP / "samples" / "ssh-max-startups"
RUN_SECONDS = 60
NOBODY = 65534
OK, FAIL_ON, USAGE, NO_INPUT, SOME_FAILED = range(5)
PROGRAM = {"path": TOP / "build" / "whyrst", "sanitized": False}
SANITIZER_MARKS = (b"Sanitizer", b"runtime error:")


def pcap_offsets(data):
    """Where each record of a little-endian pcap begins."""
    at, found = 24, []
    while at + 16 <= len(data):
        found.append(at)
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    return found


def zstd_stored(data):
    """A zstd frame of raw blocks (RFC 8878 section 3.1.1)."""
    out = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data))
    step = 1 << 16
    for at in range(0, len(data), step):
        piece = data[at:at + step]
        head = (at + step >= len(data)) | len(piece) << 3
        out += struct.pack("<I", head)[:3] + piece
    return out


def xxh32_short(data):
    """XXH32 of less than four bytes, seed 0."""
    h = 374761393 + len(data)
    for byte in data:
        h = (h + byte * 374761393) & 0xffffffff
        h = ((h << 11 | h >> 21) * 2654435761) & 0xffffffff
    h = ((h ^ h >> 15) * 2246822519) & 0xffffffff
    h = ((h ^ h >> 13) * 3266489917) & 0xffffffff
    return h ^ h >> 16


def lz4_stored(data):
    """An lz4 frame of one uncompressed block."""
    flags = b"\x60\x70"
    check = bytes([xxh32_short(flags) >> 8 & 0xff])
    return (b"\x04\x22\x4d\x18" + flags + check + struct.pack("<I", len(data) | 1 << 31) + data +
            b"\0\0\0\0")


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd_stored,
           "lz4": lz4_stored}


def tar_of(members, mode="w:gz"):
    """members: name to bytes, or to a TarInfo that holds no bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def text(self):
        return self.out.decode()

    def messages(self):
        return self.err.decode()

    def records(self, kind=None):
        lines = [json.loads(line) for line in self.out.decode().splitlines()]
        return [r for r in lines if kind is None or r["type"] == kind]


class ProgramTest(unittest.TestCase):
    """Each test has an empty folder of its own, which is the working directory of every run."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="whyrst-test-"))
        self.addCleanup(self.remove)
        self.folder.chmod(0o755)
        self.pcap = (SAMPLE / "server.pcap").read_bytes()
        self.log = (SAMPLE / "logs" / "auth.log").read_bytes()

    def remove(self):
        for folder, names, _ in os.walk(self.folder):
            for name in names:
                if not os.path.islink(os.path.join(folder, name)):
                    os.chmod(os.path.join(folder, name), 0o755)
        shutil.rmtree(self.folder)

    def write(self, name, content=b""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def write_case(self, name="case"):
        self.write(f"{name}/server.pcap", self.pcap)
        self.write(f"{name}/auth.log", self.log)
        return name

    def run_program(self, *args, program=None, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([str(program or PROGRAM["path"]), *map(str, args)],
                              cwd=options.pop("cwd", self.folder), timeout=RUN_SECONDS,
                              check=False, **options)
        for mark in SANITIZER_MARKS:
            if done.stderr and mark in done.stderr:
                self.fail(done.stderr.decode(errors="replace"))
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        return Result(done)

    def expect(self, status, *args, says=(), **options):
        """Runs, and checks the status and that every text of says is in the messages."""
        result = self.run_program(*args, **options)
        self.assertEqual(result.status, status, result.err)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, result.messages())
        return result

    def json_of(self, *args, status=OK, **options):
        return self.expect(status, "--format", "json", *args, **options)

    def skipped(self, *args):
        """Why inputs were not used, by name."""
        summary = self.json_of(*args).records("summary")[0]
        return {one["input"]: one["why"] for one in summary["inputs_skipped"]}

    def as_nobody(self):
        """Options that run the program without rights; skips where that cannot be had."""
        if os.geteuid() != 0:
            return {}
        copy = self.folder / "whyrst-copy"
        shutil.copy(PROGRAM["path"], copy)
        copy.chmod(0o755)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "program": copy}
        try:
            probe = self.run_program("--version", **options)
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"cannot run as nobody: {error}")
        if probe.status != OK:
            self.skipTest("nobody cannot run the program here")
        return options
