# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of calls that have ended, and of those that were refused."""
from __future__ import annotations

from typing import Final, Union

from controlplane.addresses import Endpoint
from controlplane.events import StreamStats
from controlplane.ng.request import Request
from controlplane.session import timeouts
from controlplane.session.call import Call
from controlplane.session.trail import Trail, note_command, note_refusal

MOST: Final = 500
"""Call-IDs that are remembered of each kind: deleted as usual, ended otherwise, refused."""
LONGEST: Final = 1800.0
"""Seconds for which they are."""
_LONG: Final = 512  # characters of a call-ID: calls with longer ones are not remembered


Total = tuple[Union[str, None], str, Endpoint, Union[Endpoint, None], StreamStats]
"""What one stream had come to when its call ended: whose it is, what it carried, our socket, the party's, counters."""


class Ended:
    """A call that is over. ``call_ids``: the one it had, and those of calls that were merged into it.

    Times are Unix time in seconds; ``reason`` is one of timeouts.py, empty for one that never was.
    """

    def __init__(self, call_ids: tuple[str, ...], created: float, created_from: str, at: float, reason: str,
                 trail: Trail, totals: list[Total]) -> None:
        self.call_ids = call_ids
        self.created = created
        self.created_from = created_from
        self.at = at
        self.reason = reason
        self.trail = trail
        self.totals = totals


class Past:
    """The latest of each kind, by call-ID. Of calls under one ID the last one is remembered."""

    def __init__(self) -> None:
        self._deleted: dict[str, Ended] = {}
        self._broken: dict[str, Ended] = {}
        self._refused: dict[str, Ended] = {}

    def keep(self, call: Call, reason: str, now: float) -> None:
        """A call ends, and its counters are read."""
        if len(call.call_id) > _LONG:
            return
        totals: list[Total] = []
        for party in call.parties:
            for media in party.medias:
                for stream in media.streams:
                    if stream.local is not None:
                        totals.append((party.tag, stream.name, stream.local, stream.endpoint, stream.stats))
        ended = Ended((call.call_id, *call.aliases), call.created, call.created_from, now, reason, call.trail, totals)
        for book in (self._deleted, self._broken, self._refused):
            for call_id in ended.call_ids:
                book.pop(call_id, None)
        _add(self._deleted if reason == timeouts.REGULAR else self._broken, ended, now)

    def refused(self, request: Request, message: str, now: float) -> None:
        """A request for no call that there is was refused: it may have come too late, or be all that came."""
        call_id = request.call_id or ""
        found = self.find(call_id, now)
        if found is None and len(call_id) > _LONG:
            return
        if found is None:
            found = Ended((call_id,), now, request.created_from, now, "", Trail(), [])
            _add(self._refused, found, now)
        note_refusal(found.trail, request, message, now)

    def late(self, request: Request, now: float) -> None:
        """A request came for a call that has ended."""
        found = self.find(request.call_id or "", now)
        if found is not None:
            note_command(found.trail, request, now)

    def find(self, call_id: str, now: float) -> Ended | None:
        """What is remembered under this ID."""
        found = self._deleted.get(call_id) or self._broken.get(call_id) or self._refused.get(call_id)
        return found if found is not None and found.at > now - LONGEST else None

    def __len__(self) -> int:
        return len(self._deleted) + len(self._broken) + len(self._refused)


def _add(book: dict[str, Ended], ended: Ended, now: float) -> None:
    """Put in the latest under each of its names; the oldest and those that are too old go."""
    for call_id in ended.call_ids:
        book.pop(call_id, None)     # or it would keep its former place
        book[call_id] = ended
    while len(book) > MOST or next(iter(book.values())).at <= now - LONGEST:
        del book[next(iter(book))]
