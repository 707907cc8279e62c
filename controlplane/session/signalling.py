# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng commands ``offer`` and ``answer``."""
from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaEndpoints
from controlplane.sdp.parse import parse
from controlplane.session.bundle import lend_ports, may_bundle
from controlplane.session.call import AliasKey, Call
from controlplane.session.context import received_from
from controlplane.session.describe import describe, loop_marker
from controlplane.session.exchange import Exchange
from controlplane.session.match import match_answer, match_offer
from controlplane.session.profiles import check_size
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import RandomSource, SocketPool
from controlplane.session.twins import accepts_twins, fold, has_twins

_DIGEST_SIZE = 16


def check(request: Request, *, is_offer: bool) -> None:
    """PeerError if the message lacks what it needs."""
    if request.sdp is None:
        raise PeerError("No SDP body in message")
    if request.call_id is None:
        raise PeerError("No call-id in message")
    if request.from_tag is None:
        raise PeerError("No from-tag in message")
    if request.to_tag is None and not is_offer:
        raise PeerError("No to-tag in message")


def carry_out(call: Call, request: Request, is_offer: bool, settings: SessionSettings, sockets: SocketPool,
              random: RandomSource, now: float) -> dict[str, object]:
    """Carry out an offer or answer for ``call`` and return the reply's keys. PeerError; OutOfPorts."""
    body = request.sdp or b""
    description = parse(body, strict=settings.reject_invalid_sdp)
    if "loop-protect" in request.flags and description.in_every_session(loop_marker(settings.instance_id)):
        return {"sdp": body}
    check_size(description)
    folded = bool(request.osrtp) and accepts_twins(request)
    if folded:
        fold(description)
    endpoints = description.endpoints(received_from(request, settings))
    from_tag = request.from_tag or ""
    if is_offer:
        dialogue = match_offer(call, request, from_tag, now, _alias_key(request, body, endpoints))
        _set_tos(call, request, settings)
    else:
        dialogue = match_answer(call, request, from_tag, request.to_tag or "", now)
    if not folded and has_twins(dialogue.sender):
        fold(description)
        endpoints = description.endpoints(received_from(request, settings))
    if is_offer and any([section.rejected for section in description.medias]) and may_bundle(
            dialogue.sender, request.bundle) and lend_ports(description):
        endpoints = description.endpoints(received_from(request, settings))
    if request.drop_traffic is not None:
        call.drop_traffic = request.drop_traffic == "start"
    if request.metadata is not None:
        call.metadata = request.metadata
    if request.dtmf_log_dest is not None:
        call.dtmf_log = request.dtmf_log_dest
    exchange = Exchange(call, request, description, endpoints, dialogue, is_offer, settings, sockets, random, now)
    exchange.negotiate()
    return {"sdp": describe(exchange)}


def _alias_key(request: Request, body: bytes, endpoints: Sequence[MediaEndpoints]) -> AliasKey | None:
    """What makes an offer under another from-tag one of the same party."""
    if request.alias_key == "sdp":
        return blake2b(body, digest_size=_DIGEST_SIZE).digest()
    if request.alias_key == "address" and endpoints:
        return endpoints[0].rtp
    return None


def _set_tos(call: Call, request: Request, settings: SessionSettings) -> None:
    if request.tos is None:
        call.tos = settings.tos
    elif request.tos >= 0:
        call.tos = request.tos
