# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to a call, for whoever asks why it is as it is: noted as it is, put into words by chronicle.py.

No key is ever noted, only the names of suites.
"""
from __future__ import annotations

from typing import Final

from controlplane.ng.request import Request

MOST: Final = 64
"""Entries that a call keeps. The first KEPT stay: they tell how it began, however much a peer has happen later."""
KEPT: Final = 16
_AT_ONCE: Final = 16
_SHOWN: Final = 80     # characters of a tag
_MESSAGE: Final = 200  # characters of an error

COMMAND: Final = "command"
REFUSED: Final = "refused"
DELETED: Final = "deleted"
ENDED: Final = "ended"
OPENED: Final = "opened"
CLOSED: Final = "closed"
FAILED: Final = "failed"
LEARNED: Final = "learned"
STATE: Final = "state"
PATH: Final = "path"
ENGINE: Final = "engine"
SILENT: Final = "silent"
HEARD: Final = "heard"
RESTORED: Final = "restored"
OWNED: Final = "owned"
TERMINATED: Final = "terminated"
UNREACHABLE: Final = "unreachable"

Entry = tuple[float, str, tuple[object, ...]]
"""Unix time in seconds, one of the kinds above, and what chronicle.py puts into words."""


class Trail:
    """``entries`` in the order in which they came; ``forgotten`` of them are missing behind the first KEPT."""

    entries: list[Entry]
    forgotten: int = 0

    def __init__(self) -> None:
        self.entries = []

    def note(self, at: float, kind: str, what: tuple[object, ...]) -> None:
        """Something happened."""
        if len(self.entries) >= MOST:
            del self.entries[KEPT:KEPT + _AT_ONCE]
            self.forgotten += _AT_ONCE
        self.entries.append((at, kind, what))

    def also(self, kind: str, what: tuple[object, ...]) -> None:
        """Something happened because of what was noted last."""
        self.note(self.entries[-1][0] if self.entries else 0.0, kind, what)

    def join(self, other: Trail) -> None:
        """Two calls become one."""
        both = sorted(self.entries + other.entries, key=_time)
        gone = max(0, len(both) - MOST)
        del both[KEPT:KEPT + gone]
        self.entries = both
        self.forgotten += other.forgotten + gone


def note_command(trail: Trail, request: Request, now: float) -> None:
    """A request about the call has come."""
    trail.note(now, COMMAND, (request.command, _short(request.from_tag), _short(request.to_tag), request.created_from))


def _short(tag: str | None) -> str | None:
    return tag if tag is None or len(tag) <= _SHOWN else tag[:_SHOWN]


def note_refusal(trail: Trail, request: Request, message: str, now: float) -> None:
    """It got an error in reply."""
    trail.note(now, REFUSED, (request.command, message[:_MESSAGE], request.created_from))


def _time(entry: Entry) -> float:
    return entry[0]
