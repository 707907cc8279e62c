# SPDX-License-Identifier: GPL-3.0-or-later
"""Operator commands over TCP and UNIX sockets: one line in, text out, one command per connection."""
from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Sequence

from controlplane.addresses import Endpoint
from controlplane.config.listen import Access, Place
from controlplane.servers.access import REFUSAL, Secret
from controlplane.servers.listener import MAX_CLIENTS, Listener
from controlplane.servers.slices import slices

log = logging.getLogger("rtpengine.control")

MAX_LINE = 1024
"""Bytes that may arrive without a line feed."""
IDLE_TIMEOUT = 30.0
"""Seconds a client may take to send its command, to read on while a reply waits, or to close afterwards."""
_AUTH = "auth "
_PIECE = 65536


class CliServer:
    """Serves ``run`` (a command line to its reply) at any number of places. ConfigError if one is not free.

    If ``access`` has a secret, a line ``auth SECRET`` goes before the command. Without one it may, too: a client
    does not know, and what it sends is no command to be logged.
    """

    def __init__(self, run: Callable[[str], str | Iterable[str]], listen: Sequence[Place],
                 timeout: float = IDLE_TIMEOUT, most: int = MAX_CLIENTS, access: Access = Access()):
        self._run = run
        self._timeout = timeout
        self._secret = Secret(access.secret)
        self.listener = Listener("TCP command line", listen, self._accept, log, most, access)

    @property
    def addresses(self) -> list[Endpoint]:
        """Where it listens on IP, with the port numbers the system chose for port 0."""
        return self.listener.addresses

    async def start(self) -> None:
        """Serve from now on."""
        self.listener.start(asyncio.get_running_loop())

    async def close(self) -> None:
        """Stop listening and drop the clients."""
        await self.listener.close()

    async def _accept(self, client: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(MAX_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, client)
        log.info("New cli connection from %s", peer)
        try:
            await self._serve(reader, asyncio.StreamWriter(transport, protocol, reader, loop), peer)
        finally:
            transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        async with asyncio.timeout(self._timeout):
            line = await _command(reader)
            if line is not None and (self._secret or line.startswith(_AUTH)):
                if self._secret and not self._secret.fits(line.removeprefix(_AUTH)):
                    await self._refuse(writer, peer)
                    return
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

    async def _refuse(self, writer: asyncio.StreamWriter, peer: str) -> None:
        self.listener.warn("secret", "cli connection from %s refused: it does not know the secret", peer)
        await asyncio.sleep(REFUSAL)
        writer.write(b"This needs the secret: a line 'auth SECRET' before the command\n")
        await writer.drain()
        writer.write_eof()

    async def _send(self, writer: asyncio.StreamWriter, pieces: Iterable[str]) -> None:
        """Write everything, however much, while the client keeps reading; let others run in between."""
        writer.transport.set_write_buffer_limits(high=0)
        for data in slices(pieces):
            if data:
                writer.write(data)
                async with asyncio.timeout(self._timeout):
                    await writer.drain()
            await asyncio.sleep(0)


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
