# SPDX-License-Identifier: GPL-3.0-or-later
"""Intercepted calls of an engine: streams that targets copy packets to, and their readers."""
from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote

from controlplane.dataplane import abi
from controlplane.errors import DataPlaneError
from controlplane.relay._native import ffi, lib

MAX_PACKET = 65535
"""Bytes of the largest packet that a stream holds."""
_NAME_SIZE: int = ffi.sizeof("struct rtpe_name")
_SAFE = "".join(map(chr, range(33, 127))).replace("/", "").replace("%", "") + " "


@dataclass(frozen=True, slots=True)
class Stream:
    """One queue of copied packets. ``index`` is what targets of the same engine name it by."""

    call: str
    name: str
    index: int


class PacketReader(Protocol):
    """Somebody who reads a stream: whole IP packets, payload decrypted."""

    def fileno(self) -> int:
        """A descriptor that is readable while read() has something to return, or the end to tell of."""
        ...

    def read(self) -> bytes | None:
        """The oldest packet; None if none waits, b"" when the stream has ended."""
        ...

    def close(self) -> None: ...


class Commands(Protocol):
    """The part of an engine that is needed here."""

    def command(self, batch: bytes) -> bytes: ...


def name_of(text: str) -> str:
    """A name for a call or a stream that every engine takes, and that no other ``text`` gets.

    What cannot stand in a file name is percent-encoded; what is too long ends with a digest.
    """
    name = quote(text, safe=_SAFE)
    if name in ("", ".", ".."):
        name = "%" + name
    limit = _NAME_SIZE - 1
    return name if len(name) <= limit else name[:limit - 33] + "%" + sha256(text.encode()).hexdigest()[:32]


class Interception:
    """The calls and streams of one engine. DataPlaneError whenever the engine refuses."""

    def __init__(self, engine: Commands):
        self._engine = engine
        self._calls: dict[str, int] = {}

    def _run(self, command: int, body: bytes, what: str) -> memoryview:
        (reply,) = abi.replies(self._engine.command(abi.batch(abi.record(command, body))))
        return reply.check(what).body

    def add_call(self, call: str) -> None:
        """Make room for the streams of a call; its name is as name_of() makes it."""
        body = self._run(lib.RTPE_ADD_CALL, _name(call), f"intercepted call {call}")
        self._calls[call] = ffi.from_buffer("struct rtpe_index *", body).index

    def remove_call(self, call: str) -> None:
        """End all its streams. A call that does not exist does no harm."""
        index = self._calls.pop(call, None)
        if index is not None:
            self._run(lib.RTPE_DEL_CALL, _index(index), f"intercepted call {call}")

    def add_stream(self, call: str, name: str, max_packets: int = 0) -> Stream:
        """A queue of at most ``max_packets`` (0: the engine's default); the oldest gives way to a new one."""
        c = ffi.new("struct rtpe_stream *", {"call": self._calls[call], "max_packets": max_packets})
        body = bytes(ffi.buffer(c))[:-_NAME_SIZE] + _name(name)
        reply = self._run(lib.RTPE_ADD_STREAM, body, f"stream {name} of {call}")
        return Stream(call, name, ffi.from_buffer("struct rtpe_index *", reply).index)

    def remove_stream(self, stream: Stream) -> None:
        """End a stream: nothing is copied to it any more."""
        self._run(lib.RTPE_DEL_STREAM, _index(stream.index), f"stream {stream.name} of {stream.call}")

    def put(self, stream: Stream, packet: bytes) -> None:
        """Add a whole IP packet of one's own, between those that targets copy."""
        padded = packet + bytes(-len(packet) % 8)
        self._run(lib.RTPE_PACKET, _index(stream.index) + padded, f"packet for {stream.name} of {stream.call}")


def _name(text: str) -> bytes:
    raw = os.fsencode(text)
    if not 0 < len(raw) < _NAME_SIZE or b"\0" in raw:
        raise DataPlaneError(errno.EINVAL, f"name {text!r}")
    return raw.ljust(_NAME_SIZE, b"\0")


def _index(index: int) -> bytes:
    return bytes(ffi.buffer(ffi.new("struct rtpe_index *", {"index": index})))


class NativeReader:
    """Reads a stream of an engine in this process. May outlive the stream and the engine."""

    def __init__(self, engine: Any, stream: Stream):
        handle = lib.rtpe_recorder_new(engine, stream.index)
        if handle == ffi.NULL:
            raise DataPlaneError(ffi.errno, f"reading {stream.name} of {stream.call}")
        self._handle: Any = ffi.gc(handle, lib.rtpe_recorder_free)
        self._buffer = ffi.new("uint8_t[]", MAX_PACKET)

    def fileno(self) -> int:
        """See PacketReader. The descriptor is shared by all readers of the stream; do not close it."""
        return int(lib.rtpe_recorder_eventfd(self._handle))

    def read(self) -> bytes | None:
        """See PacketReader."""
        count = lib.rtpe_recorder_read(self._handle, self._buffer, MAX_PACKET)
        return None if count == -errno.EAGAIN else bytes(ffi.buffer(self._buffer, count))

    @property
    def overflows(self) -> int:
        """Packets lost because nobody read them in time."""
        return int(lib.rtpe_recorder_overflows(self._handle))

    def close(self) -> None:
        """Let the stream go. More than once does no harm."""
        ffi.release(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class FileReader:
    """Reads a stream of the kernel module: its file below ``/proc/rtpengine/N/calls``."""

    def __init__(self, calls: Path, stream: Stream):
        try:
            self._fd = os.open(calls / stream.call / stream.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DataPlaneError(error.errno or errno.EIO, f"reading {stream.name} of {stream.call}") from None

    def fileno(self) -> int:
        """See PacketReader."""
        return self._fd

    def read(self) -> bytes | None:
        """See PacketReader. The file of a stream that was removed gives EIO: that is its end as well."""
        try:
            return os.read(self._fd, MAX_PACKET)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EIO:
                raise DataPlaneError(error.errno or errno.EIO, "intercepted stream") from None
            return b""

    def close(self) -> None:
        """Close the file. More than once does no harm."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def drain(reader: PacketReader) -> Sequence[bytes]:
    """All packets that wait; the last element is b"" if the stream has ended."""
    got: list[bytes] = []
    while (packet := reader.read()) is not None:
        got.append(packet)
        if not packet:
            break
    return got
