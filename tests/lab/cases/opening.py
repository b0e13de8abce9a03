# SPDX-License-Identifier: Apache-2.0
"""Connections that never came to be: closed ports, scans, probes, full queues, firewalls,
echoes."""
import time

import daemons
import rawpacket
from case import case
from daemons import wait_for
from pcapfile import ACK, RST, SYN


def refused(c, port, n=1, client=None):
    """Connects to a port where nothing accepts; returns the client ports that were used."""
    ports = []
    for _ in range(n):
        s = (client or c.client).socket()
        s.settimeout(3)
        s.bind(((client or c.client).addr, 0))
        ports.append(s.getsockname()[1])
        try:
            s.connect((c.server.addr, port))
        except OSError:
            pass
        s.close()
        c.pause(0.05, 0.3)
    return ports


@case(
    "port-closed-and-service-down",
    "A port that never listened, and a service that was stopped for a while",
)
def closed_and_down(c, port=6379):
    """
    One client knocks at a port where nothing ever listens.  Others use redis; redis is stopped
    (SIGTERM), refused connections follow, and it is started again.  redis logs to syslog.

    The reader should see: `port-closed` for the first; `service-down` for those between redis's
    "bye bye" and its "Ready to accept connections".
    """
    c.stage()
    style = (
        f"port {port}\nbind * -::*\nprotected-mode no\nsyslog-enabled yes\n"
        f"syslog-ident redis\nsave \"\"\nlogfile \"\"\n"
    )
    c.server.write("/etc/redis-lab.conf", style)
    c.watch()

    def start():
        p = c.server.spawn("redis-server", "/etc/redis-lab.conf")
        wait_for(lambda: daemons.listening(c.server, port), "redis")
        return p

    def use():
        s = c.client.connect(c.server.addr, port)
        s.sendall(b"PING\r\n")
        s.recv(64)
        s.close()

    redis = start()
    use()
    other = c.rng.choice([81, 3000, 5601, 8081, 9200])
    for p in refused(c, other, c.rng.randrange(1, 3)):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, other),
            sender="server",
            phase="opening",
            mechanism="refused",
            cause=["port-closed"],
        )
    c.pause(0.5, 1.0)
    use()
    redis.terminate()
    redis.wait(5)
    c.pause(0.2, 0.5)
    for p in refused(c, port, c.rng.randrange(3, 6)):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, port),
            sender="server",
            phase="opening",
            mechanism="refused",
            cause=["service-down", "service-restart"],
            logs=[("syslog", r"redis\[\d+\]: Redis is now ready to exit, bye bye")],
            logs_ok=[("syslog", r"redis\[")],
        )
    start()
    use()
    c.truth.absent += [("syslog", r"rsyslogd|DB loaded|oO0OoO0Oo")]


@case("port-scan", "An nmap SYN scan and an nmap connect scan")
def port_scan(c):
    """
    nmap scans a dozen or so ports twice: raw (-sS), where the scanner's own kernel answers each
    SYN-ACK with a bare RST, and by connect (-sT).  Two ports are open, the rest closed.  Ordinary
    connections run beside it.

    The reader should see: one scan, of no consequence, not two dozen faults.
    """
    c.stage(log=False)
    ports = c.rng.sample(
        [
            21,
            23,
            25,
            53,
            80,
            110,
            111,
            143,
            389,
            443,
            445,
            465,
            587,
            993,
            995,
            3306,
            3389,
            5432,
            5900,
            6379,
            8000,
            8443,
            9200,
            11211,
        ],
        c.rng.randrange(10, 15),
    )
    opened = c.rng.sample(ports, 2)
    listeners = [c.server.listen(p) for p in opened]
    c.watch()
    c.ordinary(8080)
    scanner = c.addresses()[0 if c.ip == 4 else 1]
    c.client.add_address(scanner)
    six = ["-6"] if c.ip == 6 else []
    text = ",".join(map(str, ports))
    for kind in ("-sS", "-sT"):
        c.client.run(
            "nmap",
            *six,
            kind,
            "-n",
            "-Pn",
            "--max-retries",
            "1",
            "-T4",
            "-S",
            scanner,
            "-e",
            c.client.ifnames[0],
            "-p",
            text,
            c.server.addr,
            check=False,
        )
        c.pause(0.2, 0.5)
    for s in listeners:
        s.close()
    c.truth.every(
        (c.server.addr, None),
        sender="auto",
        phase="opening",
        mechanism=["refused"],
        cause=["port-scan", "port-closed"],
        by_sender={
            "client": {"mechanism": ["abandoned-open"], "cause": ["port-scan", "half-open-probe"]}
        },
    )


@case("half-open-probe", "Health checks that never speak: HAProxy's TCP check and a raw SYN prober")
def half_open(c):
    """
    HAProxy checks a backend (`check inter 600ms`): SYN, SYN-ACK, RST+ACK, for it closes with
    linger 0 and quick ACKs off.  A raw prober sends a SYN every second and lets its kernel answer
    the SYN-ACK with a bare RST. A third checker completes the handshake and resets at once.

    The reader should see: probes, harmless; the requests beside them end in order.
    """
    c.stage(log=False)
    listener = c.server.listen(8000)
    listener.setblocking(False)
    c.watch()
    where = f"[{c.server.addr}]" if c.ip == 6 else c.server.addr
    proxy = daemons.haproxy(
        c.client,
        f"defaults\n mode tcp\n timeout connect 2s\n timeout client 9s\n timeout server 9s\n"
        f"listen app\n bind 127.0.0.1:9000\n server s1 {where}:8000 check inter 600ms\n",
    )
    for _ in range(3):
        sport = c.rng.randrange(20000, 30000)
        rawpacket.send(
            c.client,
            rawpacket.tcp(
                c.client.addr,
                sport,
                c.server.addr,
                8000,
                SYN,
                seq=c.rng.getrandbits(32),
                window=1024,
            ),
            c.server.addr,
        )
        c.pause(0.5, 0.8)
        s = c.client.connect(c.server.addr, 8000)
        daemons.abort(s)
    proxy.terminate()
    c.ordinary(8080)
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            break
    listener.close()
    c.truth.every(
        (c.server.addr, 8000),
        sender="client",
        phase="opening",
        mechanism=["abandoned-open"],
        cause=["half-open-probe", "port-scan"],
        by_reason={"TCP_STATE": ("idle-open", ["abandoned-open", "abort"])},
    )


@case("listen-backlog-overflow", "A full accept queue with tcp_abort_on_overflow")
def overflow(c, crowd=14):
    """
    A server that accepts nothing for a while has a small backlog and `tcp_abort_on_overflow =
    1`.  Early clients take all places but one, then a crowd connects at once: handshakes that
    race for the last place are reset after their third packet; the SYNs of those that come later
    are dropped and sent again.  `nstat` is in host/.

    The reader should see: the listen queue was full.
    """
    c.stage(delay=c.rng.choice([0.01, 0.025]), log=False)
    c.server.sysctl("net.ipv4.tcp_abort_on_overflow=1", "net.ipv4.tcp_syncookies=0")
    places = c.rng.randrange(5, 9)
    listener = c.server.listen(9090, backlog=places)
    c.watch()
    c.ordinary(8080)
    crowd_ = [c.client.connect(c.server.addr, 9090) for _ in range(places)]
    for _ in range(crowd):
        s = c.client.socket()
        s.setblocking(False)
        try:
            s.connect((c.server.addr, 9090))
        except BlockingIOError:
            pass
        crowd_.append(s)
    c.pause(0.6, 0.8)
    c.snapshot(
        c.server,
        "nstat.txt",
        "nstat",
        "-az",
        "TcpExtListenOverflows",
        "TcpExtListenDrops",
        "TcpOutRsts",
        "TcpExtTCPReqQFullDrop",
    )
    c.snapshot(c.server, "ss-ltn.txt", "ss", "-ltn")
    for s in crowd_:
        s.setblocking(False)
        try:
            s.recv(1)
        except OSError:
            pass
    listener.setblocking(True)
    taken = []
    end = time.time() + 2.0
    listener.settimeout(0.3)
    while time.time() < end:
        try:
            taken.append(listener.accept()[0])
        except OSError:
            pass
    for s in crowd_:
        s.close()
    c.pause(0.2)
    for s in taken:
        s.close()
    c.truth.every(
        (c.server.addr, 9090),
        sender="server",
        phase="opening",
        mechanism=["refused-late"],
        cause=["listen-backlog-overflow"],
    )


@case("port-reuse-collision", "A client comes back on a 4-tuple that the server still holds")
def collision(c, rounds=3):
    """
    A client loses its sockets without a word (as by a power cut) and connects again from the same
    ports.  The server still holds the old connections: it answers the SYN with a plain ACK of old
    numbers, the client resets that number, the SYN comes again and succeeds.

    The reader should see: a collision with an old connection; the new one lives.
    """
    c.stage(log=False)
    listener = c.server.listen(7000)
    c.watch()
    for _ in range(c.rng.randrange(2, rounds + 1)):
        sport = c.rng.randrange(40000, 60000)
        old = c.client.connect(c.server.addr, 7000, sport=sport)
        kept, _ = listener.accept()
        old.sendall(c.text(10, 300))
        kept.sendall(c.text(10, 300))
        c.pause(0.2, 0.4)
        c.client.forget(old)
        c.pause(0.3, 0.8)
        new = c.client.connect(c.server.addr, 7000, sport=sport)
        fresh, _ = listener.accept()
        new.sendall(c.text(10, 300))
        fresh.recv(4096)
        new.close()
        c.pause(0.05)
        fresh.close()
        try:
            kept.recv(4096)
            kept.recv(4096)
        except OSError:
            pass
        kept.close()
        c.pause(0.2)
    c.truth.every(
        (c.server.addr, 7000),
        sender="client",
        phase="opening",
        mechanism=["collision"],
        cause=["port-reuse-collision"],
    )
    c.ordinary(8080)


@case("backscatter", "Answers to somebody else's forged SYNs")
def backscatter(c):
    """
    Somebody floods distant servers with SYNs that carry this host's address.  Their answers
    arrive here: SYN-ACKs, which this kernel answers with bare RSTs, and RST+ACKs of closed
    ports.  No SYN ever left this host.

    The reader should see: backscatter, nothing wrong here.
    """
    c.stage(log=False, captures=("client",))
    c.watch()
    c.ordinary(8080)
    six = c.ip == 6
    for n in range(c.rng.randrange(4, 7)):
        far = (
            f"2001:db8:77::{c.rng.randrange(1, 65000):x}"
            if six
            else f"203.0.113.{c.rng.randrange(2, 250)}"
        )
        sport, mine = c.rng.choice([80, 443, 22]), c.rng.randrange(1024, 65000)
        flags = SYN | ACK if n % 3 != 2 else RST | ACK
        if flags & SYN:
            c.server.add_address(far)
        rawpacket.send(
            c.server,
            rawpacket.tcp(
                far,
                sport,
                c.client.addr,
                mine,
                flags,
                seq=c.rng.getrandbits(32) if flags & SYN else 0,
                ack=c.rng.getrandbits(32),
                window=29200 if flags & SYN else 0,
                ttl=c.rng.randrange(44, 60),
            ),
            c.client.addr,
        )
        c.pause(0.1, 0.4)
        if flags & SYN:
            c.truth.add(
                (c.client.addr, mine),
                (far, sport),
                sender="client",
                phase="opening",
                mechanism="unexpected-synack",
                cause=["backscatter"],
            )
        else:
            c.truth.add(
                (c.client.addr, mine),
                (far, sport),
                sender="server",
                phase="opening",
                kernel=False,
                mechanism=["refused", "undetermined"],
                cause=["backscatter", "undetermined"],
            )


@case(
    "firewall-reject",
    "A router that rejects with a TCP reset, and a host firewall that does the same",
)
def firewall(c):
    """
    The router's forward chain logs and rejects one port (`reject with tcp reset`) in the server's
    name; the server's own input chain logs and rejects another, where a service does listen; a
    third port is simply closed.  Captures on both sides of the router; kernel logs of both.

    The reader should see: `firewall-reject` with the log lines for the first two, `port-closed`
    for the third.
    """
    c.stage(routed=True, captures=("client", "server"))
    far, own, shut = c.rng.sample([23, 445, 3306, 3389, 5432, 8443, 9100], 3)
    c.router.nft(
        f"""table inet filter {{
      chain forward {{
        type filter hook forward priority 0
        tcp dport {far} log prefix "FWD-REJECT: " reject with tcp reset
      }}
    }}\n"""
    )
    c.server.nft(
        f"""table inet filter {{
      chain input {{
        type filter hook input priority 0
        tcp dport {own} log prefix "IN-REJECT: " reject with tcp reset
      }}
    }}\n"""
    )
    listeners = [c.server.listen(p) for p in (far, own)]
    c.watch()
    c.ordinary(8080)
    two = c.rng.randrange(2, 4)
    for p in refused(c, far, two):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, far),
            sender="path",
            phase="opening",
            mechanism=["rejected-in-path"],
            cause=["firewall-reject"],
            logs=[("router/kern.log", rf"FWD-REJECT: .*SPT={p} ")],
            logs_ok=[],
        )
    for p in refused(c, own, two):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, own),
            sender="server",
            phase="opening",
            kernel=False,
            mechanism=["refused"],
            cause=["firewall-reject"],
            logs=[("server/kern.log", rf"IN-REJECT: .*SPT={p} ")],
        )
    for p in refused(c, shut, two):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, shut),
            sender="server",
            phase="opening",
            mechanism="refused",
            cause=["port-closed"],
        )
    c.snapshot(c.server, "ss-ltn.txt", "ss", "-ltn")
    for s in listeners:
        s.close()
