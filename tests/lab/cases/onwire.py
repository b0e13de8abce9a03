# SPDX-License-Identifier: Apache-2.0
"""Hosts that send their log to a collector by UDP, through the place where the capture is taken."""
from case import again, case
from cases import clocks, endpoint
from daemons import Collector, Sshd, Syslog
from truth import WIRE

PACKETS = "tcp or icmp or icmp6 or udp port 514"


def send_log(c, template, keep):
    """The client is the collector, too."""
    c.pair(log=False)
    Collector(c.client)
    Syslog(c.server, c.log_style, forward=(c.client.addr, template), keep=keep)


@case("syslog-captured", "A server whose log is seen on its way to the collector alone",
      shape=dict(wrong={"server": dict(offset=-84.3)}))
def captured(c):
    """
    HTTP requests arrive at port 22.  The server keeps no log of its own: rsyslog sends every line
    to a collector by UDP (RFC 5424), and the capture holds port 514, too.  The server's clock is
    far off.

    The reader should see: sshd's lines on their own connections, though no log file is given, and
    the clock of the server, by the times at which its lines were captured.
    """
    send_log(c, "RSYSLOG_SyslogProtocol23Format", keep=False)
    Sshd(c.server, {})
    c.capture(c.server, expression=PACKETS)
    clocks.strangers(c, c.rng.randrange(4, 6), WIRE)
    clocks.left_alone(c, WIRE)


def crash(c, port=8500, name="reportd"):
    """
    A single-threaded service dereferences a null pointer while clients are connected.  The kernel's
    segfault line is in kern.log and names no connection; the log's clock is far off and its stamps
    state no zone.  rsyslog sends the same lines to a collector by UDP, and the capture holds them.

    The reader should see: one crash behind all of the resets, by the line in kern.log, which fits
    in time since the same line was captured on its way; the clock of the log.
    """
    send_log(c, "RSYSLOG_TraditionalForwardFormat", keep=True)
    c.planned, plain = ("server",), c.watch
    c.watch = lambda: plain(expression=PACKETS)
    endpoint.death(c, port, name, b"crash", ["process-crash"],
                   [("kern.log", rf"{name}\[\d+\]: segfault at")])


again(captured, "syslog-captured-v6", "A server whose log is seen on its way alone", ip=6,
      graded=True, shape=dict(wrong={"server": dict(offset=1810.6)}))
again(crash, "crash-sent", "A crash in a log whose clock only its captured datagrams tell", ip=4,
      shape=dict(log_style="bsd", wrong={"server": dict(offset=213.2, tz="Asia/Kolkata")}))
again(crash, "crash-sent-v6", "A crash in a log whose clock only its captured datagrams tell", ip=6,
      graded=True, shape=dict(log_style="bsd", wrong={"server": dict(offset=-47.1, tz="Asia/Kathmandu")}))
