# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an engine's counters from its statistics memory, without a system call."""
from __future__ import annotations

from collections.abc import Callable
from operator import add
from typing import Any, Protocol

from controlplane.dataplane import abi
from controlplane.events import Counters, SsrcStats
from controlplane.relay._native import ffi, lib

_SEND: int = lib.RTPE_DROP_SEND
_PACKETS, _ERRORS = (ffi.offsetof("struct rtpe_counters", name) // 8 for name in ("packets", "errors"))


class Engine(Protocol):
    """What takes command batches and owns statistics memory: relay, kernel module, NFQUEUE."""

    geometry: abi.Geometry

    def command(self, batch: bytes) -> bytes: ...

    def chunk(self, pool: abi.Pool, number: int) -> memoryview | None: ...


class PoolReader:
    """The counters of one pool by slot (see the statistics memory in kmod/uapi/rtpengine.h)."""

    def __init__(self, engine: Engine, pool: abi.Pool, fold: Callable[..., None], activity: Callable[..., int],
                 total: Any):
        self._engine = engine
        self._pool = pool
        self._per_chunk = pool.slots_per_chunk
        self._cpus = engine.geometry.cpus
        self._chunks: dict[int, Any] = {}
        # Kept apart from the pointers: Python 3.11 crashes at its end if it collects a memoryview that is in use.
        self._views: dict[int, memoryview] = {}
        self._fold_into = fold
        self._activity = activity
        self._sum = total
        self._summed = ffi.buffer(total)

    def _find(self, number: int) -> Any:
        """The memory of a chunk, None if there is no such chunk yet."""
        base = self._chunks.get(number)
        if base is None:
            view = self._engine.chunk(self._pool, number)
            if view is not None:
                self._views[number] = view
                base = self._chunks[number] = ffi.cast("uint8_t *", ffi.from_buffer(view))
        return base

    def _chunk(self, number: int) -> Any:
        base = self._find(number)
        if base is None:
            raise LookupError(f"statistics chunk {number} does not exist")
        return base

    def _fold(self, slot: int) -> tuple[int, ...]:
        self._fold_into(self._chunk(slot // self._per_chunk), self._cpus, slot % self._per_chunk, self._sum)
        return abi.COUNTERS.unpack_from(self._summed)

    def counters(self, slot: int) -> Counters:
        """Sum over the CPUs. LookupError for a slot that was never given out."""
        return abi.counters_of(self._fold(slot))

    def activity(self, slot: int) -> int:
        """Packets and errors together: a number that grows whenever any counter does. LookupError as counters()."""
        return self._activity(self._chunk(slot // self._per_chunk), self._cpus, slot % self._per_chunk)

    def activities(self) -> Activities:
        """The same of all slots at about this moment, at a fraction of the cost of asking for each."""
        return Activities(self)

    def chunk_activity(self, number: int) -> tuple[int, list[int]]:
        """The first slot of a chunk, and the activity of that and all that follow in it. LookupError as counters()."""
        self._chunk(number)
        words, stride = self._pool.counters_bytes // 8, self._pool.cpu_stride // 8
        memory = self._views[number].cast("Q")
        total = [0] * self._per_chunk
        for start in range(0, self._cpus * stride, stride):
            for field in (_PACKETS, _ERRORS):
                total = list(map(add, total, memory[start + field:start + stride:words].tolist()))
        return number * self._per_chunk, total

    def chunk_of(self, slot: int) -> int:
        """The chunk that a slot lies in."""
        return slot // self._per_chunk


class Activities(dict[int, int]):
    """Activity by slot; a chunk is read when the first of its slots is asked for."""

    def __init__(self, reader: PoolReader):
        super().__init__()
        self._reader = reader

    def __missing__(self, slot: int) -> int:
        first, found = self._reader.chunk_activity(self._reader.chunk_of(slot))
        self.update(zip(range(first, first + len(found)), found))
        return self[slot]


class TargetReader(PoolReader):
    """The pool of targets, which have details as well."""

    def __init__(self, engine: Engine):
        super().__init__(engine, engine.geometry.target_pool, lib.rtpe_stats_fold_target,
                         lib.rtpe_stats_activity_target, ffi.new("struct rtpe_target_counters *"))

    @property
    def last_unsent(self) -> int:
        """Of the slot that was read last: packets that an output could not send."""
        return int(self._sum.drops[_SEND])

    def fate(self, slot: int) -> tuple[int, int]:
        """Packets that came, whatever became of them, and those that an output could not send."""
        self._fold(slot)
        came = self._sum.sum
        return came.packets + came.errors + came.passed, self.last_unsent

    def _trackers(self, slot: int) -> bytes:
        at = self._pool.detail_offset + slot % self._per_chunk * self._pool.detail_stride
        return bytes(ffi.buffer(self._chunk(slot // self._per_chunk) + at, abi.TRACKERS))

    def sources(self, slot: int) -> tuple[SsrcStats, ...]:
        """The RTP sources seen by the target with this slot."""
        return abi.read_sources(self._trackers(slot))

    def seeds(self, slot: int) -> abi.Seeds:
        """The same, to hand to another engine."""
        return abi.Seeds(abi.sources_part(self._trackers(slot)))


class OutputReader(PoolReader):
    """The pool of outputs."""

    def __init__(self, engine: Engine):
        super().__init__(engine, engine.geometry.output_pool, lib.rtpe_stats_fold_output,
                         lib.rtpe_stats_activity_output, ffi.new("struct rtpe_counters *"))
