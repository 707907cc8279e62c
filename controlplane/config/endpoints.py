# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that name where to listen: ``[ADDRESS:]PORT``; a port alone is on loopback, ``any:PORT`` everywhere."""
from __future__ import annotations

import re

from controlplane.addresses import Address, Endpoint, zero_address
from controlplane.config.netdevs import Resolver, has_ipv6, is_local
from controlplane.errors import ConfigError, PeerError

ANY = "any"
_LOOPBACK = (Address.parse("127.0.0.1"), Address.parse("::1"))
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


def split_listen(text: str) -> tuple[str, int]:
    """Host (empty for loopback) and port of ``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; ConfigError if none."""
    host, colon, port = (piece.strip() for piece in text.rpartition(":"))
    if not _PORT.fullmatch(port) or not 0 < int(port) <= 65535:
        raise ConfigError(f"{text[:64]!r} does not end in a port from 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        return _literal(host[1:-1], text), int(port)
    if ":" in host or (colon and not host):
        raise ConfigError(f"{text[:64]!r} is not [ADDRESS:]PORT; an IPv6 address needs brackets")
    return host, int(port)


def _literal(host: str, text: str) -> str:
    try:
        return str(Address.parse(host))
    except PeerError:
        raise ConfigError(f"{text[:64]!r}: no address between the brackets") from None


def listen_endpoints(text: str, resolver: Resolver) -> list[Endpoint]:
    """Where to open sockets for one listener value: both families for a bare port, ``any`` and names that have both.

    A bare port is one of loopback. Both it and ``any`` mean IPv4 alone where IPv6 is switched off.
    ConfigError for bad syntax and for a host name without address.
    """
    host, port = split_listen(text)
    if not host:
        return [Endpoint(each, port) for each in _LOOPBACK if each.family == 4 or is_local(each)]
    if host == ANY:
        return [Endpoint(zero_address(family), port) for family in ((4, 6) if has_ipv6() else (4,))]
    try:
        addresses = [Address.parse(host)]
    except PeerError:
        addresses = resolver.host(host)
    if not addresses:
        raise ConfigError(f"{text[:64]!r}: host name {host[:64]!r} has no address")
    return [Endpoint(address, port) for address in addresses]
