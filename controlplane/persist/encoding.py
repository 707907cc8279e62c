# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents as bytes: JSON or bencode, which their first byte tells apart."""
from __future__ import annotations

import json
from typing import Any

from controlplane.errors import PeerError
from controlplane.ng import bencode
from controlplane.ng.values import MAX_DEPTH, Dictionary
from controlplane.persist.kinds import BadDocument, Document, Plain

JSON, BENCODE = "json", "bencode"


def to_bytes(document: Document, format: str = JSON) -> bytes:
    """The document in one of the formats. Text may hold any byte that was received (surrogateescape)."""
    if format == BENCODE:
        return bencode.encode(document)
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def from_bytes(data: bytes) -> Document:
    """BadDocument if it is in neither format."""
    try:
        found: Any = _text(bencode.decode(data), 0) if data[:1] == b"d" else json.loads(data)
    except (PeerError, ValueError, RecursionError) as error:
        raise BadDocument(f"neither JSON nor bencode: {error!s:.128}") from None
    if not isinstance(found, dict):
        raise BadDocument("not a dictionary")
    return found


def _text(value: Any, depth: int) -> Plain:
    """The same with text in place of bytes."""
    if depth > MAX_DEPTH:
        raise BadDocument("too deep")
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, Dictionary):
        return {_text(key, depth): _text(each, depth + 1) for key, each in value.items()}
    return [_text(each, depth + 1) for each in value] if isinstance(value, list) else value
