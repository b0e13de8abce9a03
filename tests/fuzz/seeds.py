# SPDX-License-Identifier: Apache-2.0
"""Makes seed inputs for the fuzz targets from the samples and the sources, never from elsewhere."""
import gzip
import hashlib
import io
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
MAX_SEED, MAX_SEEDS = 64 * 1024, 300
CAPTURES = (".pcap", ".pcapng", ".cap")
ARCHIVES = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".tar", ".tgz", ".zip")
# what a target's name holds: the kind of seed that it eats
KINDS = [(("journal",), "journals"),
         (("pcap", "capture"), "captures"), (("archive", "input", "source", "unpack"), "anything"),
         (("packet", "link", "tunnel", "ip", "tcp", "icmp", "payload", "decode", "analyze",
           "flow", "stream"), "frames"),
         (("rule", "event", "catalogue", "xml"), "xml"),
         (("log", "shape", "sieve", "line", "name", "envelope", "host", "sysctl", "instant", "text"), "texts")]


def kind_of(target):
    words = target.removeprefix("fuzz_").split("_")
    for names, kind in KINDS:
        if any(word in names for word in words):
            return kind
    return "anything"


def sample_files():
    for folder in ("samples", "tests/corpus"):
        for path in sorted((TOP / folder).rglob("*")):
            if path.is_file() and path.suffix not in (".md", ".py", ".sh"):
                yield path


def frames_of(data):
    """The frames of a classic pcap file of either byte order."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">",
             b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    at = 24
    while order and at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def journal_file():
    """A small journal file of two entries (docs/JOURNAL_FILE_FORMAT.md of systemd); a real one is
    megabytes of tables."""
    def thing(kind, body):
        at = 208 + len(arena)
        arena.extend(struct.pack("<B7xQ", kind, 16 + len(body)) + body)
        arena.extend(b"\0" * (-len(arena) % 8))
        return at
    arena, entries, t = bytearray(), [], 1772366400000000
    data_table, field_table = thing(4, b"\0" * 64), thing(5, b"\0" * 64)
    for k in range(2):
        said = (b"MESSAGE=Connection reset by 192.0.2.1 port %d" % (40000 + k), b"_PID=7",
                b"SYSLOG_IDENTIFIER=sshd")
        items = [(thing(1, struct.pack("<6Q", n + 1, 0, 0, 0, 0, 0) + one), n + 1)
                 for n, one in enumerate(said)]
        entries.append(thing(3, struct.pack("<3Q16sQ", k + 1, t + k, 1000 + k, b"B" * 16, 0) +
                             b"".join(struct.pack("<2Q", *item) for item in items)))
    tail = thing(6, struct.pack("<3Q", 0, *entries))
    head = struct.pack("<8sIIB7x16s16s16s16s", b"LPKSHHRH", 0, 0, 0, b"F" * 16, b"M" * 16, b"B" * 16,
                       b"S" * 16)
    return head + struct.pack("<15Q", 208, len(arena), data_table + 16, 64, field_table + 16, 64, tail,
                              11, 2, 2, 1, tail, t, t + 1, 1001) + bytes(arena)


def packed():
    """Compressed streams: one, several, cut, with something behind, and around a tar."""
    text = b"Oct 22 12:09:10 host sshd[1]: first\n" * 40
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        for name in ("a.log", "b.log"):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            out.addfile(member, io.BytesIO(text))
    packers = [lambda data: gzip.compress(data, mtime=0)]
    if shutil.which("zstd"):
        packers.append(lambda data: subprocess.run(["zstd", "-q", "-c"], input=data, check=True,
                                                   stdout=subprocess.PIPE).stdout)
    for pack in packers:
        one = pack(text)
        yield from (one, one + one, one[:-6], one + b"and so on", one + bytes(700),
                    pack(tar.getvalue()), pack(one), pack(b""))


def seeds(kind):
    if kind == "journals":
        yield journal_file()
        return
    for path in sample_files():
        data = path.read_bytes()
        is_capture = path.suffix in CAPTURES
        if kind == "captures" and is_capture:
            yield data[:MAX_SEED]
        elif kind == "frames" and is_capture:
            yield from frames_of(data)
        elif kind == "texts" and not is_capture and path.suffix not in ARCHIVES:
            yield from (line + b"\n" for line in data.splitlines()[:40])
            yield data[:4096]
        elif kind == "anything":
            yield data[:MAX_SEED]
    if kind == "xml":
        yield from (path.read_bytes()[:MAX_SEED] for path in sorted((TOP / "rules").rglob("*.xml")))
    if kind == "anything":
        yield b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0"


def write_seeds(target, folder):
    """Fills folder with at most MAX_SEEDS different seeds, spread evenly over what there is."""
    folder.mkdir(parents=True, exist_ok=True)
    known = dict.fromkeys(seed for seed in seeds(kind_of(target)) if seed)
    made = dict.fromkeys(packed()) if kind_of(target) == "anything" else {}
    step = max(1, -(-len(known) // MAX_SEEDS))
    for seed in [*list(known)[::step], *made]:
        (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)
