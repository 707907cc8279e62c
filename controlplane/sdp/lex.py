# SPDX-License-Identifier: GPL-3.0-or-later
"""A body taken apart into lines and tokens (RFC 8866 section 5), tolerant of bare LF."""
from __future__ import annotations

from functools import lru_cache

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.sdp.errors import SdpError

MAX_BODY = 1 << 18
_MAX_NETWORK_ADDRESS = 128
_NETWORK_TYPES = frozenset(("IN", "in"))


def lines(body: bytes, *, strict: bool = False) -> list[str]:
    """The lines ``X=...`` of ``body`` up to the first empty one, without their line ends.

    A last line of less than two bytes is ignored. SdpError for a line without ``=`` in second place, for more
    than ``MAX_BODY`` bytes and, if ``strict``, for an empty line.
    """
    if len(body) > MAX_BODY:
        raise SdpError(f"body of {len(body)} bytes")
    last = body.rfind(b"\n") + 1
    if len(body) - last < 2:
        body = body[:last]
    found = []
    texts = body.decode("utf-8", "surrogateescape").split("\n")
    if not texts[-1]:
        texts.pop()
    for text in texts:
        if text.endswith("\r"):
            text = text[:-1]
        if text[1:2] != "=":
            if text:
                raise SdpError(f"line without '=': {text[:64]!r}")
            if strict:
                raise SdpError("empty line")
            break
        found.append(text)
    return found


def tokens(text: str) -> list[str]:
    """The words of ``text`` separated by one or more spaces (no other white space counts)."""
    return [word for word in text.split(" ") if word]


def decimal(text: str, maximum: int) -> int | None:
    """The unsigned ASCII decimal number ``text``, None if it is none or above ``maximum`` (at most 20 digits)."""
    if not text.isdigit() or not text.isascii() or len(text) > 20:
        return None
    number = int(text)
    return number if number <= maximum else None


@lru_cache(maxsize=1024)
def network_address(text: str) -> Address:
    """The literal address of ``IN IP4 192.0.2.1`` or ``IN IP6 2001:db8::1``. PeerError for anything else."""
    words = tokens(text[:_MAX_NETWORK_ADDRESS + 1])
    if len(text) > _MAX_NETWORK_ADDRESS or len(words) < 3 or words[0] not in _NETWORK_TYPES:
        raise PeerError(f"not a network address: {text[:64]!r}")
    address = Address.parse(words[2])
    if words[1] != address.sdp_family:
        raise PeerError(f"not a network address: {text[:64]!r}")
    return address
