# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to Homer and other collectors: UDP or TCP, and nobody waits for it."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from controlplane.exports.outlet import Outlet
from controlplane.log import Seldom

_log = logging.getLogger("rtpengine.core")
MOST = 200
"""Packets that wait; what comes while so many do is dropped."""
_REST = 30.0
"""Seconds after a failure in which no other attempt is made."""


class Homer:
    """Takes packets at any time, once ``run`` runs; ``dropped`` counts those that did not go. ``name`` is for the log.
    """

    def __init__(self, host: str, port: int, tcp: bool, rest: float = _REST, name: str = "Homer"):
        self.dropped = 0
        self._name = name
        self._host = host
        self._port = port
        self._rest = rest
        self._tcp = Outlet(name, host, port) if tcp else None
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MOST)
        self._seldom = Seldom()

    def put(self, packet: bytes) -> None:
        """Send ``packet`` soon, or drop it."""
        try:
            self._waiting.put_nowait(packet)
        except asyncio.QueueFull:
            self._drop("it takes nothing")

    def _drop(self, why: object) -> None:
        self.dropped += 1
        self._seldom.log(_log, logging.ERROR, "dropped", "Packets for %s at %s port %d are dropped: %s", self._name,
                         self._host, self._port, why)

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        if self._tcp is None:
            await self._run_datagrams()
        else:
            try:
                await self._run_stream(self._tcp)
            finally:
                self._tcp.close()

    async def _run_stream(self, outlet: Outlet) -> None:
        while True:
            packet = await self._waiting.get()
            if not await outlet.send(packet):
                self._drop("no connection")
                await asyncio.sleep(self._rest)

    async def _run_datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Errors(self._drop), remote_addr=(self._host, self._port))
            except OSError as error:
                self._drop(error.strerror)
                await asyncio.sleep(self._rest)
                continue
            try:
                while not transport.is_closing():
                    transport.sendto(await self._waiting.get())
            finally:
                transport.close()


class _Errors(asyncio.DatagramProtocol):
    """Tells of packets that nobody took."""

    def __init__(self, tell: Callable[[object], None]):
        self._tell = tell

    def error_received(self, exc: Exception) -> None:
        self._tell(exc)
