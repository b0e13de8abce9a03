# SPDX-License-Identifier: Apache-2.0
"""A small capture to go with a generated log: its ssh connections, each opened, spoken on for two
seconds, and ended by FIN, or by a RST where the log says so.  Every checksum is right."""
import ipaddress
import struct

SERVER = ("192.0.2.10", 22)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(source, target, seq, ack, flags, payload=b""):
    ends = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack, 5 << 4, flags, 64240, 0, 0)
    total = checksum(ends + struct.pack(">HH", 6, len(tcp) + len(payload)) + tcp + payload)
    tcp = tcp[:16] + struct.pack(">H", total) + tcp[18:] + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ends
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return bytes(5) + b"\1" + bytes(5) + b"\2" + b"\x08\0" + ip + tcp


def connection(start_us, address, port, is_reset):
    """(time, frame) of one connection; it ends when the log's line is written."""
    client, server = (address, port), SERVER
    c, s = 1000, 5000
    steps = [(-2000000, 0, SYN, b""), (-1999900, 1, SYN | ACK, b""), (-1999800, 0, ACK, b""),
             (-1990000, 1, PSH | ACK, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
             (-1980000, 0, PSH | ACK, b"SSH-2.0-Go\r\n")]
    steps += ([(-100, 0, RST | ACK, b"")] if is_reset else
              [(-300, 0, FIN | ACK, b""), (-200, 1, FIN | ACK, b""), (-100, 0, ACK, b"")])
    for after, side, flags, payload in steps:
        if side:
            yield start_us + after, frame(server, client, s, c, flags, payload)
        else:
            yield start_us + after, frame(client, server, c, 0 if flags == SYN else s, flags, payload)
        taken = len(payload) + bool(flags & (SYN | FIN))
        c, s = (c, s + taken) if side else (c + taken, s)


def write(path, rows):
    """rows: (time_us, address, port, is_reset)."""
    frames = sorted(f for row in rows for f in connection(*row))
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for time_us, data in frames:
            out.write(struct.pack("<IIII", *divmod(time_us, 1000000), len(data), len(data)) + data)
