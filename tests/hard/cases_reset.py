# SPDX-License-Identifier: Apache-2.0
"""The RSTs themselves: with text, late, alone, forged, ignored.  Each makes (file, expectations)."""
from wire import *  # noqa: F401,F403

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def established():
    return Talk().open().say(0, ASK).say(1, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def reset(talk, **want):
    """One diagnosis, of this kind."""
    return pcap(talk.frames), {"diagnoses": [want]}


def lived_on(talk, *forged):
    """Both ends close in order: those RSTs were attempts."""
    talk.client(FIN | ACK)
    talk.server(FIN | ACK)
    talk.client(ACK)
    return pcap(talk.frames), {"capture": {
        "rst_skipped": lambda v: [r["frame"] for r in v] == list(forged)}}


def rst_after_fin():
    talk = established()
    talk.client(FIN | ACK)
    frame = talk.server(RST | ACK)
    return reset(talk, frame=frame, sender="server")


def rst_of_a_closed_end():
    """The client has closed and answers what still comes."""
    talk = established()
    talk.client(FIN | ACK)
    talk.server(PSH | ACK, data=b"more")
    frame = talk.client(RST, seq=len(ASK) + 2)
    return reset(talk, frame=frame, sender="client", rst_validity="exact")


def rst_both_ways():
    """Both ends get a RST within a moment, as boxes in the path send them: one teardown."""
    talk = established()
    one = talk.send(1, RST, ttl=40, ident=1)
    two = talk.send(0, RST, ttl=40, ident=1, after=50)
    return reset(talk, rst_frames=[one, two])


def lone_rst():
    """Backscatter: one RST and nothing else.  Zeek says OTH of it since #1164, and never RSTOS0."""
    talk = Talk(dport=50000)
    frame = talk.client(RST | ACK, ack=1)
    return reset(talk, frame=frame, conn_state="OTH")


def syn_then_rst_of_its_sender():
    """Zeek: RSTOS0, the originator sent a SYN and then a RST, no SYN-ACK came."""
    talk = Talk()
    talk.client(SYN)
    frame = talk.client(RST)
    return reset(talk, frame=frame, sender="client", conn_state="RSTOS0")


def refused():
    talk = Talk()
    talk.client(SYN)
    frame = talk.server(RST | ACK, seq=0, ack=1)
    return reset(talk, frame=frame, conn_state="REJ", mechanism="refused")


def wrong_rst_sets_no_base():
    """A RST with a number from nowhere right after the SYN: the handshake goes on around it."""
    talk = Talk()
    talk.client(SYN)
    forged = talk.server(RST, seq=777_000_000, ttl=33, ident=5)
    talk.server(SYN | ACK, seq=0, ack=1)
    talk.client(ACK)
    talk.say(0, ASK).say(1, b"x" * 300)
    return lived_on(talk, forged)


def rst_in_window_and_challenge():
    """RFC 5961 section 3.2: in the window, not exact; the client challenges; the second is exact."""
    talk = established()
    one = talk.server(RST, seq=talk.next[1] + 100)
    talk.client(ACK)
    two = talk.server(RST)
    return reset(talk, rst_frames=[one, two], sender="server")


def rst_ignored():
    """Both ends talk on after it: an attempt, no reset."""
    talk = established()
    forged = talk.server(RST, seq=talk.next[1] + 1_000_000, ttl=33, ident=5)
    talk.say(0, ASK).say(1, b"x" * 300)
    return lived_on(talk, forged)


def rst_unlike_its_sender():
    """TTL, identification and window are not the server's: it did not send it."""
    talk = Talk(step=20_000)
    talk.open()
    for _ in range(4):
        talk.say(0, ASK).say(1, b"x" * 300)
    frame = talk.server(RST, ttl=121, ident=0xbeef, window=0, after=300)
    return reset(talk, frame=frame, sender=lambda s: s != "server")


def rst_twice():
    """The same reset is repeated for each segment that was under way: one teardown."""
    talk = established()
    talk.client(PSH | ACK, data=b"a" * 10)
    talk.client(PSH | ACK, data=b"b" * 10)
    at = len(ASK) + 1
    rsts = [talk.server(RST, ack=at), talk.server(RST, ack=at)]
    return reset(talk, rst_frames=rsts, sender="server")


CASES = {f.__name__.replace("_", " "): f for f in (
    rst_after_fin, rst_of_a_closed_end, rst_both_ways, lone_rst,
    syn_then_rst_of_its_sender, refused, wrong_rst_sets_no_base, rst_in_window_and_challenge,
    rst_ignored, rst_unlike_its_sender, rst_twice)}
