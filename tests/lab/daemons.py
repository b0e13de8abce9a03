# SPDX-License-Identifier: Apache-2.0
"""Real daemons inside a lab host: syslog, sshd, HAProxy, nginx and the rest.

In: a host and a few settings.  Out: running programs that log where that host logs.
No log text is ever written here: each line comes from the program that it names.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

RSYSLOG = """
module(load="imuxsock" SysSock.RateLimit.Interval="0"{own_clock})
module(load="imklog" LogPath="/dev/klog" PermitNonKernelFacility="on" RatelimitInterval="0")
{template}
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
{files}{forward}"""
FILES = """auth,authpriv.*\t\t/var/log/auth.log
*.*;auth,authpriv.none{kern}\t-/var/log/syslog
kern.*\t\t-/var/log/kern.log
"""
FORWARD = """
action(type="omfwd" target="{to}" port="514" protocol="udp" template="{template}")
"""
COLLECTOR = """
module(load="imudp")
input(type="imudp" port="514")
*.* /run/collected.log
"""


def wait_for(test, what, patience=10.0):
    end = time.time() + patience
    while time.time() < end:
        if test():
            return
        time.sleep(0.02)
    raise RuntimeError("waited in vain for " + what)


def listening(host, port):
    return bool(re.search(r"[:\]]%d\s" % port, host.run("ss", "-Hltn", check=False)))


class Syslog:
    """rsyslogd with the rules of Debian; `style` is iso (today's default) or bsd (one-second
    stamps).  `forward` is (address, template): all goes there by UDP, too, and with `keep` false
    nowhere else."""

    def __init__(self, host, style="iso", kern_twice=False, forward=None, keep=True):
        template = (
            '$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat' if style == "bsd" else ""
        )
        host.write(
            "/etc/rsyslog-lab.conf",
            RSYSLOG.format(
                template=template,
                files=FILES.format(kern="" if kern_twice else ";kern.none") if keep else "",
                forward=FORWARD.format(to=forward[0], template=forward[1]) if forward else "",
                own_clock=' SysSock.UseSysTimeStamp="off"' if host.clock else "",
            ),
        )
        self.fifo = os.open(f"/proc/{host.pid}/root/dev/klog", os.O_RDWR)
        self.host = host
        host.syslog = self
        self.process = host.spawn(
            "rsyslogd", "-n", "-f", "/etc/rsyslog-lab.conf", "-i", "/run/rsyslogd.pid",
            env=host.clock.env() if host.clock else None,
        )
        wait_for(lambda: os.path.exists(f"/proc/{host.pid}/root/dev/log"), "rsyslogd")
        host.case.lab.kernel_log.add(host, self.fifo)

    def close(self):
        self.host.case.lab.kernel_log.remove(self.host)
        os.close(self.fifo)


class Collector:
    """rsyslogd that takes what others send by UDP."""

    def __init__(self, host):
        host.write("/etc/rsyslog-collector.conf", COLLECTOR)
        host.spawn("rsyslogd", "-n", "-f", "/etc/rsyslog-collector.conf", "-i", "/run/collector.pid")
        wait_for(lambda: ":514 " in host.run("ss", "-Hlun", check=False), "rsyslogd")


class Sshd:
    """OpenSSH with `settings` (a dict of sshd_config keywords)."""

    def __init__(self, host, settings=None, port=22, users=("fred",)):
        self.host, self.port = host, port
        keys = {
            "Port": port,
            "HostKey": "/etc/ssh/lab_host_key",
            "UsePAM": "yes",
            "PrintMotd": "no",
            "PidFile": "/run/sshd.pid",
            "Subsystem": "sftp /usr/lib/openssh/sftp-server",
            "KbdInteractiveAuthentication": "no",
            "X11Forwarding": "no",
            **(settings or {}),
        }
        if not os.path.exists(f"/proc/{host.pid}/root/etc/ssh/lab_host_key"):
            host.sh("sed -i -e '/pam_limits\\|pam_env\\|pam_motd\\|pam_mail/d' /etc/pam.d/sshd")
            host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/lab_host_key")
            for user in users:
                host.run("useradd", "-m", "-s", "/bin/bash", user)
                host.run("chpasswd", input=f"{user}:sesame-{user}\n")
        text = "".join(f"{k} {v}\n" for k, v in keys.items() if k != "Match")
        host.write("/etc/ssh/sshd_config", text + (settings or {}).get("Match", ""))
        self.start()

    def start(self):
        self.process = self.host.spawn("/usr/sbin/sshd", "-D")
        wait_for(lambda: listening(self.host, self.port), "sshd")

    def effective(self):
        return self.host.run("/usr/sbin/sshd", "-T")

    def stop(self, sig=signal.SIGTERM):
        pid = [
            p
            for p in self.host.find("sshd")
            if open(f"/proc/{p}/cmdline").read().startswith("sshd: /usr/sbin")
        ]
        for p in pid or [self.process.pid]:
            self.host.signal(p, sig)
        self.process.wait(10)


SSH_OPTIONS = [
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
]


def ssh(client, addr, command, user="fred", password=None, port=22, options=(), program="ssh"):
    """Starts a real ssh client (or sftp); returns the process."""
    target = (
        [f"{user}@{addr}"]
        if program == "ssh"
        else [f"{user}@{'[%s]' % addr if ':' in addr else addr}"]
    )
    flag = "-p" if program == "ssh" else "-P"
    return subprocess.Popen(
        client.argv(
            [
                "sshpass",
                "-p",
                password or f"sesame-{user}",
                program,
                flag,
                str(port),
                *SSH_OPTIONS,
                *options,
                *target,
                *([command] if command else []),
            ]
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=client.env(),
    )


def banner(sock):
    """Reads one line of text from a socket."""
    got = b""
    while not got.endswith(b"\n"):
        more = sock.recv(256)
        if not more:
            break
        got += more
    return got


def haproxy(host, config):
    host.write("/etc/haproxy/haproxy.cfg", config)
    host.sh("mkdir -p /run/haproxy")
    return host.spawn("haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg")


def nginx(host, http, port=80):
    """nginx whose http block holds `http`; it logs to /var/log/nginx."""
    host.sh("mkdir -p /var/log/nginx /run/nginx /var/lib/nginx")
    host.write(
        "/etc/nginx/nginx.conf",
        "user root;\nworker_processes 1;\npid /run/nginx.pid;\nerror_log /var/log/nginx/error.log info;\n"
        "events { worker_connections 256; }\nhttp {\naccess_log /var/log/nginx/access.log;\n"
        + http
        + "\n}\n",
    )
    p = host.spawn("nginx", "-g", "daemon off;")
    wait_for(lambda: listening(host, port), "nginx")
    return p


def linger0(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return sock


def abort(sock):
    """Throws a connection away: RST in place of FIN."""
    linger0(sock).close()


TRIXIE = "/var/tmp/whyrst-lab/trixie"
TRIXIE_LOCK = threading.Lock()


def trixie():
    """A Debian 13 tree for daemons newer than this machine's; made once, kept for later runs.
    Cases that want it at the same time wait for one; what a run that ended half-way left is not
    taken for a tree."""
    with TRIXIE_LOCK:
        if not os.path.isdir(TRIXIE):
            half = TRIXIE + ".half"
            shutil.rmtree(half, ignore_errors=True)
            os.makedirs(os.path.dirname(TRIXIE), exist_ok=True)
            subprocess.run(
                [
                    "debootstrap",
                    "--variant=minbase",
                    "--include=openssh-server",
                    "trixie",
                    half,
                    "http://deb.debian.org/debian",
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            with open(half + "/etc/hosts", "w") as f:  # mariadb-install-db looks a name up
                f.write("127.0.0.1 localhost\n::1 localhost\n")
            os.rename(half, TRIXIE)
    return TRIXIE


def trixie_root(host):
    """A private overlay of that tree for one host, with the host's own /dev, /run and /home."""
    root = host.work + "/trixie"
    host.sh(
        f"mkdir -p {root} {root}-up {root}-work; mount -t overlay overlay -o lowerdir={trixie()},"
        f"upperdir={root}-up,workdir={root}-work {root}; cd {root}; mount --rbind /dev dev; "
        "mount --rbind /run run; mount -t proc proc proc; mount --bind /home home"
    )
    return root


class NewSshd(Sshd):
    """OpenSSH 10 from Debian 13, in a private overlay of that tree; it logs through the host's
    own rsyslogd."""

    def __init__(self, host, settings=None, port=22, users=("fred",)):
        self.host, self.port, self.root = host, port, trixie_root(host)
        keys = {
            "Port": port,
            "HostKey": "/etc/ssh/lab_host_key",
            "UsePAM": "no",
            "PrintMotd": "no",
            "PidFile": "/run/sshd.pid",
            "Subsystem": "sftp internal-sftp",
            "KbdInteractiveAuthentication": "no",
            **(settings or {}),
        }
        host.write(
            self.root + "/etc/ssh/sshd_config", "".join(f"{k} {v}\n" for k, v in keys.items())
        )
        self.inside("ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/lab_host_key")
        for user in users:
            self.inside(f"useradd -m -s /bin/bash {user}; echo {user}:sesame-{user} | chpasswd")
        self.start()

    def inside(self, script):
        return self.host.run("chroot", self.root, "sh", "-c", script)

    def start(self):
        self.process = self.host.spawn("chroot", self.root, "/usr/sbin/sshd", "-D")
        wait_for(lambda: listening(self.host, self.port), "sshd")

    def effective(self):
        return self.inside("/usr/sbin/sshd -T")


SURICATA = """%YAML 1.1
---
vars:
  address-groups: {HOME_NET: "any", EXTERNAL_NET: "any"}
default-log-dir: /var/log/suricata
outputs:
  - OUTPUT
logging:
  default-log-level: notice
  outputs:
    - file: {enabled: yes, filename: /run/suricata.log}
classification-file: /etc/suricata/classification.config
reference-config-file: /etc/suricata/reference.config
default-rule-path: /etc/suricata
rule-files: [lab.rules]
stream: {inline: auto, checksum-validation: no}
nfq: {mode: accept}
"""


def trixie_has(program, package):
    """Puts a package into the Debian 13 tree, once."""
    root = trixie()
    with TRIXIE_LOCK:
        if not os.path.exists(root + program):
            quiet = root + "/usr/sbin/policy-rc.d"  # what is installed there starts nothing
            with open(quiet, "w") as f:
                f.write("#!/bin/sh\nexit 101\n")
            os.chmod(quiet, 0o755)
            install = f"apt-get update && apt-get install -y --no-install-recommends {package}"
            subprocess.run(
                ["chroot", root, "sh", "-c", install],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )


SURICATA_OUTPUT = {
    "syslog": "syslog: {enabled: yes, facility: local5, level: Info}",
    "fast": "fast: {enabled: yes, filename: fast.log, append: yes}",
    "eve": "eve-log: {enabled: yes, filetype: regular, filename: eve.json, "
    "types: [alert, {drop: {alerts: yes, flows: all}}, flow]}",
}


class Suricata:
    """Suricata 7 in line behind NFQUEUE 0; alerts go to the host's syslog, or to its own files."""

    def __init__(self, host, rules, output="syslog"):
        trixie_has("/usr/bin/suricata", "suricata")
        self.root = trixie_root(host)
        host.sh(f"mkdir -p /var/log/suricata; mount --bind /var/log {self.root}/var/log")
        text = SURICATA.replace("OUTPUT", SURICATA_OUTPUT[output])
        host.write(self.root + "/etc/suricata/lab.yaml", text)
        host.write(self.root + "/etc/suricata/lab.rules", rules)
        self.process = host.spawn(
            "chroot", self.root, "/usr/bin/suricata", "-c", "/etc/suricata/lab.yaml", "-q", "0",
            "--pidfile", "/run/suricata.pid",
        )
        log = f"/proc/{host.pid}/root/run/suricata.log"
        wait_for(
            lambda: os.path.exists(log) and "ngine started" in open(log).read(), "suricata", 40
        )
