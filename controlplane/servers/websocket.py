# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSocket connections: the sub-protocol says what a message means, each gets at most one reply."""
from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from controlplane.servers.services import SUBPROTOCOLS, Services

MAX_MESSAGE = 1 << 20
"""Bytes of one message, in however many frames."""
HEARTBEAT = 30.0
"""Seconds of silence after which a peer is asked whether it is there; it has half as long to say so."""


class BadHandshake(Exception):
    """What came cannot become a WebSocket connection; nothing was sent yet."""


def subprotocol(request: web.BaseRequest) -> str | None:
    """The first one that the client offers and we have."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    return next((name for name in map(str.strip, offered) if name in SUBPROTOCOLS), None)


async def converse(request: web.BaseRequest, name: str, services: Services, peer: str,
                   patience: float) -> web.StreamResponse:
    """Answer messages in sub-protocol ``name`` until the peer has enough.

    TimeoutError if it does not take a reply within ``patience`` seconds. BadHandshake.
    """
    answer = SUBPROTOCOLS[name]
    connection = web.WebSocketResponse(protocols=[name], heartbeat=HEARTBEAT, compress=False, timeout=patience,
                                       max_msg_size=MAX_MESSAGE, writer_limit=0, decode_text=False)
    try:
        await connection.prepare(request)
    except (web.HTTPException, ValueError):  # the second for headers that are no ASCII, or no UTF-8
        raise BadHandshake("key, version or a header of the upgrade is wrong") from None
    async for message in connection:
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            break
        reply = await answer(services, message.data, peer)
        if reply is not None:
            async with asyncio.timeout(patience):
                await connection.send_bytes(reply)
        await asyncio.sleep(0)  # messages that are there already would keep others waiting
    return connection
