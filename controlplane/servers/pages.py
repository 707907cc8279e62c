# SPDX-License-Identifier: GPL-3.0-or-later
"""What each HTTP request gets, by method, path and content type."""
from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from controlplane.report.prometheus import CONTENT_TYPE
from controlplane.servers.services import Services, encoded

NG = "application/x-rtpengine-ng"
JSON = "application/json"
TEXT = "text/plain"
_COMMAND = "/cli/"


@dataclass(frozen=True, slots=True)
class Page:
    """A reply; a body of text pieces is made while it is sent."""

    body: bytes | Iterable[str]
    content_type: str = TEXT
    status: int = 200


EMPTY = Page(b"")
NOT_FOUND = Page(b"not found\n", status=404)
BAD_REQUEST = Page(b"bad request\n", status=400)
FAILED = Page(b"internal error\n", status=500)
TOO_LONG = Page(b"too long\n", status=413)
UNAUTHORIZED = Page(b"this needs the secret\n", status=401)
BUSY = Page(b"too many long requests at once\n", status=503)
_NO_COOKIE = Page(b"error\n", status=600)
FORBIDDEN = Page(b"this listener does not show that\n", status=403)
_NO_METRICS = Page(b"this version has no metrics\n", status=501)


class Pages:
    """Everything that ``services`` has, as pages."""

    def __init__(self, services: Services):
        self._services = services
        self._get: dict[str, Callable[[], Page]] = {
            "/ping": lambda: Page(b"pong\n"),
            "/metrics": self._metrics,
            "/livez": lambda: Page(b"ok\n"),
            "/readyz": self._ready,
        }
        self._post: dict[tuple[str, str], Callable[[str, bytes, str], Awaitable[Page]]] = {
            ("/ng", NG): self._ng,
            ("/ng-plain", NG): self._ng_plain,
            ("/ng-plain", JSON): self._ng_plain,
            ("/cli", TEXT): self._cli,
        }

    def get(self, path: str) -> Page:
        """The page at ``path``, which is as it was sent, without the query."""
        if path.startswith(_COMMAND):
            line = unquote(path.removeprefix(_COMMAND).replace("+", " "), errors="surrogateescape")
            return _text(self._services.run(line))
        page = self._get.get(path)
        return page() if page else NOT_FOUND

    async def post(self, path: str, content_type: str, body: bytes, peer: str) -> Page:
        """What becomes of a body; its type counts as a whole, in upper or lower case."""
        post = self._post.get((path, content_type.lower()))
        return await post(content_type.lower(), body, peer) if post else NOT_FOUND

    def _ready(self) -> Page:
        reason = self._services.unready()
        return Page(b"ok\n") if reason is None else Page(encoded(f"{reason}\n"), status=503)

    def _metrics(self) -> Page:
        metrics = self._services.metrics
        if not self._services.metrics_allowed:
            return FORBIDDEN
        return Page(metrics(), CONTENT_TYPE) if metrics else _NO_METRICS

    async def _ng(self, content_type: str, body: bytes, peer: str) -> Page:
        reply = await self._services.ng(body, peer)
        return _NO_COOKIE if reply is None else Page(reply, content_type)

    async def _ng_plain(self, content_type: str, body: bytes, peer: str) -> Page:
        return Page(await self._services.ng_plain(body, peer) or b"", content_type)

    async def _cli(self, content_type: str, body: bytes, peer: str) -> Page:
        return _text(self._services.run(body.decode("utf-8", "surrogateescape")))


def _text(answer: str | Iterable[str]) -> Page:
    return Page(encoded(answer) if isinstance(answer, str) else answer)
