# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still to be written: for each call the last state alone, however often it changes meanwhile."""
from __future__ import annotations

WRITE = -1
"""Stands for writing a call, where a number names the data base to delete it from."""
MAX_DELETIONS = 100_000
"""Keys expire by themselves, so of more deletions the oldest is forgotten."""


class Pending:
    """Calls to write and to delete, those that have waited longest in front."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._deletions = 0

    def __len__(self) -> int:
        return len(self._due)

    def write(self, call_id: str) -> None:
        """The call has changed. It keeps its place, so that who changes all the time is written all the same."""
        if self._due.get(call_id, WRITE) != WRITE:
            self._deletions -= 1
        self._due[call_id] = WRITE

    def delete(self, call_id: str, db: int) -> None:
        """The call has ended, and its document is in this data base."""
        if self._due.get(call_id, WRITE) == WRITE:
            self._deletions += 1
        self._due[call_id] = db
        if self._deletions > MAX_DELETIONS:
            self._forget(next(known for known, what in self._due.items() if what != WRITE))

    def drop(self, call_id: str) -> None:
        """The call is to be neither written nor deleted any more."""
        if call_id in self._due:
            self._forget(call_id)

    def _forget(self, call_id: str) -> None:
        if self._due.pop(call_id) != WRITE:
            self._deletions -= 1

    def take(self, most: int) -> dict[str, int]:
        """The first ones, which are thereby done; see ``put_back``."""
        taken = {call_id: self._due[call_id] for call_id, _ in zip(list(self._due), range(most))}
        for call_id in taken:
            self._forget(call_id)
        return taken

    def put_back(self, taken: dict[str, int]) -> None:
        """They could not be written; what has come to be known of the same calls since is newer."""
        later, self._due, self._deletions = self._due, {}, 0
        for call_id, what in {**taken, **later}.items():
            if what == WRITE:
                self.write(call_id)
            else:
                self.delete(call_id, what)
