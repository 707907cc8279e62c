# SPDX-License-Identifier: GPL-3.0-or-later
"""DTLS records from outside (RFC 6347 section 4.1, RFC 7983): no more than is needed to sort and to send them."""
from __future__ import annotations

from collections.abc import Iterator

HEADER = 13
_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO = 1
_VERSION = 0xFE
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


def without_clear_alerts(data: bytes) -> tuple[bytes, int | None]:
    """The records of a datagram without the alerts that are not encrypted, and the last of these by its number.

    Anybody could have sent such an alert. Nothing is left of a datagram that is not made of whole records.
    """
    kept, alert = b"", None
    for record in records(data) or []:
        if record[0] == _ALERT and record[3:5] == b"\x00\x00":
            alert = record[HEADER + 1] if len(record) == HEADER + 2 else 0
        else:
            kept += record
    return kept, alert


def client_random(data: bytes) -> bytes | None:
    """The random bytes of the ClientHello that a datagram begins with; None if it begins with anything else.

    Only one that is not encrypted counts (epoch 0), and only its first fragment.
    """
    if (len(data) < _RANDOM_AT + _RANDOM_SIZE or data[0] != _HANDSHAKE or data[3:5] != b"\x00\x00"
            or data[HEADER] != _CLIENT_HELLO or data[HEADER + 6:HEADER + 9] != b"\x00\x00\x00"):
        return None
    return data[_RANDOM_AT:_RANDOM_AT + _RANDOM_SIZE]


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
