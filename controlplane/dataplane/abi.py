# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of commands for a forwarding engine and their replies, as kmod/uapi/rtpengine.h lays them out.

What every call needs is packed by the formats below, which the tests hold against the header; the rest is read
through the structures of the C extension. Python callers see bytes and the values below.
"""
from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from controlplane.addresses import Address, Endpoint
from controlplane.dataplane import parts
from controlplane.dataplane.parts import PART, part
from controlplane.errors import DataPlaneError
from controlplane.events import Counters, SrtpKeys, SsrcStats, WantedOutput, WantedTarget
from controlplane.relay._native import ffi, lib

MAX_RECORDS: Final = 256
"""Records in one batch: bounds the memory that an engine needs for the replies."""
MAX_SSRCS: int = lib.RTPE_MAX_SSRCS
REPLY_ROOM = 1 << 22
"""Bytes that hold the replies to any batch of MAX_RECORDS."""

BATCH: Final = struct.Struct("=IHHI4x")
"""struct rtpe_batch: magic, version, count, length."""
RECORD: Final = struct.Struct("=HHIQ")
"""struct rtpe_record: command, flags, length, cookie."""
REPLY: Final = struct.Struct("=HxxiI4xQ")
"""struct rtpe_reply: command, status, length, cookie."""
ADDRESS: Final = struct.Struct("=H2s4x16s")
"""struct rtpe_addr: family, port, ip."""
TARGET: Final = struct.Struct(f"={ADDRESS.size}s{ADDRESS.size}sI8BII4x")
"""struct rtpe_target_msg: addresses, flags, eight small numbers, interception streams."""
OUTPUT: Final = struct.Struct(f"={ADDRESS.size}s{ADDRESS.size}sIB3x")
"""struct rtpe_output_msg: addresses, flags, tos."""
SRTP: Final = struct.Struct("=8B32s16s128s")
"""struct rtpe_srtp: cipher, hmac, key_len, salt_len, rtp_tag_len, rtcp_tag_len, mki_len, flags, key, salt, mki."""
COUNTERS: Final = struct.Struct("=4Q")
"""The first fields of struct rtpe_counters: packets, bytes, errors, last_us."""
TRACKER: Final = struct.Struct("=4sBBxxQQQQ4xIIII4xI4x")
"""struct rtpe_ssrc: ssrc, valid, last_pt, ext_seq, packets, bytes, last_us, lost, duplicates, reordered, jitter,
last_ts."""
TRACKERS: Final = MAX_SSRCS * TRACKER.size
"""Bytes of all trackers of a target."""
_VALID: Final = 4
_ADDED: Final = struct.Struct("=II")
_ADDED_AT, _SLOTS_AT = REPLY.size, REPLY.size + _ADDED.size
_SLOTS: Final = [struct.Struct(f"={count}I") for count in range(256)]
_STATE: Final = ffi.sizeof("struct rtpe_state")
_OUTPUT_STATE: Final = ffi.sizeof("struct rtpe_output_state")
_SRTP_STATE: Final = ffi.sizeof("struct rtpe_srtp_state")
_RTCP_TOP = ffi.offsetof("struct rtpe_srtp_state", "rtcp")
_TOP = struct.Struct("=Q")
_DEVICE = ffi.sizeof("struct rtpe_hook")
_ANYWHERE: Final = bytes(ADDRESS.size)
_MAGIC, _VERSION = lib.RTPE_BATCH_MAGIC, lib.RTPE_ABI_VERSION
_ADD_TARGET, _REPLACE = lib.RTPE_ADD_TARGET, lib.RTPE_RECORD_REPLACE
_RTP: Final[int] = lib.RTPE_TARGET_RTP | lib.RTPE_TARGET_RTP_ONLY
_STUN, _DTLS = lib.RTPE_TARGET_STUN, lib.RTPE_TARGET_DTLS
_LEARN, _BLACKHOLE, _RANK = lib.RTPE_TARGET_LEARN, lib.RTPE_TARGET_BLACKHOLE, lib.RTPE_TARGET_RANK
_FOLLOW, _STRIP_FEEDBACK = lib.RTPE_OUTPUT_FOLLOW, lib.RTPE_OUTPUT_STRIP_FEEDBACK
_SSRCS, _OUTPUT = lib.RTPE_PART_SSRCS, lib.RTPE_PART_OUTPUT
_SRTP_KEYS, _SRTP_STATES = lib.RTPE_PART_SRTP, lib.RTPE_PART_SRTP_STATES


@dataclass(frozen=True, slots=True)
class Pool:
    """Where the slots of one kind lie in the statistics memory; sizes in bytes."""

    slots_per_chunk: int
    chunk_bytes: int
    counters_bytes: int
    cpu_stride: int
    detail_offset: int
    detail_stride: int
    map_offset: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """An engine's statistics memory, and how many targets a previous owner left."""

    cpus: int
    targets: int
    target_pool: Pool
    output_pool: Pool


class Seeds(NamedTuple):
    """What an engine knows that another needs to go on with a stream: parts for its ADD_TARGET, as they came.

    ``sources`` are the trackers, ``srtp`` the indices received; ``outputs`` the indices sent, output by output, with
    the socket they were sent from.
    """

    sources: bytes = b""
    srtp: bytes = b""
    outputs: tuple[tuple[Endpoint, bytes], ...] = ()


NO_SEEDS: Seeds = Seeds()


@dataclass(frozen=True, slots=True)
class OutputState:
    """One output of a target: its endpoints and what left through it."""

    source: Endpoint
    destination: Endpoint
    slot: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class TargetState:
    """What an engine knows of one target; ``drops`` by RTPE_DROP_*."""

    local: Endpoint
    slot: int
    counters: Counters
    passed: int
    drops: tuple[int, ...]
    sources: tuple[SsrcStats, ...]
    seeds: Seeds
    outputs: tuple[OutputState, ...]


class Reply(NamedTuple):
    """The answer to one record: ``status`` 0 or a negative errno, ``body`` what follows the header."""

    command: int
    status: int
    cookie: int
    body: Any

    def check(self, what: str) -> Reply:
        """Return self; DataPlaneError naming ``what`` if the engine refused."""
        if self.status:
            raise DataPlaneError(-self.status, what)
        return self


_LITTLE = bytes(ffi.buffer(ffi.new("uint16_t *", 1)))[0] == 1


def read_address(c: Any) -> Endpoint:
    """The endpoint in a struct rtpe_addr."""
    length = 4 if c.family == lib.RTPE_FAMILY_IP4 else 16
    port = int.from_bytes(c.port.to_bytes(2, "little"), "big") if _LITTLE else int(c.port)
    return Endpoint(Address(int(c.family), bytes(ffi.buffer(c.ip, length))), port)


@lru_cache(512)
def pack_address(endpoint: Endpoint) -> bytes:
    """A struct rtpe_addr; each is needed several times in the course of a call."""
    (family, packed), port = endpoint
    return ADDRESS.pack(family, port.to_bytes(2, "big"), packed)


def record(command: int, body: bytes, cookie: int = 0) -> bytes:
    """A record without flags."""
    return RECORD.pack(command, 0, RECORD.size + len(body), cookie) + body


def hello(cookie: int = 0) -> bytes:
    """The record every conversation begins with: our structure sizes."""
    sizes = {f"{name}_size": ffi.sizeof(f"struct rtpe_{struct}") for name, struct in (
        ("target", "target_msg"), ("output", "output_msg"), *((name, name) for name in (
            "batch", "record", "reply", "part", "addr", "payload_type", "ssrc", "group", "srtp", "srtp_state",
            "ssrc_map", "rule", "extensions", "mid", "state", "output_state", "target_counters", "details")))}
    return record(lib.RTPE_HELLO, bytes(ffi.buffer(ffi.new("struct rtpe_hello *", sizes))), cookie)


def del_target(local: Endpoint, cookie: int = 0) -> bytes:
    """Remove the target; the reply is its final state."""
    return record(lib.RTPE_DEL_TARGET, pack_address(local), cookie)


def get_target(local: Endpoint, cookie: int = 0) -> bytes:
    """Ask for the target's state."""
    return record(lib.RTPE_GET_TARGET, pack_address(local), cookie)


def flush(cookie: int = 0) -> bytes:
    """Remove all targets."""
    return record(lib.RTPE_FLUSH, b"", cookie)


def add_hook(device: str, cookie: int = 0) -> bytes:
    """Take packets from a network device, before the IP stack. DataPlaneError (EINVAL) for what can be no name."""
    name = device.encode()
    if not 0 < len(name) < _DEVICE:
        raise DataPlaneError(errno.EINVAL, f"network device '{device}'")
    return record(lib.RTPE_ADD_HOOK, name.ljust(_DEVICE, b"\0"), cookie)


def outputs_of(wanted: WantedTarget) -> tuple[WantedOutput, ...]:
    """The outputs in the order in which a target message holds them: RTP first, medium by medium in a bundle."""
    if wanted.bundle:
        return tuple([output for media in wanted.bundle for output in (*media.rtp_outputs, *media.rtcp_outputs)])
    if wanted.rtp_outputs == wanted.rtcp_outputs:
        return wanted.rtp_outputs
    return wanted.rtp_outputs + wanted.rtcp_outputs


def _target_flags(wanted: WantedTarget) -> int:
    return ((_RTP if wanted.is_rtp else 0) | (_LEARN if wanted.learning else 0)
            | (_STUN if wanted.stun else 0) | (_DTLS if wanted.dtls else 0)
            | (_BLACKHOLE if wanted.discard else 0) | (_RANK if wanted.best_rank is not None else 0))


def _srtp(keys: SrtpKeys | None, states: bytes) -> bytes:
    """The parts for keys and the indices used under them."""
    if keys is None:
        return b""
    return part(_SRTP_KEYS, 1, SRTP.pack(
        keys.cipher, keys.hmac, len(keys.key), len(keys.salt), keys.rtp_tag, keys.rtcp_tag, len(keys.mki), keys.flags,
        keys.key, keys.salt, keys.mki)) + states


def _output(wanted: WantedOutput, states: bytes) -> bytes:
    flags = (_FOLLOW if wanted.follow else 0) | (_STRIP_FEEDBACK if wanted.strip_feedback else 0)
    output = OUTPUT.pack(pack_address(wanted.source), pack_address(wanted.destination), flags, wanted.tos)
    return _OUTPUT_HEAD + output + _srtp(wanted.encrypt, states) + parts.rewriting(wanted)


_OUTPUT_HEAD: Final = PART.pack(_OUTPUT, 1, PART.size + OUTPUT.size)


def add_target(wanted: WantedTarget, seeds: Seeds = NO_SEEDS, *, replace: bool = True, cookie: int = 0,
               stream: int = 0, rtcp_stream: int = 0) -> bytes:
    """Install what ``wanted`` describes, going on where the engine that gave ``seeds`` was.

    ``stream`` and ``rtcp_stream``: indices of the engine's own streams (dataplane/interception.py); 0: none.
    """
    outputs = outputs_of(wanted)
    expected = wanted.expected_source
    if wanted.bundle:
        ranges = 0, 0, 0, 0
        media = parts.bundled_types(wanted.bundle, wanted.reported) + parts.groups(wanted.bundle)
    else:
        ranges = 0, len(wanted.rtp_outputs), len(outputs) - len(wanted.rtcp_outputs), len(outputs)
        media = parts.payload_types(wanted.payload_types, wanted.reported)
    further = parts.sources([pack_address(each) for each in wanted.sources]) if wanted.sources else b""
    body = b"".join([
        TARGET.pack(
            pack_address(wanted.local), _ANYWHERE if expected is None else pack_address(expected),
            _target_flags(wanted), wanted.mismatch, len(outputs), wanted.best_rank or 0, parts.mid_id(wanted.bundle),
            *ranges, stream, rtcp_stream),
        media, further, seeds.sources, _srtp(wanted.decrypt, seeds.srtp),
        *[_output(o, sent) for o, sent in zip(outputs, _sent(outputs, seeds.outputs))]])
    return RECORD.pack(_ADD_TARGET, _REPLACE if replace else 0, RECORD.size + len(body), cookie) + body


def _sent(outputs: tuple[WantedOutput, ...], states: tuple[tuple[Endpoint, bytes], ...]) -> Iterable[bytes]:
    """What was sent through each of the outputs: several that use one socket are told by their order."""
    if not states:
        return [b""] * len(outputs)
    left = list(states)
    found = []
    for output in outputs:
        at = next((at for at, (source, _) in enumerate(left) if source == output.source), None)
        found.append(b"" if at is None else left.pop(at)[1])
    return found


def batch(*records: bytes) -> bytes:
    """Frame at most MAX_RECORDS records."""
    body = b"".join(records)
    return BATCH.pack(_MAGIC, _VERSION, len(records), BATCH.size + len(body)) + body


def batches(records: Sequence[bytes]) -> list[bytes]:
    """Frame any number of records."""
    return [batch(*records[at:at + MAX_RECORDS]) for at in range(0, len(records), MAX_RECORDS)]


def replies(data: bytes) -> Iterator[Reply]:
    """The replies in what an engine answered to one batch."""
    view = memoryview(data)
    at = 0
    while at < len(view):
        command, status, length, cookie = REPLY.unpack_from(view, at)
        yield Reply(command, status, cookie, view[at + REPLY.size:at + length])
        at += length


def read_geometry(reply: Reply) -> Geometry:
    """The answer to hello()."""
    c = ffi.from_buffer("struct rtpe_hello_reply *", reply.body)
    return Geometry(c.cpus, c.targets, _pool(c.target_pool), _pool(c.output_pool))


def _pool(c: Any) -> Pool:
    return Pool(c.slots_per_chunk, c.chunk_bytes, c.counters_bytes, c.cpu_stride, c.detail_offset, c.detail_stride,
                c.map_offset)


def read_slots(reply: Reply) -> tuple[int, tuple[int, ...]]:
    """The answer to add_target(): the target's slot and those of its outputs."""
    slot, count = _ADDED.unpack_from(reply.body)
    return slot, _SLOTS[count].unpack_from(reply.body, _ADDED.size)


def added(data: bytes) -> list[tuple[int, int, int, tuple[int, ...]]]:
    """Of each reply to add_target() in an answer: cookie, status, and if that is 0 the target's and outputs' slots."""
    found, at = [], 0
    while at < len(data):
        _, status, length, cookie = REPLY.unpack_from(data, at)
        slot, count = (0, 0) if status else _ADDED.unpack_from(data, at + _ADDED_AT)
        found.append((cookie, status, slot, () if status else _SLOTS[count].unpack_from(data, at + _SLOTS_AT)))
        at += length
    return found


def read_counters(c: Any) -> Counters:
    """A struct rtpe_counters as a value."""
    return counters_of((c.packets, c.bytes, c.errors, c.last_us))


def counters_of(raw: tuple[int, ...]) -> Counters:
    """What the fields in COUNTERS mean."""
    packets, size, errors, last_us = raw
    return Counters(packets, size, errors, last_us / 1e6)


def read_sources(trackers: bytes) -> tuple[SsrcStats, ...]:
    """The RTP sources in an array of struct rtpe_ssrc."""
    return tuple([_source(trackers, at) for at in range(0, len(trackers), TRACKER.size) if trackers[at + _VALID]])


def _source(trackers: bytes, at: int) -> SsrcStats:
    (ssrc, _, last_pt, sequence, packets, size, last_us, lost, duplicates, reordered, jitter,
     last_ts) = TRACKER.unpack_from(trackers, at)
    return SsrcStats(int.from_bytes(ssrc, "big"), packets, size, lost, duplicates, reordered, sequence, jitter / 16,
                     last_pt, last_ts, last_us / 1e6)


def sources_part(trackers: bytes) -> bytes:
    """The same as the part ``sources`` of Seeds."""
    size = TRACKER.size
    used = [trackers[at:at + size] for at in range(0, len(trackers), size) if trackers[at + _VALID]]
    return part(_SSRCS, len(used), b"".join(used)) if used else b""


def _parts(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Kind, count, and the part itself with its header."""
    at = 0
    while at < len(data):
        kind, count, length = PART.unpack_from(data, at)
        yield kind, count, data[at:at + length]
        at += length


def _reserved(part: memoryview, count: int) -> bytes:
    """Sent SRTP states for another engine: the old one may yet use the SRTCP indices that are skipped."""
    raw = bytearray(part)
    for n in range(count):
        at = PART.size + n * _SRTP_STATE + _RTCP_TOP
        _TOP.pack_into(raw, at, _TOP.unpack_from(raw, at)[0] + lib.RTPE_SRTCP_RESERVE)
    return bytes(raw)


def read_state(body: memoryview) -> TargetState:
    """The answer to del_target() and get_target(), and one entry of the module's ``blist``."""
    c = ffi.from_buffer("struct rtpe_state *", body[:_STATE])
    outputs: list[OutputState] = []
    sent: list[tuple[Endpoint, bytes]] = []
    sources = srtp = b""
    for kind, count, entry in _parts(body[_STATE:c.length]):
        if kind == _SSRCS:
            sources = bytes(entry)
        elif kind == lib.RTPE_PART_OUTPUT_STATE:
            o = ffi.from_buffer("struct rtpe_output_state *", entry[PART.size:])
            outputs.append(OutputState(read_address(o.src), read_address(o.dst), o.slot, read_counters(o.counters)))
            sent.append((outputs[-1].source, b""))
        elif kind == _SRTP_STATES and outputs:
            sent[-1] = outputs[-1].source, _reserved(entry, count)
        elif kind == _SRTP_STATES:
            srtp = bytes(entry)
    if not any([states for _, states in sent]):
        sent.clear()
    total = c.counters.sum
    return TargetState(read_address(c.local), c.slot, read_counters(total), total.passed, tuple(c.counters.drops),
                       read_sources(sources[PART.size:]), Seeds(sources, srtp, tuple(sent)), tuple(outputs))


def read_states(data: bytes) -> Iterator[TargetState]:
    """All entries of what a read of ``blist`` returned."""
    view = memoryview(data)
    at = 0
    while at < len(view):
        length = ffi.from_buffer("struct rtpe_state *", view[at:at + _STATE]).length
        yield read_state(view[at:at + length])
        at += length
