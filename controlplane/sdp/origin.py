# SPDX-License-Identifier: GPL-3.0-or-later
"""The o= line sent to a receiver: whose user name, session id, version and address it shows (ng ``replace``)."""
from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from controlplane.addresses import Address
from controlplane.sdp.manipulate import Manipulations
from controlplane.sdp.model import Origin
from controlplane.sdp.outgoing import OutgoingSession
from controlplane.sdp.parse import MAX_VERSION
from controlplane.sdp.write import origin_line, write

_DIGEST_SIZE = 16
_ORIGIN_OFFSET = len(b"v=0\r\n")


@dataclass(frozen=True, slots=True)
class OriginRules:
    """The members of ng ``replace`` that concern o=.

    ``address``: ``origin``, ``full``: ``origin-full``, ``username``, ``version``: ``sdp-version``,
    ``force_increment``: ``force-increment-sdp-ver``.
    """

    address: bool = False
    full: bool = False
    username: bool = False
    version: bool = False
    force_increment: bool = False

    @property
    def own_version(self) -> bool:
        """True if the version counts the changes of what the receiver got, not what the sender says."""
        return self.version or self.full


@dataclass(slots=True)
class OriginState:
    """What one receiver was sent last: its o= line, and a digest of the last body with an own version; else None."""

    origin: Origin | None = None
    digest: bytes | None = None


def choose_origin(state: OriginState, sender: Origin | None, rules: OriginRules, local: Address,
                  fresh_id: int, fresh_version: int = 0) -> Origin:
    """The o= line for the next body to the receiver of ``state``.

    ``local`` is the advertised address of the first medium; it and the fresh numbers are used where neither the
    sender nor an earlier body has a value.
    """
    sent = state.origin
    fallback = sender or Origin("-", str(fresh_id), fresh_version, "IN", local.sdp_family, str(local))
    user = sent if sent and (rules.username or rules.full) else fallback
    identity = sent if sent and rules.full else fallback
    version = fallback.version
    if sent and rules.force_increment:
        version = _next(sent.version)
    elif sent and rules.own_version:
        version = sent.version
    if (rules.address or rules.full) and sent is None:
        return Origin(user.username, identity.session_id, version, "IN", local.sdp_family, str(local))
    place = sent if sent and (rules.address or rules.full) else fallback
    return Origin(user.username, identity.session_id, version, place.network_type, place.address_type, place.address)


def settle(state: OriginState, session: OutgoingSession, rules: OriginRules,
           manipulations: Manipulations | None = None) -> bytes:
    """Print ``session`` and remember it in ``state``.

    With an own version, a body that differs from the last one that had such gets the next version, in ``session`` too.
    """
    body = write(session, manipulations)
    if not rules.own_version:
        state.origin = session.origin
        return body
    digest = _digest(body)
    if state.digest is not None and digest != state.digest:
        printed = len(origin_line(session.origin).encode("utf-8", "surrogateescape"))
        session.origin = session.origin._replace(version=_next(session.origin.version))
        line = origin_line(session.origin).encode("utf-8", "surrogateescape")
        body = body[:_ORIGIN_OFFSET] + line + body[_ORIGIN_OFFSET + printed:]
        digest = _digest(body)
    state.origin = session.origin
    state.digest = digest
    return body


def _next(version: int) -> int:
    return (version + 1) & MAX_VERSION


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_SIZE).digest()
