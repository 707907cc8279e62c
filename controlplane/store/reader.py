# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores calls from what a data base has; what cannot be restored is logged and left there."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from controlplane.errors import PeerError
from controlplane.log import Seldom
from controlplane.persist.encoding import from_bytes
from controlplane.persist.kinds import BadDocument, Document
from controlplane.session.call import Call
from controlplane.store.host import Host, call_id_of
from controlplane.store.link import Link

_PAGE = 256
_log = logging.getLogger("rtpengine.core")


class Reader:
    """Takes documents over, and tells ``restored`` of each call. ``failed`` counts those that could not be restored.

    ``starting``: nobody has had time to decide whose a call is, so that whoever signalled last owns it.
    """

    def __init__(self, host: Host, restored: Callable[[Call], None]):
        self._host = host
        self._restored = restored
        self.starting = False
        self._seldom = Seldom()
        self._versions: dict[str, tuple[Any, Any]] = {}
        self.failed = 0

    def take(self, call_id: str, data: bytes, db: int, *, foreign: bool) -> None:
        """Restore a call, or bring a foreign one up to date; own ones stay as they are."""
        try:
            document = from_bytes(data)
            if document.get("call_id") != call_id:
                raise BadDocument("the document is of another call")
            self._take(call_id, document, db, foreign)
        except PeerError as error:
            self.failed += 1
            self._seldom.log(_log, logging.ERROR, "restore", "Call %r of data base %d cannot be restored: %s",
                             call_id[:80], db, error)
        except Exception:   # one that cannot be read must not end the others
            self.failed += 1
            _log.exception("Call %r of data base %d cannot be restored", call_id[:80], db)

    def _take(self, call_id: str, document: Document, db: int, foreign: bool) -> None:
        known = self._host.all_calls().get(call_id)
        if known is not None and not (known.foreign and foreign):
            self._settle(known, document, db, foreign)
            return
        version = document.get("node"), document.get("count")
        if known is not None:
            if not _is_newer(version, self._versions.get(call_id)):
                return
            self._host.end([known])
        for merged in _names(document.get("aliases")):
            self.remove(merged)     # its sockets are those of this one now
        call = self._host.restore(document, foreign)
        call.hosted_db = db
        self._restored(call)
        if foreign:
            self._versions[call_id] = version

    def _settle(self, known: Call, document: Document, db: int, foreign: bool) -> None:
        """The call is there already."""
        stored = document.get("last_signal")
        if self.starting and isinstance(stored, int) and stored / 1e6 > known.last_signal:
            known.last_signal = stored / 1e6
            known.foreign, known.hosted_db = foreign, db
        elif not foreign and not known.foreign and known.hosted_db < 0:
            known.hosted_db = db    # the process before has left us the call, and its document
        elif foreign:
            self._ignore(known, db)

    def _ignore(self, call: Call, db: int) -> None:
        if call.hosted_db != db:
            self._seldom.log(_log, logging.WARNING, "own", "Call %r is ours, what data base %d has of it is ignored",
                             call.call_id[:80], db)

    def is_own(self, key: bytes, db: int) -> bool:
        """True for a call that is ours: whatever becomes of it there does not concern us."""
        call = self._host.all_calls().get(call_id_of(key))
        if call is None or call.foreign:
            return False
        self._ignore(call, db)
        return True

    def remove(self, call_id: str) -> None:
        """A foreign call is over where it belongs to."""
        self._versions.pop(call_id, None)
        call = self._host.all_calls().get(call_id)
        if call is not None and call.foreign:
            self._host.end([call])

    def foreign_of(self, db: int) -> list[str]:
        """The foreign calls that came from this data base."""
        return [call.call_id for call in self._host.all_calls().values() if call.foreign and call.hosted_db == db]

    async def load(self, link: Link, db: int, *, foreign: bool) -> int:
        """Take over all that a data base has; the number of documents. Unavailable.

        Foreign calls that it has no longer are over.
        """
        before = set(self.foreign_of(db)) if foreign else set()
        count = 0

        async def everything(client: Any) -> None:
            nonlocal count
            async for call_id, data in _documents(client, db):
                count += 1
                before.discard(call_id)
                self.take(call_id, data, db, foreign=foreign)
                await asyncio.sleep(0)
        await link.use(everything)
        for call_id in before:
            self.remove(call_id)
        return count

    async def fetch(self, link: Link, db: int, call_ids: list[bytes]) -> None:
        """Take over these, or remove them if they are gone. Unavailable."""
        async def get(client: Any) -> Any:
            await client.execute_command("SELECT", db)
            return await client.mget(call_ids)
        found = list(zip(map(call_id_of, call_ids), await link.use(get)))
        for call_id in [call_id for call_id, data in found if data is None]:
            self.remove(call_id)
        for call_id, data in found:
            if data is not None:
                self.take(call_id, data, db, foreign=True)


async def _documents(client: Any, db: int) -> AsyncIterator[tuple[str, bytes]]:
    """Call-ID and document of each call; what is of another type is passed over."""
    await client.execute_command("SELECT", db)
    cursor, seen = 0, set()
    while True:
        cursor, keys = await client.scan(cursor, count=_PAGE, _type="string")
        keys = [key for key in keys if key not in seen]
        seen.update(keys)
        if keys:
            for key, data in zip(keys, await client.mget(keys)):
                if data is not None:
                    yield call_id_of(key), data
        if not cursor:
            return


def _names(aliases: object) -> list[str]:
    """The call-IDs of the calls that were merged into the one of a document."""
    return [name for name in aliases if isinstance(name, str)] if isinstance(aliases, list) else []


def _is_newer(version: tuple[Any, Any], known: tuple[Any, Any] | None) -> bool:
    """False for what the same node has written before, or is here already."""
    if known is None or known[0] != version[0]:
        return True
    return not (isinstance(version[1], int) and isinstance(known[1], int)) or version[1] > known[1]
