# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners over TCP and UNIX sockets: who may connect, how many at once, and that those who vanish are noticed."""
from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from controlplane.addresses import Address, Endpoint
from controlplane.config.listen import Access, Place, UnixPath
from controlplane.errors import ConfigError
from controlplane.log import Seldom
from controlplane.servers import unix

MAX_CLIENTS = 256
"""Connections of one listener open at once; further ones are closed unanswered."""
_BACKLOG = 128
_BUFFER = 256 << 10
"""Bytes that the system holds for a connection each way; by itself it goes up to megabytes."""
_PER_TURN = 16
"""Connections accepted before the event loop runs other things again."""
_PAUSE = 1.0
"""Seconds without accepting after the system has run out of something."""
_GONE = (errno.ECONNABORTED, errno.EPERM, errno.EPROTO, errno.ENETDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""What accept() says of a connection that is no more."""

# A peer that vanishes is noticed after a minute of silence and half a minute of probes, one that takes no data after
# as long.
_PROBING = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10), (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 90_000), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))

Serve = Callable[[socket.socket, str], Awaitable[None]]
"""Serves a connected socket, which it closes, and its peer's name until one of them has enough."""


class Listener:
    """Open from the start at all places; ``what`` is the protocol in messages. ConfigError if one is not free.

    ``access`` tells who may connect to UNIX sockets.
    """

    def __init__(self, what: str, listen: Sequence[Place], serve: Serve, logger: logging.Logger,
                 most: int = MAX_CLIENTS, access: Access = Access()):
        self._what = what
        self._serve = serve
        self._log = logger
        self._most = most
        self._access = access
        self._seldom = Seldom()
        self._sockets: list[socket.socket] = []
        self._clients: set[asyncio.Task[None]] = set()
        for endpoint in listen:
            try:
                self._sockets.append(unix.listening(endpoint.path, _BACKLOG) if isinstance(endpoint, UnixPath)
                                     else _listening(endpoint))
            except OSError as error:
                self.shut()
                raise ConfigError(f"Failed to open {what} port {endpoint}: {os.strerror(error.errno or 0)}") from None

    @property
    def addresses(self) -> list[Endpoint]:
        """Where it listens on IP, with the port numbers the system chose for port 0."""
        return [Endpoint(Address.parse(name[0]), name[1])
                for name in (each.getsockname() for each in self._sockets if each.family != socket.AF_UNIX)]

    @property
    def places(self) -> list[Place]:
        """Everywhere it listens."""
        return [*self.addresses, *(UnixPath(sock.getsockname()) for sock in self._sockets
                                   if sock.family == socket.AF_UNIX)]

    @property
    def clients(self) -> int:
        """Connections open now."""
        return len(self._clients)

    def warn(self, kind: str, message: str, *values: object) -> None:
        """Log what clients do, each kind of thing now and then."""
        self._seldom.log(self._log, logging.WARNING, kind, message, *values)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Accept from now on."""
        for sock in self._sockets:
            loop.add_reader(sock.fileno(), self._accept, sock)

    async def close(self) -> None:
        """Stop listening and drop the clients."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock.fileno())
        self.shut()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def shut(self) -> None:
        """Free the ports."""
        for sock in self._sockets:
            if sock.family == socket.AF_UNIX:
                unix.remove(sock)
            sock.close()
        self._sockets.clear()

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(_PER_TURN):
            try:
                client, address = sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GONE:
                    continue
                self._rest(sock, error)
                return
            self._take(client, shown(address) if sock.family != socket.AF_UNIX else unix.shown(client))

    def _rest(self, sock: socket.socket, error: OSError) -> None:
        """The connection stays in the queue: asking again at once would keep the loop busy with nothing."""
        self.warn("rest", "Cannot accept %s connections: %s", self._what, error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock.fileno())
        loop.call_later(_PAUSE, self._resume, sock)

    def _resume(self, sock: socket.socket) -> None:
        if sock in self._sockets:
            asyncio.get_running_loop().add_reader(sock.fileno(), self._accept, sock)

    def _take(self, client: socket.socket, peer: str) -> None:
        if len(self._clients) >= self._most:
            self.warn("most", "%d %s connections are open, refusing %s", self._most, self._what, peer)
            client.close()
            return
        try:
            client.setblocking(False)
            if client.family == socket.AF_UNIX:
                if not unix.may_connect(client, self._access):
                    self.warn("who", "%s connection from %s refused: no rule names its user", self._what, peer)
                    client.close()
                    return
            else:
                for level, option, value in _PROBING:
                    client.setsockopt(level, option, value)
        except OSError as error:  # it has gone
            self._log.info("Lost %s connection from %s: %s", self._what, peer, error.strerror)
            client.close()
            return
        task = asyncio.get_running_loop().create_task(self._run(client, peer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _run(self, client: socket.socket, peer: str) -> None:
        try:
            await self._serve(client, peer)
        except TimeoutError:
            self.warn("slow", "Closing %s connection from %s: it takes too long", self._what, peer)
        except OSError as error:
            self._seldom.log(self._log, logging.INFO, "lost", "Lost %s connection from %s: %s", self._what, peer, error)
        except Exception as error:
            self._log.error("Internal error while serving %s to %s", self._what, peer, exc_info=error)


def _listening(endpoint: Endpoint) -> socket.socket:
    sock = socket.socket(socket.AF_INET if endpoint.family == 4 else socket.AF_INET6,
                         socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # connections inherit them
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        if endpoint.family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(endpoint.sockaddr)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def shown(address: tuple[Any, ...] | None) -> str:
    """A socket's address as people write it; None is that of a client that has gone."""
    if not address:
        return "a client that is gone"
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
