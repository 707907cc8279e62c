# SPDX-License-Identifier: GPL-3.0-or-later
"""The Binding request of a connectivity check, or of one for consent (RFC 8445 section 7.2.2)."""
from __future__ import annotations

from controlplane.ice import stun
from controlplane.ice.candidate import priority_of
from controlplane.ice.credentials import Parties
from controlplane.ice.pair import Pair
from controlplane.ice.stun import Kind, Type


def request(identity: bytes, pair: Pair, parties: Parties, controlling: bool, tie_breaker: int, software: str,
            nominates: bool) -> bytes:
    """The packet; ``identity`` is of the transaction."""
    local, remote = parties
    role = Type.ICE_CONTROLLING if controlling else Type.ICE_CONTROLLED
    index = 0xFFFF - (pair.local.candidate.priority >> 8 & 0xFFFF)
    attributes = [stun.text(Type.USERNAME, f"{remote.ufrag}:{local.ufrag}"),
                  stun.role(role, tie_breaker),
                  stun.priority(priority_of("prflx", index, pair.component))]
    if software:
        attributes.insert(0, stun.text(Type.SOFTWARE, software))
    if nominates:
        attributes.append((Type.USE_CANDIDATE, b""))
    return stun.build(Kind.REQUEST, identity, attributes, remote.password)
