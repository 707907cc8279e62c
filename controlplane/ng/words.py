# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the protocol with all their spellings, from a text table."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_HYPHENS = bytes.maketrans(b" _", b"--")


def hyphened(raw: bytes) -> bytes:
    """``raw`` with hyphens for spaces and underscores, which ng takes for the same."""
    return raw.translate(_HYPHENS)


class Word(NamedTuple):
    """A word by its canonical name: lower case with hyphens; ``implemented`` is False if it is only known."""

    name: str
    implemented: bool


class Vocabulary:
    """The words that one key accepts.

    ``implemented`` and ``planned`` list them separated by blanks, the spellings of one word separated by ``|``
    with the canonical one in front. The latter are known, but ask for what the daemon does not do yet.
    """

    def __init__(self, implemented: str, planned: str = ""):
        self._words: dict[bytes, Word] = {}
        for listed, works in ((implemented, True), (planned, False)):
            for row in listed.split():
                spellings = row.split("|")
                self._words.update((spelling.encode(), Word(spellings[0], works)) for spelling in spellings)

    def find(self, raw: bytes) -> Word | None:
        """The word that ``raw`` spells, None if there is none."""
        return self._words.get(raw) or self._words.get(hyphened(raw))

    def spellings(self) -> Iterable[bytes]:
        """Every spelling in the table."""
        return self._words.keys()
