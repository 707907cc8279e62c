# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP to whoever is named with each packet; nobody waits for it."""
from __future__ import annotations

import logging
import socket

from controlplane.addresses import Endpoint
from controlplane.log import Seldom

_log = logging.getLogger("rtpengine.core")
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Datagrams:
    """A socket for each family, from the first packet on. ``what`` is sent, for the log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._sockets: dict[int, socket.socket] = {}
        self._seldom = Seldom()

    def send(self, data: bytes, to: Endpoint) -> None:
        """Send ``data`` at once, or drop it."""
        try:
            self._socket(to.family).sendto(data, to.sockaddr)
        except OSError as error:
            self._seldom.log(_log, logging.ERROR, "dropped", "%s for %s dropped: %s", self._what, to, error.strerror)

    def _socket(self, family: int) -> socket.socket:
        sock = self._sockets.get(family)
        if sock is None:
            sock = self._sockets[family] = socket.socket(_FAMILIES[family], socket.SOCK_DGRAM)
            sock.setblocking(False)
        return sock

    def close(self) -> None:
        """Let go of the sockets."""
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
