# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng protocol over UDP: a datagram in, a datagram out, from the address the request was sent to."""
from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from functools import lru_cache, partial

from controlplane.addresses import Address, Endpoint
from controlplane.errors import ConfigError
from controlplane.log import Seldom
from controlplane.ng.frame import too_long
from controlplane.ng.later import Later
from controlplane.servers.listener import shown
from controlplane.servers.ng import Handler

_log = logging.getLogger("rtpengine.control")
_MAX_DATAGRAM = 65536
_DATAGRAMS_PER_TURN = 32
"""Requests answered before the event loop runs other things again."""
_BUFFER = 4 << 20
"""Bytes of requests, and of replies, that may wait in the system."""
_PKTINFO_ROOM = socket.CMSG_SPACE(64)

# Linux: <netinet/in.h>; the socket module of Python 3.11 does not name these.
IP_PKTINFO = 8
IP_MTU_DISCOVER = 10
_DISCOVERY = {"dont": 0, "want": 1}
_PKTINFO = {
    4: (socket.IPPROTO_IP, IP_PKTINFO, IP_PKTINFO),
    6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, socket.IPV6_PKTINFO),
}

_Control = list[tuple[int, int, bytes]]
"""Control messages as recvmsg() gives and sendmsg() takes them."""


class NgUdpServer:
    """One listening socket. ``handler(datagram, source, now)`` gives the reply, perhaps later, or None for silence.

    ``tos`` is option control-tos, ``pmtu`` is control-pmtu: want, dont, or empty for what the system does.
    """

    def __init__(self, listen: Endpoint, tos: int, handler: Handler, clock: Callable[[], float], pmtu: str = ""):
        self._handler = handler
        self._seldom = Seldom()
        self._clock = clock
        self._family = listen.family
        self._room = _PKTINFO_ROOM if _wants_pktinfo(listen) else 0
        self._socket = _bind(listen)
        self.endpoint = Endpoint(Address.parse(self._socket.getsockname()[0]), self._socket.getsockname()[1])
        self.set_tos(tos)
        if pmtu and self._family == 4:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, _DISCOVERY[pmtu])

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
            remove: Callable[[int], object] = loop.remove_reader  # says something else in uvloop than in asyncio
            remove(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_DATAGRAMS_PER_TURN):
            try:
                data, control, _, source = self._socket.recvmsg(_MAX_DATAGRAM, self._room)
            except BlockingIOError:
                return
            except OSError as error:
                _log.warning("ng listener %s: %s", self.endpoint, error)
                return
            reply = self._handler(data, _shown(source), self._clock())
            if isinstance(reply, Later):
                reply.then(partial(self._send, control=control, source=source))
            elif reply is not None:
                self._send(reply, control, source)

    def _send(self, reply: bytes, control: _Control, source: tuple[str, int]) -> None:
        try:
            try:
                self._socket.sendmsg([reply], self._from_same_address(control), 0, source)
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
                self._warn("long", "ng reply of %d bytes to %s does not fit into a datagram", len(reply), source)
                self._socket.sendmsg([too_long(reply)], self._from_same_address(control), 0, source)
        except OSError as error:
            self._warn(str(error.errno), f"ng reply of %d bytes to %s: {error.strerror}", len(reply), source)

    def _warn(self, kind: str, message: str, size: int, source: tuple[str, int]) -> None:
        self._seldom.log(_log, logging.WARNING, kind, message, size, shown(source))

    def _from_same_address(self, control: _Control) -> _Control:
        """The control message that makes the reply leave from the address asked, on any interface."""
        level, _, kind = _PKTINFO[self._family]
        for got_level, got_kind, info in control:
            if got_level == level and got_kind == kind:
                # in_pktinfo: index, local address, header address; in6_pktinfo: address, index
                same = bytes(4) + info[8:12] + bytes(4) if self._family == 4 else info[:16] + info[16:20]
                return [(level, kind, same)]
        return []


_shown = lru_cache(1024)(shown)


def _wants_pktinfo(listen: Endpoint) -> bool:
    """True unless replies leave from the address asked anyway: with IPv6 the interface counts as well."""
    return listen.family == 6 or listen.address.is_zero


def _bind(listen: Endpoint) -> socket.socket:
    family = socket.AF_INET if listen.family == 4 else socket.AF_INET6
    sock = None
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if listen.family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if _wants_pktinfo(listen):
            level, option, _ = _PKTINFO[listen.family]
            sock.setsockopt(level, option, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        sock.bind(listen.sockaddr)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise ConfigError(f"Failed to open UDP control connection port {listen}: {error.strerror}") from None
    return sock
