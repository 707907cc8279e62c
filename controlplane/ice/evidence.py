# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent has seen that speaks against a path, in words for whoever asks why there is none."""
from __future__ import annotations

from math import inf
from typing import Final

from controlplane.addresses import Endpoint
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import Pair
from controlplane.ice.stun import Message

DOUBTFUL: Final = 3.0
"""Seconds of checks without a success after which somebody may ask."""
_MOST: Final = 8
"""Kinds of things, and places of the peer, that are kept apart."""

UNNAMED: Final = "checks without USERNAME or MESSAGE-INTEGRITY"
STRANGE: Final = "checks for another ufrag than ours"
WRONG: Final = "checks with a wrong MESSAGE-INTEGRITY"
UNPROVEN: Final = "answers with a wrong MESSAGE-INTEGRITY"


class Evidence:
    """Counts since the credentials are those of now. ``due``: when the doubt begins, unless a pair is nominated."""

    due: float = inf
    doubtful: bool = False
    accepted: bool = False

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, Endpoint]] = {}
        self._asked: dict[Endpoint, None] = {}
        self._answered: set[Endpoint] = set()

    def begin(self, now: float) -> None:
        """The checks have begun."""
        self.due = now + DOUBTFUL

    def on_time(self, now: float, unfinished: bool) -> None:
        """The doubt begins, if it is time for it and no path has been chosen."""
        if self.due <= now:
            self.due, self.doubtful = inf, unfinished

    def refused(self, message: Message, code: int, local: Credentials, source: Endpoint) -> None:
        """A check of the peer has got this error."""
        if code == 400:
            self._count(UNNAMED, source)
        elif code == 401:
            known = (message.username or "").partition(":")[0] == local.ufrag
            self._count(WRONG if known else STRANGE, source)

    def unproven(self, error: int | None, source: Endpoint) -> None:
        """What comes as an answer has no valid signature, nor need an error have one."""
        if error is None:
            self._count(UNPROVEN, source)
        else:
            self.answered(source, error)

    def answered(self, source: Endpoint, error: int | None) -> None:
        """The peer has answered a check."""
        self._answered.add(source)
        if error is not None:
            self._count(f"refusals of our checks (error {error})", source)

    def asked(self, pair: Pair) -> None:
        """A check goes out."""
        if len(self._asked) < _MOST:
            self._asked[pair.remote.endpoint] = None

    def _count(self, what: str, source: Endpoint) -> None:
        count, _ = self._seen.get(what, (0, source))
        if count or len(self._seen) < _MOST:
            self._seen[what] = count + 1, source

    def words(self) -> str:
        """What was seen, and once it is doubtful what was not; empty if there is nothing to be said."""
        said = [f"{count} {what if count > 1 else what.replace('s ', ' ', 1)} from {source}"
                for what, (count, source) in self._seen.items()]
        if self.doubtful:
            silent = [str(place) for place in self._asked if place not in self._answered]
            if silent:
                said.append(f"no answer to our checks from {', '.join(silent)}")
            elif not (self._asked or self._answered):
                said.append("the peer has named no candidate that fits one of ours")
            if not self.accepted and not self._seen:
                said.append("no checks of its own have come")
        return ", ".join(said)
