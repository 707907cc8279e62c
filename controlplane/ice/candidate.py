# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates: where an ICE agent may be reached, as values and as a=candidate (RFC 8839 section 5.1)."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError

PREFERENCES = {"host": 126, "prflx": 110, "srflx": 100, "relay": 0}
"""Type preferences (RFC 8445 section 5.1.2.2)."""
MAX_PRIORITY = (1 << 32) - 1
MAX_COMPONENT = 256
MAX_FOUNDATION = 32
_MAX_LOCAL = 0xFFFF
_FIRST_OPTION = 6
_UDP = "udp"


class Candidate(NamedTuple):
    """One candidate. ``endpoint`` is where packets are sent, ``related`` the address behind it, if it was told.

    ``extensions`` are the pairs of words at its end that are not understood.
    """

    foundation: str
    component: int
    transport: str
    priority: int
    endpoint: Endpoint
    type: str
    related: Endpoint | None = None
    extensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """What follows ``a=candidate:``."""
        words = [self.foundation, str(self.component), self.transport, str(self.priority),
                 str(self.endpoint.address), str(self.endpoint.port), "typ", self.type]
        if self.related is not None:
            words += ["raddr", str(self.related.address), "rport", str(self.related.port)]
        return " ".join([*words, *(word for pair in self.extensions for word in pair)])


def priority_of(type_name: str, index: int, component: int) -> int:
    """RFC 8445 section 5.1.2.1; the best of several local addresses has ``index`` 0."""
    return PREFERENCES[type_name] << 24 | (_MAX_LOCAL - index) << 8 | (256 - component)


def parse(value: str) -> Candidate:
    """Read what follows ``a=candidate:``. PeerError if it makes no sense or its address is not a literal one."""
    words = value.split()
    if len(words) < _FIRST_OPTION + 2 or words[_FIRST_OPTION] != "typ" or len(words) % 2:
        raise PeerError(f"not a candidate: {value[:128]!r}")
    foundation, component, transport, priority, address, port = words[:_FIRST_OPTION]
    if len(foundation) > MAX_FOUNDATION:
        raise PeerError("candidate with a long foundation")
    options = list(zip(words[_FIRST_OPTION::2], words[_FIRST_OPTION + 1::2]))
    named = dict(reversed(options))
    related = None
    if "raddr" in named and "rport" in named:
        related = _related(named["raddr"], named["rport"])
    extensions = tuple((name, text) for name, text in options if name not in ("typ", "raddr", "rport"))
    return Candidate(foundation, _number(component, 1, MAX_COMPONENT), transport, _number(priority, 1, MAX_PRIORITY),
                     Endpoint(Address.parse(address), _number(port, 0, 65535)), words[7].lower(), related, extensions)


def _related(address: str, port: str) -> Endpoint | None:
    """Information only: browsers hide it behind 0.0.0.0 or a name."""
    try:
        return Endpoint(Address.parse(address), _number(port, 0, 65535))
    except PeerError:
        return None


def _number(word: str, least: int, most: int) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > 10 or not least <= int(word) <= most:
        raise PeerError(f"not a number from {least} to {most}: {word[:32]!r}")
    return int(word)


def is_usable(candidate: Candidate) -> bool:
    """True if it can be paired: UDP, of a known type, and to somewhere."""
    endpoint = candidate.endpoint
    return (candidate.transport.lower() == _UDP and candidate.type in PREFERENCES and endpoint.port != 0
            and not endpoint.address.is_zero)


def usable(values: Iterable[str]) -> list[Candidate]:
    """The candidates among these that can be paired; TCP, host names (mDNS too) and nonsense are passed over."""
    found = []
    for value in values:
        try:
            candidate = parse(value)
        except PeerError:
            continue
        if is_usable(candidate):
            found.append(candidate)
    return found
