# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng command ``offer``."""
from __future__ import annotations

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.sdp.parse import parse
from controlplane.session.call import Call
from controlplane.session.describe import describe, loop_marker
from controlplane.session.exchange import Exchange
from controlplane.session.match import match_offer
from controlplane.session.profiles import check_supported
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import RandomSource, SocketPool


def check(request: Request) -> None:
    """PeerError if the message lacks what every offer and answer needs."""
    if request.sdp is None:
        raise PeerError("No SDP body in message")
    if request.call_id is None:
        raise PeerError("No call-id in message")
    if request.from_tag is None:
        raise PeerError("No from-tag in message")


def offer(call: Call, request: Request, settings: SessionSettings, sockets: SocketPool, random: RandomSource,
          now: float) -> dict[str, object]:
    """Carry out an offer for ``call`` and return the reply's keys. PeerError; OutOfPorts ruins the call."""
    body = request.sdp or b""
    description = parse(body, strict=settings.reject_invalid_sdp)
    if "loop-protect" in request.flags and description.in_every_session(loop_marker(settings.instance_id)):
        return {"sdp": body}
    check_supported(description, request)
    dialogue = match_offer(call, request, request.from_tag or "", now)
    _call_options(call, request, settings)
    exchange = Exchange(call, request, description, dialogue, True, settings, sockets, random, now)
    exchange.negotiate()
    return {"sdp": describe(exchange)}


def _call_options(call: Call, request: Request, settings: SessionSettings) -> None:
    if request.tos is None:
        call.tos = settings.tos
    elif request.tos >= 0:
        call.tos = request.tos
    message_options(call, request)


def message_options(call: Call, request: Request) -> None:
    """What both offers and answers can set for the whole call."""
    if request.drop_traffic is not None:
        call.drop_traffic = request.drop_traffic == "start"
    if request.metadata is not None:
        call.metadata = request.metadata
