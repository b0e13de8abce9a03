# SPDX-License-Identifier: Apache-2.0
"""Options, commands and outputs: what each changes, and how a wrong one is refused."""
import json
import os
import re
import struct

from ground import FAIL_ON, NO_INPUT, OK, SOME_FAILED, TOP, USAGE, ProgramTest


def resets_pcap(n_refused, n_reset):
    """SYNs that are refused, each from a port of its own, then connections that are reset after
    their first bytes."""
    out = [struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)]

    def put(client, to_server, flags, seq, ack, payload=b""):
        ends = [(bytes([192, 0, 2, 1]), 1024 + client), (bytes([198, 51, 100, 7]), 443)]
        source, target = ends if to_server else reversed(ends)
        tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack, 0x50, flags, 65535, 0, 0)
        size = 40 + len(payload)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0x4000, 64, 6, 0, source[0], target[0])
        us = (len(out) - 1) * 50
        out.append(struct.pack("<IIII", 1790000000 + us // 10**6, us % 10**6, size, size) + ip +
                   tcp + payload)

    for client in range(n_refused):
        put(client, True, 0x02, 99, 0)
        put(client, False, 0x14, 0, 100)
    for client in range(n_refused, n_refused + n_reset):
        put(client, True, 0x02, 99, 0)
        put(client, False, 0x12, 499, 100)
        put(client, True, 0x18, 100, 500, b"some bytes")
        put(client, False, 0x14, 500, 110)
    return b"".join(out)


class Refused(ProgramTest):
    """Wrong words end with status 2, a message on standard error and nothing on standard output."""

    def test_words(self):
        case = self.write_case()
        for args, says in (
                (["--nope", case], "there is no option --nope"),
                (["-Z", case], "there is no option -Z"),
                (["--f=json", case], "--f=json could be --format, --filter, --fail-on; see"),
                (["--n\x1b[31mo", case], "there is no option --n\\x1b[31mo"),
                (["-o"], "-o wants an argument"),
                (["--strict=yes", case], "--strict=yes takes no argument"),
                (["-o", "x.docx", case],
                 'the extension of "x.docx" names no report format (.txt, .jsonl, .html)'),
                (["--format", "docx", case], 'no report format "docx" (text, json, html)'),
                (["-o", "", case], "the name of a report is empty"),
                (["-o", "", "--format", "json", case], "the name of a report is empty"),
                (["-o", "nowhere/x.html", case], "nowhere/x.html: cannot be created: No such file"),
                (["-o", f"{case}/auth.log/x.html", case], "cannot be created: Not a directory"),
                (["rules", "test", "nowhere"], "nowhere: is no folder"),
                (["--filter", "tcp port", case], "filter: "),
                (["--filter", "host www.example.com", case], "names are not resolved"),
                (["--filter", "port ssh", case], "names are not resolved"),
                (["--filter", "ip proto \\tcp", case], "not looked up"),
                (["--tz", "Mars/Base", case], "Mars/Base: unknown time zone"),
                (["--tz", "../../etc/passwd", case], "unknown time zone"),
                (["--tz-of", "auth.log", case], "--tz-of wants GLOB=ZONE"),
                (["--tz-of", "auth.log=Mars/Base", case], 'unknown time zone "Mars/Base"'),
                (["--log-offset", "auth.log", case], "--log-offset wants GLOB=SECONDS"),
                (["--log-offset", "auth.log=soon", case], '--log-offset wants seconds, not "soon"'),
                (["--log-offset", "auth.log=1e300", case], "--log-offset wants seconds"),
                (["--explain-log", "auth.log", case], "--explain-log wants LOG:LINE"),
                (["--explain-log", "auth.log:0", case], "--explain-log wants LOG:LINE"),
                (["--explain-log", "auth.log:-1", case], "--explain-log wants LOG:LINE"),
                (["--explain-log", ":1", case], "--explain-log wants LOG:LINE"),
                (["--explain-log", "auth.log:99999", case], "and no line 99999"),
                (["--explain-log", "other.log:1", case], "no input is called other.log"),
                (["--explain-log", "server.pcap:1", case], "is no log"),
                (["--explain-log", "auth.log:1", "--format", "html", case], "standard output only"),
                (["--explain-log", "auth.log:1", "-o", "x.html", case], "standard output only"),
                (["facts", "-o", "x.html"], "facts writes text on standard output only"),
                (["rules", "list", "--format", "json"], "rules writes text on standard output"),
                ([""], "a PATH is empty"),
                (["-r", "", case], "a PATH is empty"),
                (["--window", "0", case], "more than 0"),
                (["--window", "-1", case], "--window wants seconds"),
                (["--window", "nan", case], "--window wants seconds"),
                (["--memory", "much", case], "--memory wants a size"),
                (["--memory", "1000", case], "--memory wants a size"),
                (["--memory", "", case], "--memory wants a size"),
                (["--memory", "99999999999999G", case], "--memory wants a size"),
                (["--as", "docx:x", case], 'not "docx"'),
                (["--as", "pcap", case], "--as wants TYPE:PATH"),
                (["--fail-on", "panic", case], '"panic" is none of'),
                (["--min-severity", "panic", case], '"panic" is none of'),
                (["--color", "blue", case], "--color wants"),
                (["--completions", "csh"], "bash only"),
                (["--rules", "nowhere", case], "nowhere"),
                (["facts", "x"], "facts takes no argument"),
                (["explain"], "explain wants a PATH"),
                (["explain", "-o", "x.html", case], "standard output only"),
                (["explain", "c9-000999", case], 'no diagnosis has the id or the RST frame'),
                (["rules"], "rules wants"),
                (["rules", "burn"], "rules wants"),
                (["rules", "show"], "rules wants"),
                (["rules", "show", "ssh-max-startup"], 'did you mean "ssh-max-startups"'),
                (["rules", "check", "nowhere.xml"], "nowhere.xml")):
            with self.subTest(args=args):
                result = self.expect(USAGE, *args, says=[says])
                self.assertEqual(result.out, b"")
        self.assertEqual(os.listdir(self.folder), [case])


class RuleFiles(ProgramTest):
    RULE = """<?xml version="1.0" encoding="UTF-8"?>
<rules version="1">
  <rule id="of-the-house" cause="application-abort" severity="notice">
    <title>Of the house</title>
    <require>
      <fact name="rst.sender" is="server"/>
    </require>
    <conclude base="0.99">The house says so.</conclude>
  </rule>
</rules>
"""

    def test_rules_of_a_folder(self):
        self.write("r/mine.xml", self.RULE.encode())
        told = self.expect(OK, "explain", "--rules", "r", self.write_case()).text()
        self.assertRegex(told, r"0\.99  of-the-house .*\[base 0\.99\]")
        shown = self.expect(OK, "rules", "show", "of-the-house", "--rules", "r").text()
        self.assertIn("r/mine.xml:3", shown)

    def test_typos_name_file_and_line(self):
        case = self.write_case()
        for right, wrong, says in (
                ("rst.sender", "rst.sendr", ["r/mine.xml:6: ", "rst.sendr", "rst.sender"]),
                ("<require>", "<requires>", ["r/mine.xml:", "requires"]),
                ('is="server"', 'is="sever"', ["r/mine.xml:6: ", "sever", "server"]),
                ('base="0.99"', 'base="9.9"', ["r/mine.xml:8: "]),
                ("application-abort", "application-abrot", ["r/mine.xml:3: ", "application-abort"]),
                ("<rules", '<!DOCTYPE rules [<!ENTITY a "b">]>\n<rules', ["r/mine.xml:"]),
                ("</rule>\n", "", ["r/mine.xml:"])):
            with self.subTest(wrong=wrong):
                self.write("r/mine.xml", self.RULE.replace(right, wrong, 1).encode())
                self.expect(USAGE, "--rules", "r", case, says=says)
                self.expect(USAGE, "rules", "check", "r/mine.xml", says=says)

    def test_huge_and_binary_rule_files(self):
        case = self.write_case()
        for content in (b"<rules>" + b" " * (2 << 20), b"\0\1\2\3" * 100, b""):
            self.write("r/mine.xml", content)
            self.expect(USAGE, "--rules", "r", case, says="r/mine.xml")

    def test_built_in_rules(self):
        self.assertIn("no mistakes", self.expect(OK, "rules", "check").text())
        listed = self.expect(OK, "rules", "list").text()
        for path in (TOP / "rules" / "causes").glob("*.xml"):
            for rule in re.findall(r'<rule id="([^"]+)"', path.read_text(encoding="utf-8")):
                self.assertIn(rule, listed)
                self.assertIn(f"rule {rule} ", self.expect(OK, "rules", "show", rule).text())


class Meanings(ProgramTest):
    def test_filter(self):
        case = self.write_case()
        ports = [d["client"]["port"] for d in self.json_of(case).records("diagnosis")]
        result = self.json_of("--filter", f"tcp port {ports[0]}", case)
        self.assertEqual([d["client"]["port"] for d in result.records("diagnosis")], [ports[0]])
        skipped = result.records("capture")[0]["skipped"]
        self.assertGreater(skipped["packet.filtered-out"], 0)

    def test_tz_shows_times_in_the_zone(self):
        case = self.write_case()
        shown = self.expect(OK, "--tz", "+05:30", case).text()
        self.assertIn("+05:30", shown)
        utc = self.json_of(case).records("diagnosis")
        zoned = self.json_of("--tz", "+05:30", case).records("diagnosis")
        self.assertEqual([d["time"] for d in utc], [d["time"] for d in zoned])

    def old_style_log(self, hours):
        """The log with stamps that state no zone, as a host hours east of UTC would write them."""
        out = []
        for line in self.log.decode().splitlines():
            stamp, rest = line.split(" ", 1)
            minutes = int(stamp[11:13]) * 60 + int(stamp[14:16]) + hours * 60
            day = int(stamp[8:10]) + minutes // 1440
            out.append(f"Nov {day:2} {minutes // 60 % 24:02}:{minutes % 60:02}:{stamp[17:19]} "
                       f"{rest}\n")
        return "".join(out).encode()

    def test_tz_of_and_log_offset(self):
        if not self.log.startswith(b"2026-11-2"):
            self.skipTest("the sample was made in another month")
        self.write("server.pcap", self.pcap)
        self.write("auth.log", self.old_style_log(3))
        log = self.json_of("--tz-of", "auth.log=+03:00", "server.pcap", "auth.log").records("log")
        self.assertEqual(log[0]["timezone"], "+03:00")
        self.assertLess(abs(log[0]["clock_offset_s"]), 2)
        log = self.json_of("--log-offset", "*.log=10800", "server.pcap", "auth.log").records("log")
        self.assertLess(abs(log[0]["clock_offset_s"] - 10800), 2)

    def test_setting_that_fits_no_input_is_told(self):
        case = self.write_case()
        for option, value in (("--tz-of", "other.log=UTC"), ("--log-offset", "other.log=1"),
                              ("--as", "log:other.log")):
            self.expect(OK, option, value, case, says="no input is called other.log")

    def test_as(self):
        self.write("notes", b"nothing here is a log\n" * 3)
        self.expect(NO_INPUT, "notes", says="notes: not used: text")
        self.assertEqual(self.json_of("--as", "log:notes", "notes").records("log")[0]["lines"], 3)
        self.expect(NO_INPUT, "--as", "pcap:notes", "notes", says="notes: ")

    def test_window(self):
        case = self.write_case()
        self.expect(OK, "--window", "0.001", case)

    def test_memory(self):
        n_refused, n_reset = 2000, 2000
        self.write("many.pcap", resets_pcap(n_refused, n_reset))
        whole = self.json_of("many.pcap")
        self.assertNotIn("resets_counted_only", whole.records("summary")[0])
        self.assertNotIn("more reset connections", self.expect(OK, "many.pcap").text())
        few = self.json_of("--memory", "1M", "many.pcap", says="(see --memory)")
        summary, told = few.records("summary")[0], few.records("diagnosis")
        lost = [s["frame"] for s in few.records("capture")[0]["rst_skipped"]
                if s["reason"] == "over-budget"]
        self.assertFalse(summary["complete"])
        self.assertEqual(summary["resets_counted_only"], len(lost))
        self.assertEqual(sorted([d["frame"] for d in told] + lost),
                         sorted(d["frame"] for d in whole.records("diagnosis")))
        refused = sum(d["mechanism"] == "refused" for d in told)
        self.assertGreater(refused, n_refused // 10)  # those that came first leave room for others
        self.assertGreater(len(told) - refused, n_reset // 10)
        self.assertEqual(few.out, self.json_of("--memory", "1024K", "many.pcap").out)
        sentence = f"{len(lost)} more reset connections were counted"
        self.assertIn(sentence, self.expect(OK, "--memory", "1M", "many.pcap").text())
        self.assertIn(sentence, self.expect(OK, "--memory", "1M", "--format", "html",
                                            "many.pcap").text())
        self.expect(SOME_FAILED, "--strict", "--memory", "1M", "many.pcap")
        self.assertEqual(whole.out, self.json_of("--memory", "1G", "many.pcap").out)

    def test_fail_on(self):
        case = self.write_case()
        severities = {d["severity"] for d in self.json_of(case).records("diagnosis")}
        self.assertIn("fault", severities)
        shown = self.expect(FAIL_ON, "--fail-on", "fault", case)
        self.assertEqual(shown.out, self.expect(OK, case).out)
        self.write("auth.log", self.log)
        self.expect(OK, "--fail-on", "harmless", "auth.log")

    def test_min_severity(self):
        case = self.write_case()
        kept = self.json_of("--min-severity", "fault", case).records("diagnosis")
        self.assertEqual({d["severity"] for d in kept}, {"fault"})

    def test_quiet_and_verbose(self):
        case = self.write_case()
        plain, quiet = self.expect(OK, case).text(), self.expect(OK, "-q", case).text()
        verbose = self.expect(OK, "-v", case).text()
        self.assertTrue(plain.startswith(quiet.splitlines()[0]))
        self.assertLess(len(quiet), len(plain) // 4)
        self.assertGreaterEqual(len(verbose), len(plain))
        partly = self.expect(SOME_FAILED, "-q", case, "nowhere")
        self.assertEqual(partly.err, b"")
        self.assertIn("Not everything could be read; without -q it is said what.", partly.text())
        self.assertIn("see the end of this report", self.run_program(case, "nowhere").text())

    def test_quiet_still_says_why_nothing_could_be_read(self):
        result = self.expect(NO_INPUT, "-q", "nowhere", "never",
                             says=["whyrst: nowhere: cannot open: No such file or directory\n",
                                   "no capture, log or snapshot could be read"])
        self.assertEqual(len(result.messages().splitlines()), 2)

    def test_old_habits(self):
        self.write("x.pcap", self.pcap)
        self.assertEqual(self.expect(OK, "-n", "-r", "x.pcap").out, self.expect(OK, "x.pcap").out)

    def test_color(self):
        case = self.write_case()
        self.assertNotIn(b"\x1b", self.expect(OK, case).out)
        self.assertNotIn(b"\x1b", self.expect(OK, "--color", "never", case).out)

    def test_help_names_every_option(self):
        shown = self.expect(OK, "--help").text()
        manual = self.expect(OK, "--man").text().replace("\\-", "-")
        completions = self.expect(OK, "--completions", "bash").text()
        for option in re.findall(r" (--[a-z-]+)", shown.split("options:")[1].split("exit status")[0]):
            self.assertIn(option, manual)
            self.assertIn(option, completions)
        self.assertRegex(self.expect(OK, "--version").text(), r"^whyrst \d+\.\d+\.\d+\n$")

    def test_facts(self):
        listed = self.expect(OK, "facts").text()
        for name in ("rst.sender", "rst.mechanism", "host.*"):
            self.assertIn(name, listed)

    def test_explain_in_a_ring(self):
        """Frames are numbered in each file of a series, as Wireshark does."""
        sample = TOP / "samples/ring-split"
        told = self.json_of(sample).records("diagnosis")
        self.assertTrue(told)
        for one in told:
            by_id = self.expect(OK, "explain", one["id"], sample).text()
            self.assertIn(by_id, self.expect(OK, "explain", str(one["frame"]), sample).text())
            client = one["client"]
            self.write("x.log", f"{one['time'][:-1]}+00:00 web sshd[9]: Connection reset by "
                                f"{client['ip']} port {client['port']}\n".encode())
            answer = self.expect(OK, "--explain-log", "x.log:1", sample, "x.log").text()
            answer = " ".join(answer.split())
            self.assertIn(f"reset by frame {one['frame']} at", answer)
            self.assertIn(f"the reset is frame {one['frame']} of {one['capture']}", answer)

    def test_explain(self):
        case = self.write_case()
        first = self.json_of(case).records("diagnosis")[0]
        by_id = self.expect(OK, "explain", first["id"], case)
        by_frame = self.expect(OK, "explain", str(first["frame"]), case)
        self.assertEqual(by_id.out, by_frame.out)
        self.assertIn(first["cause"], by_id.text())
        self.expect(NO_INPUT, "explain", "nowhere", says="nowhere: cannot open")


class ExplainLog(ProgramTest):
    """One line of a log, asked for by name and number; frames are those of tests/lab's samples."""

    def ask(self, where, *paths):
        return " ".join(self.expect(OK, "--explain-log", where, *paths).text().split())

    def test_found(self):
        sample = TOP / "samples/ssh-max-startups"
        told = self.ask("auth.log:12", sample)
        self.assertIn("ssh.drop-connection", told)
        self.assertIn("192.0.2.191:47386 -> 198.51.100.187:22", told)
        self.assertIn("Verdict: found: the reset is frame 90", told)
        self.assertEqual(told, self.ask(f"{sample}/logs/auth.log:12", sample))

    def test_as_json(self):
        sample = TOP / "samples/ssh-max-startups"
        done = self.expect(OK, "--explain-log", "auth.log:12", "--format", "json", sample)
        told = json.loads(done.out)
        self.assertEqual((told["type"], told["line"], told["event"], told["verdict"]),
                         ("log-answer", 12, "ssh.drop-connection", "found"))
        self.assertEqual(told["client"], {"ip": "192.0.2.191", "port": 47386})
        tied = [k for k in told["candidates"] if k["tied"]]
        self.assertEqual([k["frame"] for k in tied], [90])
        absent = json.loads(self.expect(OK, "--explain-log", "auth.log:7", "--format", "json",
                                        TOP / "samples/reset-not-captured").out)
        self.assertEqual((absent["verdict"], absent["candidates"]), ("absent", []))
        self.assertIn("host 203.0.113.77 and port 22", absent["capture_hint"])

    def test_endings(self):
        """However a connection ended that the line could be about, the answer says it."""
        out = [struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)]
        closes = {40001: [], 40002: [True], 40003: [False], 40004: [True, False]}
        for port, fins in closes.items():
            ends = [(bytes([192, 0, 2, 1]), port), (bytes([198, 51, 100, 7]), 443)]
            for to_server, flags in [(True, 0x02), (False, 0x12), (True, 0x10)] + [(f, 0x11) for f in fins]:
                source, target = ends if to_server else reversed(ends)
                tcp = struct.pack(">HHIIBBHHH", source[1], target[1], 100 if to_server else 500,
                                  500 if to_server else 100, 0x50, flags, 65535, 0, 0)
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, source[0], target[0])
                out.append(struct.pack("<IIII", 1790000000, len(out) * 1000, 40, 40) + ip + tcp)
        self.write("x.pcap", b"".join(out))
        self.write("x.log", b"".join(b"2026-09-21T13:33:20Z web sshd[9]: Connection reset by 192.0.2.1 port %d\n"
                                     % port for port in closes))
        for line, ending in enumerate(("open", "fin", "fin", "fin"), 1):
            words = " ".join(self.expect(OK, "--explain-log", f"x.log:{line}", "x.pcap", "x.log").text().split())
            self.assertIn({"open": ", no FIN and no RST captured: ", "fin": ", ended by FIN, no RST: "}[ending],
                          words)
            told = json.loads(self.expect(OK, "--explain-log", f"x.log:{line}", "--format", "json",
                                          "x.pcap", "x.log").out)
            self.assertEqual([(k["client"]["port"], k["ending"]) for k in told["candidates"]],
                             [(40000 + line, ending)])

    def test_absent(self):
        sample = TOP / "samples/reset-not-captured"
        told = self.ask("auth.log:7", sample)
        self.assertIn("Verdict: absent: no captured packet is from or to 203.0.113.77", told)
        self.assertIn("host 203.0.113.77 and port 22", told)
        self.assertIn("before the first captured packet", self.ask("auth.log:6", sample))

    def test_odd_lines(self):
        case = self.write_case()
        odd = (b"-- Boot 0123456789abcdef --\n\n"
               b"Nov 22 12:00:00 web cron[7]: \x1b[31mnothing known\n"
               b"no envelope\n"
               b"Nov 22 12:00:00 web sshd[9]: Connection reset by 198.51.100.77 port 9\n")
        self.write("case/odd.log", odd * 60)
        for line, says in ((1, "passed over (marker)"), (2, "passed over (blank)"),
                           (3, "no pattern knows this message"),
                           (4, "passed over (no-envelope)"),
                           (5, "Verdict: absent: written"),
                           (300, "198.51.100.77")):
            with self.subTest(line=line):
                result = self.expect(OK, "--explain-log", f"odd.log:{line}", "--as",
                                     "log:case/odd.log", case)
                self.assertIn(says, " ".join(result.text().split()))
                self.assertNotIn(b"\x1b", result.out)


class OutsideLog(ProgramTest):
    """A large log of another week is told by its stamps, and not read; one out of order is."""

    @staticmethod
    def log_of(month, n=140000):
        return b"".join(b"%s %02d %02d:%02d:%02d web sshd[%d]: Connection reset by 198.51.100.9 port 9\n"
                        % (month, 1 + i // 86400, i // 3600 % 24, i // 60 % 60, i % 60, i)
                        for i in range(n))

    def test_not_read(self):
        case = self.write_case()
        data = self.log_of(b"Jun")
        self.write("case/big.log", data)
        told = " ".join(self.expect(OK, case).text().split())
        self.assertIn("big.log: log, not read: all of its", told)
        self.assertIn("-06-01T00:00:00Z to", told)
        row = [r for r in self.json_of(case).records("log") if r["file"].endswith("big.log")][0]
        self.assertEqual((row["lines"], row["bytes_outside_captured_time"]), (0, len(data)))
        # asked for a line of it, it is read all the same
        told = self.expect(OK, "--explain-log", "big.log:140000", case).text()
        self.assertIn("198.51.100.9", told)

    def test_read(self):
        case = self.write_case()
        half = self.log_of(b"Jun", 70000)
        self.write("case/big.log", self.log_of(b"Jul", 70000) + half)
        row = [r for r in self.json_of(case).records("log") if r["file"].endswith("big.log")][0]
        self.assertEqual(row["lines"], 140000)
        self.assertNotIn("bytes_outside_captured_time", row)
