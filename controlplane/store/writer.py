# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes calls as they change. Nobody waits for it: however slow the server is, requests are answered at once."""
from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from controlplane.persist.encoding import to_bytes
from controlplane.session.call import Call
from controlplane.store.address import Server
from controlplane.store.host import Host, key_of
from controlplane.store.link import Link, Unavailable
from controlplane.store.pending import WRITE, Pending

DEBOUNCE = 0.02
"""Seconds from a change to its being written: an answer, and what is learned with the first packets, go together."""
BATCH = 32
FAREWELL = 5.0
"""Seconds for what is still to be written at the end."""
_log = logging.getLogger("rtpengine.core")


class WriterOptions(Protocol):
    """The options that say how calls are written."""

    redis_expires: int
    redis_format: str


class Writer:
    """``node`` names this process in documents, whose ``count`` rises with each."""

    def __init__(self, link: Link, options: WriterOptions, host: Host, node: str, clock: Callable[[], float]):
        self.link = link
        self._options = options
        self._host = host
        self._node = node
        self._clock = clock
        self._pending = Pending()
        self._waiting = asyncio.Event()
        self._busy = asyncio.Lock()
        self._count = 0

    @property
    def server(self) -> Server:
        """Where calls are written now."""
        return self.link.server

    def __len__(self) -> int:
        """Calls that wait to be written or deleted."""
        return len(self._pending)

    def changed(self, call: Call) -> None:
        """An own call is to be written."""
        if not call.foreign:
            self._pending.write(call.call_id)
            self._waiting.set()

    def ended(self, call: Call) -> None:
        """A call is over: delete it if it is ours, and was ever written."""
        if call.foreign or call.hosted_db < 0:
            self._pending.drop(call.call_id)
        else:
            self._pending.delete(call.call_id, call.hosted_db)
            self._waiting.set()

    def drop(self, call: Call) -> None:
        """The call is not ours any more."""
        self._pending.drop(call.call_id)

    async def run(self) -> None:
        """Write what changes, for ever."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            await asyncio.sleep(DEBOUNCE)
            while self._pending:
                await asyncio.sleep(await self._attempt())

    async def _attempt(self) -> float:
        """Write some; seconds to wait before the next ones."""
        try:
            await self.write(BATCH)
        except Unavailable as error:
            return max(error.wait, 0.05)
        except Exception:
            _log.exception("Failure while calls are written")
            return 1.0
        return 0.0

    async def write(self, most: int) -> None:
        """Write or delete the first ones that wait. Unavailable: they go on waiting."""
        wait = self.link.health.wait(time.monotonic())
        if wait:
            raise Unavailable("left alone", wait)
        async with self._busy:
            taken = self._pending.take(most)
            commands = [command for call_id, what in taken.items() for command in await self._commands(call_id, what)]
            try:
                if commands:
                    await self.link.use(lambda client: _execute(client, commands))
            except BaseException:
                self._pending.put_back(taken)
                raise

    async def _commands(self, call_id: str, what: int) -> list[tuple[Any, ...]]:
        await asyncio.sleep(0)  # requests come first
        own = self.server.db
        if what != WRITE:
            delete = ("DEL", key_of(call_id))
            return [delete] if what == own else [("SELECT", what), delete, ("SELECT", own)]
        call = self._host.all_calls().get(call_id)
        if call is None or call.foreign:
            return []
        try:
            document = self._host.document(call)
        except Exception:
            _log.exception("Call %r cannot be written", call_id[:80])
            return []
        self._count += 1
        call.hosted_db, call.stored_at = own, self._clock()
        document |= {"node": self._node, "count": self._count}
        data = to_bytes(document, "json" if self._options.redis_format == "JSON" else "bencode")
        return [("SET", key_of(call_id), data, "EX", self._options.redis_expires)]

    async def finish(self) -> None:
        """Write what is left, within a few seconds."""
        deadline = asyncio.get_running_loop().time() + FAREWELL
        try:
            async with asyncio.timeout_at(deadline):
                while self._pending:
                    await self.write(BATCH)
        except (Unavailable, TimeoutError):
            _log.error("Redis does not have the last state of %d calls", len(self._pending))


async def _execute(client: Any, commands: list[tuple[Any, ...]]) -> None:
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    await pipeline.execute()
