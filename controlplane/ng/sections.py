# SPDX-License-Identifier: GPL-3.0-or-later
"""How the ng keys ``media``/``medias``, ``calls`` and ``tags`` are read."""
from __future__ import annotations

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError
from controlplane.ng.fields import Target
from controlplane.ng.medias import CodecFormat, MeshEntry, RequestedMedia
from controlplane.ng.values import Dictionary, Value, text

_FAMILIES = {b"IP4": 4, b"IP6": 6}


def set_medias(target: Target, value: Value) -> None:
    """Take over a list of dictionaries."""
    if isinstance(value, list):
        target.request.medias += [_media(target, each) for each in value if isinstance(each, Dictionary)]


def set_mesh(target: Target, value: Value) -> None:
    """Take over a list of dictionaries with ``from`` and ``to``."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, Dictionary):
            source, sinks = each.first(b"from"), each.first(b"to")
            target.request.mesh.append(MeshEntry(text(source) if isinstance(source, bytes) and source else None,
                                                 _texts(sinks)))


def set_calls(target: Target, value: Value) -> None:
    """Take over one call-ID or a list of them."""
    target.request.calls += (text(value),) if isinstance(value, bytes) else _texts(value)


def _texts(value: Value) -> tuple[str, ...]:
    return tuple([text(each) for each in value if isinstance(each, bytes)]) if isinstance(value, list) else ()


def _media(target: Target, entry: Dictionary) -> RequestedMedia:
    kind, name = entry.first(b"type"), entry.first(b"id")
    codecs, conversions = entry.first(b"codecs"), entry.first(b"codec")
    destination = entry.first(b"destination")
    return RequestedMedia(
        text(kind) if isinstance(kind, bytes) else "", text(name) if isinstance(name, bytes) else None,
        _texts(codecs), _conversions(target, conversions),
        _destination(target, destination) if isinstance(destination, Dictionary) else None)


def _conversions(target: Target, value: Value) -> tuple[tuple[CodecFormat, CodecFormat], ...]:
    found = []
    for each in value if isinstance(value, list) else ():
        if isinstance(each, Dictionary):
            sides = each.first(b"input"), each.first(b"output")
            if isinstance(sides[0], Dictionary) and isinstance(sides[1], Dictionary):
                found.append((_format(target, sides[0]), _format(target, sides[1])))
    return tuple(found)


def _format(target: Target, entry: Dictionary) -> CodecFormat:
    def string(key: bytes) -> str:
        value = entry.first(key)
        return text(value) if isinstance(value, bytes) else ""
    return CodecFormat(string(b"codec"), _number(target, entry, b"payload type", 0),
                       _number(target, entry, b"clock rate", 0), _number(target, entry, b"channels", 1),
                       string(b"format"), string(b"options"))


def _number(target: Target, entry: Dictionary, key: bytes, missing: int) -> int:
    value = entry.first(key)
    if value is None:
        value = entry.first(key.replace(b" ", b"-"))
    number = target.integer(value) if isinstance(value, bytes) else value
    return number if isinstance(number, int) else missing


def _destination(target: Target, entry: Dictionary) -> Endpoint | None:
    """The endpoint; None if its family is missing or its address is none of that family."""
    family, address = entry.first(b"family"), entry.first(b"address")
    port = _number(target, entry, b"port", 0)
    if not isinstance(family, bytes) or not isinstance(address, bytes) or not 0 < port <= 65535:
        return None
    try:
        parsed = Address.parse(text(address))
    except PeerError:
        return None
    return Endpoint(parsed, port) if _FAMILIES.get(family.upper()) == parsed.family else None
