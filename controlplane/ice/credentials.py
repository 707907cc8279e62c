# SPDX-License-Identifier: GPL-3.0-or-later
"""User name fragments and passwords of ICE (RFC 8839 section 5.4), and the numbers that agents make up."""
from __future__ import annotations

from binascii import b2a_base64
from typing import NamedTuple, Protocol

_UFRAG_SIZE, _PASSWORD_SIZE = 8, 26


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
        """New ones: 8 and 26 characters, 48 and 156 bits."""
        return cls(_word(random, _UFRAG_SIZE), _word(random, _PASSWORD_SIZE))

    def __repr__(self) -> str:
        return f"Credentials({self.ufrag!r})"


Parties = tuple[Credentials, Credentials]
"""Ours and the peer's."""


def _word(random: RandomSource, size: int) -> str:
    """The characters of ICE are those of base64, six bits each."""
    count = (3 * size + 3) // 4
    return b2a_base64(random.getrandbits(8 * count).to_bytes(count, "big"))[:size].decode()
