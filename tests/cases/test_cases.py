#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judge judged: the contract and the score must see each kind of mistake."""
import copy
import json
import unittest

import contract
import oracle
import score

END_C, END_S = {"ip": "192.0.2.33", "port": 51514}, {"ip": "198.51.100.7", "port": 22}
CAPTURE = {"type": "capture", "capture": "server.pcap", "format": "pcap", "link_types": ["EN10MB"],
           "packets": 9, "bytes": 900, "truncated": False, "skipped": {}, "rst_skipped": []}
DIAGNOSIS = {
    "type": "diagnosis", "id": "c1-000001", "capture": "server.pcap", "frame": 7,
    "time": "2026-10-22T12:09:10.123456Z", "client": END_C, "server": END_S, "stream": 0,
    "sender": "server", "phase": "idle-open", "mechanism": "abort", "cause": "ssh-max-startups",
    "severity": "fault", "confidence": 0.97, "title": "t", "explanation": "e", "rst_frames": [7],
    "seen_in": [{"capture": "client.pcap", "frame": 5}],
    "evidence": [{"kind": "log", "file": "auth.log", "line": 3, "match": "tuple",
                  "event": "ssh.drop-connection", "text": "x"}]}
SUMMARY = {"type": "summary", "whyrst": "0.1.0", "packets": 9, "connections": 1,
           "reset_connections": 1, "log_lines": 9, "events": 1, "diagnoses": 1, "attempts": 0,
           "unmatched_logs": 0, "by_cause": {"ssh-max-startups": 1}, "by_severity": {"fault": 1},
           "inputs_skipped": [], "complete": True}
TRUTH = {"connections": [{
    "client": "192.0.2.33:51514", "server": "198.51.100.7:22", "capture": "server.pcap",
    "rst_frame": 7, "rst_frames": [7], "sender": "server", "phase": "idle-open",
    "mechanism": ["abort"], "cause": ["ssh-max-startups", "application-abort"],
    "severity": "fault", "logs": [{"file": "auth.log", "line": 3}], "logs_ok": [],
    "aka": [{"capture": "client.pcap", "rst_frame": 5}]}],
    "absent_logs": [{"file": "auth.log", "line": 9}], "unmatched_logs": []}


def output(*records):
    return "".join(json.dumps(r) + "\n" for r in records).encode()


def faults(*records):
    return contract.faults_of(output(*records))[1]


def with_changes(record, **changes):
    changed = copy.deepcopy(record)
    changed.update(changes)
    return changed


def failures(*records, truth=None):
    return score.judge(truth or TRUTH, list(records)).failures


class Contract(unittest.TestCase):
    def test_sound_output_has_no_fault(self):
        self.assertEqual(faults(CAPTURE, DIAGNOSIS, SUMMARY), [])

    def test_each_mistake_is_seen(self):
        for name, value in (("sender", "nobody"), ("phase", None), ("confidence", 1.5),
                            ("time", "2026-10-22 12:09:10"), ("stream", "0"), ("frame", 0),
                            ("client", {"ip": "somewhere"}), ("surprise", 1), ("rst_frames", [8]),
                            ("evidence", [{"kind": "rumour"}])):
            with self.subTest(name=name):
                self.assertTrue(faults(CAPTURE, with_changes(DIAGNOSIS, **{name: value}), SUMMARY))

    def test_order(self):
        earlier = with_changes(DIAGNOSIS, id="c1-000002", time="2026-10-22T12:09:10.1Z")
        self.assertTrue(faults(DIAGNOSIS, CAPTURE, SUMMARY))
        self.assertTrue(faults(CAPTURE, DIAGNOSIS))
        self.assertTrue(faults(CAPTURE, DIAGNOSIS, earlier, SUMMARY))
        self.assertEqual(faults(CAPTURE, earlier, DIAGNOSIS, SUMMARY), [])

    def test_bad_json(self):
        for bad in (b'{"a":NaN}\n', b'{"type":"summary","type":"log"}\n', b"\xff\n", b"{}"):
            with self.subTest(bad=bad):
                self.assertTrue(contract.faults_of(bad)[1])


class Oracle(unittest.TestCase):
    def setUp(self):
        self.known = {7: 0}
        self.saved = oracle.resets, oracle.os.path.isfile
        oracle.resets = lambda path: self.known
        oracle.os.path.isfile = lambda path: path.endswith("server.pcap")

    def tearDown(self):
        oracle.resets, oracle.os.path.isfile = self.saved

    def test_agreement(self):
        self.assertEqual(list(oracle.faults_of([CAPTURE, DIAGNOSIS], ".")), [])

    def test_disagreement(self):
        skipped = with_changes(CAPTURE, rst_skipped=[{"frame": 7, "reason": "bad-checksum"}])
        self.assertTrue(list(oracle.faults_of([skipped, DIAGNOSIS], ".")))
        self.known = {7: 1}
        self.assertTrue(list(oracle.faults_of([CAPTURE, DIAGNOSIS], ".")))
        self.known = {7: 0, 8: 0}
        self.assertTrue(list(oracle.faults_of([CAPTURE, DIAGNOSIS], ".")))
        self.known = {}
        self.assertTrue(list(oracle.faults_of([CAPTURE, DIAGNOSIS], ".")))


class Score(unittest.TestCase):
    def test_right_answer(self):
        self.assertEqual(failures(CAPTURE, DIAGNOSIS), [])

    def test_other_vantage_is_the_same_event(self):
        other = with_changes(DIAGNOSIS, capture="client.pcap", frame=5, rst_frames=[5], seen_in=[])
        self.assertEqual(failures(CAPTURE, other), [])

    def test_wrong_answers(self):
        for name, value in (("sender", "client"), ("mechanism", "injected"), ("severity", "notice"),
                            ("cause", "oom-kill"), ("phase", "active"), ("client", END_S)):
            with self.subTest(name=name):
                self.assertEqual(len(failures(with_changes(DIAGNOSIS, **{name: value}))), 1)

    def test_missed_and_invented(self):
        self.assertEqual(len(failures(CAPTURE)), 1)
        twin = with_changes(DIAGNOSIS, id="c1-000002", frame=8, rst_frames=[8], seen_in=[])
        self.assertEqual(len(failures(DIAGNOSIS, twin)), 1)

    def test_links(self):
        row = DIAGNOSIS["evidence"][0]
        self.assertEqual(len(failures(with_changes(DIAGNOSIS, evidence=[]))), 1)
        wrong = [row, dict(row, line=4)]
        self.assertEqual(len(failures(with_changes(DIAGNOSIS, evidence=wrong))), 1)

    def test_one_of_several_lines(self):
        other = {"file": "kern.log", "line": 1}
        truth = copy.deepcopy(TRUTH)
        truth["connections"][0].update(logs=[], logs_any=[other, {"file": "auth.log", "line": 3}])
        self.assertEqual(failures(DIAGNOSIS, truth=truth), [])
        self.assertEqual(len(failures(with_changes(DIAGNOSIS, evidence=[]), truth=truth)), 1)

    def test_unmatched_lines(self):
        told = {"type": "unmatched-log", "file": "auth.log", "line": 5, "event": "e",
                "cause": "reset-not-captured", "why": "w"}
        truth = dict(TRUTH, unmatched_logs=[{"file": "auth.log", "line": 5}])
        self.assertEqual(failures(DIAGNOSIS, told, truth=truth), [])
        self.assertEqual(len(failures(DIAGNOSIS, truth=truth)), 1)
        self.assertEqual(len(failures(DIAGNOSIS, told)), 1)

    def test_calibration(self):
        judged = score.judge(TRUTH, [with_changes(DIAGNOSIS, cause="oom-kill")])
        self.assertEqual(score.calibration(judged)[0], (0.95, 1, 0, 0.97))
        self.assertEqual(score.figures(judged)["confident_right"], 0.0)

    def test_best_cause(self):
        second = score.judge(TRUTH, [with_changes(DIAGNOSIS, cause="application-abort")])
        self.assertEqual(second.failures, [])
        self.assertEqual(score.figures(second)["best_cause"], 0.0)


if __name__ == "__main__":
    unittest.main()
