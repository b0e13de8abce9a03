# SPDX-License-Identifier: Apache-2.0
"""A daemon that the program does not know is added by its user: one XML file, no C."""
import re
from ground import OK, TOP, USAGE, ProgramTest

PAGE = TOP / "rules" / "events" / "README.md"
PORT = 47386  # the first connection of the sample that is reset
CLIENT = "192.0.2.191"


def page_block(marker):
    """The code block of the page that stands below the marker."""
    return re.search(rf"<!-- {marker} -->\n```\w*\n(.*?)```", PAGE.read_text(), re.S)[1]


class Daemon(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("case/server.pcap", self.pcap)
        line = page_block("line").replace("192.0.2.20:51514", f"{CLIENT}:{PORT}")
        self.write("case/gate.log", re.sub(r"^\S+", "2026-11-22T23:30:51.325+00:00", line).encode())

    def lines_of(self, *args):
        result = self.run_program("--format", "json", *args, "case")
        self.assertEqual(result.status, OK, result.messages())
        return [e for d in result.records("diagnosis") for e in d["evidence"]
                if e["kind"] == "log" and d["client"]["port"] == PORT]

    def test_unknown_lines_that_name_the_connection_are_shown(self):
        found = self.lines_of()
        self.assertEqual([(e["line"], e["match"], e["recognised"]) for e in found],
                         [(1, "endpoint", False)])
        self.assertNotIn("event", found[0])
        self.run_program("-o", "out.html", "case")
        for report in (self.run_program("case").text(), (self.folder / "out.html").read_text()):
            self.assertIn("too many sessions", report)
            self.assertIn("unrecognised", report)

    def test_one_file_makes_it_known(self):
        self.write("mine/gate.xml", page_block("events").encode())
        found = self.lines_of("--rules", "mine")
        self.assertEqual([e["event"] for e in found], ["gate.refused"])
        self.assertNotIn("recognised", found[0])

    def test_a_rule_can_use_it_at_once(self):
        self.write("mine/gate.xml", page_block("events").encode())
        self.write("mine/rule.xml", page_block("rule").encode())
        self.assertEqual(self.run_program("rules", "check", "mine").status, OK)
        result = self.run_program("--format", "json", "--rules", "mine", "case")
        first = [d for d in result.records("diagnosis") if d["client"]["port"] == PORT][0]
        self.assertIn("gate-full", " ".join([first["rule"], *map(str, first["alternatives"])]))

    def test_a_mistake_is_named(self):
        broken = page_block("events").replace("at=\"start\">refused ", "at=\"start\">refuse ")
        self.write("mine/gate.xml", broken.replace("claim=\"refused\"", "claim=\"refusd\"").encode())
        result = self.run_program("rules", "check", "mine/gate.xml")
        self.assertEqual(result.status, USAGE)
        self.assertIn('mine/gate.xml:', result.messages())
        self.assertIn('did you mean "refused"?', result.messages())

    def test_a_sample_that_its_pattern_does_not_match_is_named(self):
        broken = page_block("events").replace("refused 192.0.2.20:51514: too many sessions</sample>",
                                              "refused nobody: too many sessions</sample>")
        self.write("mine/gate.xml", broken.encode())
        result = self.run_program("--rules", "mine", "case")
        self.assertEqual(result.status, USAGE)
        self.assertIn("the sample is not matched", result.messages())
