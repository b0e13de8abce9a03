# SPDX-License-Identifier: Apache-2.0
"""What needs a kernel of its own: a full connection table, too many orphans, systemd, a boot."""
import os
import socket
import time

from case import again, case
from cases.endpoint import SERVICE
from daemons import FILES, RSYSLOG, abort, wait_for
import guest
import net
from talk import drain, end, exchange, meet

GIVER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "giver.py")
KERNEL_LOG = RSYSLOG.replace(' LogPath="/dev/klog"', "").format(
    template="", files=FILES.format(kern=";kern.none"), forward="", own_clock=""
)
TRACK = ("nf_conntrack", "iptable_filter", "ip6table_filter", "xt_conntrack", "nf_log_syslog")


def logger(c, host):
    style = "$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n" if c.log_style == "bsd" else ""
    host.write("/etc/rsyslog-lab.conf", style + KERNEL_LOG)
    return "rsyslogd -f /etc/rsyslog-lab.conf -i /run/rsyslogd.pid"


def guest_router(c, setup, modules=TRACK, captures=("client", "server")):
    """Client, router with a kernel of its own, server."""
    c.client, c.router, c.server = c.host("client"), c.host("router"), c.host("server")
    ic, inside = net.join(c.client, c.router, offloads=False)
    outside, is_ = net.join(c.router, c.server, offloads=False)
    net.give(c.client, ic, *c.addresses(), via=("192.0.2.1", "2001:db8:1::1"))
    net.give(
        c.server, is_, *c.addresses("198.51.100", "2001:db8:2"),
        via=("198.51.100.1", "2001:db8:2::1"),
    )
    c.inside, c.outside, c.cable = inside, outside, None
    c.planned = c.spec["shape"].get("captures", captures)
    forward = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1\n"
    c.box = guest.Guest(
        c.router,
        [(inside, "192.0.2.1", "2001:db8:1::1"), (outside, "198.51.100.1", "2001:db8:2::1")],
        modules=modules,
        setup=forward + logger(c, c.router) + "\n" + setup,
    )
    return c.box


def unanswered(sock):
    """Whether the kernel is sending a segment of this socket again (tcpi_retransmits)."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 16)[2] > 0


def tracking(room, idle):
    """Forwards what belongs to a connection; has room for so many and forgets idle ones."""
    return f"""for x in iptables ip6tables; do
  $x-legacy -A FORWARD -m conntrack --ctstate NEW,ESTABLISHED,RELATED -j ACCEPT
done
sysctl -qw net.netfilter.nf_conntrack_max={room}
sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established={idle}
"""


@case("conntrack-table-full", "A router's connection table is full, and clients give up")
def table_full(c, port=5433, room=24):
    """
    The router tracks connections and has room for a couple of dozen (`nf_conntrack_max`), and
    forgets idle ones after six seconds.  Clients log in and fall silent; a crowd takes all the
    places.  When the clients speak again their segments have no entry and get none: the router's
    kernel says "nf_conntrack: table full, dropping packet", the segments are sent again in vain
    until the client's program loses patience and aborts (SO_LINGER 0).  One client that never
    fell silent keeps its place and ends in order.

    The reader should see: retransmissions into a full table, then the client gave up.
    """
    guest_router(
        c,
        tracking(room, 6),
    )
    listener = c.server.listen(port)
    crowd = c.server.listen(8080)
    c.watch(expression=f"tcp port {port} or icmp or icmp6")  # the crowd is not of interest
    live = meet(c, listener, port)
    group = [meet(c, listener, port) for _ in range(c.rng.randrange(3, 5))]
    for a, b, _ in [live, *group]:
        exchange(c, a, b)
    began = time.monotonic()
    while time.monotonic() < began + 7.5:
        c.say(live[0], live[1])
        time.sleep(0.4)
    taken = []
    for _ in range(room * 2):  # the crowd, more than there are places
        s = c.client.socket()
        s.setblocking(False)
        try:
            s.connect((c.server.addr, 8080))
        except OSError:
            pass
        taken.append(s)
        time.sleep(0.01)
    crowd.settimeout(0.01)

    def talk(seconds):  # the crowd keeps its places by talking
        end_at = time.monotonic() + seconds
        while time.monotonic() < end_at:
            for s in taken:
                try:
                    s.send(b"x")
                except OSError:
                    pass
            c.say(live[0], live[1])
            time.sleep(0.2)

    talk(1.2)
    for a, b, _ in group:
        a.sendall(c.text(10, 200))
    talk(c.rng.uniform(2.2, 3.2))
    for a, b, mine in group:
        if not unanswered(a):  # its segment found a place that had just become free
            end(a)
            end(b)
            continue
        abort(a)
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="client",
            phase="active",
            mechanism=["gave-up", "abort"],
            cause=["conntrack-table-full", "client-abort"],
            capture="client.pcap",
            logs=[("kern.log", r"nf_conntrack: table full, dropping packet")],
            one_of=True,
        )
        c.pause(0.1)
    if not c.truth.claims:
        raise RuntimeError("every segment found a place")
    c.snapshot_guest(c.box, "conntrack.txt", "sysctl net.netfilter")
    for s in taken:
        s.close()
    end(live[0])
    live[1].close()


again(table_full, "conntrack-table-full-v6", "A full connection table", ip=6, graded=True,
      shape=dict(log_style="bsd"))


def table_full_elsewhere(c, port=5434):
    """
    A router's connection table is full and says so, but for the connections at hand there is room:
    they were there first and talk all the time.  The server has forgotten two of them without a
    word (TCP_REPAIR, then close), and what their clients say next draws bare RSTs.

    The reader should see: the server no longer knew the connections; the full table is no proof.
    """
    guest_router(c, tracking(24, 9))
    listener = c.server.listen(port)
    crowd = c.server.listen(8080)
    crowd.settimeout(0.01)
    c.watch(expression=f"tcp port {port} or icmp or icmp6")
    group = [meet(c, listener, port) for _ in range(3)]
    for a, b, _ in group:
        exchange(c, a, b)
    taken = []
    for _ in range(34):
        s = c.client.socket()
        s.setblocking(False)
        try:
            s.connect((c.server.addr, 8080))
        except OSError:
            pass
        taken.append(s)
    end_at = time.monotonic() + 1.5
    while time.monotonic() < end_at:
        for a, b, _ in group:
            c.say(a, b)
        time.sleep(0.2)
    for a, b, mine in group[:2]:
        c.server.forget(b)
        c.pause(0.1, 0.3)
        a.sendall(c.text(10, 200))
        c.pause(0.1)
        a.close()
        c.truth.add(
            (c.client.addr, mine),
            (c.server.addr, port),
            sender="server",
            phase="active",
            mechanism=["no-state"],
            cause=["peer-lost-state", "conntrack-table-full", "undetermined"],
            logs_ok=[("kern.log", r"table full")],
        )
    end(group[2][0])
    group[2][1].close()
    for s in taken:
        s.close()


case("conntrack-table-full-elsewhere", "A full connection table that is not to blame",
     corpus=True)(table_full_elsewhere)


def guest_server(c, delay=None, captures=("server",), **k):
    """Client and a server with a kernel of its own; c.box is the guest, c.server its hull."""
    c.client, c.server = c.host("client"), c.host("server")
    delay = c.spec["shape"].get("delay", delay)
    if delay:
        ic, is_, c.cable = c.wire(c.client, c.server, delay, delay / 20)
    else:
        ic, is_ = net.join(c.client, c.server, offloads=False)
        c.cable = None
    net.give(c.client, ic, *c.addresses())
    c.planned = c.spec["shape"].get("captures", captures)
    setup = logger(c, c.server) + "\n" + k.pop("setup", "")
    c.box = guest.Guest(
        c.server, [(is_, *c.addresses("198.51.100", "2001:db8:2"))], setup=setup, **k
    )
    return c.box


def answers(c, port):
    try:
        c.client.connect(c.server.addr, port, timeout=1).close()
    except OSError:
        return False
    return True


def orphans(c, port=8091, most=3):
    """
    The server's kernel may keep only three orphans (`tcp_max_orphans=3`; by default thousands).
    Clients take their files slowly; the server's program has written everything, closes, and
    leaves the rest to the kernel.  The kernel says "TCP: too many orphaned sockets" and throws
    the connections away with data unsent.

    The reader should see: the host had run out of room for TCP, by its kernel's own line.
    """
    guest_server(c, delay=0.01, setup=f"sysctl -qw net.ipv4.tcp_max_orphans={most}")
    c.cable.rate = 60000
    c.box.run(f"python3 {GIVER} {c.server.addr} {port} >/mnt/said 2>&1 &")
    wait_for(lambda: answers(c, port), "the file server", 40)
    c.watch(snaplen=128)
    guests = [c.client.connect(c.server.addr, port) for _ in range(c.rng.randrange(6, 9))]
    for s in guests:
        s.sendall(b"20000\n")
        c.pause(0.02, 0.05)
    time.sleep(3)
    for s in guests:
        drain(s, 1.0)
        s.close()
    c.snapshot_guest(c.box, "sockstat.txt", "cat /proc/net/sockstat")
    c.snapshot_guest(c.box, "sysctl.txt", "sysctl net.ipv4.tcp_max_orphans net.ipv4.tcp_mem")
    c.snapshot_guest(c.box, "nstat.txt", "nstat -az TcpExtTCPAbortOnMemory TcpOutRsts")
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["abort", "gave-up"],
        cause=["host-overloaded", "application-abort"],
        kernel=False,
        logs=[("kern.log", r"TCP: too many orphaned sockets")],
        one_of=True,
    )


case("host-overloaded", "A kernel with no room for another orphan")(orphans)
again(orphans, "host-overloaded-v6", "A kernel with no room for another orphan", ip=6,
      graded=True)


UNITS = {
    "default.target": "[Unit]\nDescription=The lab\nAllowIsolate=yes\nWants=systemd-journald.socket "
    "systemd-journald.service orderd.service\nAfter=orderd.service\n",
    "orderd.service": "[Unit]\nDescription=Order daemon\nDefaultDependencies=no\n"
    "Requires=systemd-journald.socket\nAfter=systemd-journald.socket systemd-journald.service\n"
    "[Service]\nExecStart=/usr/bin/python3 {service} orderd {address} {port}\n"
    "Restart=on-failure\nRestartSec=500ms\nTimeoutStopSec=5s\n",
}
ORDERS = {
    "crash": "pkill -SEGV -f 'service.py orderd'",
    "kill": "systemctl kill -s KILL orderd",
    "restart": "systemctl restart orderd",
}
SAYS = {
    "crash": r"orderd.service: Main process exited, code=(killed|dumped), status=11/SEGV",
    "kill": r"orderd.service: Main process exited, code=killed, status=9/KILL",
    "restart": r"Stopping orderd.service",
}
WHY = {
    "crash": ["process-crash"],
    "kill": ["process-crash", "service-restart"],
    "restart": ["service-restart", "service-down"],
}


def under_systemd(c, port, captured, section=""):
    """A server with a kernel of its own, whose systemd runs a service that clients talk to; their
    sockets.  section: further lines for what the units say of themselves."""
    c.client, c.server = c.host("client"), c.host("server")
    ic, is_ = net.join(c.client, c.server, offloads=False)
    c.cable, c.planned = None, c.spec["shape"].get("captures", (captured,))
    net.give(c.client, ic, *c.addresses())
    theirs = c.addresses("198.51.100", "2001:db8:2")
    for name, text in UNITS.items():
        text = text.format(service=SERVICE, address=theirs[c.ip == 6], port=port)
        c.server.write("/etc/systemd/system/" + name, text.replace("[Service]", section + "[Service]"))
    c.server.write("/etc/hostname", c.server.hostname + "\n")
    c.box = guest.Guest(
        c.server, [(is_, *theirs)], memory=256, manager="/usr/lib/systemd/systemd"
    )
    wait_for(lambda: answers(c, port), "the service", 90)
    c.pause(0.3)
    c.watch()
    guests = [c.client.connect(c.server.addr, port) for _ in range(c.rng.randrange(4, 7))]
    for s in guests:
        s.sendall(c.text(10, 90).replace(b";", b"."))
        s.recv(4096)
    return guests


def unit(c, port=8700, event="crash"):
    """
    A service runs under systemd.  {event}: its connections with bytes unread are reset, the others
    get FIN, and what their clients write later draws bare RSTs.  systemd starts it again.  The
    journal was written out with `journalctl -o {form}`.

    The reader should see: one event behind all of them, in systemd's words.
    """
    form = c.spec["shape"].get("journal", "short-iso-precise")
    guests = under_systemd(c, port, "server")
    first, rest = guests[0], guests[1:]
    first.sendall(b"nap 3")  # one thread: what arrives now stays unread
    c.pause(0.2, 0.3)
    busy = rest[: len(rest) // 2]
    for s in busy:
        s.sendall(c.text(10, 500).replace(b";", b"."))
    c.pause(0.1)
    c.box.run(ORDERS[event], patience=30)
    c.box.run(f"until grep -q ':{port:04X} .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.2; done")
    for s in rest[len(busy) :]:
        s.sendall(c.text(10, 200))
        c.pause(0.05, 0.2)
    c.pause(0.3)
    for s in guests:
        drain(s, 0.1)
        s.close()
    c.pause(0.3)
    c.box.run(f"sleep 0.5; journalctl --no-pager -o {form} >/var/log/journal.txt", patience=60)
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["abort-unread", "abort", "after-close"],
        cause=WHY[event],
        kernel=False,
        logs=[("journal.txt", SAYS[event])],
        logs_ok=[("journal.txt", r"orderd")],
    )


unit.__doc__ = unit.__doc__.replace("{event}", "It crashes, is killed or restarted").replace(
    "{form}", "…"
)
for name_, event_, graded_, ip_, shape_ in (
    ("systemd-crash", "crash", False, 4, {}),
    ("systemd-crash-v6", "crash", True, 6, dict(journal="export")),
    ("systemd-kill", "kill", False, 6, dict(journal="json")),
    ("systemd-kill-export", "kill", False, 4, dict(journal="export")),
    ("systemd-crash-verbose", "crash", True, 4, dict(journal="verbose")),
    ("systemd-restart", "restart", False, 4, dict(journal="short-precise")),
    ("systemd-restart-v6", "restart", True, 6, dict(journal="short-full")),
):
    case(
        name_, "A service under systemd", corpus=True, graded=graded_, ip=ip_, shape=shape_,
        event=event_,
    )(unit)


SOCKET = {
    "default.target": "[Unit]\nDescription=The lab\nAllowIsolate=yes\nWants=systemd-journald.socket "
    "systemd-journald.service echod.socket\nAfter=echod.socket\n",
    "echod.socket": "[Unit]\nDescription=Echo socket\nDefaultDependencies=no\n"
    "Requires=systemd-journald.socket\nAfter=systemd-journald.socket systemd-journald.service\n"
    "[Socket]\nListenStream={port}\nAccept=yes\nMaxConnections={limit}\n",
    "echod@.service": "[Unit]\nDescription=Echo\nDefaultDependencies=no\n"
    "[Service]\nExecStart=/bin/cat\nStandardInput=socket\nStandardOutput=socket\n",
}


def socket_limit(c, port=8710, limit=3):
    """
    systemd listens for a service and starts one for each connection (`Accept=yes`), no more than
    three at once (`MaxConnections=3`).  Further clients are accepted and closed at once, "Too many
    incoming connections (3), dropping connection."; what they say draws a reset.  The journal was
    written out with `journalctl -o short-iso-precise`.

    The reader should see: systemd's own limit, and where it is set.
    """
    c.client, c.server = c.host("client"), c.host("server")
    ic, is_ = net.join(c.client, c.server, offloads=False)
    c.cable, c.planned = None, ("server",)
    net.give(c.client, ic, *c.addresses())
    theirs = c.addresses("198.51.100", "2001:db8:2")
    for name, text in SOCKET.items():
        c.server.write("/etc/systemd/system/" + name, text.format(port=port, limit=limit))
    c.server.write("/etc/hostname", c.server.hostname + "\n")
    c.box = guest.Guest(
        c.server, [(is_, *theirs)], memory=256, manager="/usr/lib/systemd/systemd"
    )
    wait_for(lambda: answers(c, port), "the socket", 90)
    c.pause(1.0)
    c.watch()
    held = [c.client.connect(c.server.addr, port) for _ in range(limit)]
    for s in held:
        s.sendall(c.text(10, 60))
        s.recv(4096)
    for _ in range(c.rng.randrange(3, 5)):
        s = c.client.connect(c.server.addr, port)
        c.pause(0.3, 0.6)
        try:
            s.sendall(c.text(10, 60))
        except OSError:
            pass
        drain(s, 0.2)
        s.close()
        c.pause(1.1, 1.6)
    for s in held:
        s.close()
    c.pause(0.5)
    c.box.run(
        "sleep 0.5; journalctl --no-pager -o short-iso-precise >/var/log/journal.txt", patience=60
    )
    c.truth.every(
        (c.server.addr, port),
        sender="server",
        phase="half-closed",
        mechanism=["after-close", "abort-unread", "abort"],
        cause=["connection-limit"],
        kernel=False,
        each=True,
        logs=[("journal.txt", r"Too many incoming connections")],
        logs_ok=[("journal.txt", r"echod")],
    )


case("socket-limit", "A socket of systemd's takes no more connections", corpus=True)(socket_limit)
