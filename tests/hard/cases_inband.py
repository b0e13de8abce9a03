# SPDX-License-Identifier: Apache-2.0
"""What is said of the cause within the connection: by the RST itself, or by the last bytes before
it.  Each makes (file, expectations); what tshark reads, too, is held against it."""
import struct

from cases_reset import ASK, established
from wire import *  # noqa: F401,F403


def says(*texts):
    """Evidence that holds each of the texts."""
    return lambda v: all(any(text in e.get("says", "") for e in v) for text in texts)


def silent(*texts):
    return lambda v: not any(text in e.get("says", "") for e in v for text in texts)


def reset_with(fields=None, evidence=None, **more):
    talk = established()
    frame = talk.server(RST | ACK, **more)
    want = {"diagnoses": [{"frame": frame, "sender": "server", "evidence": evidence}]}
    return pcap(talk.frames), {**want, "tshark": {frame: fields} if fields else {}}


def text_in_the_rst():
    """RFC 1122 section 4.2.2.12."""
    return reset_with({"tcp.reset_cause": "go away"}, says('carries the text "go away"'),
                      data=b"go away")


def diagnostic_compact():
    """draft-ietf-tcpm-rst-diagnostic-payload: magic, code 14, no enterprise number."""
    return reset_with(None, says("diagnostic payload (compact", "code 14, connection timeout"),
                      data=struct.pack("!HHI", 0x33aa, 14, 0))


def diagnostic_of_a_vendor():
    return reset_with(None, says("code 1234 of enterprise number 32473"),
                      data=struct.pack("!HHI", 0x33aa, 1234, 32473))


def diagnostic_with_lengths():
    return reset_with(None, says("diagnostic payload (lengths", "code 2, desynchronized state"),
                      data=struct.pack("!HHHH", 12345, 4, 0, 2))


def diagnostic_in_cbor():
    """A map of 1: code and 3: description behind the number 12345."""
    text = b"out of memory"
    body = b"\x19\x30\x39\xa2\x01\x0a\x03" + bytes([0x60 + len(text)]) + text
    return reset_with(None, says("diagnostic payload (cbor", "code 10, resource exceeded",
                                 'says: "out of memory"'), data=body)


def payload_that_says_nothing():
    return reset_with(None, silent("it carries the text", "diagnostic"), data=b"\1\2\3\4\5\6\7\x80")


def netscaler_window():
    return reset_with({"tcp.window_size_value": 9811},
                      says("window field is 9811", "after a fatal TLS alert"), window=9811)


def same_window_by_chance():
    """The server's segments have it, too."""
    talk = Talk().open(window=9811)
    talk.say(0, ASK)
    talk.server(PSH | ACK, data=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", window=9811)
    frame = talk.server(RST | ACK, window=9811)
    return pcap(talk.frames), {"diagnoses": [{"frame": frame, "evidence": silent("NetScaler")}],
                               "tshark": {frame: {"tcp.window_size_value": 9811}}}


def mptcp(reason, meaning):
    """RFC 8684 section 3.6: MP_TCPRST."""
    return reset_with({"tcp.options.mptcp.rst_reason": f"0x{reason:02x}"},
                      says(f"MP_TCPRST option gives reason {reason}, {meaning}"),
                      opts=bytes([0x1e, 4, 0x80, reason]))


def last_words(port, words, fields, evidence, before=()):
    """The server's last words right before its reset; fields: of the frame that holds them."""
    talk = Talk(dport=port).open()
    for who, data in before:
        talk.say(who, data)
    spoken = talk.server(PSH | ACK, data=words)
    frame = talk.server(RST | ACK)
    return pcap(talk.frames), {"diagnoses": [{"frame": frame, "sender": "server",
                                              "evidence": evidence}],
                               "tshark": {spoken: fields}}


def tls_alert():
    """RFC 8446 section 6: fatal, handshake_failure."""
    hello = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    hello = b"\1" + struct.pack("!I", len(hello))[1:] + hello
    return last_words(443, b"\x15\3\3\0\2\2\x28",
                      {"tls.alert_message.level": 2, "tls.alert_message.desc": 40},
                      says("handshake_failure"),
                      [(0, b"\x16\3\1" + struct.pack("!H", len(hello)) + hello)])


def http2_frame(kind, body, stream=0):
    return struct.pack("!I", len(body))[1:] + bytes([kind, 0]) + struct.pack("!I", stream) + body


def http2_goaway():
    """RFC 9113 section 6.8: ENHANCE_YOUR_CALM, as gRPC servers say it to too many pings."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, b"")
    return last_words(80, http2_frame(7, struct.pack("!II", 1, 11) + b"too_many_pings"),
                      {"http2.goaway.error": 11}, says("ENHANCE_YOUR_CALM", "too_many_pings"),
                      [(0, preface), (1, http2_frame(4, b""))])


def syn_fin_rst_alone():
    """A capture of the flags alone: the RST's numbers count bytes that it does not hold."""
    talk = established()
    talk.client(PSH | ACK, data=b"more")
    talk.server(RST | ACK)
    frames = [f for f in talk.frames if f[1][47] & (SYN | FIN | RST)]
    return pcap(frames), {"diagnoses": [{"frame": 3, "sender": "server", "phase": "active",
                                           "confidence": lambda v: v < 0.5}]}


CASES = {f.__name__.replace("_", " "): f for f in (
    text_in_the_rst, diagnostic_compact, diagnostic_of_a_vendor, diagnostic_with_lengths,
    diagnostic_in_cbor, payload_that_says_nothing, netscaler_window, same_window_by_chance,
    tls_alert, http2_goaway, syn_fin_rst_alone)}
CASES |= {f"mptcp {meaning}": (lambda r=reason, m=meaning: mptcp(r, m)) for reason, meaning in
          enumerate(("unspecified error", "MPTCP-specific error", "lack of resources",
                     "prohibited by policy", "too much outstanding data",
                     "unacceptable performance", "middlebox interference"))}
