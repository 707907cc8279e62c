# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows the calls of other nodes through the keyspace notifications of their data bases."""
from __future__ import annotations

import asyncio
import logging
from typing import Any

from controlplane.store.health import RETRY
from controlplane.store.link import Link, Unavailable
from controlplane.store.reader import Reader

_POLL = 0.2
"""Seconds after which added and removed keyspaces come to count."""
_log = logging.getLogger("rtpengine.core")
_GONE = (b"del", b"expired", b"evicted")
_SETTING, _NEEDED = "notify-keyspace-events", "Kg$x"


def pattern_of(db: int) -> str:
    """What is subscribed to for a data base."""
    return f"__keyspace@{db}__:*"


class Subscriber:
    """``keyspaces`` are the numbers of the data bases, in the order in which they were added.

    After each connection all calls of them are read anew: nobody knows what was missed.
    """

    def __init__(self, link: Link, reader: Reader, keyspaces: list[int]):
        self._link = link
        self._reader = reader
        self.keyspaces = keyspaces
        self._subscribed: set[int] = set()
        self._warned = False

    def add(self, db: int) -> bool:
        """Follow one more; False if that is done already."""
        if db in self.keyspaces:
            return False
        self.keyspaces.append(db)
        return True

    def remove(self, db: int) -> bool:
        """Follow it no more, and forget its calls; False if it was not followed."""
        if db not in self.keyspaces:
            return False
        self.keyspaces.remove(db)
        for call_id in self._reader.foreign_of(db):
            self._reader.remove(call_id)
        return True

    async def run(self) -> None:
        """Follow for ever, whatever becomes of the connection."""
        import redis.exceptions
        while True:
            client = None
            try:
                client = await self._link.client()
                await self._follow(client)
            except (redis.exceptions.RedisError, OSError, TimeoutError, Unavailable) as error:
                _log.error("Redis notifications from %s: %s", self._link.server, error)
            except Exception:
                _log.exception("Failure while Redis notifications are followed")
            finally:
                self._subscribed.clear()
                if client is not None:
                    await client.aclose()
            await asyncio.sleep(RETRY)

    async def _follow(self, client: Any) -> None:
        await self._check_server(client)
        async with client.pubsub(ignore_subscribe_messages=True) as channel:
            while True:
                await self._update(channel)
                if not self._subscribed:
                    await asyncio.sleep(_POLL)
                    continue
                events = []
                message = await channel.get_message(timeout=_POLL)
                while message is not None:
                    events.append((message["channel"], message["data"]))
                    message = await channel.get_message(timeout=0.0) if len(events) < 512 else None
                await self._heed(events)

    async def _check_server(self, client: Any) -> None:
        """Without the setting nothing would ever come. Not everybody may ask for it."""
        from redis.exceptions import ResponseError
        if self._warned:
            return
        try:
            answer = await client.execute_command("CONFIG GET", _SETTING)
        except ResponseError:
            return
        found = answer.get(_SETTING, "") if isinstance(answer, dict) else ""
        if set(_NEEDED) - set(str(found).replace("A", "g$lshzxetd")):
            self._warned = True
            _log.warning("Redis %s tells nobody of changed calls: there 'config set %s KA'", self._link.server,
                         _SETTING)

    async def _update(self, channel: Any) -> None:
        wanted = {db for db in self.keyspaces if db >= 0}
        for db in self._subscribed - wanted:
            await channel.punsubscribe(pattern_of(db))
            self._subscribed.discard(db)
        for db in sorted(wanted - self._subscribed):
            await channel.psubscribe(pattern_of(db))
            self._subscribed.add(db)
            count = await self._reader.load(self._link, db, foreign=True)
            _log.info("Following the %d calls of data base %d of Redis %s", count, db, self._link.server)

    async def _heed(self, events: list[tuple[bytes, bytes]]) -> None:
        """Of several events for one call the last one counts."""
        due: dict[tuple[int, bytes], bytes] = {}
        for channel, event in events:
            head, _, key = channel.partition(b"__:")
            db = int(head.rpartition(b"@")[2])
            if db in self.keyspaces and (event == b"set" or event in _GONE) and not self._reader.is_own(key, db):
                due[db, key] = event
        for db in {db for db, _ in due}:
            keys = [key for number, key in due if number == db]
            await self._reader.fetch(self._link, db, keys)
