# SPDX-License-Identifier: Apache-2.0
"""Hosts as namespaces and the links between them.

In: names and addresses.  Out: Host objects that run programs, give sockets and hold snapshots.
A host is a network, mount and UTS namespace kept alive by one sleeping process; its /etc is a
private overlay, its /dev, /run, /home and /var/log are its own.  Nothing here touches the
machine's own network, and a host is torn down by its own process ids alone.
"""
import array
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from wrongclock import WrongClock

LIBC = ctypes.CDLL("libc.so.6", use_errno=True)
CLONE_NEWNET = 0x40000000
TCP_REPAIR = 19
SIOCETHTOOL = 0x8946
# ethtool commands that turn offloads off: rx and tx checksums, scatter-gather, TSO, UFO, GSO, GRO
OFFLOADS_OFF = (0x15, 0x17, 0x19, 0x1F, 0x22, 0x24, 0x2C)

SETUP = r"""
set -e
hostname "$NAME"
mount -t overlay overlay -o lowerdir=/etc,upperdir="$W/etc",workdir="$W/etc-work" /etc
mkdir -p "$W/dev" && mount -t tmpfs -o mode=755 dev "$W/dev"
for n in null zero full random urandom tty; do touch "$W/dev/$n"; mount --bind "/dev/$n" "$W/dev/$n"; done
mkdir "$W/dev/pts" "$W/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$W/dev/pts"
ln -s pts/ptmx "$W/dev/ptmx"
mount -t tmpfs shm "$W/dev/shm"
ln -s /proc/self/fd "$W/dev/fd"; ln -s fd/0 "$W/dev/stdin"; ln -s fd/1 "$W/dev/stdout"; ln -s fd/2 "$W/dev/stderr"
mkfifo "$W/dev/klog"
mount --bind "$W/home" /home
mount --bind "$W/log" /var/log
mount --move "$W/dev" /dev
mount -t tmpfs -o mode=755 run /run && mkdir -p /run/sshd /run/lock
mount -t sysfs sysfs /sys 2>/dev/null || true
echo "127.0.0.1 localhost $NAME" > /etc/hosts
ip link set lo up
echo ready
exec sleep infinity
"""


def in_netns(fd, call):
    """Runs call() in a thread of its own inside the network namespace fd; returns its result."""
    out = {}

    def body():
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            out["error"] = OSError(ctypes.get_errno(), "setns")
            return
        try:
            out["value"] = call()
        except Exception as e:  # handed to the caller below
            out["error"] = e

    t = threading.Thread(target=body)
    t.start()
    t.join()
    if "error" in out:
        raise out["error"]
    return out["value"]


def offloads_off(ifname):
    """Turns segmentation and checksum offload of ifname off (call inside its namespace)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for cmd in OFFLOADS_OFF:
            buf = array.array("B", struct.pack("II", cmd, 0))
            req = struct.pack("16sP", ifname.encode(), buf.buffer_info()[0]) + bytes(16)
            try:
                fcntl.ioctl(s, SIOCETHTOOL, req)
            except OSError:
                pass


class Host:
    """One machine of a case."""

    def __init__(self, case, name):
        self.case, self.name = case, name
        self.hostname = case.rng.choice(case.HOSTNAMES.get(name, [name])) + case.rng.choice(
            ["", "1", "2"]
        )
        self.work = os.path.join(case.work, name)
        self.addr4, self.addr6, self.ifnames, self.procs = None, None, [], []
        self.kernel_marks = []  # substrings that make a kernel line this host's
        self.log_dir = os.path.join(self.work, "log")
        for d in ("etc", "etc-work", "home", "log", "dev"):
            os.makedirs(os.path.join(self.work, d))
        wrong = case.spec["shape"].get("wrong", {}).get(name)
        self.clock = WrongClock(self.work, **wrong) if wrong else None
        env = dict(os.environ, W=self.work, NAME=self.hostname, LC_ALL="C.UTF-8")
        self.holder = subprocess.Popen(
            ["unshare", "-n", "-u", "-m", "--propagation", "private", "sh", "-c", SETUP],
            env=env,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        if b"ready" not in self.holder.stdout.readline():
            raise RuntimeError(f"host {name}: setup failed")
        self.pid = self.holder.pid
        self.netns = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        self.inode = os.stat(f"/proc/{self.pid}/ns/net").st_ino
        case.hosts.append(self)
        self.sysctl(
            "net.ipv4.ip_nonlocal_bind=0",
            "net.ipv6.conf.all.accept_dad=0",
            "net.ipv6.conf.default.accept_dad=0",
        )

    # --- programs -----------------------------------------------------------------------------
    def argv(self, args):
        return ["nsenter", "-t", str(self.pid), "-n", "-u", "-m", "--", *map(str, args)]

    def run(self, *args, check=True, input=None, timeout=60, env=None):
        """Runs a program to its end; returns its stdout as text."""
        p = subprocess.run(
            self.argv(args),
            input=input,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            env=self.env(env),
        )
        if check and p.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, args))}: {p.stderr.strip()}")
        return p.stdout + (p.stderr if not check else "")

    def env(self, more=None):
        return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": self.case.tz, **(more or {})}

    def spawn(self, *args, env=None, out=None, stdin=subprocess.DEVNULL):
        """Starts a program that stays; it is ended at teardown."""
        sink = (
            open(os.path.join(self.work, out), "ab")
            if out
            else open(os.path.join(self.work, "stray-output"), "ab")
        )
        p = subprocess.Popen(
            self.argv(args),
            stdin=stdin,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            env=self.env(env),
        )
        sink.close()
        self.procs.append(p)
        return p

    def sh(self, script, **kw):
        return self.run("sh", "-c", script, **kw)

    def sysctl(self, *settings):
        self.run("sysctl", "-qw", *settings, check=False)

    def write(self, path, text, mode=0o644):
        """Writes a file as the host sees it."""
        self.run(
            "sh",
            "-c",
            'mkdir -p "$(dirname "$0")" && cat > "$0" && chmod "$1" "$0"',
            path,
            f"{mode:o}",
            input=text,
        )

    def nft(self, text):
        """Loads nftables rules given as text."""
        self.run("nft", "-f", "-", input=text)

    def pids(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{pid}/ns/net").st_ino == self.inode:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def signal(self, pid, sig):
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass

    def find(self, name):
        """Process ids of this host whose command name is `name`, oldest first."""
        hits = []
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/comm") as f:
                    if f.read().strip() == name:
                        hits.append(pid)
            except OSError:
                pass
        return sorted(hits)

    # --- sockets ------------------------------------------------------------------------------
    @property
    def addr(self):
        return self.addr6 if self.case.ip == 6 else self.addr4

    def socket(self, kind=socket.SOCK_STREAM, family=None, proto=0):
        family = family or (socket.AF_INET6 if self.case.ip == 6 else socket.AF_INET)
        return in_netns(self.netns, lambda: socket.socket(family, kind, proto))

    def listen(self, port, backlog=64, addr=None, setup=None):
        s = self.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if setup:
            setup(s)
        s.bind((addr or self.addr, port))
        s.listen(backlog)
        s.settimeout(20)
        return s

    def connect(self, addr, port, sport=0, src=None, timeout=10, setup=None):
        s = self.socket()
        if setup:
            setup(s)
        if sport or src:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((src or self.addr, sport))
        s.settimeout(timeout)
        s.connect((addr, port))
        return s

    def add_address(self, addr, ifname=None):
        self.run(
            "ip",
            "addr",
            "add",
            addr + ("/128" if ":" in addr else "/32"),
            "dev",
            ifname or self.ifnames[0],
        )

    def forget(self, sock):
        """Destroys a connection without a word on the wire, as a power cut would."""
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        sock.close()

    def lose_power(self):
        """Every process and every connection of the host is gone, and nothing of it is heard
        outside."""
        self.nft(
            "table inet dark {\n chain out {\n type filter hook output priority 0\n drop\n }\n}\n"
        )
        self.end(set(self.pids()) - {self.pid}, hard=True)
        for family in ("-4", "-6"):
            self.run("ss", family, "-K", "-t", "state", "all", check=False)
        self.run("nft", "delete", "table", "inet", "dark")

    # --- end ----------------------------------------------------------------------------------
    def stop_programs(self):
        logger = self.syslog.process.pid if getattr(self, "syslog", None) else 0
        mine = set(self.pids()) - {self.pid, logger}
        self.end(mine)
        if logger:  # the log outlives those who write to it
            time.sleep(0.05)
            self.end({logger})

    def end(self, mine, hard=False):
        for sig, patience in ((signal.SIGTERM, 1.5), (signal.SIGKILL, 2))[hard:]:
            for pid in mine:
                self.signal(pid, sig)
            end = time.time() + patience
            while mine and time.time() < end:
                for p in self.procs:
                    p.poll()
                mine &= set(self.pids())
                time.sleep(0.02)

    def close(self):
        try:
            self.stop_programs()
        finally:
            os.close(self.netns)
            self.signal(self.pid, signal.SIGKILL)
            self.holder.wait()
            self.holder.stdout.close()
            shutil.rmtree(self.work, ignore_errors=True)


def mac(rng):
    return "52:54:00:%02x:%02x:%02x" % (rng.randrange(256), rng.randrange(256), rng.randrange(256))


def ifname(rng, host):
    while True:
        name = f"enp{rng.randrange(1, 90)}s{rng.randrange(0, 9)}"
        if name not in host.case.taken_ifnames:
            host.case.taken_ifnames.add(name)
            host.ifnames.append(name)
            host.kernel_marks += [f"IN={name} ", f"OUT={name} "]
            return name


def join(a, b, offloads=True):
    """A veth pair between two hosts; returns both interface names."""
    rng = a.case.rng
    ia, ib = ifname(rng, a), ifname(rng, b)
    ta, tb = f"wl{a.pid}a{len(a.ifnames)}", f"wl{b.pid}b{len(b.ifnames)}"
    subprocess.run(
        [
            "ip",
            "link",
            "add",
            ta[:15],
            "address",
            mac(rng),
            "netns",
            str(a.pid),
            "type",
            "veth",
            "peer",
            "name",
            tb[:15],
            "address",
            mac(rng),
            "netns",
            str(b.pid),
        ],
        check=True,
    )
    for host, tmp, name in ((a, ta, ia), (b, tb, ib)):
        host.run("ip", "link", "set", tmp[:15], "name", name)
        if not offloads:
            in_netns(host.netns, lambda n=name: offloads_off(n))
        host.run("ip", "link", "set", name, "up")
    return ia, ib


def give(host, name, addr4=None, addr6=None, via=None, net4=24, net6=64):
    """Addresses and routes of one interface; `via` is a pair of gateways (v4, v6) or None."""
    if addr4:
        host.run("ip", "addr", "add", f"{addr4}/{net4}", "dev", name)
        host.addr4 = host.addr4 or addr4
    if addr6:
        host.run("ip", "-6", "addr", "add", f"{addr6}/{net6}", "dev", name, "nodad")
        host.addr6 = host.addr6 or addr6
    if via:
        if addr4 and via[0]:
            host.run("ip", "route", "add", "default", "via", via[0], "dev", name)
        if addr6 and via[1]:
            host.run("ip", "-6", "route", "add", "default", "via", via[1], "dev", name)
    else:
        if addr4:
            for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"):
                host.run("ip", "route", "add", net, "dev", name, check=False)
        if addr6:
            host.run("ip", "-6", "route", "add", "2001:db8::/32", "dev", name, check=False)
