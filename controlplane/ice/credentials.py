# SPDX-License-Identifier: GPL-3.0-or-later
"""User name fragments and passwords of ICE (RFC 8839 section 5.4), and the numbers that agents make up."""
from __future__ import annotations

from string import ascii_letters, digits
from typing import NamedTuple, Protocol

_ALPHABET = digits + ascii_letters
_AT_ONCE = 10
"""So many characters are made of a number that is no long one."""
_UFRAG_SIZE, _PASSWORD_SIZE = 8, 26
_SPARE_BITS = 64
"""So many bits more than needed that the remainder is as good as uniform."""


class RandomSource(Protocol):
    """As ``random.SystemRandom``."""

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` random bits."""


class Credentials(NamedTuple):
    """What one agent tells the other."""

    ufrag: str
    password: str

    @classmethod
    def make(cls, random: RandomSource) -> Credentials:
        """New ones: 8 and 26 characters, 47 and 154 bits."""
        return cls(_word(random, _UFRAG_SIZE), _word(random, _PASSWORD_SIZE))

    def __repr__(self) -> str:
        return f"Credentials({self.ufrag!r})"


Parties = tuple[Credentials, Credentials]
"""Ours and the peer's."""


def _word(random: RandomSource, size: int) -> str:
    number = random.getrandbits(6 * size + _SPARE_BITS)
    letters: list[str] = []
    while len(letters) < size:
        number, part = divmod(number, len(_ALPHABET) ** _AT_ONCE)
        for _ in range(min(_AT_ONCE, size - len(letters))):
            part, index = divmod(part, len(_ALPHABET))
            letters.append(_ALPHABET[index])
    return "".join(letters)
