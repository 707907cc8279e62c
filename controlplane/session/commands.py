# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng commands beside offer, answer, delete and query that change a call."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.session import blocking, connect, publish, subscription, transform
from controlplane.session.call import Call
from controlplane.session.calls import Calls
from controlplane.session.party import Party
from controlplane.session.selection import find_party, find_sources

Reply = dict[str, Any]
Command = Callable[[Calls, Request, float], Reply]


def _known(calls: Calls, call_id: str | None, unknown: str) -> Call:
    if call_id is None:
        raise PeerError("No call-id in message")
    call = calls.find(call_id)
    if call is None:
        raise PeerError(unknown)
    return call


def _need_sdp(request: Request) -> None:
    if request.sdp is None:
        raise PeerError("No SDP body in message")


def _publish(calls: Calls, request: Request, now: float) -> Reply:
    _need_sdp(request)
    if request.is_fragment:
        return {}
    return calls.carry_out(calls.find_or_create(request, now), request, publish.publish, now)


def _create(calls: Calls, request: Request, now: float) -> Reply:
    return calls.carry_out(calls.find_or_create(request, now), request, publish.create, now)


def _create_answer(calls: Calls, request: Request, now: float) -> Reply:
    _need_sdp(request)
    if request.call_id is not None and request.from_tag is None:
        raise PeerError("No from-tag in message")
    if request.is_fragment:
        return {}
    call = _known(calls, request.call_id, "unknown call-ID")
    party = call.tags.get(request.from_tag or "")
    if party is None:
        raise PeerError("from-tag not found")
    return calls.carry_out(call, request, lambda context: publish.create_answer(context, party), now)


def _subscribe_request(calls: Calls, request: Request, now: float) -> Reply:
    call = _known(calls, request.call_id, "Unknown call-ID(s)")
    sources = find_sources(call, request)
    if not sources:
        raise PeerError(subscription.NOTHING_FOUND)
    return calls.carry_out(call, request, lambda context: subscription.request_subscription(context, sources), now)


def _subscriber(calls: Calls, request: Request) -> tuple[Call, Party]:
    call = _known(calls, request.call_id, "Unknown call-ID")
    if request.to_tag is None:
        raise PeerError("No to-tag in message")
    party = call.tags.get(request.to_tag)
    if party is None:
        raise PeerError("To-tag not found")
    return call, party


def _subscribe_answer(calls: Calls, request: Request, now: float) -> Reply:
    if request.is_fragment:
        return {}
    call, party = _subscriber(calls, request)
    _need_sdp(request)
    return calls.carry_out(call, request, lambda context: subscription.answer_subscription(context, party), now)


def _unsubscribe(calls: Calls, request: Request, now: float) -> Reply:
    call, party = _subscriber(calls, request)
    return calls.carry_out(call, request, lambda context: subscription.end_subscription(context, party), now)


def _connect(calls: Calls, request: Request, now: float) -> Reply:
    unknown = "Unknown call-ID(s)"
    call = _known(calls, request.call_id, unknown)
    other = call if request.to_call_id is None else _known(calls, request.to_call_id, unknown)
    sources = find_sources(call, request)
    if not sources:
        raise PeerError(subscription.NOTHING_FOUND)
    if request.to_tag is None:
        raise PeerError("No to-tag in message")
    calls.merge(call, other, "Failed to merge two calls into one (tag collision)")
    sink = call.tags.get(request.to_tag) or call.add_party(now, request.to_tag)
    try:
        connect.connect(sources, sink, request)
    finally:
        calls.relinked(call, now)
    return {}


def _mesh(calls: Calls, request: Request, now: float) -> Reply:
    found = [calls.find(call_id) for call_id in request.calls]
    first = found[0] if found else None
    if first is None or None in found:
        raise PeerError("Unknown call ID(s)")
    for other in found[1:]:
        if other is not None:
            calls.merge(first, other, "Failed to merge calls (tag collision)")
    try:
        connect.mesh(first, request)
    finally:
        calls.relinked(first, now)
    return {}


def _transform(calls: Calls, request: Request, now: float) -> Reply:
    if not request.medias:
        return {"call-id": request.call_id or "", "from-tag": request.from_tag or "", "media": []}
    return calls.carry_out(calls.find_or_create(request, now), request, transform.transform, now)


def _block(calls: Calls, request: Request, now: float) -> Reply:
    call = _known(calls, request.call_id, "Unknown call-ID")
    blocking.change(call, request)
    calls.relinked(call, now)
    return {}


def _forward(calls: Calls, request: Request, now: float) -> Reply:
    call = _known(calls, request.call_id, "Unknown call-ID")
    on = request.command == "start forwarding"
    party = None if request.all == "all" else find_party(call, request, needs_directional=True)
    if request.metadata is not None:
        call.metadata = request.metadata
    if party is not None:
        party.forwarding = on
    else:
        call.forwarding = on
        if request.all == "all" and not on:
            for each in call.parties:
                each.forwarding = False
    request.note_unsupported("sending recorded media elsewhere")
    return {}


def _needs_codecs(calls: Calls, request: Request, now: float) -> Reply:
    raise PeerError("unsupported")


COMMANDS: dict[str, Command] = {
    "publish": _publish, "create": _create, "create answer": _create_answer,
    "subscribe request": _subscribe_request, "subscribe answer": _subscribe_answer, "unsubscribe": _unsubscribe,
    "connect": _connect, "mesh": _mesh, "transform": _transform,
    **dict.fromkeys(blocking.COMMANDS, _block), "start forwarding": _forward, "stop forwarding": _forward,
    **dict.fromkeys(("play media", "stop media", "play DTMF", "inject start", "inject stop", "start recording",
                     "stop recording", "pause recording"), _needs_codecs),
}
