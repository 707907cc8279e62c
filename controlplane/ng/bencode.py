# SPDX-License-Identifier: GPL-3.0-or-later
"""Bencode as ng uses it: unsorted and repeated keys, and a message cut between two items is complete."""
from __future__ import annotations

import re
from typing import Any, Final

from controlplane.errors import PeerError
from controlplane.ng.values import (INT64_MAX, INT64_MIN, MAX_DEPTH, MAX_SIZE, Dictionary, Encodable,
                                    raw_bytes, saturated)

_INTEGER = re.compile(rb"i(-?)(0|[1-9][0-9]*)e")
_LENGTH = re.compile(rb"([1-9][0-9]{0,8}):")
_INT64_DIGITS = 19
_ONLY_STRINGS = {bytes}
# Compiled, what is Final is not looked up by its name, for every item of every message.
_L: Final = ord("l")
_D: Final = ord("d")
_E: Final = ord("e")
_ZERO: Final = ord("0")
_NINE: Final = ord("9")
_COLON: Final = ord(":")
# Behind the message these read as the ends that a message cut between two items lacks.
_CLOSING = b"e" * MAX_DEPTH
_WORD: Final = 32
"""Length of a text that is likely to come again."""
_MOST_KNOWN: Final = 1024
_KNOWN: Final[dict[str, bytes]] = {}
_SMALL_END: Final = 256
_SMALL: Final = [b"i%de" % number for number in range(_SMALL_END)]


def _integer(data: bytes, at: int, size: int) -> tuple[int, int]:
    found = _INTEGER.match(data, at, size)
    if found is None:
        raise PeerError(f"not an integer at byte {at}")
    sign, digits = found.groups()
    if len(digits) > _INT64_DIGITS:
        return (INT64_MIN if sign else INT64_MAX), found.end()
    return saturated(-int(digits) if sign else int(digits)), found.end()


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    found = _LENGTH.match(data, at)
    if found is None:
        raise PeerError(f"no bencode item at byte {at}")
    return int(found[1]), found.end() - 1


def _dictionary(items: list[Any]) -> Dictionary:
    keys = items[::2]
    if len(items) & 1:
        raise PeerError("key without a value")
    if keys and set(map(type, keys)) != _ONLY_STRINGS:
        raise PeerError("key that is no string")
    return Dictionary(zip(keys, items[1::2]))


def decode(message: bytes) -> Dictionary:
    """Read the dictionary that ``message`` starts with; what follows it is ignored. PeerError if it is none."""
    if message[:1] != b"d":
        raise PeerError("not a bencode dictionary")
    size = len(message)
    if size > MAX_SIZE:
        raise PeerError("message too long")
    data = message + _CLOSING
    find = data.find
    items: list[Any] = []
    outer: list[tuple[list[Any], bool]] = []
    is_list = False
    at = 1
    while True:
        byte = data[at]
        if _ZERO <= byte <= _NINE:
            colon = at + 1
            if data[colon] == _COLON:
                length = byte - _ZERO
            else:
                colon = find(b":", at, at + 5)
                digits = data[at:colon] if colon > 0 else b""
                if digits.isdigit() and byte != _ZERO:
                    length = int(digits)
                else:
                    length, colon = _long_length(data, at)
            at = colon + 1 + length
            if at > size:
                raise PeerError("string reaches beyond the message")
            items.append(data[colon + 1:at])
        elif byte == _E:
            at += 1
            if not outer:
                return _dictionary(items)
            closed = items if is_list else _dictionary(items)
            items, is_list = outer.pop()
            items.append(closed)
        elif byte == _L or byte == _D:
            if len(outer) + 2 > MAX_DEPTH:
                raise PeerError("nested too deeply")
            outer.append((items, is_list))
            items, is_list = [], byte == _L
            at += 1
        else:
            number, at = _integer(data, at, size)
            items.append(number)


def _string(value: str) -> bytes:
    raw = raw_bytes(value)
    return b"%d:%b" % (len(raw), raw)


def _known(value: str) -> bytes:
    """A key, or a text beside it: most come again in every reply."""
    known = _KNOWN.get(value)
    if known is None:
        known = _string(value)
        if len(value) <= _WORD:
            if len(_KNOWN) >= _MOST_KNOWN:
                _KNOWN.clear()
            _KNOWN[value] = known
    return known


def _write(value: Any, pieces: list[bytes]) -> None:
    if isinstance(value, dict):
        pieces.append(b"d")
        for key, item in value.items():
            pieces.append(_known(key))
            if isinstance(item, str):
                pieces.append(_known(item))
            elif isinstance(item, int):
                pieces.append(_SMALL[item] if 0 <= item < _SMALL_END else b"i%de" % item)
            else:
                _write(item, pieces)
        pieces.append(b"e")
    elif isinstance(value, (list, tuple)):
        pieces.append(b"l")
        for item in value:
            if isinstance(item, str):
                pieces.append(_known(item))
            else:
                _write(item, pieces)
        pieces.append(b"e")
    elif isinstance(value, bytes):
        pieces.append(b"%d:" % len(value))
        pieces.append(value)
    elif isinstance(value, str):
        pieces.append(_string(value))
    elif isinstance(value, int):
        pieces.append(b"i%de" % value)
    elif isinstance(value, Dictionary):
        pieces.append(b"d")
        for raw, item in value.items():
            _write(raw, pieces)
            _write(item, pieces)
        pieces.append(b"e")
    else:
        raise TypeError(f"{type(value).__name__} cannot be bencoded")


def encode_in_python(value: Encodable) -> bytes:
    """Write ``value``; dictionaries keep their order. TypeError for what bencode cannot hold, as None and float."""
    pieces: list[bytes] = []
    _write(value, pieces)
    return b"".join(pieces)


try:
    from controlplane.ng._bencode import encode  # bencode.c, where modules are compiled
except ImportError:
    encode = encode_in_python
