# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng protocol over UDP: a datagram in, a datagram out, from the address the request was sent to."""
from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from controlplane.addresses import Address, Endpoint
from controlplane.errors import ConfigError

_log = logging.getLogger("rtpengine.control")
_MAX_DATAGRAM = 65536
_DATAGRAMS_PER_TURN = 32
"""Requests answered before the event loop runs other things again."""
_RECEIVE_BUFFER = 4 << 20
_PKTINFO_ROOM = socket.CMSG_SPACE(64)

# Linux: <netinet/in.h>; the socket module of Python 3.11 does not name the first.
IP_PKTINFO = 8
_PKTINFO = {
    4: (socket.IPPROTO_IP, IP_PKTINFO, IP_PKTINFO),
    6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, socket.IPV6_PKTINFO),
}

Handler = Callable[[bytes, str, float], "bytes | None"]


class NgUdpServer:
    """One listening socket. ``handler(datagram, source, now)`` gives the reply or None for silence."""

    def __init__(self, listen: Endpoint, tos: int, handler: Handler, clock: Callable[[], float]):
        self._handler = handler
        self._clock = clock
        self._family = listen.family
        self._socket = _bind(listen)
        self.endpoint = Endpoint(Address.parse(self._socket.getsockname()[0]), self._socket.getsockname()[1])
        self.set_tos(tos)

    def set_tos(self, tos: int) -> None:
        """Mark the replies (option control-tos, 0 to 255)."""
        if self._family == 4:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        else:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_reader(self._socket.fileno(), self._readable)

    def close(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Free the port; ``loop`` is the one it was started on."""
        if loop is not None:
            loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_DATAGRAMS_PER_TURN):
            try:
                data, control, _, source = self._socket.recvmsg(_MAX_DATAGRAM, _PKTINFO_ROOM)
            except BlockingIOError:
                return
            except OSError as error:
                _log.warning("ng listener %s: %s", self.endpoint, error)
                return
            reply = self._handler(data, _text(source), self._clock())
            if reply is not None:
                self._send(reply, control, source)

    def _send(self, reply: bytes, control: list[tuple[int, int, bytes]], source: tuple[str, int]) -> None:
        try:
            self._socket.sendmsg([reply], self._from_same_address(control), 0, source)
        except OSError as error:
            _log.warning("ng reply of %d bytes to %s: %s", len(reply), _text(source), error)

    def _from_same_address(self, control: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
        """The control message that makes the reply leave from the address asked, on any interface."""
        level, _, kind = _PKTINFO[self._family]
        for got_level, got_kind, info in control:
            if (got_level, got_kind) == (level, kind):
                # in_pktinfo: index, local address, header address; in6_pktinfo: address, index
                same = bytes(4) + info[8:12] + bytes(4) if self._family == 4 else info[:16] + info[16:20]
                return [(level, kind, same)]
        return []


def _bind(listen: Endpoint) -> socket.socket:
    family = socket.AF_INET if listen.family == 4 else socket.AF_INET6
    sock = None
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if listen.family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        level, option, _ = _PKTINFO[listen.family]
        sock.setsockopt(level, option, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        sock.bind(listen.sockaddr)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise ConfigError(f"Failed to open UDP control connection port {listen}: {error.strerror}") from None
    return sock


def _text(source: tuple[str, int]) -> str:
    host, port = source[0], source[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
