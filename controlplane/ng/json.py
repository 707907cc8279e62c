# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as ng uses it: the same values as bencode, strings in UTF-8, the last of repeated keys wins."""
from __future__ import annotations

from typing import Any

import orjson

from controlplane.errors import PeerError
from controlplane.ng.values import INT64_MAX, MAX_DEPTH, MAX_SIZE, Dictionary, Encodable, Value, raw_bytes, saturated


def _value(item: Any, depth: int) -> Value:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, int):
        return saturated(int(item))
    if isinstance(item, float):  # what integers beyond 64 bits are read as, too
        return saturated(int(item)) if abs(item) > INT64_MAX else None
    if depth == 0:
        raise PeerError("nested too deeply")
    if isinstance(item, list):
        return [_value(member, depth - 1) for member in item]
    if isinstance(item, dict):
        return _dictionary(item, depth)
    return None


def _dictionary(item: dict[str, Any], depth: int) -> Dictionary:
    return Dictionary([(key.encode(), _value(member, depth - 1)) for key, member in item.items()])


def decode(message: bytes) -> Dictionary:
    """Read one JSON object. PeerError if ``message`` is not exactly that."""
    if len(message) > MAX_SIZE:
        raise PeerError("message too long")
    try:
        document = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise PeerError(str(error)) from None
    if not isinstance(document, dict):
        raise PeerError("not a JSON object")
    return _dictionary(document, MAX_DEPTH)


def _printable(value: Any) -> Any:
    """``value`` without bytes, surrogates or integers beyond 64 bits, which JSON cannot hold."""
    if isinstance(value, str):
        value = raw_bytes(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, int):
        return saturated(value)
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    if isinstance(value, (dict, Dictionary)):
        return {_printable(key): _printable(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def encode(value: Encodable) -> bytes:
    """Write ``value`` compactly; bytes that are not UTF-8 become U+FFFD. TypeError for what ng cannot hold."""
    try:
        return orjson.dumps(value, default=_printable)
    except orjson.JSONEncodeError:
        return orjson.dumps(_printable(value))
