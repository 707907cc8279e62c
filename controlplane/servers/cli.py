# SPDX-License-Identifier: GPL-3.0-or-later
"""Operator commands over TCP: one line in, text out, one command per connection."""
from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.errors import ConfigError

log = logging.getLogger("rtpengine.control")

MAX_LINE = 1024
"""Bytes that may arrive without a line feed."""
IDLE_TIMEOUT = 30.0
"""Seconds a client may take to send its command, to read on while a reply waits, or to close afterwards."""
MAX_CLIENTS = 256
"""Connections open at once; further ones are closed unanswered."""
_BACKLOG = 64
_PIECE = 65536


class CliServer:
    """Serves ``run`` (a command line to its reply) on any number of TCP addresses."""

    def __init__(self, run: Callable[[str], str | Iterable[str]], listen: Sequence[Endpoint],
                 timeout: float = IDLE_TIMEOUT):
        self._run = run
        self._listen = listen
        self._timeout = timeout
        self._servers: list[asyncio.Server] = []
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> list[Endpoint]:
        """Where it listens, with the port numbers the system chose for port 0."""
        return [Endpoint.parse(_shown(sock.getsockname())) for server in self._servers for sock in server.sockets]

    async def start(self) -> None:
        """Open every address; ConfigError if one cannot be used, none stays open then."""
        for endpoint in self._listen:
            host, port = endpoint.sockaddr
            try:
                self._servers.append(await asyncio.start_server(self._accept, host, port, limit=MAX_LINE,
                                                                backlog=_BACKLOG))
            except OSError as error:
                await self.close()
                why = os.strerror(error.errno) if error.errno else str(error)
                raise ConfigError(f"Failed to open TCP command line port {endpoint}: {why}") from None

    async def close(self) -> None:
        """Stop listening and drop the clients."""
        for server in self._servers:
            server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._servers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs connection handlers as tasks"
        peer = _shown(writer.get_extra_info("peername"))
        if len(self._clients) >= MAX_CLIENTS:
            log.warning("Too many cli connections, refusing %s", peer)
            writer.transport.abort()
            return
        self._clients.add(task)
        try:
            log.info("New cli connection from %s", peer)
            await self._serve(reader, writer)
        except TimeoutError:
            log.warning("Closing cli connection from %s: nothing moved for %g s", peer, self._timeout)
        except OSError as error:
            log.info("Lost cli connection from %s: %s", peer, error)
        finally:
            self._clients.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._timeout):
            line = await _command(reader)
        if line is None:
            return
        log.info("Got CLI command: %r", line)
        reply = self._run(line)
        await self._send(writer, [reply] if isinstance(reply, str) else reply)
        writer.write_eof()
        async with asyncio.timeout(self._timeout):
            while await reader.read(_PIECE):
                pass

    async def _send(self, writer: asyncio.StreamWriter, pieces: Iterable[str]) -> None:
        """Write everything, however much, while the client keeps reading; let others run in between."""
        writer.transport.set_write_buffer_limits(high=0)
        pending, size = [], 0
        for piece in pieces:
            pending.append(piece)
            size += len(piece)
            if size >= _PIECE:
                await self._flush(writer, "".join(pending))
                pending, size = [], 0
        await self._flush(writer, "".join(pending))

    async def _flush(self, writer: asyncio.StreamWriter, text: str) -> None:
        data = memoryview(text.encode("utf-8", "surrogateescape"))
        for start in range(0, len(data), _PIECE):
            writer.write(data[start:start + _PIECE])
            async with asyncio.timeout(self._timeout):
                await writer.drain()
            await asyncio.sleep(0)


def _shown(address: tuple[Any, ...] | None) -> str:
    """A socket's address as people write it; None is that of a client that has gone."""
    if not address:
        return "a client that is gone"
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _command(reader: asyncio.StreamReader) -> str | None:
    """The first line that is not blank; None if there is none or too much arrives without a line feed."""
    while True:
        try:
            data = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            data = error.partial
        except asyncio.LimitOverrunError:
            log.warning("Closing cli connection: more than %d bytes without a line feed", MAX_LINE)
            return None
        line = data.removesuffix(b"\n").removesuffix(b"\r")
        if line:
            return line.decode("utf-8", "surrogateescape")
        if not data.endswith(b"\n"):
            return None
