# SPDX-License-Identifier: GPL-3.0-or-later
"""What HTTP and WebSocket give access to, whatever carries it: ng, operator commands, metrics."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from controlplane.ng.values import text
from controlplane.servers.access import Allowed
from controlplane.servers.ng import Handler, arrived
from controlplane.servers.slices import slices

_control = logging.getLogger("rtpengine.control")


@dataclass(frozen=True, slots=True)
class Services:
    """Who answers: ng messages with and without cookie, operator commands, metrics as Prometheus reads them.

    ``clock`` gives Unix time in seconds. Without ``metrics`` there are none; ``metrics_allowed``: for these clients.
    ``unready`` tells why new calls would be refused, None if they would not be.
    """

    message: Handler
    plain: Handler
    command: Callable[[str], "str | Iterable[str]"]
    clock: Callable[[], float]
    metrics: Callable[[], Iterable[str]] | None = None
    unready: Callable[[], str | None] = lambda: None
    metrics_allowed: bool = True

    def within(self, allowed: Allowed) -> Services:
        """The same for a listener that serves some commands alone."""
        return replace(self, message=allowed.message(self.message), plain=allowed.plain(self.plain),
                       command=allowed.command(self.command), metrics_allowed=allowed.metrics)

    async def ng(self, data: bytes, peer: str) -> bytes | None:
        """The reply to an ng message with a cookie, None if it has none."""
        return await arrived(self.message(data, peer, self.clock()))

    async def ng_plain(self, data: bytes, peer: str) -> bytes | None:
        """The reply to an ng message without a cookie."""
        return await arrived(self.plain(data, peer, self.clock()))

    async def cli(self, data: bytes, peer: str) -> bytes | None:
        """All of the reply to an operator command."""
        answer = self.run(text(data))
        if isinstance(answer, str):
            return encoded(answer)
        reply = bytearray()
        for part in slices(answer):
            reply += part
            await asyncio.sleep(0)
        return bytes(reply)

    async def echo(self, data: bytes, peer: str) -> bytes | None:
        """What came; nothing comes of nothing."""
        return data or None

    def run(self, line: str) -> str | Iterable[str]:
        """The reply to an operator command, a long one in pieces made on the way."""
        _control.info("Got CLI command: %r", line)
        return self.command(line)


def encoded(piece: str) -> bytes:
    """Text with the bytes it was made of, UTF-8 or not."""
    return piece.encode("utf-8", "surrogateescape")


SUBPROTOCOLS: dict[str, Callable[[Services, bytes, str], Awaitable["bytes | None"]]] = {
    "ng.rtpengine.com": Services.ng,
    "ng-plain.rtpengine.com": Services.ng_plain,
    "cli.rtpengine.com": Services.cli,
    "echo.rtpengine.com": Services.echo,
}
"""By WebSocket sub-protocol: from a message and its source to the reply, or None for silence."""
