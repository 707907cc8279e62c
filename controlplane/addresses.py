# SPDX-License-Identifier: GPL-3.0-or-later
"""Network addresses as values: compared, hashed and printed, never resolved."""
from __future__ import annotations

import socket
from functools import lru_cache
from typing import Final, NamedTuple

from controlplane.errors import PeerError

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_ZERO: Final = {4: bytes(4), 6: bytes(16)}


class Address(NamedTuple):
    """An IP address: ``family`` 4 or 6, ``packed`` 4 or 16 bytes in network order."""

    family: int
    packed: bytes

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read a literal IPv4 or IPv6 address (no brackets, no host name). PeerError if it is none."""
        family = 6 if ":" in text else 4
        try:
            return cls(family, socket.inet_pton(_FAMILIES[family], text))
        except (OSError, ValueError, UnicodeError):
            raise PeerError(f"not an IP address: {text[:64]!r}") from None

    @property
    def is_zero(self) -> bool:
        """True for 0.0.0.0 and ``::``, which in SDP mean hold or "not yet known"."""
        return self.packed == _ZERO[self.family]

    @property
    def private_network(self) -> int | None:
        """Which of the networks it is in whose addresses mean something else elsewhere; None if in none."""
        number = int.from_bytes(self.packed, "big")
        return next((index for index, (family, prefix, shift) in enumerate(_PRIVATE)
                     if family == self.family and number >> shift == prefix), None)

    @property
    def sdp_family(self) -> str:
        """``IP4`` or ``IP6`` as RFC 8866 section 5.7 writes it."""
        return "IP4" if self.family == 4 else "IP6"

    def __str__(self) -> str:
        return _text(self.family, self.packed)


@lru_cache(1024)
def _text(family: int, packed: bytes) -> str:
    """An address in writing; those of one host are written over and over again."""
    return socket.inet_ntop(_FAMILIES[family], packed)


def zero_address(family: int) -> Address:
    """0.0.0.0 or ``::``."""
    return Address(family, _ZERO[family])


def _network(text: str) -> tuple[int, int, int]:
    """Family, prefix and the number of bits behind it."""
    host, _, length = text.partition("/")
    address = Address.parse(host)
    shift = 8 * len(address.packed) - int(length)
    return address.family, int.from_bytes(address.packed, "big") >> shift, shift


_PRIVATE = tuple(map(_network, (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
    "fc00::/7", "fe80::/10", "::1/128")))
"""RFC 1918, 6598, 3927, 1122, 4193, 4291."""


class Endpoint(NamedTuple):
    """An address with a UDP port (0 to 65535; 0 means none)."""

    address: Address
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read ``1.2.3.4:5`` or ``[::1]:5``. PeerError for anything else."""
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise PeerError(f"IPv6 address without brackets: {text[:64]!r}")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise PeerError(f"not an address and port: {text[:64]!r}")
        return cls(Address.parse(host), int(port))

    @property
    def family(self) -> int:
        return self.address.family

    @property
    def sockaddr(self) -> tuple[str, int]:
        """The pair that the socket module takes."""
        return str(self.address), self.port

    def __str__(self) -> str:
        return f"{self.address}:{self.port}" if self.family == 4 else f"[{self.address}]:{self.port}"
