# SPDX-License-Identifier: GPL-3.0-or-later
"""How the ng keys ``media``/``medias``, ``calls`` and ``tags`` are read."""
from __future__ import annotations

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError
from controlplane.ng.fields import (NOT_DICTIONARY, NOT_INTEGER, NOT_LIST, NOT_TEXT, NOT_TEXTS, Target, dictionaries,
                                    texts)
from controlplane.ng.medias import CodecFormat, MeshEntry, RequestedMedia
from controlplane.ng.values import Dictionary, Value, text

_FAMILIES = {b"IP4": 4, b"IP6": 6}


def set_medias(target: Target, value: Value) -> None:
    """Take over a list of dictionaries."""
    target.request.medias += [_media(target, each) for each in dictionaries(target, value)]


def set_mesh(target: Target, value: Value) -> None:
    """Take over a list of dictionaries with ``from`` and ``to``."""
    for each in dictionaries(target, value):
        target.request.mesh.append(MeshEntry(_text(target, each, b"from") or None, _texts(target, each, b"to")))


def set_calls(target: Target, value: Value) -> None:
    """Take over one call-ID or a list of them."""
    if isinstance(value, bytes):
        target.request.calls += (text(value),)
    elif isinstance(value, list):
        target.request.calls += tuple(map(text, texts(target, value)))
    else:
        target.ignored(value, NOT_TEXTS)


def _texts(target: Target, entry: Dictionary, key: bytes) -> tuple[str, ...]:
    value = entry.first(key)
    if isinstance(value, list):
        return tuple(map(text, texts(target, value)))
    _wrong(target, entry, key, NOT_LIST)
    return ()


def _text(target: Target, entry: Dictionary, key: bytes) -> str | None:
    value = entry.first(key)
    if isinstance(value, bytes):
        return text(value)
    _wrong(target, entry, key, NOT_TEXT)
    return None


def _wrong(target: Target, entry: Dictionary, key: bytes, why: str) -> None:
    """What the entry has there, if anything, is not what it has to be."""
    if key in entry:
        target.ignored(entry.first(key), f"for '{text(key)}' {why}")


def _media(target: Target, entry: Dictionary) -> RequestedMedia:
    destination = entry.first(b"destination")
    if not isinstance(destination, Dictionary):
        _wrong(target, entry, b"destination", NOT_DICTIONARY)
    return RequestedMedia(
        _text(target, entry, b"type") or "", _text(target, entry, b"id"), _texts(target, entry, b"codecs"),
        _conversions(target, entry.first(b"codec")) if b"codec" in entry else (),
        _destination(target, destination) if isinstance(destination, Dictionary) else None)


def _conversions(target: Target, value: Value) -> tuple[tuple[CodecFormat, CodecFormat], ...]:
    found = []
    for each in dictionaries(target, value):
        sides = each.first(b"input"), each.first(b"output")
        if isinstance(sides[0], Dictionary) and isinstance(sides[1], Dictionary):
            found.append((_format(target, sides[0]), _format(target, sides[1])))
        else:
            target.ignored(each, "for 'codec' lacks input or output")
    return tuple(found)


def _format(target: Target, entry: Dictionary) -> CodecFormat:
    return CodecFormat(_text(target, entry, b"codec") or "", _number(target, entry, b"payload type", 0),
                       _number(target, entry, b"clock rate", 0), _number(target, entry, b"channels", 1),
                       _text(target, entry, b"format") or "", _text(target, entry, b"options") or "")


def _number(target: Target, entry: Dictionary, key: bytes, missing: int) -> int:
    if key not in entry:
        key = key.replace(b" ", b"-")
    value = entry.first(key)
    number = target.integer(value) if isinstance(value, bytes) else value
    if isinstance(number, int):
        return number
    _wrong(target, entry, key, NOT_INTEGER)
    return missing


def _destination(target: Target, entry: Dictionary) -> Endpoint | None:
    """The endpoint; None if its family is missing or its address is none of that family."""
    family, address = entry.first(b"family"), entry.first(b"address")
    port = _number(target, entry, b"port", 0)
    parsed: Address | None = None
    if isinstance(address, bytes):
        try:
            parsed = Address.parse(text(address))
        except PeerError:
            pass
    if parsed is None or not isinstance(family, bytes) or _FAMILIES.get(family.upper()) != parsed.family:
        target.ignored(entry, "for 'destination' has no family with an address of it")
    elif not 0 < port <= 65535:
        target.ignored(port, "for 'destination' is no port")
    else:
        return Endpoint(parsed, port)
    return None
