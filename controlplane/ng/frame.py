# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of an ng message: ``COOKIE SPACE DICTIONARY``, the dictionary in either encoding."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controlplane.errors import PeerError
from controlplane.ng import bencode, json
from controlplane.ng.reply import failed
from controlplane.ng.values import Dictionary, Encodable, decimal_text, literal_text


@dataclass(frozen=True, slots=True)
class Encoding:
    """One of the two encodings; ``integer`` reads an integer that was sent as a string."""

    decode: Callable[[bytes], Dictionary]
    encode: Callable[[Encodable], bytes]
    integer: Callable[[bytes], int | None]
    broken: str


BENCODE = Encoding(bencode.decode, bencode.encode, decimal_text, "Could not decode bencode dictionary")
JSON = Encoding(json.decode, json.encode, literal_text, "Failed to parse JSON document")
_BY_FIRST_BYTE = {b"d": BENCODE, b"{": JSON}


def split_cookie(datagram: bytes) -> tuple[bytes, bytes] | None:
    """Cookie and payload; None if there is no cookie, which leaves nothing to answer with."""
    cookie, space, payload = datagram.partition(b" ")
    return (cookie, payload) if cookie and space else None


def detect(payload: bytes) -> Encoding:
    """The encoding of ``payload`` by its first byte. PeerError if it has none; that is answered in bencode."""
    if not payload:
        raise PeerError("Invalid data (no payload)")
    encoding = _BY_FIRST_BYTE.get(payload[:1])
    if encoding is None:
        raise PeerError("Invalid NG data format")
    return encoding


def decode(encoding: Encoding, payload: bytes) -> Dictionary:
    """Read ``payload``. PeerError with the text that the protocol has for this, its detail tells where."""
    try:
        return encoding.decode(payload)
    except PeerError as error:
        raise PeerError(encoding.broken, str(error)) from error


def too_long(reply: bytes) -> bytes:
    """What goes out in place of a ``reply`` that no datagram holds: an error under its cookie, in its encoding."""
    cookie, _, payload = reply.partition(b" ")
    encoding = _BY_FIRST_BYTE.get(payload[:1], BENCODE)
    reason = f"Reply of {len(reply)} bytes does not fit into a datagram, ask over TCP or HTTP"
    return b"%s %s" % (cookie, encoding.encode(failed(reason)))
