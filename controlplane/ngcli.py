# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng command ``cli``: an operator command in ``body``, its text in ``response``."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator

from controlplane.errors import PeerError
from controlplane.ng.later import Later
from controlplane.ng.reply import Reply, failed, succeeded
from controlplane.ng.request import Request
from controlplane.servers.slices import slices

_log = logging.getLogger("rtpengine.core")


class NgCli:
    """A handler of ng requests around ``run`` (a command line to its reply); others run while a long one is made."""

    def __init__(self, run: Callable[[str], str | Iterable[str]]):
        self._run = run
        self._making: set[asyncio.Task[None]] = set()

    def __call__(self, request: Request) -> Reply | Later[Reply]:
        """The text, later if it is a long one. PeerError without a command."""
        if not request.body:
            raise PeerError("No 'body' in message")
        answer = self._run(request.body)
        if isinstance(answer, str):
            return {"response": answer}
        parts = slices(answer)
        start = next(parts, b"")
        more = next(parts, None)
        if more is None:
            return {"response": _text(start)}
        reply: Later[Reply] = Later()
        task = asyncio.get_running_loop().create_task(_make(bytearray(start + more), parts, reply))
        self._making.add(task)
        task.add_done_callback(self._making.discard)
        return reply


async def _make(text: bytearray, parts: Iterator[bytes], reply: Later[Reply]) -> None:
    try:
        for part in parts:
            text += part
            await asyncio.sleep(0)
        reply.finish(succeeded({"response": _text(text)}))
    except Exception:
        _log.exception("Internal error while making the reply to 'cli'")
        reply.finish(failed("Internal error"))


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "surrogateescape")
