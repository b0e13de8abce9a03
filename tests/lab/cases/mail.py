# SPDX-License-Identifier: Apache-2.0
"""Mail servers that hang up: Postfix and Dovecot at their limits of connections, with clients that are
silent, that err too often, that break off, and with sessions that crash."""
import signal

import daemons
from case import again
from cases.limits import pair
from cases.told import ended, how
from daemons import abort, banner, wait_for
from talk import drain

SMTP = 25
POSTFIX = """compatibility_level = 3.6
queue_directory = /run/postfix
data_directory = /run/postfix-data
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = mail.example.org
mydestination = example.org, localhost
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
local_recipient_maps =
alias_maps =
smtputf8_enable = no
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
{more}
"""
MASTER = """smtp      inet  n - n - - smtpd
anvil     unix  - - n - 1 anvil
cleanup   unix  n - n - 0 cleanup
rewrite   unix  - - n - - trivial-rewrite
proxymap  unix  - - n - - proxymap
qmgr      unix  n - n 300 1 qmgr
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
error     unix  - - n - - error
retry     unix  - - n - - error
local     unix  - n n - - local
"""


def postfix(c, more=""):
    """Postfix in c.server; it logs through syslog."""
    c.server.write("/etc/postfix/main.cf", POSTFIX.format(more=more))
    c.server.write("/etc/postfix/master.cf", MASTER)
    c.server.sh(
        "mkdir -p /run/postfix /run/postfix-data; chown postfix /run/postfix-data; "
        "postfix check 2>/dev/null; true"
    )
    c.server.spawn("/usr/lib/postfix/sbin/master", "-d", "-c", "/etc/postfix")
    wait_for(lambda: daemons.listening(c.server, SMTP), "postfix")
    c.pause(0.5)


def mailer(c, *commands):
    """A client that has been greeted and whose commands were answered."""
    s = c.client.connect(c.server.addr, SMTP)
    banner(s)
    for text in (b"EHLO desk.example.org", *commands):
        s.sendall(text + b"\r\n")
        s.recv(4096)
    return s


def send(s, *lines):
    try:
        for text in lines:
            s.sendall(text + b"\r\n")
    except OSError:
        pass


FROM = b"MAIL FROM:<fred@example.net>"
POSTFIX_LINES = [("mail.log", r"postfix/"), ("syslog", r"postfix/")]


def smtp_limit(c):
    """
    Postfix takes so many connections of one client at a time (`smtpd_client_connection_count_limit
    = 3`).  A sender that opens more and does not wait for the greeting is told "421 4.7.0 Error:
    too many connections" and closed with its EHLO unread or on the way.

    The reader should see: the server's connection limit, in its last words and its log.
    """
    c.stage()
    postfix(c, "smtpd_client_connection_count_limit = 3")
    c.watch()
    held = [mailer(c) for _ in range(3)]
    for _ in range(c.rng.randrange(2, 5)):
        s = c.client.connect(c.server.addr, SMTP)
        send(s, b"EHLO desk.example.org")
        c.pause(0.2, 0.3)
        send(s, FROM)
        drain(s)
        s.close()
        c.pause(0.1, 0.5)
    for s in held:
        send(s, b"QUIT")
        drain(s)
        s.close()
    ended(
        c, SMTP, ["connection-limit"], each=True,
        logs=[("syslog", r"Connection concurrency limit exceeded: 4 from unknown\[{ip}\]")],
        logs_ok=POSTFIX_LINES,
    )


def smtp_silent(c):
    """
    Postfix waits three seconds for a command (`smtpd_timeout = 3s`).  Senders that keep their
    session for later are told "421 4.4.2 Error: timeout exceeded" and closed; they go on after
    that.

    The reader should see: the server's time limit, in its last words and its log.
    """
    c.stage()
    postfix(c, "smtpd_timeout = 3s")
    c.watch()
    group = []
    for n in range(c.rng.randrange(2, 5)):
        group.append(mailer(c, *([FROM] if n % 2 else [])))
        c.pause(0.1, 0.4)
    c.pause(3.4, 3.9)
    for s in group:
        send(s, FROM, b"RCPT TO:<carol@example.org>")
        c.pause(0.05, 0.1)
        send(s, b"DATA")
        drain(s, 0.2)
        s.close()
    ended(
        c, SMTP, ["endpoint-idle-timeout"], each=True,
        logs=[("syslog", r"timeout after \w+ from unknown\[{ip}\]")],
        logs_ok=POSTFIX_LINES,
    )


def smtp_errors(c):
    """
    Postfix hangs up on a client after three errors (`smtpd_hard_error_limit = 3`).  One sender
    tries many recipients that are none, all in one go; another speaks HTTP, and Postfix does not
    take that at all.  An honest sender is served beside them.

    The reader should see: too many errors, or not SMTP, in the server's last words and its log.
    """
    c.stage(delay=0.02)
    postfix(c, "smtpd_hard_error_limit = 3\nsmtpd_soft_error_limit = 2")
    c.watch()
    s = mailer(c, b"QUIT")
    drain(s)
    s.close()
    guesses = [b"RCPT TO:<user%d@example.com>" % c.rng.randrange(1000) for _ in range(30)]
    for _ in range(c.rng.randrange(2, 4)):
        s = mailer(c, FROM)
        for text in guesses:
            send(s, text)
            c.pause(0.002, 0.01)
        drain(s)
        s.close()
        c.pause(0.2, 0.5)
    s = c.client.connect(c.server.addr, SMTP)
    web = s.getsockname()[1]
    for text in (b"GET / HTTP/1.1", b"Host: mail.example.org", b"Accept: */*", b""):
        send(s, text)
        c.pause(0.03, 0.05)
    drain(s)
    s.close()
    c.truth.add(
        (c.client.addr, web), (c.server.addr, SMTP), sender="server", phase="half-closed",
        mechanism=["after-close"], cause=["protocol-mismatch"], by_reason=how(),
        logs=[("syslog", r"non-SMTP command from")], logs_ok=POSTFIX_LINES,
    )
    ended(
        c, SMTP, ["application-abort"], each=True,
        logs=[("syslog", r"too many errors after RCPT from unknown\[{ip}\]")],
        logs_ok=POSTFIX_LINES,
    )


def smtp_lost(c):
    """
    Senders break off in the middle of a message: their program throws the connection away.
    Postfix writes "lost connection after DATA".

    The reader should see: the client aborted; the server's line is about that.
    """
    c.stage()
    postfix(c)
    c.watch()
    for n in range(c.rng.randrange(2, 4)):
        s = mailer(c, FROM, b"RCPT TO:<carol@example.org>", b"DATA")
        send(s, b"Subject: %d\r\n\r\n" % n + c.text(200, 2000))
        c.pause(0.2, 0.5)
        abort(s)
        c.pause(0.3, 0.8)
    c.truth.every(
        (c.server.addr, SMTP), sender="client", phase="active", mechanism=["abort"],
        cause=["client-abort"], each=True,
        logs=[("syslog", r"lost connection after DATA .*from unknown\[{ip}\]")],
        logs_ok=POSTFIX_LINES,
    )


# --- Dovecot --------------------------------------------------------------------------------------
IMAP = 143
DOVECOT = """protocols = imap
listen = {where}
ssl = no
disable_plaintext_auth = no
base_dir = /run/dovecot/
state_dir = /run/dovecot-state
log_path = syslog
syslog_facility = mail
mail_location = maildir:/run/mail/%u
first_valid_uid = 1
mail_max_userip_connections = 2
passdb {{
  driver = static
  args = password=sesame
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home=/run/mail/%u
}}
"""


def dovecot(c, more=""):
    c.server.sh("mkdir -p /run/mail /run/dovecot-state; chown mail:mail /run/mail")
    where = "::" if c.ip == 6 else "*"
    c.server.write("/etc/dovecot/lab.conf", DOVECOT.format(where=where) + more)
    c.server.spawn("dovecot", "-F", "-c", "/etc/dovecot/lab.conf")
    wait_for(lambda: daemons.listening(c.server, IMAP), "dovecot")
    c.pause(0.5)


def reader(c, *commands):
    """An IMAP client that has been greeted; its commands are sent without waiting for answers."""
    s = c.client.connect(c.server.addr, IMAP)
    banner(s)
    send(s, *(b"a%d %s" % (n, text) for n, text in enumerate(commands)))
    return s


def imap_limit(c):
    """
    Dovecot takes so many connections of one user from one address (`mail_max_userip_connections =
    2`, shipped as 10).  A mail program opens more and sends its next command with its login: it is
    told "Maximum number of connections from user+IP exceeded" and closed.

    The reader should see: the limit, in the server's last words and its log.
    """
    c.stage()
    dovecot(c)
    c.watch()
    held = []
    for _ in range(2):
        held.append(reader(c, b"LOGIN fred sesame"))
        drain(held[-1], 0.5)
    for _ in range(c.rng.randrange(2, 5)):
        s = reader(c, b"LOGIN fred sesame")
        for _ in range(12):
            send(s, b"b NOOP")
            c.pause(0.03, 0.05)
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.8)
    for s in held:
        send(s, b"z LOGOUT")
        drain(s)
        s.close()
    ended(
        c, IMAP, ["connection-limit"], each=True,
        logs=[("syslog", r"Maximum number of connections from user\+IP exceeded")],
        logs_ok=[("syslog", r"dovecot: ")],
    )


def imap_errors(c):
    """
    Clients that speak something else come to Dovecot's IMAP port: it takes so many commands that it
    does not know, says "BYE Too many invalid IMAP commands" and closes while more is coming.

    The reader should see: another protocol, or too many errors, in the server's last words.
    """
    c.stage(delay=0.02)
    dovecot(c)
    c.watch()
    for _ in range(c.rng.randrange(2, 4)):
        s = c.client.connect(c.server.addr, IMAP)
        banner(s)
        for _ in range(25):
            send(s, c.text(5, 20))
            c.pause(0.01, 0.03)
        drain(s, 0.3)
        s.close()
        c.pause(0.3, 0.8)
    ended(
        c, IMAP, ["application-abort", "protocol-mismatch"], each=True,
        logs=[("syslog", r"Too many invalid commands")],
        logs_ok=[("syslog", r"dovecot: ")],
    )


QUEUE = """service imap-login {
  client_limit = 2
  process_limit = 1
  service_count = 0
}
"""


def imap_queue(c):
    """
    Dovecot's login process takes two clients (`service imap-login { client_limit = 2 }`).  Clients
    that connect and do not log in fill it; for each new one it tells the oldest "BYE Connection
    queue full" and closes.  They go on long after that.

    The reader should see: the limit, in the server's last words and its log.
    """
    c.stage()
    dovecot(c, QUEUE)
    c.watch()
    group = []
    for _ in range(c.rng.randrange(4, 6)):
        group.append(reader(c))
        c.pause(0.3, 0.5)
    for s in group[:-2]:
        send(s, b"a NOOP")
        drain(s, 0.2)
        s.close()
    for s in group[-2:]:
        send(s, b"z LOGOUT")
        drain(s)
        s.close()
    ended(
        c, IMAP, ["connection-limit"], each=True,
        logs=[("syslog", r"Disconnected: Connection queue full")],
        logs_ok=[("syslog", r"dovecot: ")],
    )


def imap_crashed(c):
    """
    Sessions are logged in at Dovecot, each served by a process of its own, when those processes die
    of a fault (SIGSEGV).  Dovecot's master says so for each.  The clients go on after that.

    The reader should see: processes that crashed, from the master's lines.
    """
    c.stage()
    dovecot(c, "mail_max_userip_connections = 10\n")
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 5)):
        group.append(reader(c, b"LOGIN fred sesame"))
        drain(group[-1], 0.5)
    for pid in c.server.find("imap"):
        c.server.signal(pid, signal.SIGSEGV)
    c.pause(0.6, 0.9)
    for s in group:
        send(s, b"b NOOP")
        c.pause(0.05, 0.1)
        drain(s, 0.2)
        s.close()
    ended(
        c, IMAP, ["process-crash"], each=True,
        logs=[("syslog", r"child \d+ killed with signal 11")],
        logs_ok=[("syslog", r"dovecot: ")],
    )


again(imap_queue, "imap-queue-full", "Dovecot's login process is full",
      shape=dict(delay=0.01, log_style="iso", tz="Europe/Vienna"))
again(imap_crashed, "imap-crashed", "Dovecot's sessions crash",
      shape=dict(delay=0.015, log_style="iso", tz="America/Montevideo"))
pair(smtp_limit, "smtp-limit", "Postfix takes no more connections of a client", delay=0.02)
pair(smtp_silent, "smtp-silent", "Postfix ends silent sessions", log_shift=2.5)
pair(smtp_errors, "smtp-errors", "Postfix hangs up on a client that errs", delay=0.03)
pair(smtp_lost, "smtp-lost", "Senders break off before Postfix", log_style="bsd", delay=0.015)
pair(imap_limit, "imap-limit", "Dovecot takes no more connections of a user", delay=0.02)
pair(imap_errors, "imap-errors", "Dovecot hangs up on a client that errs", delay=0.03)
