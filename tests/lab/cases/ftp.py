# SPDX-License-Identifier: Apache-2.0
"""vsftpd: no more clients, sessions that are idle, and clients that hosts.deny names."""
import daemons
from cases.limits import pair
from cases.told import ended
from daemons import banner, wait_for
from talk import drain

FTP = 21
VSFTPD = """listen={v4}
listen_ipv6={v6}
background=NO
anonymous_enable=YES
anon_root=/run/ftp
secure_chroot_dir=/run/ftp-empty
syslog_enable=YES
xferlog_enable=YES
log_ftp_protocol={chatty}
seccomp_sandbox=NO
isolate_network=NO
{more}
"""


def vsftpd(c, more, chatty="NO"):
    v6 = "YES" if c.ip == 6 else "NO"
    c.server.sh("mkdir -p /run/ftp /run/ftp-empty")
    text = VSFTPD.format(v4="NO" if c.ip == 6 else "YES", v6=v6, more=more, chatty=chatty)
    c.server.write("/etc/vsftpd-lab.conf", text)
    c.server.spawn("vsftpd", "/etc/vsftpd-lab.conf")
    wait_for(lambda: daemons.listening(c.server, FTP), "vsftpd")
    c.pause(0.3)


def guest(c):
    s = c.client.connect(c.server.addr, FTP)
    banner(s)
    for text in (b"USER anonymous", b"PASS guest@example.org"):
        s.sendall(text + b"\r\n")
        s.recv(4096)
    return s


def order(s, text):
    try:
        s.sendall(text + b"\r\n")
    except OSError:
        pass


def ftp_limit(c):
    """
    vsftpd takes two clients (`max_clients=2`).  Further ones, whose program says USER at once, are
    told "421 There are too many connected users, please try later." and closed.  It writes no line
    about that.

    The reader should see: the server's connection limit, in its last words.
    """
    c.stage()
    vsftpd(c, "max_clients=2")
    c.watch()
    held = [guest(c) for _ in range(2)]
    for _ in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, FTP)
        order(s, b"USER anonymous")
        c.pause(0.2, 0.3)
        order(s, b"PASS guest@example.org")
        drain(s)
        s.close()
        c.pause(0.1, 0.5)
    for s in held:
        order(s, b"QUIT")
        drain(s)
        s.close()
    ended(c, FTP, ["connection-limit"], logs_ok=[("syslog", r"vsftpd"), ("vsftpd.log", r".")])


def ftp_idle(c):
    """
    vsftpd ends sessions that are idle for three seconds (`idle_session_timeout=3`) with "421
    Timeout.".  The clients go on after that.

    The reader should see: the server's time limit, in its last words.
    """
    c.stage()
    vsftpd(c, "idle_session_timeout=3", "YES")
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        group.append(guest(c))
        c.pause(0.2, 0.6)
    c.pause(4.2, 4.6)
    for s in group:
        order(s, b"PWD")
        c.pause(0.05, 0.1)
        order(s, b"PWD")
        drain(s, 0.2)
        s.close()
    ended(c, FTP, ["endpoint-idle-timeout"], logs_ok=[("syslog", r"vsftpd"), ("vsftpd.log", r".")])


def ftp_denied(c):
    """
    vsftpd asks tcp_wrappers (`tcp_wrappers=YES`), and hosts.deny turns the client away: "421 Service
    not available.", while its USER is unread or on the way.

    The reader should see: the server did not want to serve this client; its own words say no more.
    """
    c.stage()
    c.server.write("/etc/hosts.deny", "vsftpd: ALL\n")
    vsftpd(c, "tcp_wrappers=YES")
    c.watch()
    for _ in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, FTP)
        order(s, b"USER fred")
        c.pause(0.2, 0.3)
        order(s, b"PASS sesame")
        drain(s)
        s.close()
        c.pause(0.1, 0.5)
    ended(
        c, FTP, ["tcp-wrappers-denied", "application-abort"],
        logs_ok=[("syslog", r"vsftpd"), ("vsftpd.log", r".")],
    )


pair(ftp_limit, "ftp-limit", "vsftpd takes no more clients", delay=0.02)
pair(ftp_idle, "ftp-idle", "vsftpd ends idle sessions", delay=0.03)
pair(ftp_denied, "ftp-denied", "hosts.deny turns FTP clients away", delay=0.01)
