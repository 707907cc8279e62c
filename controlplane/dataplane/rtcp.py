# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of the RTCP that an engine gets, whoever forwards it."""
from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from controlplane.addresses import Address, Endpoint
from controlplane.dataplane.interception import Commands, Interception, PacketReader, Stream
from controlplane.errors import DataPlaneError

CALL, NAME = "%rtcp", "reports"
"""The names of the stream; no call has this one (see interception.name_of)."""
_MAX_WAITING = 1024
_MAX_LEFT = 64
_IP4_HEADER, _IP6_HEADER, _UDP_HEADER = 20, 40, 8


class TappedEngine(Commands, Protocol):
    """An engine whose streams can be read."""

    def read_stream(self, stream: Stream) -> PacketReader: ...


class Arrival(NamedTuple):
    """RTCP that came to ``local`` from ``source``, decrypted."""

    local: Endpoint
    data: bytes
    source: Endpoint


class RtcpTap:
    """The stream that targets of one engine copy RTCP to. ``index`` is what they name it by.

    DataPlaneError if the engine has no room for it.
    """

    def __init__(self, engine: TappedEngine):
        self._interception = Interception(engine)
        self._call = self._add_call()
        stream = self._interception.add_stream(self._call, NAME, _MAX_WAITING)
        self.index = stream.index
        self._reader = engine.read_stream(stream)
        self.ended = False

    def _add_call(self) -> str:
        """A name that is not taken: a process that was killed may have left its own, which goes with the table."""
        for name in (CALL, *[f"{CALL}-{number}" for number in range(2, _MAX_LEFT)]):
            try:
                self._interception.add_call(name)
                return name
            except DataPlaneError as error:
                if error.errno != errno.EEXIST:
                    raise
        raise DataPlaneError(errno.EEXIST, f"intercepted call {CALL}")

    def fileno(self) -> int:
        """Readable while something waits."""
        return self._reader.fileno()

    def read(self, most: int) -> Iterator[Arrival]:
        """What waits, at most so many. Afterwards ``ended`` tells whether the engine has closed the stream."""
        for _ in range(most):
            packet = self._reader.read()
            if packet is None:
                return
            if not packet:
                self.ended = True
                return
            yield _arrival(packet)

    def close(self) -> None:
        """Let go of the stream, and end it. More than once does no harm."""
        self._reader.close()
        try:
            self._interception.remove_call(self._call)
        except DataPlaneError:      # the engine is gone, and the stream with it
            pass


def _arrival(packet: bytes) -> Arrival:
    """A whole IP packet as core/queue.c makes it: no options, no extension headers."""
    if packet[0] >> 4 == 4:
        source, local, start = Address(4, packet[12:16]), Address(4, packet[16:20]), _IP4_HEADER
    else:
        source, local, start = Address(6, packet[8:24]), Address(6, packet[24:40]), _IP6_HEADER
    ports = int.from_bytes(packet[start:start + 4], "big")
    return Arrival(Endpoint(local, ports & 0xFFFF), packet[start + _UDP_HEADER:], Endpoint(source, ports >> 16))
