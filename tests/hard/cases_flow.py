# SPDX-License-Identifier: Apache-2.0
"""How segments of one connection may come: repeated, overlapping, wrapped, probing, out of order, on
odd handshakes.  Each makes (file, expectations).  In Zeek's history `t` and `T` are retransmitted
payload, by responder and originator in lower and upper case of the side."""
import struct

from wire import *  # noqa: F401,F403

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def unrepeated(history):
    return "t" not in history.lower()


def closed_by(talk, who=1, want=None, **more):
    """The connection ends with a reset by who; the expectations of it."""
    frame = talk.send(who, RST | ACK, **more)
    expected = {"frame": frame, "sender": ("client", "server")[who], "killed": None}
    expected.update(want or {})
    return pcap(talk.frames), {"diagnoses": [expected]}


def exact_retransmission():
    talk = Talk().open()
    talk.client(PSH | ACK, data=ASK)
    talk.client(PSH | ACK, seq=1, data=ASK, after=200_000)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0},
                                 "history": lambda h: "T" in h})


def overlap_partial():
    """A later segment lies over the end of the one before."""
    talk = Talk().open()
    talk.client(PSH | ACK, data=ASK[:20])
    talk.client(PSH | ACK, seq=11, data=ASK[10:], after=200_000)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def overlap_leading():
    """A gap, and then a segment that fills it and lies over what came."""
    talk = Talk().open()
    talk.client(PSH | ACK, seq=11, data=ASK[10:])
    talk.client(PSH | ACK, seq=1, data=ASK[:15], after=50_000)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def other_bytes_again():
    talk = Talk().open()
    talk.client(PSH | ACK, data=ASK)
    talk.client(PSH | ACK, seq=1, data=ASK.upper().replace(b"/", b"!"), after=200_000)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def sequence_wrap():
    """4,294,967,000 and on: the numbers pass 2^32 in the middle of the data."""
    talk = Talk(isn=(0xffffff00, 0xfffffff0)).open()
    for _ in range(4):
        talk.say(0, b"a" * 100)
        talk.say(1, b"b" * 100)
    return closed_by(talk, want={"bytes": {"client": 400, "server": 400}, "history": unrepeated,
                                 "rst_validity": "exact"})


def isn_at_the_end():
    talk = Talk(isn=(0xffffffff, 0xffffffff)).open().say(0, ASK)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0},
                                 "history": unrepeated, "rst_validity": "exact"})


def keep_alives(octet):
    """RFC 9293 section 3.8.4: one sequence number back, with or without a byte of garbage."""
    talk = Talk().open().say(0, ASK)
    for _ in range(3):
        talk.client(ACK, seq=len(ASK), data=octet, after=75_000_000)
        talk.server(ACK)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def keep_alives_of_no_byte():
    return keep_alives(b"")


def keep_alives_of_one_byte():
    return keep_alives(b"\0")


def zero_window_probe():
    """One new byte against a shut window, refused with the old ACK: sent, and not retransmitted."""
    talk = Talk().open()
    talk.client(PSH | ACK, data=b"x" * 1000)
    talk.server(ACK, window=0)
    for _ in range(3):
        talk.client(ACK, seq=1001, data=b"y", after=1_000_000)
        talk.server(ACK, ack=1001, window=0)
    talk.server(ACK, ack=1001, window=64000)
    return closed_by(talk, want={"rst_validity": "exact"}, ack=1001)


def window_scale_over_14():
    """RFC 7323 section 2.3: more than 14 counts as 14."""
    talk = Talk()
    talk.client(SYN, opts=options(mss(), wscale(200)))
    talk.server(SYN | ACK, opts=options(mss(), wscale(7)))
    talk.client(ACK)
    talk.say(0, ASK)
    data, want = closed_by(talk)
    want["capture"] = {"flaws": lambda f: f and any("scale" in k for k in f)}
    return data, want


def window_unknown():
    """The handshake was not captured, so the scale of the windows is not known."""
    talk = Talk()
    talk.next = [1, 1]
    talk.say(0, ASK).say(1, b"x" * 500)
    return closed_by(talk, want={"conn_state": "RSTRH", "killed": None})


def data_on_syn():
    talk = Talk()
    talk.client(SYN, data=ASK)
    talk.server(SYN | ACK)
    talk.client(ACK)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def fast_open(acked):
    """RFC 7413: the SYN's data is acknowledged in full, in part or not at all, and then resent."""
    talk = Talk()
    talk.client(SYN, data=ASK, opts=options(mss(), fastopen(b"cookie!!")))
    talk.server(SYN | ACK, ack=1 + acked, opts=options(mss()))
    talk.client(ACK)
    if acked < len(ASK):
        talk.client(PSH | ACK, seq=1 + acked, data=ASK[acked:])
    talk.server(ACK)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def fast_open_accepted():
    return fast_open(len(ASK))


def fast_open_in_part():
    return fast_open(10)


def fast_open_rejected():
    return fast_open(0)


def simultaneous_open():
    """RFC 9293 figure 7: two SYNs cross, each is answered."""
    talk = Talk(sport=5000, dport=5001)
    talk.client(SYN)
    talk.server(SYN)
    talk.client(SYN | ACK, seq=0, ack=1)
    talk.server(SYN | ACK, seq=0, ack=1)
    talk.say(0, ASK)
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def split_handshake():
    """The server answers the SYN with an ACK and a SYN of its own (4-way handshake).  Wireshark
    begins another stream at the second SYN, and so the roles are those of that one."""
    talk = Talk()
    talk.client(SYN)
    talk.server(ACK, seq=0, ack=1)
    talk.server(SYN, seq=0)
    talk.client(SYN | ACK, seq=0, ack=1)
    talk.server(ACK)
    talk.say(0, ASK)
    return closed_by(talk, want={"sender": "client", "client": {"ip": SERVER, "port": 80},
                                 "bytes": {"client": 0, "server": len(ASK)}})


def syn_ack_before_syn():
    talk = Talk().open().say(0, ASK)
    (t0, syn), (t1, synack) = talk.frames[:2]
    talk.frames[:2] = [(t0, synack), (t1, syn)]
    return closed_by(talk, want={"client": {"ip": CLIENT, "port": 40000},
                                 "bytes": {"client": len(ASK), "server": 0}})


def syn_again_with_new_stamp():
    talk = Talk()
    talk.client(SYN, opts=options(mss(), stamps(1000)))
    talk.client(SYN, seq=0, opts=options(mss(), stamps(2000)), after=1_000_000)
    talk.server(SYN | ACK, opts=options(mss(), stamps(77, 2000)))
    talk.client(ACK, opts=stamps(2001, 77))
    return closed_by(talk, want={"conn_state": "RSTR"})


def stamp_of_the_past():
    """PAWS: a segment with a stamp from before comes, as an old copy would; the flow goes on."""
    talk = Talk()
    talk.client(SYN, opts=options(mss(), stamps(1000)))
    talk.server(SYN | ACK, opts=options(mss(), stamps(50, 1000)))
    talk.client(ACK, opts=stamps(1001, 50))
    talk.client(PSH | ACK, data=ASK, opts=stamps(1010, 50))
    talk.client(PSH | ACK, seq=1 + len(ASK), data=b"old", opts=stamps(5, 50))
    talk.next[0] -= 3
    talk.server(ACK, opts=stamps(60, 1010))
    return closed_by(talk)


def no_echo():
    """TSecr 0 though the other end's stamp is known."""
    talk = Talk()
    talk.client(SYN, opts=options(mss(), stamps(1000)))
    talk.server(SYN | ACK, opts=options(mss(), stamps(50, 0)))
    talk.client(ACK, opts=stamps(1001, 0))
    talk.say(0, ASK)
    return closed_by(talk, want={"conn_state": "RSTR"})


def malformed_sack():
    talk = Talk().open().say(0, ASK)
    talk.server(ACK, opts=options(b"\1\1\5\x0b" + b"\xff" * 9))
    talk.server(ACK, opts=options(sack(7, 3)))
    return closed_by(talk)


def urgent_data():
    """One urgent byte and then two: they count as payload like any other."""
    talk = Talk().open()
    talk.client(PSH | ACK | URG, data=b"!", urgent=1)
    talk.client(PSH | ACK | URG, data=b"!!", urgent=2)
    talk.server(ACK)
    return closed_by(talk, want={"bytes": {"client": 3, "server": 0}})


def ack_of_what_was_not_captured():
    """The capture dropped a segment of the client that the server acknowledges (Zeek issue 335)."""
    talk = Talk().open()
    talk.next[0] = 501
    talk.server(ACK)
    talk.client(PSH | ACK, data=ASK)
    return closed_by(talk, want={"history": lambda h: "g" in h.lower()})


def ack_before_its_data():
    """A mirror that mixes its two directions: the ACK is captured before what it acknowledges."""
    talk = Talk().open()
    talk.client(PSH | ACK, data=ASK)
    talk.server(ACK)
    (t0, data), (t1, ack) = talk.frames[-2:]
    talk.frames[-2:] = [(t0, ack), (t1, data)]
    return closed_by(talk, want={"bytes": {"client": len(ASK), "server": 0}})


def one_sided():
    """Only what the server sends was captured."""
    talk = Talk().open().say(0, ASK).say(1, b"x" * 100)
    data, want = closed_by(talk)
    frames = [(t, f) for t, f in talk.frames if f[26:30] == address(SERVER)]
    want["diagnoses"][0]["frame"] = len(frames)
    want["diagnoses"][0]["sender"] = lambda s: s in (None, "server")
    return pcap(frames), want


def port_again_in_seconds():
    """The same ports two seconds later: a SYN with another number begins another stream."""
    one = Talk().open().say(0, ASK)
    one.server(RST | ACK)
    two = Talk(isn=(900_000, 800_000), start=one.time + 2_000_000).open().say(0, ASK)
    two.server(RST | ACK)
    first = len(one.frames)
    return pcap(one.frames + two.frames), {"diagnoses": [
        {"frame": first, "stream": 0, "bytes": {"client": len(ASK), "server": 0}},
        {"frame": first + len(two.frames), "stream": 1, "bytes": {"client": len(ASK), "server": 0}}]}


CASES = {f.__name__.replace("_", " "): f for f in (
    exact_retransmission, overlap_partial, overlap_leading, other_bytes_again, sequence_wrap,
    isn_at_the_end, keep_alives_of_no_byte, keep_alives_of_one_byte, zero_window_probe,
    window_scale_over_14, window_unknown, data_on_syn, fast_open_accepted, fast_open_in_part,
    fast_open_rejected, simultaneous_open, split_handshake, syn_ack_before_syn,
    syn_again_with_new_stamp, stamp_of_the_past, no_echo, malformed_sack, urgent_data,
    ack_of_what_was_not_captured, ack_before_its_data, one_sided, port_again_in_seconds)}
