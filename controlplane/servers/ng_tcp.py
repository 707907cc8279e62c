# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng protocol over TCP and UNIX sockets: messages one behind the other, answered in order where they came from."""
from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from controlplane.config.listen import Access, Place
from controlplane.errors import PeerError
from controlplane.ng.stream import MessageStream
from controlplane.ng.values import MAX_SIZE
from controlplane.servers.listener import MAX_CLIENTS, Listener
from controlplane.servers.ng import PATIENCE, Handler, Room, arrived

_log = logging.getLogger("rtpengine.control")
_PIECE = 65536
"""Bytes read at once; as much of an unfinished message every connection may hold, and as long as it likes."""
_IGNORED = 1024
"""Bytes that are swallowed of what can never become a message, before the connection is closed."""
_UNREAD = 65536
"""Bytes that may wait for a client; more is not pushed."""
_IN_A_ROW = 16
"""Messages of one connection answered before the event loop runs other things again."""


class NgTcpServer:
    """``handler`` gives the reply to each message. ConfigError if an address is not free."""

    def __init__(self, listen: Sequence[Place], handler: Handler, clock: Callable[[], float],
                 patience: float = PATIENCE, room: Room | None = None, most: int = MAX_CLIENTS,
                 access: Access = Access()):
        self._handler = handler
        self._clock = clock
        self._patience = patience
        self._room = room or Room()
        self._writers: set[asyncio.StreamWriter] = set()
        self.listener = Listener("TCP control", listen, self._serve, _log, most, access)

    def push(self, message: bytes) -> None:
        """Send what nobody has asked for to all clients, less those that do not read."""
        for writer in self._writers:
            if writer.transport.get_write_buffer_size() <= _UNREAD:
                writer.write(message)
            else:
                self.listener.warn("unread", "A client of ng over TCP does not read: it misses what it is told")

    async def _serve(self, client: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_PIECE)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, client)
        # written means taken by the system: a peer that does not read has one reply waiting, and is not read from
        transport.set_write_buffer_limits(high=0)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        _log.info("New TCP control connection from %s", peer)
        self._writers.add(writer)
        try:
            await self._talk(reader, writer, peer)
        finally:
            self._writers.discard(writer)
            transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        stream = MessageStream(MAX_SIZE)
        loop = asyncio.get_running_loop()
        deadline = None
        with self._room.hold() as hold:
            try:
                while data := await _read(reader, deadline):
                    for number, message in enumerate(stream.feed(data), 1):
                        await self._answer(writer, message, peer)
                        if number % _IN_A_ROW == 0:
                            await asyncio.sleep(0)
                    excess = max(0, stream.pending - _PIECE)
                    hold(excess)
                    deadline = (deadline or loop.time() + self._patience) if excess else None
            except PeerError as error:
                self.listener.warn("unreadable", "Cannot read what comes from %s over TCP: %s", peer, error)
                await self._ignore(reader, stream.pending)

    async def _answer(self, writer: asyncio.StreamWriter, message: bytes, peer: str) -> None:
        reply = await arrived(self._handler(message, peer, self._clock()))
        if reply is not None:
            writer.write(reply)
            async with asyncio.timeout(self._patience):
                await writer.drain()

    async def _ignore(self, reader: asyncio.StreamReader, swallowed: int) -> None:
        """Stay silent for a while: a client that waits for its reply is not told to connect and ask again."""
        async with asyncio.timeout(self._patience):
            while swallowed <= _IGNORED and (data := await reader.read(_PIECE)):
                swallowed += len(data)


async def _read(reader: asyncio.StreamReader, deadline: float | None) -> bytes:
    """More of the stream, empty at its end. TimeoutError if it does not come until ``deadline``."""
    if deadline is None:
        return await reader.read(_PIECE)
    async with asyncio.timeout_at(deadline):
        return await reader.read(_PIECE)
