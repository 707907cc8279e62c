# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an engine's counters from its statistics memory, without a system call."""
from __future__ import annotations

from typing import Any, Protocol

from controlplane.dataplane import abi
from controlplane.events import Counters, SsrcStats
from controlplane.relay._native import ffi, lib


class Engine(Protocol):
    """What takes command batches and owns statistics memory: relay, kernel module, NFQUEUE."""

    geometry: abi.Geometry

    def command(self, batch: bytes) -> bytes: ...

    def chunk(self, number: int) -> memoryview | None: ...


class StatsReader:
    """The counters of an engine by slot (see the statistics memory in kmod/uapi/rtpengine.h)."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._chunks: dict[int, Any] = {}
        self._sum = ffi.new("struct rtpe_counters *")

    def _locate(self, slot: int) -> tuple[Any, int]:
        number, index = divmod(slot, self._engine.geometry.slots_per_chunk)
        base = self._chunks.get(number)
        if base is None:
            view = self._engine.chunk(number)
            if view is None:
                raise LookupError(f"statistics chunk {number} does not exist")
            base = self._chunks[number] = ffi.from_buffer("uint8_t[]", view)
        return base, index

    def counters(self, slot: int) -> Counters:
        """Sum over the CPUs. LookupError for a slot that was never given out."""
        base, index = self._locate(slot)
        lib.rtpe_stats_fold(base, self._engine.geometry.cpus, index, self._sum)
        return abi.read_counters(self._sum)

    def _trackers(self, slot: int) -> Any:
        base, index = self._locate(slot)
        geometry = self._engine.geometry
        return ffi.cast("struct rtpe_ssrc *", base + geometry.ssrc_offset + index * geometry.ssrc_stride)

    def sources(self, slot: int) -> tuple[SsrcStats, ...]:
        """The RTP sources seen by the target with this slot."""
        return abi.read_sources(self._trackers(slot))

    def seeds(self, slot: int) -> tuple[bytes, ...]:
        """The same as raw trackers, to hand to another engine."""
        return abi.read_seeds(self._trackers(slot))
