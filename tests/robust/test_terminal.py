# SPDX-License-Identifier: Apache-2.0
"""On a terminal: width, colour, a line of progress that is wiped, and Ctrl-C."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from ground import OK, PROGRAM, RUN_SECONDS, ProgramTest

COLUMNS = 70
PLAIN = {"PATH": os.environ["PATH"], "TERM": "xterm"}


class TerminalTest(ProgramTest):
    def start(self, *args, env=None, columns=COLUMNS, **streams):
        """A run with a terminal wherever streams gives nothing else; the terminal's other end, too."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        streams = {"stdin": subprocess.DEVNULL, "stdout": theirs, "stderr": theirs, **streams}
        run = subprocess.Popen([str(PROGRAM["path"]), *map(str, args)], cwd=self.folder,
                               env={**PLAIN, **(env or {})}, **streams)
        os.close(theirs)
        self.addCleanup(os.close, ours)
        return run, ours

    def shown(self, run, ours):
        """All that the terminal got until the run ended, with the line ends that were written."""
        out, end = b"", time.monotonic() + RUN_SECONDS
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                out += os.read(ours, 65536)
            except OSError:  # the other end was closed
                break
        self.status = run.wait(RUN_SECONDS)
        return out.replace(b"\r\n", b"\n").decode()

    def show(self, *args, **options):
        return self.shown(*self.start(*args, **options))


class Reports(TerminalTest):
    def test_width(self):
        case = self.write_case()
        for columns, widest in ((COLUMNS, COLUMNS), (100, 100), (20, 60), (1000, 120)):
            with self.subTest(columns=columns):
                lines = re.sub(r"\x1b\[[0-9;]*m", "", self.show(case, columns=columns)).split("\n")
                told = lines[:lines.index("   Evidence")]
                filled = [line for line in told if re.match(r"   [A-Za-z]", line)]
                self.assertLessEqual(max(map(len, filled)), widest)
                self.assertGreater(max(map(len, filled)), widest - 16)

    def test_colour(self):
        case = self.write_case()
        for env, options, wanted in (
                ({}, [], True), ({"TERM": "dumb"}, [], False), ({"NO_COLOR": "1"}, [], False),
                ({"NO_COLOR": ""}, [], True), ({}, ["--color", "never"], False),
                ({"TERM": "dumb", "NO_COLOR": "1"}, ["--color", "always"], True)):
            with self.subTest(env=env, options=options):
                self.assertEqual("\x1b[" in self.show(*options, case, env=env), wanted)

    def test_same_words_as_in_a_pipe(self):
        case = self.write_case()
        shown = re.sub(r"\x1b\[[0-9;]*m", "", self.show(case, columns=100))
        self.assertEqual(shown, self.expect(OK, case).text())


class Progress(TerminalTest):
    """A log that comes slowly, through a pipe of a long name."""
    NAME = "a-folder-of-a-very-long-name/" + "and-a-file-of-one-too-" * 3 + ".log"

    def slowly(self):
        with open(self.folder / self.NAME, "wb") as pipe:
            for _ in range(6):
                pipe.write(self.log * 300)
                pipe.flush()
                time.sleep(0.15)

    def show_slowly(self, *options, **more):
        (self.folder / self.NAME).parent.mkdir(exist_ok=True)
        if not os.path.exists(self.folder / self.NAME):
            os.mkfifo(self.folder / self.NAME)
        writer = threading.Thread(target=self.slowly)
        run, ours = self.start(*options, self.NAME, stdout=subprocess.DEVNULL, **more)
        writer.start()
        out = self.shown(run, ours)
        writer.join()
        self.assertEqual(self.status, OK)
        return out

    def test_one_row_that_is_wiped(self):
        for columns in (200, 70, 45):
            with self.subTest(columns=columns):
                out = self.show_slowly(columns=columns)
                rows = out.split("\r\x1b[K")
                self.assertGreater(len(rows), 2)
                self.assertEqual((rows[0], rows[-1]), ("", ""))
                for row in rows[1:-1]:
                    self.assertRegex(row, r"^\w+ \S+\.log: .* [KM]iB, .*/s$")
                    self.assertLess(len(row), columns)
                    self.assertEqual("..." in row, columns < 200)

    def test_terminal_without_room(self):
        self.assertEqual(set(self.show_slowly(columns=20).split("\r\x1b[K")), {""})

    def test_nothing_where_none_is_wanted(self):
        self.assertEqual(self.show_slowly("-q"), "")
        self.assertEqual(self.show_slowly(env={"TERM": "dumb"}), "")


class Interrupted(TerminalTest):
    def test_no_half_report_is_left(self):
        self.write("report.html", b"old")
        os.mkfifo(self.folder / "pipe")
        run, ours = self.start("-o", "report.html", "pipe")
        with open(self.folder / "pipe", "wb") as pipe:
            pipe.write(self.pcap[:5000])
            pipe.flush()
            time.sleep(0.2)
            run.send_signal(signal.SIGINT)
            self.shown(run, ours)
        self.assertEqual(self.status, -signal.SIGINT)
        self.assertEqual((self.folder / "report.html").read_bytes(), b"old")
        self.assertEqual(sorted(os.listdir(self.folder)), ["pipe", "report.html"])
