# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Binding request is answered (RFC 8445 section 7.3), before anything is concluded from it."""
from __future__ import annotations

from typing import NamedTuple

from controlplane.addresses import Endpoint
from controlplane.ice import stun
from controlplane.ice.credentials import Credentials
from controlplane.ice.stun import Kind, Message, Type


class Reply(NamedTuple):
    """The response, and the ``code`` of an error. ``accepted``: the request counts; ``switch``: our role changes."""

    data: bytes
    accepted: bool = False
    switch: bool = False
    code: int = 0


def respond(request: Message, source: Endpoint, local: Credentials, controlling: bool, tie_breaker: int,
            software: str) -> Reply:
    """Check the request in the order of RFC 8489 section 9.1.3 and 6.3; the role comes last."""
    username = request.username
    if request.integrity is None or username is None:
        return _refusal(request, 400)
    if username.partition(":")[0] != local.ufrag or not request.is_authentic(local.password):
        return _refusal(request, 401)
    if request.unknown:
        return _refusal(request, 420, local.password, stun.unknown_attributes(request.unknown))
    verdict = _role(request, controlling, tie_breaker)
    if verdict is None:
        return _refusal(request, 487, local.password)
    attributes = [stun.mapped_address(source, request.transaction)]
    if software:
        attributes.insert(0, stun.text(Type.SOFTWARE, software))
    return Reply(stun.build(Kind.SUCCESS, request.transaction, attributes, local.password), True, verdict)


def _role(request: Message, controlling: bool, tie_breaker: int) -> bool | None:
    """RFC 8445 section 7.3.1.1: whether we switch our role; None if the peer has to."""
    same = Type.ICE_CONTROLLING if controlling else Type.ICE_CONTROLLED
    theirs = request.tie_breaker(same)
    if theirs is None:
        return False
    we_win = tie_breaker >= theirs
    if we_win == controlling:
        return None
    return True


def _refusal(request: Message, code: int, password: str | None = None, *more: tuple[int, bytes]) -> Reply:
    return Reply(stun.build(Kind.ERROR, request.transaction, [stun.error_code(code), *more], password), code=code)
