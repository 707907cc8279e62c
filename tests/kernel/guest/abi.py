# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs and unpacks the control interface by hand, from its manual: not from the header the module is built with."""
import os
import socket
import struct
from dataclasses import dataclass, field

MAGIC = 0x52545045
VERSION = 1
HELLO, ADD, DEL, GET, FLUSH = range(1, 6)
REPLACE = 1
RTP, RTP_ONLY, STUN, DTLS, LEARN, BLACKHOLE, PT_FILTER, RANK = (1 << n for n in range(8))
IGNORE, DROP, PASS = range(3)
MAX_BATCH = 1048576
SIZES = (16, 16, 24, 24, 1208, 240, 88, 184, 832, 120, 64, 0)
NO_KEYS = bytes(184)
NO_ADDR = bytes(24)

Where = tuple[str, int]


def addr(where: Where | None) -> bytes:
    """rtpe_addr of (address, port)."""
    if where is None:
        return NO_ADDR
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    ip = socket.inet_pton(family, where[0])
    return struct.pack("<H", len(ip) // 4 + 2 if len(ip) == 16 else 4) + struct.pack(">H", where[1]) + bytes(4) + \
        ip.ljust(16, b"\0")


def parse_addr(raw: bytes) -> Where | None:
    """The (address, port) of an rtpe_addr."""
    family = struct.unpack("<H", raw[:2])[0]
    if not family:
        return None
    size, af = (4, socket.AF_INET) if family == 4 else (16, socket.AF_INET6)
    return socket.inet_ntop(af, raw[8:8 + size]), struct.unpack(">H", raw[2:4])[0]


def output(src: Where, dst: Where, tos: int = 0, keys: bytes = NO_KEYS, flags: int = 0) -> bytes:
    """rtpe_output_msg."""
    return addr(src) + addr(dst) + struct.pack("<IB3x", flags, tos) + keys


def ssrc_state(ssrc: int, ext_seq: int, lost_bits: int = 0xFFFFFFFF) -> bytes:
    """rtpe_ssrc with the sequence state only."""
    return struct.pack(">I", ssrc) + struct.pack("<BBHQQQQIIIIIIIIQQ", 1, 0, 0, ext_seq, 0, 0, 0, lost_bits,
                                                 *[0] * 7, 0, 0)


@dataclass
class Target:
    """rtpe_target_msg; `ranges` are rtp_start, rtp_end, rtcp_start, rtcp_end (default: all outputs for both)."""

    local: Where
    outputs: list[bytes] = field(default_factory=list)
    expect: Where | None = None
    flags: int = RTP
    mismatch: int = IGNORE
    ranges: tuple[int, int, int, int] | None = None
    payload_types: tuple[tuple[int, int], ...] = ((0, 8000), (8, 8000))
    ssrcs: tuple[bytes, ...] = ()
    keys: bytes = NO_KEYS
    best_rank: int = 0
    reserved: int = 0
    counts: tuple[int, int, int] | None = None

    def pack(self) -> bytes:
        """The message with its outputs."""
        n = len(self.outputs)
        counts = self.counts or (n, len(self.payload_types), len(self.ssrcs))
        pts = b"".join(struct.pack("<BBHI", number, 0, 0, rate) for number, rate in self.payload_types)
        head = addr(self.local) + addr(self.expect) + struct.pack(
            "<IBBBB4BBHB", self.flags, self.mismatch, *counts, *(self.ranges or (0, n, 0, n)), self.best_rank,
            self.reserved, 0)
        lists = pts.ljust(256, b"\0") + b"".join(self.ssrcs).ljust(704, b"\0")
        return head + lists + self.keys + b"".join(self.outputs)


def record(command: int, body: bytes = b"", flags: int = 0, cookie: int = 0, length: int | None = None) -> bytes:
    """rtpe_record with its body."""
    return struct.pack("<HHIQ", command, flags, 16 + len(body) if length is None else length, cookie) + body


def batch(*records: bytes, magic: int = MAGIC, version: int = VERSION, count: int | None = None,
          length: int | None = None, reserved: int = 0) -> bytes:
    """rtpe_batch with its records."""
    body = b"".join(records)
    return struct.pack("<IHHII", magic, version, len(records) if count is None else count,
                       16 + len(body) if length is None else length, reserved) + body


def hello(sizes: tuple[int, ...] = SIZES) -> bytes:
    """A HELLO record."""
    return record(HELLO, struct.pack("<12H", *sizes))


@dataclass
class Reply:
    """rtpe_reply with its body."""

    command: int
    status: int
    cookie: int
    body: bytes


def parse_replies(raw: bytes) -> list[Reply]:
    """All replies of a batch."""
    found = []
    while raw:
        command, zero, status, length, zero2, cookie = struct.unpack("<HHiIIQ", raw[:24])
        assert zero == zero2 == 0 and length >= 24 and length % 8 == 0, raw[:24].hex()
        found.append(Reply(command, status, cookie, raw[24:length]))
        raw = raw[length:]
    return found


@dataclass
class Counters:
    """rtpe_counters."""

    packets: int
    bytes: int
    errors: int
    last_us: int
    passed: int


def counters(raw: bytes) -> Counters:
    """The 64 bytes of rtpe_counters."""
    return Counters(*struct.unpack("<5Q", raw[:40]))


@dataclass
class Ssrc:
    """What the tests look at in rtpe_ssrc."""

    ssrc: int
    valid: int
    last_pt: int
    resets: int
    ext_seq: int
    packets: int
    bytes: int
    lost: int
    duplicates: int
    reordered: int
    jitter: int


def parse_ssrc(raw: bytes) -> Ssrc:
    """The 88 bytes of rtpe_ssrc."""
    f = struct.unpack("<BBHQQQQIIIIIIII", raw[4:72])
    return Ssrc(struct.unpack(">I", raw[:4])[0], f[0], f[1], f[2], f[3], f[4], f[5], f[8], f[9], f[10], f[11])


@dataclass
class State:
    """rtpe_state with its outputs as (src, dst, slot, counters)."""

    local: Where | None
    expect: Where | None
    slot: int
    flags: int
    mismatch: int
    counters: Counters
    ssrcs: list[Ssrc]
    outputs: list[tuple[Where | None, Where | None, int, Counters]]


def parse_states(raw: bytes) -> list[State]:
    """The records of a blist read or the body of a GET or DEL reply."""
    found = []
    while raw:
        length, slot, flags, mismatch, num, zero = struct.unpack("<IIIBBH", raw[48:64])
        assert zero == 0 and length == 832 + num * 120, (length, num)
        outputs = []
        for n in range(num):
            o = raw[832 + n * 120:832 + (n + 1) * 120]
            outputs.append((parse_addr(o[:24]), parse_addr(o[24:48]), struct.unpack("<I", o[48:52])[0],
                            counters(o[56:])))
        ssrcs = [parse_ssrc(raw[128 + n * 88:216 + n * 88]) for n in range(8)]
        found.append(State(parse_addr(raw[:24]), parse_addr(raw[24:48]), slot, flags, mismatch,
                           counters(raw[64:128]), [s for s in ssrcs if s.valid], outputs))
        raw = raw[length:]
    return found


class Control:
    """An open control file that has been greeted."""

    def __init__(self, table: int = 0, greet: bool = True) -> None:
        self.fd = os.open(f"/proc/rtpengine/{table}/control", os.O_RDWR)
        self.geometry: tuple[int, ...] = ()
        if greet:
            reply = self.run(hello())[0]
            assert reply.status == 0, reply
            self.geometry = struct.unpack("<8I", reply.body)

    def run(self, *records: bytes) -> list[Reply]:
        """Carries out a batch and returns its replies."""
        raw = batch(*records)
        assert os.write(self.fd, raw) == len(raw)
        return parse_replies(os.read(self.fd, 1 << 22))

    def one(self, command: int, body: bytes = b"", flags: int = 0) -> int:
        """The status of a single record."""
        return self.run(record(command, body, flags))[0].status

    def add(self, target: Target, flags: int = 0) -> None:
        """Adds (or replaces) a target."""
        status = self.one(ADD, target.pack(), flags)
        if status:
            raise OSError(-status, f"ADD_TARGET {target.local}: {os.strerror(-status)}")

    def state(self, local: Where) -> State:
        """The state of one target."""
        reply = self.run(record(GET, addr(local)))[0]
        assert reply.status == 0, reply
        return parse_states(reply.body)[0]

    def remove(self, local: Where) -> State:
        """Deletes a target and returns its last state."""
        reply = self.run(record(DEL, addr(local)))[0]
        assert reply.status == 0, reply
        return parse_states(reply.body)[0]

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self.fd)

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_blist(table: int = 0, size: int = 262144) -> list[State]:
    """All targets of a table, by read()."""
    fd = os.open(f"/proc/rtpengine/{table}/blist", os.O_RDONLY)
    try:
        found = []
        while raw := os.read(fd, size):
            found += parse_states(raw)
        return found
    finally:
        os.close(fd)
