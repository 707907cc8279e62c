# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and HTTPS listeners: connections, limits and patience; pages.py and websocket.py say what there is to see."""
from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from controlplane.config.listen import Access, Place
from controlplane.errors import PeerError
from controlplane.ng.values import MAX_SIZE
from controlplane.servers.access import REFUSAL, Secret
from controlplane.servers.listener import MAX_CLIENTS, Listener, shown
from controlplane.servers.ng import PATIENCE, Room
from controlplane.servers.pages import (BAD_REQUEST, BUSY, EMPTY, FAILED, NOT_FOUND, TOO_LONG, UNAUTHORIZED, Page,
                                        Pages)
from controlplane.servers.services import Services
from controlplane.servers.slices import slices
from controlplane.servers.websocket import BadHandshake, converse, subprotocol

_log = logging.getLogger("rtpengine.http")
T = TypeVar("T")
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="rtpengine"'}

IDLE = 5
"""Seconds until a connection without a whole request is closed, if http-idle-timeout is 0."""
BUFFER = 64
"""Kilobytes of a body that wait to be read, if http-buf-size is 0."""
_HANDSHAKE = 10.0
"""Seconds for the TLS handshake."""
_LINGERING = 2.0
"""Seconds for the rest of a body that is not wanted."""
_LONGEST_TYPE = 63
_HEADERS = {"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "86400",
            "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Content-Type",
            "Server": "rtpengine"}


class Dropped(Exception):
    """The connection ends without a reply; the text is for the log."""


class HttpServer:
    """Listens on ``plain`` addresses and, with ``context``, on ``secure`` ones. ConfigError if one is not free.

    ``idle`` is option http-idle-timeout, ``buffer`` http-buf-size. ``access`` tells who may ask.
    """

    def __init__(self, plain: Sequence[Place], secure: Sequence[Place], services: Services,
                 context: ssl.SSLContext | None = None, idle: int = 0, buffer: int = 0,
                 patience: float = PATIENCE, room: Room | None = None, most: int = MAX_CLIENTS,
                 access: Access = Access()):
        self._services = services
        self._secret = Secret(access.secret)
        self._pages = Pages(services)
        self._options: dict[str, Any] = {"keepalive_timeout": idle or IDLE, "read_bufsize": (buffer or BUFFER) << 10}
        self._patience = patience
        self._room = room or Room()
        self._connections: _Factory | None = None
        self.plain = Listener("HTTP", plain, partial(self._serve, None), _log, most, access)
        try:
            self.secure = Listener("HTTPS", secure, partial(self._serve, context), _log, most, access)
        except BaseException:
            self.plain.shut()
            raise

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Accept from now on."""
        self._connections = _Factory(self._handle, self.plain.warn, **self._options)
        self.plain.start(loop)
        self.secure.start(loop)

    def shut(self) -> None:
        """Free the ports of a server that was not started."""
        self.plain.shut()
        self.secure.shut()

    async def close(self) -> None:
        """Stop listening and drop the clients."""
        await self.plain.close()
        await self.secure.close()
        if self._connections is not None:
            await self._connections.shutdown(1.0)

    async def _serve(self, context: ssl.SSLContext | None, client: socket.socket, peer: str) -> None:
        connections = self._connections
        assert connections is not None, "started before anybody connects"
        protocol = connections.to(peer)     # of TLS, uvloop returns its own
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: protocol, client, ssl=context, ssl_handshake_timeout=_HANDSHAKE if context else None)
        # written means taken by the system, so that patience is measured by what the peer takes; that of TLS would
        # pause at 0 with nothing to write
        transport.set_write_buffer_limits(high=1)
        try:
            await protocol.ended
        finally:
            if not protocol.ended.done():
                transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        peer = request.protocol.peer if isinstance(request.protocol, _Connection) else shown(None)
        _log.debug("HTTP %s from %s: %r", request.method, peer, request.path)
        try:
            if self._secret and not self._secret.in_header(request.headers.get("Authorization", "")):
                return await self._refuse(request, peer)
            if request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._upgrade(request, peer)
            return await self._send(request, await self._page(request, peer))
        except Dropped as reason:
            self.plain.warn("dropped", "HTTP %s from %s dropped: %s", request.method, peer, reason)
        except TimeoutError:
            self.plain.warn("slow", "Closing HTTP connection from %s: it takes too long", peer)
        except OSError as error:
            _log.debug("Lost HTTP connection from %s: %s", peer, error)
        if transport is not None:
            transport.abort()
        return web.Response()  # nobody gets to see it

    async def _refuse(self, request: web.BaseRequest, peer: str) -> web.StreamResponse:
        """Who does not know the secret waits, gets no further, and has to connect again."""
        self.plain.warn("secret", "HTTP %s from %s refused: it does not know the secret", request.method, peer)
        await asyncio.sleep(REFUSAL)
        response = web.Response(body=UNAUTHORIZED.body, status=UNAUTHORIZED.status,
                                content_type=UNAUTHORIZED.content_type, headers=_HEADERS | _CHALLENGE)
        response.force_close()
        return response

    async def _upgrade(self, request: web.BaseRequest, peer: str) -> web.StreamResponse:
        name = subprotocol(request)
        if name is None:
            raise Dropped("WebSocket without a sub-protocol that is spoken here")
        _log.info("New WebSocket connection from %s: %s", peer, name)
        try:
            return await converse(request, name, self._services, peer, self._patience)
        except BadHandshake as error:
            self.plain.warn("handshake", "Bad WebSocket handshake from %s: %s", peer, error)
            return await self._send(request, BAD_REQUEST)

    async def _page(self, request: web.BaseRequest, peer: str) -> Page:
        path = request.rel_url.raw_path
        if request.method == "GET":
            return self._pages.get(path)
        if request.method == "OPTIONS":
            return EMPTY
        if request.method == "PUT":
            raise Dropped("method not served")
        if request.method != "POST":
            return NOT_FOUND
        content_type = request.headers.get("Content-Type", "")
        if not 0 < len(content_type) <= _LONGEST_TYPE:
            raise Dropped("no Content-Type, or a long one")
        if "Content-Length" not in request.headers:
            raise Dropped("no Content-Length")
        if (request.content_length or 0) > MAX_SIZE:
            return TOO_LONG
        try:
            body = await self._body(request)
        except PeerError as error:
            self.plain.warn("room", "HTTP POST from %s refused: %s", peer, error)
            return BUSY
        return await self._pages.post(path, content_type, body, peer)

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The body, within a time and together with the others within the room there is. PeerError if there is none."""
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = bytearray()
        with self._room.hold() as hold:
            async with asyncio.timeout(self._patience):
                async for piece in request.content.iter_any():
                    body += piece
                    hold(len(body))
        return bytes(body)

    async def _send(self, request: web.BaseRequest, page: Page) -> web.StreamResponse:
        response: web.StreamResponse
        if isinstance(page.body, bytes):
            response = web.Response(body=page.body, status=page.status, content_type=page.content_type,
                                    headers=_HEADERS)
            await self._soon(response.prepare(request))
        else:
            response = web.StreamResponse(status=page.status, headers=_HEADERS | {"Content-Type": page.content_type})
            await self._soon(response.prepare(request))
            for data in slices(page.body):
                if data:
                    await self._soon(response.write(data))
                await asyncio.sleep(0)
        await self._soon(response.write_eof())
        return response

    async def _soon(self, sending: Awaitable[T]) -> T:
        async with asyncio.timeout(self._patience):
            return await sending


class _Connection(RequestHandler):
    """One connection; ``ended`` tells of its end, ``peer`` is who made it."""

    __slots__ = ("ended", "peer", "_warn")

    def __init__(self, server: web.Server, peer: str, warn: Callable[..., None], loop: asyncio.AbstractEventLoop,
                 **options: Any):
        super().__init__(server, loop=loop, logger=_log, access_log=None, auto_decompress=False,  # type: ignore
                         lingering_time=_LINGERING, **options)
        self.peer = peer
        self.ended: asyncio.Future[None] = loop.create_future()
        self._warn = warn

    def connection_lost(self, exc: BaseException | None) -> None:
        """The transport is closed."""
        super().connection_lost(exc)
        if not self.ended.done():
            self.ended.set_result(None)

    def handle_error(self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None,
                     message: str | None = None) -> web.StreamResponse:
        """The reply to what cannot be read, or could not be served; the connection ends with it."""
        peer = self.peer
        if status < 500:
            self._warn("malformed", "Malformed HTTP from %s: %s", peer, (message or "")[:200])
        else:
            _log.error("Internal error while serving HTTP to %s", peer, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of a reply is sent already")
        page = BAD_REQUEST if status < 500 else FAILED
        response = web.Response(body=page.body, status=page.status, content_type=page.content_type, headers=_HEADERS)
        response.force_close()
        return response


class _Factory(web.Server):
    """Makes the protocol objects; aiohttp keeps the connections here."""

    def __init__(self, handle: Any, warn: Callable[..., None], **options: Any):
        super().__init__(handle)
        self._warn = warn
        self._options = options

    def to(self, peer: str) -> _Connection:
        """The protocol object of a connection."""
        return _Connection(self, peer, self._warn, asyncio.get_running_loop(), **self._options)
