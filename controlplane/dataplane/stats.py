# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an engine's counters from its statistics memory, without a system call."""
from __future__ import annotations

from typing import Any, Protocol

from controlplane.dataplane import abi
from controlplane.events import Counters, SsrcStats
from controlplane.relay._native import ffi, lib

Raw = tuple[int, ...]
"""Counters of a slot as they are in memory, see abi.COUNTERS."""


class Engine(Protocol):
    """What takes command batches and owns statistics memory: relay, kernel module, NFQUEUE."""

    geometry: abi.Geometry

    def command(self, batch: bytes) -> bytes: ...

    def chunk(self, number: int) -> memoryview | None: ...


class StatsReader:
    """The counters of an engine by slot (see the statistics memory in kmod/uapi/rtpengine.h)."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._geometry = engine.geometry
        self._chunks: dict[int, Any] = {}
        self._sum = ffi.new("struct rtpe_counters *")
        self._summed = ffi.buffer(self._sum)

    def _chunk(self, number: int) -> Any:
        view = self._engine.chunk(number)
        if view is None:
            raise LookupError(f"statistics chunk {number} does not exist")
        base = self._chunks[number] = ffi.from_buffer("uint8_t[]", view)
        return base

    def raw(self, slot: int) -> Raw:
        """Sum over the CPUs; cheap enough to look whether anything has changed. LookupError as counters()."""
        number, index = divmod(slot, self._geometry.slots_per_chunk)
        base = self._chunks.get(number)
        lib.rtpe_stats_fold(self._chunk(number) if base is None else base, self._geometry.cpus, index, self._sum)
        return abi.COUNTERS.unpack_from(self._summed)

    def counters(self, slot: int) -> Counters:
        """Sum over the CPUs. LookupError for a slot that was never given out."""
        return abi.counters_of(self.raw(slot))

    def _trackers(self, slot: int) -> bytes:
        number, index = divmod(slot, self._geometry.slots_per_chunk)
        base = self._chunks.get(number)
        at = self._geometry.ssrc_offset + index * self._geometry.ssrc_stride
        return bytes(ffi.buffer((self._chunk(number) if base is None else base) + at, abi.TRACKERS))

    def sources(self, slot: int) -> tuple[SsrcStats, ...]:
        """The RTP sources seen by the target with this slot."""
        return abi.read_sources(self._trackers(slot))

    def seeds(self, slot: int) -> tuple[bytes, ...]:
        """The same as raw trackers, to hand to another engine."""
        return abi.read_seeds(self._trackers(slot))
