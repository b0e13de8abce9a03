# SPDX-License-Identifier: Apache-2.0
"""systemd's own journal files: read as their export is, also from inside an archive, and no worse
than refused when damaged."""
import random
import shutil
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

from ground import OK, PROGRAM, SOME_FAILED, ProgramTest, tar_of

REMOTE = "/lib/systemd/systemd-journal-remote"
RUNS = 60


def copies():
    return {p for folder in ("/var/tmp", "/tmp") for p in Path(folder).glob("whyrst-*")}


class Journal(ProgramTest):
    def export(self):
        """The sample's auth.log as journalctl -o export would have it."""
        entries = []
        for line in self.log.decode().splitlines():
            stamp, host, tag, message = line.split(" ", 3)
            program, _, pid = tag.rstrip(":").partition("[")
            micros = int(datetime.fromisoformat(stamp).timestamp() * 1e6 + 0.5)
            entries.append("\n".join([
                f"__REALTIME_TIMESTAMP={micros}", f"__MONOTONIC_TIMESTAMP={micros % 10**10}",
                "_BOOT_ID=0123456789abcdef0123456789abcdef", f"_HOSTNAME={host}",
                f"SYSLOG_IDENTIFIER={program}", *([f"_PID={pid.rstrip(']')}"] if pid else []),
                f"MESSAGE={message}", "", ""]))
        return "".join(entries).encode()

    def journal(self):
        if not Path(REMOTE).exists():
            self.skipTest("there is no systemd-journal-remote")
        self.write("in.export", self.export())
        made = subprocess.run([REMOTE, "-o", "made.journal", "in.export"], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if made.returncode:
            self.skipTest("systemd-journal-remote does not run here")
        return (self.folder / "made.journal").read_bytes()

    def told(self, *args):
        """For each diagnosis its cause and the lines tied to it; False: journals are not read."""
        result = self.run_program("--format", "json", *args)
        self.assertEqual(result.status, OK, result.messages())
        if "this build does not read" in result.messages():
            self.skipTest("built without libsystemd")
        return [(d["client"], d["cause"],
                 sorted(e["line"] for e in d["evidence"] if e["kind"] == "log"))
                for d in result.records("diagnosis")]

    def test_a_journal_file_says_what_its_export_says(self):
        data = self.journal()
        self.write("case/server.pcap", self.pcap)
        self.write("case/system.journal", data)
        self.write("same/server.pcap", self.pcap)
        self.write("same/auth.log", self.log)
        found, wanted = self.told("case"), self.told("same")
        self.assertTrue(any(lines for _, _, lines in wanted))
        self.assertEqual(found, wanted)

    def test_inside_an_archive(self):
        packed = tar_of({"server.pcap": self.pcap, "var/log/journal/system.journal":
                         self.journal()})
        self.write("bundle.tar.gz", packed)
        self.assertTrue(any(lines for _, _, lines in self.told("bundle.tar.gz")))

    def test_a_signal_leaves_no_copy_behind(self):
        """libsystemd wants a file with a name: it has one for a moment, in which signals wait."""
        self.write("bundle.tar.gz", tar_of({"server.pcap": self.pcap, "system.journal":
                                            self.journal()}))
        there = copies()
        for n in range(RUNS):
            with subprocess.Popen([str(PROGRAM["path"]), "bundle.tar.gz"], cwd=self.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                time.sleep(0.001 * n)
                running.send_signal(signal.SIGINT if n % 2 else signal.SIGTERM)
        left = copies() - there
        time.sleep(0.5 if left else 0)  # others may be at work
        self.assertEqual(left & copies(), set())

    def test_damaged_ones_end_in_order(self):
        data = self.journal()
        end = len(data.rstrip(b"\0"))
        self.write("case/server.pcap", self.pcap)
        rng = random.Random(1)
        for n in range(RUNS):
            broken = bytearray(data)
            for _ in range(rng.choice([1, 4, 64])):
                at = rng.randrange(8, rng.choice([272, end]))
                broken[at] = rng.choice([0, 1, 0x7f, 0xff, rng.randrange(256)])
            if n % 5 == 0:
                del broken[rng.randrange(300, end):]
            self.write("case/system.journal", bytes(broken))
            result = self.run_program("case")
            self.assertIn(result.status, (OK, SOME_FAILED), result.messages())


if shutil.which("journalctl") is None:
    Journal.__unittest_skip__ = True
    Journal.__unittest_skip_why__ = "there is no journal on this system"
