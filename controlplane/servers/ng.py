# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers that carry ng have in common: who answers, and the bytes that unfinished messages may hold."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Union

from controlplane.errors import PeerError
from controlplane.ng.later import Later

ROOM = 64 << 20
"""Bytes that the unfinished messages of all connections of one server may hold together."""
PATIENCE = 30.0
"""Seconds that a peer may take to send a message it has begun, or to take a reply."""

Answer = Union[bytes, Later[bytes], None]
"""A reply, one that comes later, or silence."""
Handler = Callable[[bytes, str, float], Answer]
"""Answers a message from a source (``address:port``) at a time (Unix, in seconds)."""


async def arrived(answer: Answer) -> bytes | None:
    """The reply, when it is there."""
    if not isinstance(answer, Later):
        return answer
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    answer.then(lambda reply: None if future.done() else future.set_result(reply))
    return await future


class Room:
    """Bytes that several holders share."""

    def __init__(self, size: int = ROOM):
        self._free = size

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """Within the ``with`` block: a function that sets how many bytes are held. PeerError if that is too many."""
        held = 0

        def resize(size: int) -> None:
            nonlocal held
            if size - held > self._free:
                raise PeerError("too many bytes of unfinished messages")
            self._free -= size - held
            held = size
        try:
            yield resize
        finally:
            self._free += held
