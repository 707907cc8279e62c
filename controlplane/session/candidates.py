# SPDX-License-Identifier: GPL-3.0-or-later
"""Our sockets as ICE candidates in somebody else's list (RFC 8839 section 5.1), so that media may go through here."""
from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from controlplane.addresses import Address, Endpoint
from controlplane.sdp.lex import decimal, tokens

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


def foundation(instance_id: str, local: Address) -> str:
    """16 characters that stand for a local address for as long as this process runs (RFC 8445 section 5.1.1.3)."""
    return b64encode(blake2b(f"{instance_id} {local}".encode(), digest_size=_FOUNDATION_SIZE).digest()).decode()


def own_candidates(sockets: Sequence[Endpoint], advertised: Address, received: Sequence[str], kind: str,
                   name: str) -> list[str]:
    """Attributes for ``sockets`` (RTP, RTCP) that rank below the received candidates of type ``kind``, host or relay.

    ``name`` is their foundation.
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
    related = f" raddr {advertised} rport %d" if kind == "relay" else ""
    return [f"candidate:{name} {component} UDP {_priority(preference, index, component)} {advertised} "
            f"{local.port} typ {kind}{related and related % local.port}"
            for component, local in enumerate(sockets, 1)]
