# SPDX-License-Identifier: GPL-3.0-or-later
"""STUN Binding messages (RFC 8489) as ICE uses them: short-term credentials, and always a fingerprint."""
from __future__ import annotations

import hmac
from collections.abc import Iterable
from enum import IntEnum
from hashlib import sha1
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError

COOKIE = b"\x21\x12\xa4\x42"
HEADER_SIZE = 20
TRANSACTION_SIZE = 12
INTEGRITY_SIZE = 20
MAX_SIZE = 0xFFFC + HEADER_SIZE
_HEADER = Struct(">HH4s12s")
_TYPE_LENGTH = Struct(">HH")
_NUMBER = Struct(">I")
_BIG = Struct(">Q")
_FINGERPRINT_XOR = 0x5354554E
_FINGERPRINT_SIZE = 8
_METHOD_MASK, _BINDING = 0xFEEF, 0x0001
_FAMILY_SIZES = {1: (4, 4), 2: (6, 16)}
_REQUIRED_BELOW = 0x8000
"""Attribute types below this must be understood (RFC 8489 section 14)."""


class Kind(IntEnum):
    """The class of a message, as it stands in its type."""

    REQUEST = 0x0000
    INDICATION = 0x0010
    SUCCESS = 0x0100
    ERROR = 0x0110


class Type(IntEnum):
    """The attributes that are understood."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


_KNOWN = frozenset(Type)
REASONS = {400: "Bad request", 401: "Unauthorized", 420: "Unknown attribute", 487: "Role conflict"}
Attributes = tuple[tuple[int, bytes], ...]


class Message(NamedTuple):
    """A Binding message. ``attributes`` are those that MESSAGE-INTEGRITY covers, or all if there is none.

    ``integrity`` is the value of that attribute and ``covered`` what it was computed over; None and empty without it.
    """

    kind: Kind
    transaction: bytes
    attributes: Attributes = ()
    integrity: bytes | None = None
    covered: bytes = b""

    def first(self, wanted: Type) -> bytes | None:
        """The value of the first attribute of this type; later ones are to be ignored."""
        return next((value for number, value in self.attributes if number == wanted), None)

    def __contains__(self, wanted: object) -> bool:
        return any(number == wanted for number, _ in self.attributes)

    def is_authentic(self, password: str) -> bool:
        """True if the message was signed with this password (RFC 8489 section 9.1.3)."""
        if self.integrity is None:
            return False
        return hmac.compare_digest(self.integrity, _signature(self.covered, password))

    @property
    def unknown(self) -> list[int]:
        """Attribute types that ought to be understood and are not, none twice."""
        return list(dict.fromkeys(number for number, _ in self.attributes
                                  if number < _REQUIRED_BELOW and number not in _KNOWN))

    @property
    def username(self) -> str | None:
        value = self.first(Type.USERNAME)
        return value.decode("utf-8", "replace") if value is not None else None

    @property
    def priority(self) -> int | None:
        value = self.first(Type.PRIORITY)
        return _NUMBER.unpack(value)[0] if value is not None and len(value) == _NUMBER.size else None

    @property
    def error(self) -> int | None:
        """The code of ERROR-CODE, 300 to 699; None if there is none or it makes no sense."""
        value = self.first(Type.ERROR_CODE)
        if value is None or len(value) < 4:
            return None
        hundreds, rest = value[2] & 7, value[3]
        return hundreds * 100 + rest if 3 <= hundreds <= 6 and rest < 100 else None

    @property
    def mapped(self) -> Endpoint | None:
        """XOR-MAPPED-ADDRESS (RFC 8489 section 14.2); None if there is none or it makes no sense."""
        value = self.first(Type.XOR_MAPPED_ADDRESS)
        if value is None or len(value) < 4 or value[1] not in _FAMILY_SIZES:
            return None
        family, size = _FAMILY_SIZES[value[1]]
        plain = _xor(value[2:], self.transaction)
        if len(plain) != size + 2:
            return None
        return Endpoint(Address(family, plain[2:]), int.from_bytes(plain[:2], "big"))

    def tie_breaker(self, role: Type) -> int | None:
        """The number in ICE-CONTROLLING or ICE-CONTROLLED (RFC 8445 section 7.1.3)."""
        value = self.first(role)
        return _BIG.unpack(value)[0] if value is not None and len(value) == _BIG.size else None


def _xor(data: bytes, transaction: bytes) -> bytes:
    """A port and an address, each combined with the cookie (and the transaction, which comes behind it)."""
    mask = COOKIE[:2] + COOKIE + transaction
    return bytes([one ^ other for one, other in zip(data, mask)])


def _signature(covered: bytes, password: str) -> bytes:
    return hmac.digest(password.encode("utf-8", "surrogateescape"), covered, sha1)


def _fingerprint(data: bytes) -> bytes:
    return _NUMBER.pack(crc32(data) ^ _FINGERPRINT_XOR)


def parse(data: bytes) -> Message:
    """Read a Binding message with FINGERPRINT. PeerError for all others, whatever they are."""
    if len(data) < HEADER_SIZE + _FINGERPRINT_SIZE or len(data) & 3 or len(data) > MAX_SIZE:
        raise PeerError("not a STUN message: its size")
    number, length, cookie, transaction = _HEADER.unpack_from(data)
    if cookie != COOKIE or length != len(data) - HEADER_SIZE:
        raise PeerError("not a STUN message: its header")
    if number & _METHOD_MASK != _BINDING:
        raise PeerError(f"STUN type {number:#06x} is not a Binding message")
    if data[-_FINGERPRINT_SIZE:] != _packed(Type.FINGERPRINT, _fingerprint(data[:-_FINGERPRINT_SIZE])):
        raise PeerError("STUN message without a valid fingerprint")
    return _body(Kind(number & ~_METHOD_MASK), transaction, data)


def _body(kind: Kind, transaction: bytes, data: bytes) -> Message:
    """Read the attributes; what follows MESSAGE-INTEGRITY is not vouched for and left out."""
    attributes: list[tuple[int, bytes]] = []
    at, end = HEADER_SIZE, len(data) - _FINGERPRINT_SIZE
    while at < end:
        number, size = _TYPE_LENGTH.unpack_from(data, at)
        start = at + _TYPE_LENGTH.size
        if start + size > end:
            raise PeerError("STUN attribute beyond the end of the message")
        value = data[start:start + size]
        if number == Type.MESSAGE_INTEGRITY:
            if size != INTEGRITY_SIZE:
                raise PeerError("STUN MESSAGE-INTEGRITY of a wrong size")
            length = (start + size - HEADER_SIZE).to_bytes(2, "big")
            return Message(kind, transaction, tuple(attributes), value, data[:2] + length + data[4:at])
        attributes.append((number, value))
        at = start + (size + 3 & ~3)
    return Message(kind, transaction, tuple(attributes))


def _packed(number: int, value: bytes) -> bytes:
    return _TYPE_LENGTH.pack(number, len(value)) + value + bytes(-len(value) & 3)


def build(kind: Kind, transaction: bytes, attributes: Iterable[tuple[int, bytes]],
          password: str | None = None) -> bytes:
    """Write a Binding message, signed with ``password`` if one is given, and with a fingerprint."""
    body = b"".join([_packed(number, value) for number, value in attributes])

    def header(more: int) -> bytes:
        return _HEADER.pack(kind | _BINDING, len(body) + more, COOKIE, transaction)
    if password is not None:
        covered = header(_TYPE_LENGTH.size + INTEGRITY_SIZE) + body
        body += _packed(Type.MESSAGE_INTEGRITY, _signature(covered, password))
    data = header(_FINGERPRINT_SIZE) + body
    return data + _packed(Type.FINGERPRINT, _fingerprint(data))


def text(number: Type, value: str) -> tuple[int, bytes]:
    """USERNAME or SOFTWARE."""
    return number, value.encode("utf-8", "surrogateescape")


def priority(value: int) -> tuple[int, bytes]:
    """PRIORITY (RFC 8445 section 7.1.1)."""
    return Type.PRIORITY, _NUMBER.pack(value)


def role(number: Type, tie_breaker: int) -> tuple[int, bytes]:
    """ICE-CONTROLLING or ICE-CONTROLLED."""
    return number, _BIG.pack(tie_breaker)


def mapped_address(endpoint: Endpoint, transaction: bytes) -> tuple[int, bytes]:
    """XOR-MAPPED-ADDRESS."""
    plain = endpoint.port.to_bytes(2, "big") + endpoint.address.packed
    return Type.XOR_MAPPED_ADDRESS, bytes((0, 1 if endpoint.family == 4 else 2)) + _xor(plain, transaction)


def error_code(code: int) -> tuple[int, bytes]:
    """ERROR-CODE with its reason."""
    return Type.ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + REASONS.get(code, "").encode()


def unknown_attributes(numbers: Iterable[int]) -> tuple[int, bytes]:
    """UNKNOWN-ATTRIBUTES."""
    return Type.UNKNOWN_ATTRIBUTES, b"".join([number.to_bytes(2, "big") for number in numbers])
