# SPDX-License-Identifier: Apache-2.0
"""Who made the RST, in pairs: what a device in the path does, and what a host does that looks like
it.  Each makes (file, expectations)."""
from cases_reset import ASK, reset
from wire import *  # noqa: F401,F403

QUICK = 200  # microseconds; the server takes 10 ms


def talk_of(ends=(CLIENT, SERVER), ttl=(64, 57)):
    """Some exchanges, and a request that is not answered yet."""
    talk = Talk(*ends, step=10_000)
    talk.ttl = list(ttl)
    talk.open()
    for _ in range(3):
        talk.say(0, ASK).say(1, b"x" * 300)
    talk.client(PSH | ACK, data=ASK)
    return talk


def goes_on(talk):
    """The server answers nevertheless, and the client no longer knows the connection."""
    talk.server(PSH | ACK, data=b"z" * 300)
    talk.client(RST, seq=talk.next[0])
    return talk


def forged(talk, frame, **want):
    return reset(talk, frame=frame, sender="path", mechanism="injected", **want)


def sent(talk, frame, **want):
    return reset(talk, frame=frame, sender="server", **want)


def forged_in_v6():
    talk = talk_of((CLIENT6, SERVER6))
    frame = talk.server(RST, ttl=44, after=QUICK)
    return forged(goes_on(talk), frame)


def forged_in_v6_and_silent_after():
    talk = talk_of((CLIENT6, SERVER6))
    return forged(talk, talk.server(RST, ttl=44, after=QUICK))


def forged_at_the_same_hops():
    talk = talk_of()
    frame = talk.server(RST, ident=0x4242, after=QUICK)
    return forged(goes_on(talk), frame)


def forged_from_the_trigger():
    """The identification of the segment that the box held in its hands."""
    talk = talk_of()
    return forged(talk, talk.server(RST, ident=talk.ident[0], window=0, after=QUICK))


def forged_with_rising_numbers():
    talk = talk_of()
    frames = [talk.server(RST, seq=talk.next[1] + k * 1460, ttl=50, ident=0, after=60)
              for k in range(3)]
    return forged(talk, frames[0], rst_frames=frames)


def forged_to_one_side():
    """Only the server is told; the client talks on and is answered by a host that forgot."""
    talk = talk_of((CLIENT6, SERVER6))
    frame = talk.client(RST | ACK, ttl=57, after=QUICK)
    talk.client(PSH | ACK, data=ASK)
    last = talk.server(RST, seq=talk.next[1])
    return forged(talk, frame, rst_frames=[frame, last])


def one_hop_less():
    """A route may change by one hop."""
    talk = talk_of()
    return sent(talk, talk.server(RST | ACK, ttl=56))


def one_hop_less_in_v6():
    talk = talk_of((CLIENT6, SERVER6))
    return sent(talk, talk.server(RST | ACK, ttl=56))


def counter_of_the_host():
    """A kernel without per-socket counters: its bare answer continues the same one."""
    talk = talk_of(ttl=(64, 121))
    talk.server(FIN | ACK)
    talk.client(PSH | ACK, data=ASK)
    return sent(talk, talk.server(RST, window=0), mechanism="after-close")


def socket_with_its_own_hops():
    """RFC 5082: a socket at 255 hops, and its kernel's bare answer at 64."""
    talk = talk_of(ttl=(64, 248))
    talk.server(FIN | ACK)
    talk.client(PSH | ACK, data=ASK)
    return sent(talk, talk.server(RST, window=0, ident=0, ttl=57), mechanism="after-close")


CASES = {f.__name__.replace("_", " "): f for f in (
    forged_in_v6, forged_in_v6_and_silent_after, forged_at_the_same_hops, forged_from_the_trigger,
    forged_with_rising_numbers, forged_to_one_side, one_hop_less, one_hop_less_in_v6,
    counter_of_the_host, socket_with_its_own_hops)}
