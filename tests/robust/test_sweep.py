# SPDX-License-Identifier: Apache-2.0
"""Archives of many captures: what one says does not hang on the others, and time grows with them."""
import resource
import shutil
import struct
import subprocess

from ground import OK, TOP, ProgramTest

SYN, RST, PSH, ACK = 2, 4, 8, 16
START = 1700000000
CLIENT, SERVER = 0xC0000200, 0xC6336407  # 192.0.2.0 and 198.51.100.7


def packet(client, port, to_server, flags, seq, ack, ttl=64, data=b""):
    ends = (client, SERVER) if to_server else (SERVER, client)
    ports = (port, 80) if to_server else (80, port)
    tcp = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 64240, 0, 0) + data
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(tcp), 0, 0x4000, ttl, 6, 0, *ends)
    return ip + tcp


def reset_connection(client, port, isn, far=0):
    """The packets of a connection that the server resets; far: hops from the server."""
    own, other = 64 - far, 63 + far
    return [packet(client, port, True, SYN, isn, 0, other),
            packet(client, port, False, SYN | ACK, isn + 500, isn + 1, own),
            packet(client, port, True, ACK, isn + 1, isn + 501, other),
            packet(client, port, True, PSH | ACK, isn + 1, isn + 501, other, b"hello"),
            packet(client, port, False, RST | ACK, isn + 501, isn + 6, own)]


def long_connection(host, n):
    """The packets of a connection, in n pieces."""
    whole = reset_connection(CLIENT + host, 2000, 100000 * host)
    data = [packet(CLIENT + host, 2000, True, PSH | ACK, 100000 * host + 6 + i,
                   100000 * host + 501, data=b"x") for i in range(3 * n)]
    return [(whole[:4] if i == 0 else []) + data[3 * i:3 * i + 3] + (whole[4:] if i == n - 1 else [])
            for i in range(n)]


def pcap(packets, seconds=0):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for i, one in enumerate(packets):
        out += struct.pack("<IIII", START + seconds, 1000 * i, len(one), len(one)) + one
    return out


def pcapng(packets, simple):
    """Packets a millisecond apart; those numbered in simple are blocks that tell no time."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 101, 0, 0))
    for i, one in enumerate(packets):
        stamp = START * 1000000 + 1000 * i
        head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xffffffff, len(one), len(one))
        out += block(3, struct.pack("<I", len(one)) + one) if i in simple else block(6, head + one)
    return out


class Times(ProgramTest):
    def test_packets_without_a_time(self):
        """They came after the one before; where there is none, nothing is measured from them."""
        packets = reset_connection(CLIENT, 2000, 7919) + reset_connection(CLIENT, 2001, 104729)
        for simple in ((), (1,), (0,), (5, 6), (2, 3, 4), range(10)):
            with self.subTest(simple=simple):
                self.write("x.pcapng", pcapng(packets, simple))
                told = self.json_of("x.pcapng").records("diagnosis")
                self.assertEqual([(d["frame"], d["sender"]) for d in told],
                                 [(5, "server"), (10, "server")])
                self.expect(OK, "-o", "x.html", "x.pcapng")
                if 0 not in simple:
                    for d in told:
                        self.assertLessEqual(d["duration_s"], 0.005)


class Sweep(ProgramTest):
    def cpu_of(self, folder, status=OK):
        """Seconds of processor that a run over the folder takes."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.expect(status, folder, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def check_growth(self, make, few):
        """Four times the files take about four times as long; what is tried each against each
        takes sixteen times or more."""
        cpu = []
        for n in (few, 4 * few):
            folder = f"{n}-files"
            for i in range(n):
                for name, content in make(i).items():
                    self.write(f"{folder}/{name}", content)
            cpu.append(self.cpu_of(folder))
            shutil.rmtree(self.folder / folder)
        self.assertLess(cpu[1], 9 * cpu[0] + 0.5, cpu)

    def test_captures_of_one_time(self):
        self.check_growth(lambda i: {f"{i}.pcap": pcap(
            reset_connection(CLIENT + i, 2000, 7919 * i) +
            reset_connection(CLIENT + i, 2001, 104729 * i))}, 300)

    def test_captures_of_both_ends(self):
        def both(i):
            return {f"{i}-{far}.pcap": pcap([p for port in range(2000, 2005) for p in
                                             reset_connection(CLIENT + i, port, 7919 * i, far)],
                                            3600 * i) for far in (0, 1)}
        self.check_growth(both, 150)

    def test_captures_of_one_server(self):
        """One day after the other, at one place."""
        self.check_growth(lambda i: {f"{i}.pcap": pcap(
            reset_connection(CLIENT + i, 2000, 7919 * i), 86400 * i)}, 1000)

    def test_log_of_many_hosts(self):
        cpu = []
        stamp = "2023-11-14T22:13:{:02}.5+00:00"
        server = pcap([p for i in range(100) for p in
                       reset_connection(CLIENT + i % 9, 2000 + i, 7919 * i)])
        for n in (800, 3200):
            lines = [f"{stamp.format(20 + 20 * i // n)} h{i} sshd[{i}]: Connection closed by "
                     f"192.0.2.{i % 9} port {2000 + i % 100} [preauth]\n" for i in range(n)]
            self.write(f"{n}/auth.log", "".join(lines).encode())
            self.write(f"{n}/server.pcap", server)
            cpu.append(self.cpu_of(str(n)))
        self.assertLess(cpu[1], 9 * cpu[0] + 0.5, cpu)

    def test_the_place_of_each_capture_is_told(self):
        for i in range(3):
            self.write(f"case/{'abc'[i]}.pcap",
                       pcap(reset_connection(CLIENT, 2000 + i, 7919 * i), 86400 * i))
        text = " ".join(self.expect(OK, "case").text().split())
        self.assertEqual(text.count("taken at the same place as case/a.pcap"), 2)

    def test_rings_of_two_hosts_in_one_folder(self):
        """The files of each are one capture, whatever part of the name says the host."""
        for names in ("web{host}_{file:05}_2023111422{file:02}00.pcap",
                      "2023111422{file:02}00-web{host}.pcap", "10.0.0.{host}.pcap{file}"):
            with self.subTest(names=names):
                given = []
                for host in (1, 2):
                    for i, piece in enumerate(long_connection(host, 4)):
                        name = names.format(host=host, file=i)
                        given.append(self.write(f"ring/{name}", pcap(piece, 60 * i)))
                result = self.json_of("ring")
                shutil.rmtree(self.folder / "ring")
                captures = result.records("capture")
                self.assertEqual([c["capture"] for c in captures], given)
                self.assertEqual([(c["series"]["file"], c["series"]["files"]) for c in captures],
                                 2 * [(i, 4) for i in (1, 2, 3, 4)])
                self.assertEqual(result.records("summary")[0]["connections"], 2)
                self.assertEqual([d.get("client_guessed", False)
                                  for d in result.records("diagnosis")], [False, False])

    def test_many_copies_of_a_capture_are_one(self):
        for i in range(150):
            self.write(f"copies/{i}.pcap", pcap(reset_connection(CLIENT, 2000, 7919)))
        told = self.json_of("copies")
        self.assertEqual(told.records("summary")[0]["connections"], 1)
        self.assertEqual([len(d["seen_in"]) for d in told.records("diagnosis")], [149])
        self.assertIn("and in 133 more captures", self.expect(OK, "copies").text())

    def test_what_two_captures_prove_stands_beside_any_other(self):
        pair = TOP / "samples" / "two-capture-forgery"
        other = TOP / "samples" / "ssh-max-startups" / "server.pcap"
        ends = [pair / "client.pcap", pair / "server.pcap"]

        def told(*paths):
            return [(r["capture"], r["frame"], r["sender"], r["mechanism"], r["cause"],
                     [(s["capture"], s["frame"]) for s in r.get("seen_in", [])])
                    for r in self.json_of(*paths).records("diagnosis")
                    if "two-capture" in r["capture"]]
        alone = told(*ends)
        self.assertIn("path", [one[2] for one in alone])
        self.assertEqual(told(other, *ends), alone)
        self.assertEqual(told(*ends, other), alone)
