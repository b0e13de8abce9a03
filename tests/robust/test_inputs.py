# SPDX-License-Identifier: Apache-2.0
"""Inputs of every kind, sound and broken: what is kept, what is told, and the exit status."""
import os
import random
import resource
import socket
import struct
import tarfile
import tempfile
import zipfile

from ground import (NO_INPUT, OK, PACKERS, SOME_FAILED, TOP, USAGE, ProgramTest, pcap_offsets,
                    tar_of, zip_of)


class Broken(ProgramTest):
    def test_random_bytes(self):
        self.write("noise", random.Random(7).randbytes(65536))
        self.expect(NO_INPUT, "noise", says=["whyrst: noise: ", "neither a capture nor text",
                                             "no capture, log or snapshot could be read"])

    def test_random_bytes_behind_each_magic_number(self):
        for magic in (b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a",
                      b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PK\3\4", b"LPKSHHRH",
                      b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x04\x22\x4d\x18"):
            with self.subTest(magic=magic):
                self.write("noise", magic + random.Random(3).randbytes(5000))
                self.expect(NO_INPUT, "noise", says="whyrst: noise: ")

    def test_random_damage_is_survived(self):
        dice = random.Random(11)
        for i in range(40):
            damaged = bytearray(self.pcap if i % 2 else self.log)
            for _ in range(dice.randrange(1, 60)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            self.write("damaged", bytes(damaged))
            status = self.run_program("-v", "damaged", "--format", "json").status
            self.assertIn(status, (OK, NO_INPUT))

    def test_empty_file(self):
        self.write("empty")
        self.expect(NO_INPUT, "empty", says="whyrst: empty: not used: the file is empty")

    def test_empty_file_beside_a_good_one(self):
        self.write("empty.log")
        self.expect(OK, self.write_case(), "empty.log", says="empty.log: not used: ")

    def test_nonexistent(self):
        self.expect(NO_INPUT, "nowhere", says="whyrst: nowhere: cannot open: No such file")

    def test_good_and_bad(self):
        case = self.write_case()
        alone = self.json_of(case)
        self.write("noise", random.Random(7).randbytes(4096))
        for bad in ("nowhere", "noise"):
            both = self.json_of(bad, case, status=SOME_FAILED, says=f"whyrst: {bad}: ")
            self.assertEqual(both.records("diagnosis"), alone.records("diagnosis"))
            self.assertFalse(both.records("summary")[0]["complete"])

    def test_binary_in_a_folder_is_listed_and_no_failure(self):
        self.write("case/noise", random.Random(7).randbytes(4096))
        self.assertIn("case/noise", self.skipped(self.write_case()))

    def test_folder_of_nothing_usable(self):
        self.write("junk/noise", random.Random(7).randbytes(4096))
        self.expect(NO_INPUT, "junk", says="junk/noise: not used: ")
        (self.folder / "hollow").mkdir()
        self.expect(NO_INPUT, "hollow", says="there is no file")

    def test_unreadable_folder(self):
        case = self.write_case()
        options = self.as_nobody()
        (self.folder / case).chmod(0o000)
        self.expect(NO_INPUT, case, says=f"whyrst: {case}: cannot open the folder: Permission",
                    **options)

    def test_unreadable_members(self):
        case = self.write_case()
        options = self.as_nobody()
        self.write("case/locked/x.log", self.log)
        self.write("case/secret.log", self.log)
        (self.folder / "case" / "locked").chmod(0o000)
        (self.folder / "case" / "secret.log").chmod(0o000)
        result = self.json_of(case, status=SOME_FAILED,
                              says=["case/locked: cannot open the folder: Permission denied",
                                    "case/secret.log: cannot open: Permission denied"], **options)
        self.assertTrue(result.records("diagnosis"))

    def test_folder_that_holds_itself(self):
        case = self.write_case()
        os.symlink("..", self.folder / case / "up")
        os.symlink("up", self.folder / case / "round")
        os.symlink("missing", self.folder / case / "dangling")
        self.assertEqual(self.skipped(case)["case/up"], "a symbolic link, not followed")

    def test_link_on_the_command_line_is_followed(self):
        os.symlink(self.write_case(), self.folder / "link")
        self.assertTrue(self.json_of("link").records("diagnosis"))

    def test_odd_members(self):
        case = self.write_case()
        os.mkfifo(self.folder / case / "pipe")
        # An address of a socket is short; the folder's own name may be long.
        with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as short:
            with socket.socket(socket.AF_UNIX) as end:
                end.bind(f"{short}/s")
                os.rename(f"{short}/s", self.folder / case / "socket")
                skipped = self.skipped(case)
        self.assertEqual((skipped["case/pipe"], skipped["case/socket"]), ("not a file",) * 2)

    def test_names_that_attack_terminals(self):
        self.write("case/\x1b[2J\u202e.log", self.log)
        result = self.expect(OK, self.write_case())
        self.assertNotIn("\x1b", result.text())
        self.assertNotIn("\u202e", result.text())


class CutCapture(ProgramTest):
    def test_cut_in_mid_packet(self):
        starts = pcap_offsets(self.pcap)
        keep = len(starts) * 2 // 3
        self.write("cut.pcap", self.pcap[:starts[keep] + 30])
        result = self.expect(OK, "cut.pcap", says=[
            f"cut.pcap: the file ends in mid-record at byte {starts[keep]}, "
            f"in what would have been frame {keep + 1}"])
        self.assertIn("TRUNCATED", result.text())
        capture = self.json_of("cut.pcap").records("capture")[0]
        self.assertEqual((capture["packets"], capture["truncated"]), (keep, True))
        self.expect(SOME_FAILED, "--strict", "cut.pcap")

    def test_damage_in_the_middle(self):
        starts = pcap_offsets(self.pcap)
        hurt = len(starts) // 2
        at = starts[hurt]
        self.write("hurt.pcap", self.pcap[:at + 8] + b"\xff" * 8 + self.pcap[at + 16:])
        result = self.expect(OK, "hurt.pcap", says=[
            f"{starts[hurt + 1] - at} bytes from byte {at} on make no sense and are passed over",
            f"reading goes on with frame {hurt + 1}"])
        self.assertIn("DAMAGED", result.text())
        capture = self.json_of("hurt.pcap").records("capture")[0]
        self.assertEqual((capture["packets"], capture["truncated"]), (len(starts) - 1, False))
        self.assertEqual(capture["bytes_skipped"], {"damaged-bytes": starts[hurt + 1] - at})
        self.assertEqual(capture["bytes"],
                         capture["bytes_analysed"] + sum(capture["bytes_skipped"].values()))
        self.assertEqual(len(capture["damaged_where"]), 1)
        self.expect(SOME_FAILED, "--strict", "hurt.pcap")

    def test_files_one_behind_the_other(self):
        starts = pcap_offsets(self.pcap)
        self.write("two.pcap", self.pcap + self.pcap)
        capture = self.json_of("two.pcap").records("capture")[0]
        self.assertEqual(capture["packets"], 2 * len(starts))
        self.assertEqual(capture["flaws"]["pcap.header-again"], 1)

    def test_cut_everywhere(self):
        starts = pcap_offsets(self.pcap)
        for at in range(0, starts[6] + 1, 7):
            self.write("cut.pcap", self.pcap[:at])
            whole = sum(1 for i in range(6) if starts[i + 1] <= at)
            result = self.run_program("--format", "json", "cut.pcap")
            if at < 24:
                self.assertEqual(result.status, NO_INPUT)
                continue
            capture = result.records("capture")[0]
            self.assertEqual((capture["packets"], result.status), (whole, OK))

    def test_zeros_in_the_midst(self):
        starts = pcap_offsets(self.pcap)
        cut = starts[len(starts) // 2]
        for n in (5000, (1 << 20) + 3, 5 << 20):
            with self.subTest(n=n):
                self.write("x.pcap", self.pcap[:cut] + bytes(n) + self.pcap[cut:])
                capture = self.json_of("x.pcap").records("capture")[0]
                self.assertEqual(capture["packets"], len(starts))
                self.assertEqual(sum(capture["bytes_skipped"].values()), n)

    def test_zeros_at_the_end(self):
        self.write("x.pcap", self.pcap + bytes(3 << 20))
        capture = self.json_of("x.pcap").records("capture")[0]
        self.assertEqual(capture["packets"], len(pcap_offsets(self.pcap)))

    def test_huge_comments_of_a_section(self):
        def block(kind, body):
            size = struct.pack("<I", len(body) + 12)
            return struct.pack("<I", kind) + size + body + size

        comments = (struct.pack("<HH", 1, 65000) + b"c" * 65000) * 40
        packets = b""
        for at in pcap_offsets(self.pcap):
            sec, us, caplen, origlen = struct.unpack_from("<IIII", self.pcap, at)
            time = sec * 10**6 + us
            packets += block(6, struct.pack("<IIIII", 0, time >> 32, time & 0xffffffff, caplen, origlen) +
                             self.pcap[at + 16:at + 16 + caplen] + bytes(-caplen % 4))
        self.write("x.pcapng", block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1) + comments) +
                   block(1, struct.pack("<HHI", 1, 0, 0)) + packets)
        capture = self.json_of("x.pcapng").records("capture")[0]
        self.assertEqual((capture["packets"], capture.get("flaws")), (len(pcap_offsets(self.pcap)), None))

    def test_sound_capture_has_no_caveat(self):
        result = self.expect(OK, self.write("x.pcap", self.pcap))
        self.assertEqual((result.err, "TRUNCATED" in result.text()), (b"", False))

    def test_cut_compressed(self):
        packed = PACKERS["gz"](self.pcap + self.pcap[24:] * 60)
        self.write("x.pcap.gz", packed[:-1000])
        result = self.json_of("x.pcap.gz", status=SOME_FAILED, says="x.pcap.gz: ")
        self.assertGreater(result.records("capture")[0]["packets"], 0)
        self.assertFalse(result.records("summary")[0]["complete"])


class OddLogs(ProgramTest):
    def lines_with(self, extra):
        return extra.join(self.log.splitlines(keepends=True)[:2]) + b"".join(
            self.log.splitlines(keepends=True)[2:])

    def links_of(self, *paths):
        return [[e for e in d["evidence"] if e["kind"] == "log"]
                for d in self.json_of(*paths).records("diagnosis")]

    def test_nul_bytes_and_long_lines(self):
        self.write("server.pcap", self.pcap)
        self.write("a/auth.log", self.log)
        plain = self.links_of("server.pcap", "a/auth.log")
        self.assertTrue(any(plain))
        tail = b"\0" * 5000 + b"\xff\xfe" + b"A" * (1 << 20) + b"\n" + b"B" * (1 << 20) + b"\0\n"
        self.write("a/auth.log", self.log + tail)
        self.assertEqual(self.links_of("server.pcap", "a/auth.log"), plain)
        shown = self.expect(OK, "a/auth.log").text()
        for flaw in ("log.line-cut", "log.nul-bytes"):
            self.assertIn(flaw, shown)

    def test_long_first_line(self):
        self.write("server.pcap", self.pcap)
        first = self.log.splitlines(keepends=True)[0]
        self.write("auth.log", first.rstrip(b"\n") + b" " + b"x" * (1 << 20) + b"\n" + self.log)
        self.assertTrue(any(self.links_of("server.pcap", "auth.log")))

    def test_one_line_without_an_end(self):
        self.write("auth.log", self.log.splitlines()[0])
        self.assertEqual(self.json_of("auth.log").records("log")[0]["lines"], 1)

    def test_line_ends_of_other_systems(self):
        self.write("server.pcap", self.pcap)
        self.write("auth.log", self.log)
        plain = [len(v) for v in self.links_of("server.pcap", "auth.log")]
        self.write("auth.log", self.log.replace(b"\n", b"\r\n"))
        self.assertEqual([len(v) for v in self.links_of("server.pcap", "auth.log")], plain)

    def test_what_editors_and_viewers_put_around_lines(self):
        self.write("server.pcap", self.pcap)
        self.write("auth.log", self.log)
        plain = [len(v) for v in self.links_of("server.pcap", "auth.log")]
        self.assertTrue(any(plain))
        lines = self.log.splitlines()
        for dressed in (b"\xef\xbb\xbf" + self.log, self.log.decode().encode("utf-16"),
                        b"\xfe\xff" + self.log.decode().encode("utf-16-be"),
                        b"\n".join(b"/var/log/auth.log:" + line for line in lines),
                        b"\n".join(b"auth.log:%d:%s" % (n, line) for n, line in enumerate(lines, 1)),
                        b"\n".join(b"\x1b[32m" + line + b"\x1b[0m" for line in lines)):
            self.write("auth.log", dressed)
            links = self.links_of("server.pcap", "auth.log")
            self.assertEqual([len(v) for v in links], plain)

    def test_escapes_in_a_log_are_shown_as_text(self):
        evil = self.log.replace(b"MaxStartups", b"MaxStartups\x1b]0;x\x07\x9b")
        self.write("case/auth.log", evil)
        self.write("case/server.pcap", self.pcap)
        shown = self.expect(OK, "-v", "case").out
        self.assertNotIn(b"\x1b", shown)
        shown.decode()

    def test_packets_as_tools_print_them(self):
        flow = "IP 192.0.2.1.40000 > 198.51.100.7.22: Flags [S], seq 7, win 64240, length 0\n"
        for text in (f"12:19:13.836032 {flow}", f"2026-11-28 12:19:13.836032 {flow}", flow,
                     "2026-11-28 12:19:13.836032 IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], "
                     f"proto TCP (6), length 60)\n    {flow[3:]}",
                     "    1   0.000000    192.0.2.1 \u2192 198.51.100.7 TCP 74 40000 \u2192 22 [SYN] "
                     "Seq=0 Win=64240 Len=0\n",
                     '[\n  {\n    "_index": "packets-2026-11-28",\n    "_source": {}\n  }\n]\n'):
            self.write("printed", text.encode())
            self.expect(NO_INPUT, "printed", says="printed: not used: packets as tcpdump or tshark "
                        "prints them, not as they were: give the capture itself")

    def test_a_log_may_speak_of_packets(self):
        line = b"2026-03-01T12:00:01+00:00 web tcpdump[7]: 12:19:13 IP 192.0.2.1.4 > 192.0.2.2.5: Flags [S]\n"
        self.write("tcpdump.log", line)
        log, = self.json_of("tcpdump.log").records("log")
        self.assertEqual(log["lines"], 1)

    def test_captures_of_other_makes(self):
        self.write("trace.cap", b"TRSNIFF data    \x1a\x01\0\x12\0\0\0\x04")
        self.expect(NO_INPUT, "trace.cap", says="Sniffer capture: not read by this program, but what "
                    "editcap -F pcapng makes of it is")

    def test_text_that_looks_like_no_log(self):
        case = self.write_case()
        self.write("notes", b"hello\nnothing here\n")
        self.expect(OK, case, "notes", says="notes: not used: text, but its first lines are not "
                    "those of a log or a known snapshot (--as log:PATH reads it as a log)")
        logs = self.json_of("--as", "log:notes", case, "notes").records("log")
        self.assertIn(("notes", 2), [(log["file"], log["lines"]) for log in logs])


class Packed(ProgramTest):
    def names(self, result, kind):
        return [r["capture" if kind == "capture" else "file"] for r in result.records(kind)]

    def test_compressed_captures(self):
        self.write("plain.pcap", self.pcap)
        plain = self.json_of("plain.pcap").records("diagnosis")
        for extension, pack in PACKERS.items():
            with self.subTest(extension=extension):
                name = self.write(f"x.pcap.{extension}", pack(self.pcap))
                result = self.json_of(name)
                self.assertEqual(self.names(result, "capture"), [name])
                self.assertEqual([d["frame"] for d in result.records("diagnosis")],
                                 [d["frame"] for d in plain])

    def test_no_room_for_copies_of_members(self):
        ring = sorted((TOP / "samples" / "ring-split").glob("*.pcap"), reverse=True)
        self.write("ring.tar", tar_of({path.name: path.read_bytes() for path in ring}, "w"))
        self.assertEqual(self.expect(OK, "ring.tar").err, b"")
        result = self.json_of("ring.tar", says="for want of room for copies", preexec_fn=lambda:
                              resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
        flaws = [one.get("flaws", {}) for one in result.records("capture")]
        self.assertTrue(any("input.no-room-for-a-copy" in one for one in flaws), flaws)

    def test_archives_in_an_archive(self):
        inner = tar_of({"auth.log": self.log})
        self.write("ticket.zip", zip_of({"report.tar.gz": inner, "server.pcap": self.pcap}))
        plain = self.json_of(self.write_case()).records("diagnosis")
        result = self.json_of("ticket.zip")
        self.assertEqual(self.names(result, "log"), ["ticket.zip!report.tar.gz!auth.log"])
        self.assertEqual([d["confidence"] for d in result.records("diagnosis")],
                         [d["confidence"] for d in plain])

    def test_bundle(self):
        members = {"var/log/auth.log": self.log, "server.pcap.gz": PACKERS["gz"](self.pcap)}
        for name, packed in (("bundle.tar.gz", tar_of(members)),
                             ("bundle.tar", tar_of(members, "w")),
                             ("bundle.tar.xz", tar_of(members, "w:xz")),
                             ("bundle.zip", zip_of(members))):
            with self.subTest(name=name):
                self.write(name, packed)
                result = self.json_of(name)
                self.assertEqual(self.names(result, "log"), [f"{name}!var/log/auth.log"])
                self.assertEqual(self.names(result, "capture"), [f"{name}!server.pcap.gz"])
                files = {e["file"] for d in result.records("diagnosis") for e in d["evidence"]
                         if e["kind"] == "log"}
                self.assertEqual(files, {f"{name}!var/log/auth.log"})

    def test_members_that_point_outside(self):
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        device = tarfile.TarInfo("null")
        device.type = tarfile.CHRTYPE
        self.write("x.tar", tar_of({"../../up.log": self.log, "link": link, "null": device,
                                    "/abs.pcap": self.pcap}, "w"))
        skipped = self.skipped("x.tar")
        self.assertEqual(skipped["x.tar!link"], "a link or a device, not a file")
        self.assertEqual(skipped["x.tar!null"], "a link or a device, not a file")
        self.assertEqual(sorted(os.listdir(self.folder)), ["x.tar"])

    def test_damaged_archive_keeps_what_came_before(self):
        dice = random.Random(5)
        packed = tar_of({"server.pcap": self.pcap, "auth.log": self.log,
                         "noise": dice.randbytes(300000)})
        self.write("x.tar.gz", packed[:len(packed) - 100000])
        result = self.json_of("x.tar.gz", status=SOME_FAILED, says="x.tar.gz")
        self.assertTrue(result.records("diagnosis"))

    def test_encrypted_zip_member(self):
        packed = bytearray(zip_of({"x.log": self.log}, zipfile.ZIP_STORED))
        packed[6] |= 1
        packed[packed.rindex(b"PK\1\2") + 8] |= 1
        self.write("x.zip", bytes(packed))
        self.expect(NO_INPUT, "x.zip", says="x.zip!x.log: encrypted")

    def test_packed_twice(self):
        self.write("server.pcap.gz", PACKERS["gz"](PACKERS["gz"](self.pcap)))
        self.assertTrue(self.json_of("server.pcap.gz").records("diagnosis"))

    def test_bombs(self):
        info = tarfile.TarInfo("zeros")
        info.size = 8 << 26
        self.write("bomb.tgz", PACKERS["gz"](info.tobuf()) + PACKERS["gz"](b"\0" * (1 << 26)) * 8)
        self.expect(NO_INPUT, "bomb.tgz", says="bomb.tgz: unpacks to more than 300 times its size")
        line = b"Jun 15 12:00:01 h a[1]: " + b"x" * 1000 + b"\n"
        unit = PACKERS["gz"](line * ((16 << 20) // len(line)))
        self.write("log.gz", PACKERS["gz"](unit * 20))
        self.expect(SOME_FAILED, "log.gz", says="log.gz: unpacks to more than 300 times its size")
        self.write("server.pcap", self.pcap)
        result = self.json_of("bomb.tgz", "server.pcap", status=SOME_FAILED)
        self.assertTrue(result.records("diagnosis"))


class StandardInput(ProgramTest):
    def test_capture(self):
        result = self.json_of("-", input=self.pcap)
        self.assertEqual(result.records("capture")[0]["capture"], "-")
        self.assertTrue(result.records("diagnosis"))

    def test_pipe_may_be_packed(self):
        names = {"x.tar.gz": tar_of({"server.pcap": self.pcap, "auth.log": self.log}),
                 "x.pcap.gz": PACKERS["gz"](self.pcap)}
        for name, packed in names.items():
            with self.subTest(name=name):
                self.assertTrue(self.json_of("-", input=packed).records("diagnosis"))

    def test_beside_files(self):
        self.write("auth.log", self.log)
        result = self.json_of("-", "auth.log", input=self.pcap)
        self.assertTrue(any(e["kind"] == "log" for d in result.records("diagnosis")
                            for e in d["evidence"]))

    def test_empty(self):
        self.expect(NO_INPUT, "-", input=b"", says="whyrst: -: not used: the file is empty")

    def test_closed(self):
        self.expect(NO_INPUT, "-", preexec_fn=lambda: os.close(0),
                    says="whyrst: -: standard input is closed, or not for reading")

    def test_nothing_given(self):
        result = self.expect(USAGE, says="usage: whyrst")
        self.assertEqual(result.out, b"")
