# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng command ``answer``."""
from __future__ import annotations

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.sdp.parse import parse
from controlplane.session import offer
from controlplane.session.call import Call
from controlplane.session.describe import describe, loop_marker
from controlplane.session.exchange import Exchange
from controlplane.session.match import match_answer
from controlplane.session.profiles import check_supported
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import RandomSource, SocketPool


def check(request: Request) -> None:
    """PeerError if the message lacks what an answer needs."""
    offer.check(request)
    if request.to_tag is None:
        raise PeerError("No to-tag in message")


def answer(call: Call, request: Request, settings: SessionSettings, sockets: SocketPool, random: RandomSource,
           now: float) -> dict[str, object]:
    """Carry out an answer for ``call`` and return the reply's keys. PeerError; OutOfPorts ruins the call."""
    body = request.sdp or b""
    description = parse(body, strict=settings.reject_invalid_sdp)
    if "loop-protect" in request.flags and description.in_every_session(loop_marker(settings.instance_id)):
        return {"sdp": body}
    check_supported(description, request)
    dialogue = match_answer(call, request, request.from_tag or "", request.to_tag or "", now)
    offer.message_options(call, request)
    exchange = Exchange(call, request, description, dialogue, False, settings, sockets, random, now)
    exchange.negotiate()
    return {"sdp": describe(exchange)}
