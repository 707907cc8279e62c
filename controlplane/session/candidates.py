# SPDX-License-Identifier: GPL-3.0-or-later
"""Our sockets as ICE candidates in somebody else's list (RFC 8839 section 5.1), so that media may go through here."""
from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from controlplane.addresses import Address
from controlplane.sdp.lex import decimal, tokens
from controlplane.session.media import PortMapping

_PREFERENCES = {"host": 126, "relay": 0}
_MAX_PRIORITY = (1 << 32) - 1
_MAX_LOCAL = 0xFFFF
_FIRST_OPTIONS = 6
_FOUNDATION_SIZE = 12


class _Candidate(NamedTuple):
    component: int
    priority: int
    type: str


def is_relayed(text: str) -> bool:
    """True for an attribute that is a candidate of type relay."""
    name, _, value = text.partition(":")
    found = _read(value) if name == "candidate" else None
    return found is not None and found.type == "relay"


def _read(value: str) -> _Candidate | None:
    words = tokens(value)
    if len(words) < _FIRST_OPTIONS + 2 or words[_FIRST_OPTIONS] != "typ":
        return None
    component, priority = decimal(words[1], 256), decimal(words[3], _MAX_PRIORITY)
    return None if component is None or priority is None else _Candidate(component, priority, words[7])


def _priority(preference: int, index: int, component: int) -> int:
    """RFC 8445 section 5.1.2.1 in 32 bits; an index beyond the last one runs into the type preference."""
    return (preference << 24 | (_MAX_LOCAL - index) << 8 | (256 - component)) & _MAX_PRIORITY


@lru_cache(maxsize=64)
def foundation(instance_id: str, local: Address, family: int) -> str:
    """16 characters for a local address among those of an interface, of which those of ``family`` come first.

    They stay for as long as this process runs (RFC 8445 section 5.1.1.3).
    """
    digest = blake2b(f"{instance_id} {local} {family}".encode(), digest_size=_FOUNDATION_SIZE).digest()
    return b64encode(digest).decode()


def own_candidates(mappings: Sequence[PortMapping], received: Sequence[str], kind: str, instance_id: str,
                   shown: Address | None = None) -> list[str]:
    """Attributes for our sockets (RTP, RTCP) that rank below the received candidates of type ``kind``, host or relay.

    Each of ``mappings`` has those on one local address, for which ``shown`` (ng ``media address``) may stand.
    """
    preference, index = _PREFERENCES[kind], 0
    for candidate in map(_read, received):
        if (candidate is None or candidate.component != 1 or candidate.type != kind
                or candidate.priority > _priority(preference, index, 1)):
            continue
        preference = candidate.priority >> 24
        local = _MAX_LOCAL - (candidate.priority >> 8 & _MAX_LOCAL)
        if local > 0:
            index = local - 1
        else:
            preference, index = preference - 1, _MAX_LOCAL
    family = mappings[0].place.address.family
    lines = []
    for component in (1, 2):
        for number, mapping in enumerate(mappings):
            if component <= len(mapping.sockets):
                advertised, port = shown or mapping.place.advertised, mapping.sockets[component - 1].port
                related = f" raddr {advertised} rport {port}" if kind == "relay" else ""
                lines.append(f"candidate:{foundation(instance_id, mapping.place.address, family)} {component} UDP "
                             f"{_priority(preference, index + number, component)} {advertised} {port} "
                             f"typ {kind}{related}")
    return lines
