# SPDX-License-Identifier: Apache-2.0
"""Where reports go: files, links, devices and pipes, and places that take none."""
import os
import resource
import signal
import subprocess
import time

from ground import NO_INPUT, OK, PROGRAM, RUN_SECONDS, SOME_FAILED, USAGE, ProgramTest
from test_options import resets_pcap


class Outputs(ProgramTest):
    def test_several_at_once(self):
        case = self.write_case()
        result = self.expect(OK, "-o", "a.html", "-o", "b.jsonl", "-o", "c.txt", case)
        self.assertEqual(result.out, b"")
        html = (self.folder / "a.html").read_text(encoding="utf-8")
        self.assertTrue(html.startswith("<!DOCTYPE html>"))
        self.assertEqual((self.folder / "b.jsonl").read_bytes(), self.json_of(case).out)
        self.assertEqual((self.folder / "c.txt").read_bytes(), self.expect(OK, case).out)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.html", "b.jsonl", "c.txt", case])

    def test_format_overrides_the_extension(self):
        case = self.write_case()
        self.expect(OK, "-o", "a.dat", "--format", "json", case)
        self.assertEqual((self.folder / "a.dat").read_bytes(), self.json_of(case).out)

    def test_names_of_standard_output(self):
        case = self.write_case()
        plain = self.json_of(case).out
        os.symlink("/proc/self/fd/1", self.folder / "out")
        for name in ("-", "out"):
            with self.subTest(name=name):
                with open(self.folder / "kept", "wb") as kept:
                    kept.write(b"before\n")
                    kept.flush()
                    self.expect(OK, "-o", name, "--format", "json", case, stdout=kept)
                    kept.write(b"behind\n")
                self.assertEqual((self.folder / "kept").read_bytes(),
                                 b"before\n" + plain + b"behind\n")
        self.assertTrue(os.path.islink(self.folder / "out"))
        self.assertFalse((self.folder / "-").exists())

    def test_open_file_by_its_number(self):
        """Whoever gave the number reads what was written, for no new file took the old one's place."""
        case = self.write_case()
        plain = self.json_of(case).out
        for folder in ("/dev/fd", "/proc/self/fd"):
            with self.subTest(folder=folder), open(self.folder / "kept", "w+b") as kept:
                number = kept.fileno()
                self.expect(OK, "-o", f"{folder}/{number}", "--format", "json", case,
                            pass_fds=[number])
                self.assertEqual(kept.read(), plain)

    def test_link_stays_a_link(self):
        case = self.write_case()
        self.write("site/old.html", b"old")
        os.symlink("site/old.html", self.folder / "latest.html")
        self.expect(OK, "-o", "latest.html", case)
        self.assertTrue(os.path.islink(self.folder / "latest.html"))
        self.assertGreater((self.folder / "site/old.html").stat().st_size, 1000)
        self.assertEqual(os.listdir(self.folder / "site"), ["old.html"])

    def test_evidence_is_not_written_over(self):
        self.write("case/auth.txt", self.log)
        self.write("case/server.pcap", self.pcap)
        for name in ("case/auth.txt", "case/../case/auth.txt"):
            self.expect(USAGE, "-o", name, "case", says="is an input, and is not written over")
        self.assertEqual((self.folder / "case/auth.txt").read_bytes(), self.log)

    def test_reports_in_the_folder_are_no_evidence(self):
        case = self.write_case()
        names = [f"{case}/{name}" for name in ("a.html", "b.jsonl", "c.txt")]
        words = [word for name in names for word in ("-o", name)]
        self.expect(OK, *words, case)
        self.expect(OK, *words, case)
        logs = [log["file"] for log in self.json_of(case).records("log")]
        self.assertEqual(logs, [f"{case}/auth.log"])
        self.assertIn("a report of this program", self.skipped(case)[names[1]])

    def test_file_that_may_not_grow(self):
        case = self.write_case()
        self.expect(USAGE, "-o", "a.html", case, says="a.html: the report could not be written",
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
        self.assertEqual(os.listdir(self.folder), [case])

    def is_writing(self, run, name):
        """Whether the run holds a file in the folder, with a name or without."""
        for link in os.scandir(f"/proc/{run.pid}/fd"):
            try:
                held = os.readlink(link.path)
            except OSError:
                continue
            if held.startswith(f"{self.folder}/") and not held.endswith(name):
                return True
        return False

    def test_nothing_is_left_of_a_report_that_was_interrupted(self):
        self.write("many.pcap", resets_pcap(0, 3000))
        self.write("old.jsonl", b"old")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number=number), subprocess.Popen(
                    [str(PROGRAM["path"]), "-o", "old.jsonl", "many.pcap"], cwd=self.folder) as run:
                end = time.monotonic() + RUN_SECONDS
                while not self.is_writing(run, "many.pcap") and time.monotonic() < end:
                    time.sleep(0.001)
                run.send_signal(number)
                self.assertEqual(run.wait(RUN_SECONDS), -number)
                self.assertEqual(sorted(os.listdir(self.folder)), ["many.pcap", "old.jsonl"])
                self.assertEqual((self.folder / "old.jsonl").read_bytes(), b"old")

    def test_place_that_cannot_be_written(self):
        case = self.write_case()
        self.expect(USAGE, "-o", "nowhere/a.html", case, says="nowhere/a.html: cannot be created")
        self.expect(USAGE, "-o", f"{case}/../case", "--format", "html", case, says="case")

    def test_no_wait_for_a_place_that_cannot_be_written(self):
        """It is refused before a byte is read: what is read here never comes to an end."""
        os.mkfifo(self.folder / "endless")
        self.write("shut/a.html", b"old")
        (self.folder / "shut").chmod(0o555)
        os.symlink("shut/a.html", self.folder / "link.html")
        rights = self.as_nobody()
        for name, why in (("nowhere/a.html", "No such file or directory"),
                          ("shut/a.html", "Permission denied"), ("shut/b.html", "Permission denied"),
                          ("link.html", "Permission denied")):
            with self.subTest(name=name):
                self.expect(USAGE, "-o", name, "endless", **rights,
                            says=f"{name}: cannot be created: {why}")
        self.expect(USAGE, "-o", "shut", "--format", "html", "endless", **rights,
                    says="shut: cannot be opened for writing: Is a directory")

    def test_old_report_stays_when_the_new_one_fails(self):
        self.write("a.html", b"old")
        self.expect(NO_INPUT, "-o", "a.html", "nowhere")
        self.assertEqual((self.folder / "a.html").read_bytes(), b"old")

    def test_full_device(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        case = self.write_case()
        with open("/dev/full", "wb") as full:
            self.expect(USAGE, case, stdout=full, says="could not be written: No space left")
            for words in (["facts"], ["rules", "list"], ["--help"], ["explain", case]):
                self.expect(USAGE, *words, stdout=full)
        self.expect(USAGE, "-o", "/dev/full", "--format", "json", case, says="No space left")

    def test_closed_pipe(self):
        case = self.write_case()
        reader, writer = os.pipe()
        os.close(reader)
        self.expect(USAGE, case, stdout=writer, says="could not be written: Broken pipe")
        os.close(writer)

    def test_closed_streams(self):
        case = self.write_case()
        self.expect(USAGE, case, preexec_fn=lambda: os.close(1), says="could not be written")
        self.expect(OK, "-o", "a.txt", case, preexec_fn=lambda: os.closerange(0, 3))
        self.assertEqual((self.folder / "a.txt").read_bytes(), self.expect(OK, case).out)
        self.expect(SOME_FAILED, "-o", "b.jsonl", case, "nowhere",
                    preexec_fn=lambda: os.closerange(0, 3))
        self.assertNotIn(b"cannot open", (self.folder / "b.jsonl").read_bytes().split(b"{")[0])

    def test_messages_are_not_data(self):
        case = self.write_case()
        clean = self.json_of(case).out
        noisy = self.json_of(case, "nowhere", status=SOME_FAILED)
        self.assertTrue(noisy.err and clean)
        noisy.records()

    def test_report_of_nobody_reading(self):
        case = self.write_case()
        done = subprocess.run(["true"], check=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0)
        self.expect(OK, case, stdout=subprocess.DEVNULL)
