# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of HTTP connections as bytes, WebSocket frames included: the first byte is the length of the pieces."""
from __future__ import annotations

import asyncio
import logging
from typing import Any

from controlplane.servers import http
from controlplane.servers.http import HttpServer
from tests.fuzz.rig import Alarm, rig
from tests.fuzz.servers.fuzz_pages import services

TURNS = 20
"""Of the event loop, in which everything that is there must be dealt with."""
PIECES = 64


class Wire(asyncio.Transport):
    """Takes what is written, and tells the protocol of its end as a socket would."""

    def __init__(self, protocol: asyncio.Protocol):
        super().__init__({"peername": ("127.0.0.1", 5060), "sockname": ("127.0.0.1", 2225)})
        self.written = bytearray()
        self.closed = False
        self._protocol = protocol

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    resume_reading = pause_reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""


class Bench:
    """A server without listeners on a loop of its own."""

    def __init__(self) -> None:
        http._LINGERING = 0.0  # would keep a connection's task longer than the turns last
        self.loop = asyncio.new_event_loop()
        self.server = HttpServer([], [], services())
        self.loop.run_until_complete(self._start())
        logger = logging.getLogger("rtpengine.http")
        logger.setLevel(logging.ERROR)
        logger.addHandler(Alarm())
        logger.propagate = False
        self.loop.set_exception_handler(self._found)
        self.failure: BaseException | None = None

    async def _start(self) -> None:
        self.server.start(asyncio.get_running_loop())

    def _found(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.failure = context.get("exception") or AssertionError(context["message"])

    async def connection(self, pieces: list[bytes]) -> bytes:
        """What is written in answer to pieces that come one after the other, until the peer closes."""
        assert self.server._connections is not None
        protocol = self.server._connections.to("127.0.0.1:5060")
        wire = Wire(protocol)
        protocol.connection_made(wire)
        for piece in pieces:
            if not wire.closed:
                protocol.data_received(piece)
            await asyncio.sleep(0)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        wire.close()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert protocol.ended.done()
        return bytes(wire.written)


_bench: list[Bench] = []


def one_input(data: bytes) -> None:
    """Replies are HTTP, connections end with their peers, and no bug is logged on the way."""
    if not _bench:
        _bench.append(Bench())
    bench = _bench[0]
    size = max(data[0] if data else 1, len(data) // PIECES, 1)
    pieces = [data[at:at + size] for at in range(1, len(data), size)]
    written = bench.loop.run_until_complete(bench.connection(pieces))
    assert not written or written.startswith(b"HTTP/"), written[:80]
    assert len(asyncio.all_tasks(bench.loop)) <= 1, asyncio.all_tasks(bench.loop)
    if bench.failure is not None:
        failure, bench.failure = bench.failure, None
        raise failure
    rig().tidy()
