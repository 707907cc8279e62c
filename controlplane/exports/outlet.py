# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP connection to a collector, made anew when it breaks; a peer that stops reading is given up."""
from __future__ import annotations

import asyncio
import logging
import socket

from controlplane.log import Seldom

_log = logging.getLogger("rtpengine.core")
PATIENCE = 5.0
"""Seconds for a connection, and for what is sent to be taken."""


class Outlet:
    """``name`` is for the log. ``user_timeout`` (seconds, 0: the system's) bounds unacknowledged data."""

    def __init__(self, name: str, host: str, port: int, user_timeout: int = 0, patience: float = PATIENCE):
        self._name = name
        self._host = host
        self._port = port
        self._user_timeout = user_timeout
        self._patience = patience
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._seldom = Seldom()

    async def send(self, data: bytes) -> bool:
        """Deliver ``data`` to the system, after connecting if need be. False if it was given up."""
        try:
            async with asyncio.timeout(self._patience):
                writer = await self._connected()
                writer.write(data)
                await writer.drain()
            return True
        except (OSError, TimeoutError) as error:
            self._seldom.log(_log, logging.WARNING, self._name, "%s at %s port %d: %s", self._name, self._host,
                             self._port, getattr(error, "strerror", None) or str(error) or "takes nothing")
            self.close()
            return False

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is not None and (self._reader is None or self._reader.at_eof()):
            self.close()
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
            self._writer.transport.set_write_buffer_limits(0)  # drained means taken by the system
            if self._user_timeout > 0:
                sock = self._writer.get_extra_info("socket")
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * self._user_timeout)
            _log.info("Connected to %s at %s port %d", self._name, self._host, self._port)
        return self._writer

    def close(self) -> None:
        """Drop the connection with what has not been taken. More than once does no harm."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.transport.abort()
