# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines that live in this process: command batches and statistics memory of a C forwarding table."""
from __future__ import annotations

from typing import Any, Final

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.interception import NativeReader, Stream
from controlplane.errors import DataPlaneError
from controlplane.relay._native import ffi, lib

_new_buffer: Final = ffi.new_allocator(should_clear_after_alloc=False)


def check(result: int, what: str, *endpoints: Endpoint) -> int:
    """Return ``result``; DataPlaneError naming ``what`` and ``endpoints`` if it is a negative errno."""
    if result < 0:
        raise DataPlaneError(-result, " ".join([what, *map(str, endpoints)]))
    return result


def c_address(packed: bytes) -> Any:
    """A struct rtpe_addr pointer to what abi.pack_address() made."""
    return ffi.from_buffer("struct rtpe_addr *", packed)


class NativeEngine:
    """A table in C. ``owner`` is what must stay alive as long as somebody reads the table's memory."""

    def __init__(self, engine: Any, owner: Any, name: str):
        self._engine = engine
        self._owner = owner
        self._name = name
        (reply,) = abi.replies(self.command(abi.batch(abi.hello())))
        self.geometry = abi.read_geometry(reply.check(f"{name}: handshake"))

    def command(self, batch: bytes) -> bytes:
        """Carry out a batch; returns the replies. DataPlaneError if the frame as a whole is refused."""
        room = check(lib.rtpe_engine_reply_bound(self._engine, batch, len(batch)), self._name)
        reply = _new_buffer("char[]", room)
        written = lib.rtpe_engine_command(self._engine, batch, len(batch), reply, room)
        answer: bytes = ffi.unpack(reply, check(written, self._name))
        return answer

    def chunk(self, pool: abi.Pool, number: int) -> memoryview | None:
        """The statistics memory of a chunk, live and read-only, or None if there is no such chunk yet."""
        memory = lib.rtpe_engine_memory(self._engine, pool.map_offset + number * pool.chunk_bytes)
        if memory == ffi.NULL:
            return None
        owner = self._owner
        kept = ffi.gc(memory, lambda _: owner)
        return memoryview(ffi.buffer(kept, pool.chunk_bytes)).toreadonly()

    def read_stream(self, stream: Stream) -> NativeReader:
        """A reader of one of this engine's streams. DataPlaneError ENOENT: it does not exist (any more)."""
        return NativeReader(self._engine, stream)
