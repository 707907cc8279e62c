# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs and unpacks the control interface by hand, from its manual: not from the header the module is built with."""
import os
import socket
import struct
from dataclasses import dataclass, field

MAGIC = 0x52545045
VERSION = 3
(HELLO, ADD, DEL, GET, FLUSH, OPTIONS, ADD_HOOK, DEL_HOOK, ADD_CALL, DEL_CALL, ADD_STREAM, DEL_STREAM,
 PACKET) = range(1, 14)
REPLACE = 1
(PAYLOAD_TYPES, SSRCS, GROUPS, SRTP, SRTP_STATES, OUTPUT, SSRC_MAP, RULES, EXTENSIONS, MID, PT_STATS,
 OUTPUT_STATE, SOURCES) = range(1, 14)
RTP, RTP_ONLY, STUN, DTLS, LEARN, BLACKHOLE, PT_FILTER, RANK, SSRC_ONLY, CONSUME_FEEDBACK = (1 << n for n in range(10))
FOLLOW, STRIP_FEEDBACK = 1, 2
FLUSH_ON_CLOSE = 1
IGNORE, DROP, PASS = range(3)
DROPS = ("source", "auth", "replay", "ssrc", "payload_type", "malformed", "blackhole", "send")
MAX_BATCH = 1048576
SIZES = (16, 16, 24, 8, 24, 72, 8, 72, 264, 184, 280, 56, 16, 24, 32, 264, 192, 120, 128, 8 * 72 + 32 * 24)
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


def part(kind: int, entries: bytes, count: int = 1) -> bytes:
    """rtpe_part with its entries."""
    return struct.pack("<HHI", kind, count, 8 + len(entries)) + entries


def keys(cipher: int, hmac: int, key: bytes, salt: bytes, rtp_tag: int = 10, rtcp_tag: int = 10, mki: bytes = b"",
         flags: int = 0) -> bytes:
    """rtpe_srtp."""
    return struct.pack("<8B32s16s128s", cipher, hmac, len(key), len(salt), rtp_tag, rtcp_tag, len(mki), flags, key,
                       salt, mki)


def output(src: Where, dst: Where, tos: int = 0, encrypt: bytes = b"", flags: int = 0, more: bytes = b"") -> bytes:
    """RTPE_PART_OUTPUT with rtpe_output_msg, its keys and whatever other parts."""
    message = addr(src) + addr(dst) + struct.pack("<IB3x", flags, tos)
    return part(OUTPUT, message) + (part(SRTP, encrypt) if encrypt else b"") + more


def ssrc_state(ssrc: int, ext_seq: int, lost_bits: int = 0xFFFFFFFF) -> bytes:
    """rtpe_ssrc with the sequence state only."""
    return struct.pack(">I", ssrc) + struct.pack("<BBHQQQQ8I", 1, 0, 0, ext_seq, 0, 0, 0, lost_bits, *[0] * 7)


@dataclass
class Target:
    """rtpe_target_msg and its parts; `ranges` are rtp_start, rtp_end, rtcp_start, rtcp_end (default: all for both)."""

    local: Where
    outputs: list[bytes] = field(default_factory=list)
    expect: Where | None = None
    flags: int = RTP
    mismatch: int = IGNORE
    ranges: tuple[int, int, int, int] | None = None
    payload_types: tuple[tuple[int, int], ...] = ((0, 8000), (8, 8000))
    ssrcs: tuple[bytes, ...] = ()
    decrypt: bytes = b""
    best_rank: int = 0
    mid_id: int = 0
    streams: tuple[int, int] = (0, 0)
    reserved: int = 0
    num_outputs: int | None = None
    more: bytes = b""
    sources: tuple[Where, ...] = ()
    reported: tuple[int, ...] = ()

    def pack(self) -> bytes:
        """The message with its parts."""
        n = len(self.outputs)
        head = addr(self.local) + addr(self.expect) + struct.pack(
            "<I8BIII", self.flags, self.mismatch, n if self.num_outputs is None else self.num_outputs, self.best_rank,
            self.mid_id, *(self.ranges or (0, n, 0, n)), *self.streams, self.reserved)
        pts = b"".join(struct.pack("<BBHI", number, 0, number in self.reported, rate)
                       for number, rate in self.payload_types)
        parts = [part(PAYLOAD_TYPES, pts, len(self.payload_types))] if pts else []
        if self.ssrcs:
            parts.append(part(SSRCS, b"".join(self.ssrcs), len(self.ssrcs)))
        if self.decrypt:
            parts.append(part(SRTP, self.decrypt))
        if self.sources:
            parts.append(part(SOURCES, b"".join(map(addr, self.sources)), len(self.sources)))
        return head + b"".join([*parts, self.more, *self.outputs])


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
    return record(HELLO, struct.pack("<20H", *sizes))


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
    """The 72 bytes of rtpe_ssrc."""
    f = struct.unpack("<BBHQQQQ7I", raw[4:68])
    return Ssrc(struct.unpack(">I", raw[:4])[0], f[0], f[1], f[2], f[3], f[4], f[5], f[8], f[9], f[10], f[11])


@dataclass
class Output:
    """rtpe_output_state, and the SRTP state that follows it."""

    src: Where | None
    dst: Where | None
    slot: int
    flags: int
    counters: Counters
    srtp: bytes = b""


@dataclass
class State:
    """rtpe_state and its parts; `drops` has the reasons that occurred, `pts` packets and bytes by payload type."""

    local: Where | None
    expect: Where | None
    slot: int
    flags: int
    mismatch: int
    counters: Counters
    drops: dict[str, int]
    ssrcs: list[Ssrc] = field(default_factory=list)
    pts: dict[int, tuple[int, int]] = field(default_factory=dict)
    srtp: bytes = b""
    outputs: list[Output] = field(default_factory=list)


def parts_of(raw: bytes) -> list[tuple[int, bytes, list[bytes]]]:
    """Each part's kind, itself, and its entries."""
    found = []
    while raw:
        kind, count, length = struct.unpack("<HHI", raw[:8])
        size, rest = divmod(length - 8, count)
        assert rest == 0 and 8 < length <= len(raw), raw[:8].hex()
        found.append((kind, raw[:length], [raw[8 + n * size:8 + (n + 1) * size] for n in range(count)]))
        raw = raw[length:]
    return found


def parse_state(raw: bytes) -> State:
    """One rtpe_state with its parts."""
    _, slot, flags, mismatch, num, zero = struct.unpack("<IIIBBH", raw[48:64])
    drops = dict(zip(DROPS, struct.unpack("<8Q", raw[128:192])))
    state = State(parse_addr(raw[:24]), parse_addr(raw[24:48]), slot, flags, mismatch, counters(raw[64:128]),
                  {name: count for name, count in drops.items() if count})
    for kind, whole, entries in parts_of(raw[192:]):
        if kind == SSRCS:
            state.ssrcs = [parse_ssrc(e) for e in entries]
        elif kind == PT_STATS:
            state.pts = {e[0]: struct.unpack("<2Q", e[8:]) for e in entries}
        elif kind == OUTPUT_STATE:
            o = entries[0]
            state.outputs.append(Output(parse_addr(o[:24]), parse_addr(o[24:48]), *struct.unpack("<II", o[48:56]),
                                        counters(o[56:])))
        elif state.outputs:
            state.outputs[-1].srtp = whole
        else:
            state.srtp = whole
    assert zero == 0 and len(state.outputs) == num, state
    return state


def parse_states(raw: bytes) -> list[State]:
    """The records of a blist read or the body of a GET or DEL reply."""
    found = []
    while raw:
        length = struct.unpack("<I", raw[48:52])[0]
        found.append(parse_state(raw[:length]))
        raw = raw[length:]
    return found


@dataclass
class Pool:
    """rtpe_pool."""

    slots: int
    chunk: int
    counters: int
    stride: int
    details_at: int
    details: int
    offset: int


@dataclass
class Geometry:
    """rtpe_hello_reply."""

    version: int
    cpus: int
    targets: int
    target_pool: Pool
    output_pool: Pool


def parse_geometry(raw: bytes) -> Geometry:
    """The 80 bytes of rtpe_hello_reply."""
    f = struct.unpack("<4I6IQ6IQ", raw)
    return Geometry(f[0], f[1], f[2], Pool(*f[4:11]), Pool(*f[11:18]))


class Control:
    """An open control file that has been greeted."""

    def __init__(self, table: int = 0, greet: bool = True) -> None:
        self.fd = os.open(f"/proc/rtpengine/{table}/control", os.O_RDWR)
        self.geometry: Geometry
        if greet:
            reply = self.run(hello())[0]
            assert reply.status == 0, reply
            self.geometry = parse_geometry(reply.body)

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
