# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoded form that bencode and JSON share: bytes, integers, lists and dictionaries that keep duplicates."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Union

INT64_MAX = (1 << 63) - 1
INT64_MIN = -(1 << 63)

MAX_DEPTH = 100
"""Containers inside each other, the outermost included."""
MAX_SIZE = 16 << 20
"""Bytes of one message; only the stream transports can carry more than 64 kB."""

_DECIMAL = re.compile(rb"[ \t\r\n\v\f]*([+-]?[0-9]+)")
_C_LITERAL = re.compile(rb"[ \t\r\n\v\f]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))")
_LONGEST = 40  # digits that are ever converted: more saturate, and int() is quadratic


class Dictionary:
    """Keys and values in the order of the message, duplicates included."""

    __slots__ = ("pairs", "_index")

    def __init__(self, pairs: Iterable[tuple[bytes, Value]] = ()):
        self.pairs = list(pairs)
        self._index: dict[bytes, Value] | None = None

    def first(self, key: bytes) -> Value:
        """The value of the first occurrence of ``key``, None if there is none."""
        if self._index is None:
            self._index = dict(reversed(self.pairs))
        return self._index.get(key)

    def __contains__(self, key: bytes) -> bool:
        return any(name == key for name, _ in self.pairs)

    def items(self) -> Iterator[tuple[bytes, Value]]:
        """Every key with its value, in order."""
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dictionary) and self.pairs == other.pairs

    def __repr__(self) -> str:
        return f"Dictionary({self.pairs!r})"


Value = Union[bytes, int, list[Any], Dictionary, None]
"""A decoded value; ``None`` is a JSON value that ng has no use for (null, a fraction)."""

Encodable = Union[str, bytes, int, list[Any], tuple[Any, ...], dict[str, Any], Dictionary]
"""What a reply may consist of."""


def text(raw: bytes) -> str:
    """``raw`` as text from which ``raw_bytes`` gives the same bytes again, UTF-8 or not."""
    return raw.decode("utf-8", "surrogateescape")


def raw_bytes(value: str) -> bytes:
    """The bytes of ``value``; a surrogate that stands for no byte becomes a question mark."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def saturated(number: int) -> int:
    """``number`` limited to what 64 bits hold."""
    return min(max(number, INT64_MIN), INT64_MAX)


def _convert(sign: bytes, digits: bytes, base: int) -> int:
    digits = digits.lstrip(b"0")
    number = int(digits or b"0", base) if len(digits) <= _LONGEST else INT64_MAX + 1
    return saturated(-number if sign == b"-" else number)


def decimal_text(raw: bytes) -> int | None:
    """The integer that a bencode string holds: base 10, blanks and a sign in front; None if it is none."""
    found = _DECIMAL.fullmatch(raw)
    if found is None:
        return None
    digits = found[1]
    return _convert(digits[:1], digits.lstrip(b"+-"), 10)


def literal_text(raw: bytes) -> int | None:
    """The integer a JSON string starts with: ``10``, ``0x10`` or ``010``; None if it starts with none."""
    found = _C_LITERAL.match(raw)
    if found is None:
        return None
    sign, hexadecimal, octal, plain = found.groups()
    if hexadecimal is not None:
        return _convert(sign, hexadecimal, 16)
    return _convert(sign, octal, 8) if octal is not None else _convert(sign, plain, 10)
