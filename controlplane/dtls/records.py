# SPDX-License-Identifier: GPL-3.0-or-later
"""DTLS records from outside (RFC 6347 section 4.1, RFC 7983): no more than is needed to sort and to send them."""
from __future__ import annotations

from collections.abc import Iterator

HEADER = 13
HANDSHAKE = 22
_ALERT = 21
_IN_CLEAR = b"\x00\x00"
_CLIENT_HELLO, _HELLO_VERIFY = 1, 3
_VERSION = 0xFE
_OLDEST, _NEWEST = b"\xfe\xff", b"\xfe\xfd"    # DTLS 1.0 and 1.2
_RANDOM_AT = HEADER + 12 + 2
_RANDOM_SIZE = 32


def is_dtls(data: bytes) -> bool:
    """True if the first byte is one of DTLS; nothing else is looked at (RFC 7983 section 7)."""
    return bool(data) and 20 <= data[0] <= 63


def records(data: bytes) -> list[bytes] | None:
    """The records of a datagram; None if it is not made of whole records."""
    found, at = [], 0
    while at < len(data):
        end = at + HEADER + int.from_bytes(data[at + 11:at + HEADER], "big")
        if len(data) < at + HEADER or len(data) < end or not is_dtls(data[at:at + 1]) or data[at + 1] != _VERSION:
            return None
        found.append(data[at:end])
        at = end
    return found or None


def is_clear(record: bytes) -> bool:
    """True if a record is not encrypted (epoch 0)."""
    return record[3:5] == _IN_CLEAR


def without_clear_alerts(data: bytes) -> tuple[bytes, int | None]:
    """The records of a datagram without the alerts that are not encrypted, and the last of these by its number.

    Anybody could have sent such an alert. Nothing is left of a datagram that is not made of whole records.
    """
    kept, alert = b"", None
    for record in records(data) or []:
        if record[0] == _ALERT and is_clear(record):
            alert = record[HEADER + 1] if len(record) == HEADER + 2 else 0
        else:
            kept += record
    return kept, alert


def renumbered(record: bytes, number: int) -> bytes:
    """A record in clear with another sequence number; nothing in the handshake depends on it."""
    return record[:5] + number.to_bytes(6, "big") + record[11:]


def client_random(data: bytes) -> bytes | None:
    """The random bytes of the ClientHello that a datagram begins with; None if it begins with anything else.

    Only one that is not encrypted counts (epoch 0), and only its first fragment.
    """
    if (len(data) < _RANDOM_AT + _RANDOM_SIZE or data[0] != HANDSHAKE or not is_clear(data)
            or data[HEADER] != _CLIENT_HELLO or data[HEADER + 6:HEADER + 9] != b"\x00\x00\x00"):
        return None
    return data[_RANDOM_AT:_RANDOM_AT + _RANDOM_SIZE]


def cookie_of(hello: bytes) -> bytes:
    """The cookie of a ClientHello that has a ``client_random``; empty if it has none, or not whole."""
    at = _RANDOM_AT + _RANDOM_SIZE
    at += 1 + hello[at] if at < len(hello) else 0
    size = hello[at] if at < len(hello) else 0
    cookie = hello[at + 1:at + 1 + size]
    return cookie if len(cookie) == size else b""


def _message(kind: int, body: bytes, version: bytes) -> bytes:
    """A handshake message, whole and the first one, in a record of its own that is the first one as well."""
    size = len(body).to_bytes(3, "big")
    message = bytes((kind,)) + size + bytes(5) + size + body
    return bytes((HANDSHAKE,)) + version + bytes(8) + len(message).to_bytes(2, "big") + message


def hello_verify(cookie: bytes) -> bytes:
    """A HelloVerifyRequest, which asks the sender of a ClientHello to show that it got the cookie."""
    return _message(_HELLO_VERIFY, _OLDEST + bytes((len(cookie),)) + cookie, _OLDEST)


def is_hello_verify(record: bytes) -> bool:
    """True if a record is such a request and nothing else, as ``hello_verify`` makes it."""
    cookie = record[HEADER + 15:]
    size = (len(cookie) + 3).to_bytes(3, "big")
    head = bytes((_HELLO_VERIFY,)) + size + bytes(5) + size
    return record[HEADER:HEADER + 12] == head and record[HEADER + 14:HEADER + 15] == bytes((len(cookie) & 0xFF,))


BARE_HELLO = _message(_CLIENT_HELLO, _NEWEST + bytes(_RANDOM_SIZE) + bytes((0, 0, 0, 2, 0xC0, 0x2B, 1, 0)), _NEWEST)
"""A ClientHello that asks for nothing, and has no cookie."""


def datagrams(stream: bytes, mtu: int) -> Iterator[bytes]:
    """Cut what OpenSSL wants to send, a mere sequence of records, into datagrams of at most ``mtu`` bytes."""
    waiting = b""
    for record in records(stream) or []:
        if waiting and len(waiting) + len(record) > mtu:
            yield waiting
            waiting = b""
        waiting += record
    if waiting:
        yield waiting
