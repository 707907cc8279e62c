# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of commands for a forwarding engine and their replies, as kmod/uapi/rtpengine.h lays them out.

The structures come from that header through the C extension, so there is no second description of them.
Python callers see bytes and the values below.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from controlplane.addresses import Address, Endpoint
from controlplane.errors import DataPlaneError
from controlplane.events import Counters, SsrcStats, WantedOutput, WantedTarget
from controlplane.relay._native import ffi, lib

MAX_RECORDS = 256
"""Records in one batch: bounds the memory that an engine needs for the replies."""
MAX_PAYLOAD_TYPES: int = lib.RTPE_MAX_PAYLOAD_TYPES
MAX_OUTPUTS: int = lib.RTPE_MAX_OUTPUTS
MAX_SSRCS: int = lib.RTPE_MAX_SSRCS
REPLY_ROOM = 1 << 21
"""Bytes that hold the replies to any batch of MAX_RECORDS."""

_RECORD = ffi.sizeof("struct rtpe_record")
_REPLY = ffi.sizeof("struct rtpe_reply")
_STATE = ffi.sizeof("struct rtpe_state")
_OUTPUT_STATE = ffi.sizeof("struct rtpe_output_state")
_BATCH = ffi.sizeof("struct rtpe_batch")


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where counters lie in the statistics memory; sizes in bytes."""

    cpus: int
    slots_per_chunk: int
    chunk_bytes: int
    ssrc_offset: int
    ssrc_stride: int
    targets: int


@dataclass(frozen=True, slots=True)
class OutputState:
    """One output of a target: its endpoints and what left through it."""

    source: Endpoint
    destination: Endpoint
    slot: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class TargetState:
    """What an engine knows of one target. ``seeds`` are the raw trackers, for another engine's ADD_TARGET."""

    local: Endpoint
    slot: int
    counters: Counters
    passed: int
    sources: tuple[SsrcStats, ...]
    seeds: tuple[bytes, ...]
    outputs: tuple[OutputState, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one record: ``status`` 0 or a negative errno, ``body`` what follows the header."""

    command: int
    status: int
    cookie: int
    body: memoryview

    def check(self, what: str) -> Reply:
        """Return self; DataPlaneError naming ``what`` if the engine refused."""
        if self.status:
            raise DataPlaneError(-self.status, what)
        return self


def _fill_address(c: Any, endpoint: Endpoint) -> None:
    packed = endpoint.address.packed
    c.family = endpoint.address.family
    c.port = int.from_bytes(endpoint.port.to_bytes(2, "big"), "little") if _LITTLE else endpoint.port
    ffi.memmove(c.ip, packed, len(packed))


_LITTLE = bytes(ffi.buffer(ffi.new("uint16_t *", 1)))[0] == 1


def read_address(c: Any) -> Endpoint:
    """The endpoint in a struct rtpe_addr."""
    length = 4 if c.family == lib.RTPE_FAMILY_IP4 else 16
    port = int.from_bytes(c.port.to_bytes(2, "little"), "big") if _LITTLE else int(c.port)
    return Endpoint(Address(int(c.family), bytes(ffi.buffer(c.ip, length))), port)


def pack_address(endpoint: Endpoint) -> bytes:
    """A struct rtpe_addr."""
    c = ffi.new("struct rtpe_addr *")
    _fill_address(c, endpoint)
    return bytes(ffi.buffer(c))


def _record(command: int, body: bytes, cookie: int, flags: int = 0) -> bytes:
    head = ffi.new("struct rtpe_record *",
                   {"command": command, "flags": flags, "length": _RECORD + len(body), "cookie": cookie})
    return bytes(ffi.buffer(head)) + body


def hello(cookie: int = 0) -> bytes:
    """The record every conversation begins with: our structure sizes."""
    sizes = {f"{name}_size": ffi.sizeof(f"struct rtpe_{struct}") for name, struct in (
        ("batch", "batch"), ("record", "record"), ("reply", "reply"), ("addr", "addr"), ("target", "target_msg"),
        ("output", "output_msg"), ("ssrc", "ssrc"), ("srtp", "srtp"), ("state", "state"),
        ("output_state", "output_state"), ("counters", "counters"))}
    return _record(lib.RTPE_HELLO, bytes(ffi.buffer(ffi.new("struct rtpe_hello *", sizes))), cookie)


def del_target(local: Endpoint, cookie: int = 0) -> bytes:
    """Remove the target; the reply is its final state."""
    return _record(lib.RTPE_DEL_TARGET, pack_address(local), cookie)


def get_target(local: Endpoint, cookie: int = 0) -> bytes:
    """Ask for the target's state."""
    return _record(lib.RTPE_GET_TARGET, pack_address(local), cookie)


def flush(cookie: int = 0) -> bytes:
    """Remove all targets."""
    return _record(lib.RTPE_FLUSH, b"", cookie)


def outputs_of(wanted: WantedTarget) -> tuple[WantedOutput, ...]:
    """The outputs in the order in which a target message holds them: RTP first."""
    if wanted.rtp_outputs == wanted.rtcp_outputs:
        return wanted.rtp_outputs
    return wanted.rtp_outputs + wanted.rtcp_outputs


def _target_flags(wanted: WantedTarget) -> int:
    flags = 0
    if wanted.is_rtp:
        flags |= lib.RTPE_TARGET_RTP | lib.RTPE_TARGET_RTP_ONLY
    if wanted.learning:
        flags |= lib.RTPE_TARGET_LEARN
    if wanted.discard:
        flags |= lib.RTPE_TARGET_BLACKHOLE
    return int(flags)


def add_target(wanted: WantedTarget, seeds: Iterable[bytes] = (), *, replace: bool = True, cookie: int = 0) -> bytes:
    """Install what ``wanted`` describes, going on with the sequence state in ``seeds`` (of TargetState)."""
    outputs = outputs_of(wanted)
    m = ffi.new("struct rtpe_target_msg *")
    _fill_address(m.local, wanted.local)
    if wanted.expected_source is not None:
        _fill_address(m.expected_src, wanted.expected_source)
    m.flags = _target_flags(wanted)
    m.src_mismatch = int(wanted.mismatch)
    m.num_outputs = len(outputs)
    m.rtp_start, m.rtp_end = 0, len(wanted.rtp_outputs)
    m.rtcp_start, m.rtcp_end = len(outputs) - len(wanted.rtcp_outputs), len(outputs)
    types = sorted(dict(wanted.payload_types).items())[:MAX_PAYLOAD_TYPES]
    m.num_payload_types = len(types)
    for c, (number, clock_rate) in zip(m.payload_types, types):
        c.number, c.clock_rate = number, clock_rate
    for i, seed in enumerate(seeds):
        ffi.memmove(ffi.addressof(m.ssrc, i), seed, len(seed))
        m.num_ssrcs = i + 1
    body = bytes(ffi.buffer(m)) + b"".join(map(_output, outputs))
    return _record(lib.RTPE_ADD_TARGET, body, cookie, lib.RTPE_RECORD_REPLACE if replace else 0)


def _output(output: WantedOutput) -> bytes:
    c = ffi.new("struct rtpe_output_msg *")
    _fill_address(c.src, output.source)
    _fill_address(c.dst, output.destination)
    c.tos = output.tos
    return bytes(ffi.buffer(c))


def batches(records: Iterable[bytes]) -> Iterator[bytes]:
    """Frame records as batches of at most MAX_RECORDS."""
    some = list(records)
    for at in range(0, len(some), MAX_RECORDS):
        part = some[at:at + MAX_RECORDS]
        body = b"".join(part)
        head = ffi.new("struct rtpe_batch *", {
            "magic": lib.RTPE_BATCH_MAGIC, "version": lib.RTPE_ABI_VERSION, "count": len(part),
            "length": _BATCH + len(body)})
        yield bytes(ffi.buffer(head)) + body


def replies(data: bytes) -> Iterator[Reply]:
    """The replies in what an engine answered to one batch."""
    view = memoryview(data)
    at = 0
    while at < len(view):
        c = ffi.from_buffer("struct rtpe_reply *", view[at:at + _REPLY])
        yield Reply(c.command, c.status, c.cookie, view[at + _REPLY:at + c.length])
        at += c.length


def read_geometry(reply: Reply) -> Geometry:
    """The answer to hello()."""
    c = ffi.from_buffer("struct rtpe_hello_reply *", reply.body)
    return Geometry(c.cpus, c.slots_per_chunk, c.chunk_bytes, c.ssrc_offset, c.ssrc_stride, c.targets)


def read_slots(reply: Reply) -> tuple[int, tuple[int, ...]]:
    """The answer to add_target(): the target's slot and those of its outputs."""
    c = ffi.from_buffer("struct rtpe_add_reply *", reply.body)
    return c.slot, tuple(c.output_slots[0:c.num_outputs])


def read_counters(c: Any) -> Counters:
    """A struct rtpe_counters as a value."""
    return Counters(c.packets, c.bytes, c.errors, c.last_us / 1e6)


def read_sources(trackers: Any) -> tuple[SsrcStats, ...]:
    """The RTP sources in an array of MAX_SSRCS struct rtpe_ssrc."""
    return tuple(_source(trackers[i]) for i in range(MAX_SSRCS) if trackers[i].valid)


def read_seeds(trackers: Any) -> tuple[bytes, ...]:
    """The same as raw trackers, for add_target()."""
    return tuple(bytes(ffi.buffer(ffi.addressof(trackers, i))) for i in range(MAX_SSRCS) if trackers[i].valid)


def _source(c: Any) -> SsrcStats:
    ssrc = int.from_bytes(c.ssrc.to_bytes(4, "little"), "big") if _LITTLE else int(c.ssrc)
    return SsrcStats(ssrc, c.packets, c.bytes, c.lost, c.duplicates, c.reordered, c.ext_seq, c.jitter / 16,
                     c.last_pt, c.last_ts, c.last_us / 1e6)


def read_state(body: memoryview) -> TargetState:
    """The answer to del_target() and get_target(), and one entry of the module's ``blist``."""
    c = ffi.from_buffer("struct rtpe_state *", body[:_STATE])
    outputs = []
    for i in range(c.num_outputs):
        at = _STATE + i * _OUTPUT_STATE
        o = ffi.from_buffer("struct rtpe_output_state *", body[at:at + _OUTPUT_STATE])
        outputs.append(OutputState(read_address(o.src), read_address(o.dst), o.slot, read_counters(o.counters)))
    return TargetState(read_address(c.local), c.slot, read_counters(c.counters), c.counters.passed,
                       read_sources(c.ssrc), read_seeds(c.ssrc), tuple(outputs))


def read_states(data: bytes) -> Iterator[TargetState]:
    """All entries of what a read of ``blist`` returned."""
    view = memoryview(data)
    at = 0
    while at < len(view):
        length = ffi.from_buffer("struct rtpe_state *", view[at:at + _STATE]).length
        yield read_state(view[at:at + length])
        at += length
