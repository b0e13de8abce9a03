# SPDX-License-Identifier: Apache-2.0
"""The program minds nothing but its arguments: no network, no other program, no configuration that
lies about, and the same bytes whatever the surroundings."""
import os
import re
import shutil
import subprocess

from ground import OK, PROGRAM, ProgramTest, tar_of

TALKS = {"socket", "connect", "bind", "listen", "accept", "sendto", "sendmsg", "recvfrom",
         "socketpair", "getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo", "res_query",
         "getservbyname", "getprotobyname"}
STARTS = {"execve", "execveat", "execv", "execvp", "execl", "execlp", "system", "popen", "fork",
          "vfork", "clone", "clone3", "posix_spawn", "posix_spawnp", "dlopen"}
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
OPENED = re.compile(r'^(?:\d+ +)?openat?\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)"', re.M)
SURROUNDINGS = ("/etc/ld.so", "/lib", "/usr/lib", "/proc/self/", "/dev/", "/sys/", "/var/tmp",
                "/tmp", "/usr/share/zoneinfo", "/etc/localtime")


class Alone(ProgramTest):
    def traced(self, *args, **options):
        """Every system call of a run, as lines."""
        if PROGRAM["sanitized"]:
            self.skipTest("a build with sanitizers cannot be traced")
        if not shutil.which("strace"):
            self.skipTest("there is no strace")
        trace = self.folder.parent / f"{self.folder.name}.trace"
        self.addCleanup(lambda: trace.unlink(missing_ok=True))
        argv = ["strace", "-f", "-o", str(trace), "-s", "4096", str(PROGRAM["path"]), *args]
        done = subprocess.run(argv, cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False,
                              **({"stdin": subprocess.DEVNULL} | options))
        if b"ptrace" in done.stderr or not trace.exists():
            self.skipTest("strace may not trace here")
        self.assertEqual(done.returncode, OK, done.stderr)
        return trace.read_text(errors="replace")

    def runs(self):
        self.write_case()
        self.write("bundle.tar.gz", tar_of({"server.pcap": self.pcap, "auth.log": self.log}))
        yield ["-o", "a.html", "-o", "b.jsonl", "case"]
        yield ["-v", "bundle.tar.gz"]
        yield ["--filter", "tcp port 22 or portrange 80-90 or host 2001:db8::1", "case"]
        yield ["rules", "check"]

    def test_no_network_and_no_other_program(self):
        for args in self.runs():
            calls = [m[1] for m in map(CALL.match, self.traced(*args).splitlines()) if m]
            self.assertGreater(len(calls), 20)
            self.assertEqual(calls.count("execve"), 1, "the program itself")
            self.assertEqual([c for c in calls if c in TALKS | STARTS - {"execve"}], [])

    def test_opens_nothing_of_its_own_accord(self):
        """Reports go into ".", and a file without a name is made there for each."""
        for name in ("whyrst.conf", ".whyrst", ".whyrstrc", "whyrst.xml", "rules/causes/x.xml"):
            self.write(name, b"<rules><broken>")
        for args in self.runs():
            for path in OPENED.findall(self.traced(*args)):
                given = path == "." or path.startswith(("case", "bundle.tar.gz", "a.html", "b.jsonl"))
                self.assertTrue(given or path.startswith(SURROUNDINGS), path)

    def test_imports(self):
        """What the program could call at all."""
        if PROGRAM["sanitized"]:
            self.skipTest("the sanitizers' own runtime is linked into it")
        if not shutil.which("nm"):
            self.skipTest("there is no nm")
        listed = subprocess.run(["nm", "-D", "--undefined-only", str(PROGRAM["path"])],
                                stdout=subprocess.PIPE, check=True, text=True).stdout
        names = {line.split()[-1].split("@")[0] for line in listed.splitlines()}
        self.assertIn("archive_read_new", names)
        self.assertEqual(names & (TALKS | STARTS | {"setlocale"}), set())

    def test_hostile_working_directory(self):
        case = self.write_case()
        plain = self.json_of(case).out
        for name in ("whyrst.conf", ".whyrst", ".whyrstrc", "whyrst.xml", "rules/causes/x.xml",
                     "rules/timeouts.xml", "causes/x.xml", "events/x.xml"):
            self.write(name, b"<rules><broken>")
        self.assertEqual(self.json_of(case).out, plain)

    def test_same_bytes_in_other_surroundings(self):
        case = self.write_case()
        for args in ([case], ["--format", "json", case], ["--format", "html", case],
                     ["explain", case]):
            plain = self.expect(OK, *args).out
            for change in ({"TZ": "America/St_Johns"}, {"LC_ALL": "de_DE.UTF-8"},
                           {"HOME": "/nonexistent"}, {"TERM": "dumb"}, {"COLUMNS": "40"},
                           {"MALLOC_PERTURB_": "85"}):
                self.assertEqual(self.expect(OK, *args, env=dict(os.environ, **change)).out, plain)

    def test_input_is_never_touched(self):
        case = self.write_case()
        self.write("case/auth.log.gz", b"\x1f\x8b\x08broken")
        before = {p: (p.read_bytes(), p.stat().st_mtime_ns)
                  for p in sorted((self.folder / case).iterdir())}
        self.run_program("-o", "a.html", case)
        after = {p: (p.read_bytes(), p.stat().st_mtime_ns)
                 for p in sorted((self.folder / case).iterdir())}
        self.assertEqual(before, after)
