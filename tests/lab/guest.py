# SPDX-License-Identifier: Apache-2.0
"""A machine with a kernel of its own: user-mode Linux in the place of a lab host.

In: a host whose interfaces have no addresses (the hull), kernel modules, sysctls.  Out: a guest
that runs shell scripts; what it writes to /var/log is the hull's.  For what the machine's kernel
keeps for itself: nf_conntrack_max, tcp_max_orphans, a boot, systemd as process 1.  Only its own
processes, in the hull's namespaces, are ever touched.
"""
import os
import signal
import subprocess
import time

import net

INIT = r"""#!/bin/sh
# The guest's first process: its file systems, modules and addresses, then scripts as they come.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs shm /dev/shm
mount -t tmpfs -o mode=755 run /run; mkdir -p /run/lock /run/sshd /run/m/lib/modules
mount -t hostfs share /mnt -o "$(dirname "$0")"
mount -t hostfs log /var/log -o /var/log
mount -t hostfs etc /etc -o /etc
ln -s /usr/lib/uml/modules/"$(uname -r)" /run/m/lib/modules/"$(uname -r)"
hostname "$NAME"; ip link set lo up
[ -n "$BOOT_LINES" ] || dd if=/proc/kmsg of=/dev/null bs=64k iflag=nonblock 2>/dev/null
(set -e; . /mnt/setup.sh) >/mnt/setup.out 2>&1
echo "$?" >/mnt/up
scripts() { # each script as it appears: a console loses interrupts on a busy machine
    n=1
    while :; do
        if [ -e "/mnt/$n.sh" ]; then
            (. "/mnt/$n.sh") >"/mnt/$n.out" 2>&1
            echo $? >"/mnt/$n.rc"
            n=$((n + 1))
        else
            sleep 0.1
        fi
    done
}
if [ -n "$MANAGER" ]; then
    scripts </dev/null >/dev/null 2>&1 &
    exec "$MANAGER" </dev/null >/dev/null 2>&1
fi
scripts
"""


class Guest:
    """User-mode Linux in the hull `host`; `addresses` is a list of (interface, addr4, addr6)."""

    def __init__(self, host, addresses, via=None, modules=(), setup="", memory=128, manager="",
                 boot_lines=False):
        self.host, self.count, self.manager, self.memory = host, 0, manager, memory
        self.boot_lines = "1" if boot_lines else ""
        self.share = os.path.join(host.work, "share")
        os.makedirs(self.share, exist_ok=True)
        host.sh(f"mkdir /run/guest && mount --bind {self.share} /run/guest")
        self.nics, lines = [], [f"modprobe -d /run/m -a ipv6 {' '.join(modules)}"]
        for n, (name, addr4, addr6) in enumerate(addresses):
            host.sysctl(f"net.ipv6.conf.{name}.disable_ipv6=1")
            net.in_netns(host.netns, lambda name=name: net.offloads_off(name))
            self.nics.append(f"vec{n}:transport=raw,ifname={name},mac={net.mac(host.case.rng)}")
            lines += [
                f"ip link set vec{n} name {name}",
                f"sysctl -qw net.ipv6.conf.{name}.accept_dad=0",
                f"ip link set {name} up",
            ]
            lines += [f"ip addr add {addr4}/24 dev {name}", f"ip -6 addr add {addr6}/64 dev {name} nodad"]
            host.addr4, host.addr6 = host.addr4 or addr4, host.addr6 or addr6
        if via:
            lines += [f"ip route add default via {via[0]}", f"ip -6 route add default via {via[1]}"]
        elif len(addresses) == 1:
            lines += [
                f"ip route add {n} dev {addresses[0][0]} || true"
                for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
            ]
            lines.append(f"ip -6 route add 2001:db8::/32 dev {addresses[0][0]}")
        self.put("setup.sh", "\n".join([*lines, setup]) + "\n")
        self.put("init", INIT)
        os.chmod(os.path.join(self.share, "init"), 0o755)
        self.boot()

    def put(self, name, text):
        with open(os.path.join(self.share, name), "w") as f:
            f.write(text)

    def wait(self, name, patience, what):
        path, end = os.path.join(self.share, name), time.time() + patience
        while not os.path.exists(path) or not os.path.getsize(path):
            if time.time() > end or self.process.poll() is not None:
                raise RuntimeError(f"guest {self.host.name}: waited in vain for {what}")
            time.sleep(0.03)
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def boot(self):
        """Switches the machine on; returns when it is up."""
        up = os.path.join(self.share, "up")
        if os.path.exists(up):
            os.remove(up)
        with open(os.path.join(self.share, "console"), "ab") as console:
            self.process = subprocess.Popen(
                self.host.argv(
                    ["linux.uml", f"mem={self.memory}M", "root=/dev/root", "rootfstype=hostfs",
                     "rootflags=/", "ro", "init=/run/guest/init", f"BOOT_LINES={self.boot_lines}",
                     f"NAME={self.host.hostname}", f"TZ={self.host.case.tz}",
                     f"MANAGER={self.manager}", "con=null", "con0=null,fd:1",
                     "ssl=null", "loglevel=4", *self.nics]
                ),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env=dict(os.environ, TMPDIR="/dev/shm", HOME="/home"),
            )
        self.host.procs.append(self.process)
        if self.wait("up", 300, "its boot").strip() != "0":
            with open(os.path.join(self.share, "setup.out"), encoding="utf-8") as f:
                raise RuntimeError(f"guest {self.host.name}: {f.read()}")

    def power_off(self):
        """As a power cut: nothing is said, nothing is kept."""
        self.host.end(set(self.host.pids()) - {self.host.pid}, hard=True)
        self.process.wait(5)
        for name in os.listdir(self.share):  # a new boot counts its scripts from one
            if name.split(".")[0].isdigit():
                os.remove(os.path.join(self.share, name))
        self.count = 0

    def run(self, script, check=True, patience=60):
        """Runs a shell script in the guest to its end; returns what it said."""
        self.count += 1
        name = f"{self.count}"
        self.put(name + ".new", script + "\n")
        os.rename(os.path.join(self.share, name + ".new"), os.path.join(self.share, name + ".sh"))
        status = self.wait(name + ".rc", patience, script.split("\n")[0]).strip()
        with open(os.path.join(self.share, name + ".out"), encoding="utf-8", errors="replace") as f:
            said = f.read()
        if check and status != "0":
            raise RuntimeError(f"guest {self.host.name}: {script}: {status}: {said}")
        return said

    def signal(self, pattern, sig=signal.SIGKILL):
        self.run(f"pkill -{int(sig)} -f '{pattern}'")
