# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng command ``transform``: media for another node, received on a port of ours and sent on."""
from __future__ import annotations

from typing import Any

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.ng.medias import CodecFormat, RequestedMedia
from controlplane.sdp.evaluate import payload_type
from controlplane.sdp.model import MediaEndpoints, PayloadType
from controlplane.session.context import Context
from controlplane.session.media import Handling, Media, subscribe
from controlplane.session.party import FROM_TAG, UNKNOWN, Party

Reply = dict[str, Any]
_FAMILY = {4: "IP4", 6: "IP6"}
_FAILED = "Failed to set up transform"
_FIXED = Handling("off", asymmetric=True, unidirectional=True)
"""Where to send is said once and for all."""


def transform(context: Context) -> Reply:
    """Relay each medium to its destination. PeerError if one has none, or would have to be converted; OutOfPorts."""
    request = context.request
    if request.instance is not None and request.instance == context.settings.instance_id:
        raise PeerError("Transform loop detected")
    for wanted in request.medias:
        if wanted.destination is None:
            raise PeerError(_FAILED)
        if any(_shape(one) != _shape(other) for one, other in wanted.conversions):
            raise PeerError(f"{_FAILED}: no codec can be converted")
    party = context.new_party(request.from_tag)
    if party.type == UNKNOWN:
        party.type = FROM_TAG
    medias = []
    for index, wanted in enumerate(request.medias):
        media = party.media_at(index, wanted.type)
        local = _relay(context, party, media, wanted)
        medias.append({"id": wanted.id if wanted.id is not None else str(index), "family": _FAMILY[local.family],
                       "address": str(context.printed(media)), "port": local.port})
    context.call.signalled(context.now)
    return {"call-id": context.call.call_id, "from-tag": party.tag or "", "media": medias}


def _relay(context: Context, party: Party, media: Media, wanted: RequestedMedia) -> Endpoint:
    destination = wanted.destination
    assert destination is not None
    media.type = wanted.type
    media.set_protocol("RTP/AVP")
    media.handling = _FIXED
    media.set_streams(1, context.now)
    media.sends = tuple([_codec(received) for received, _ in wanted.conversions])
    context.open(media, party, destination.family, 2)
    rtcp = destination._replace(port=destination.port + 1 if destination.port < 65535 else 0)
    for index, stream in enumerate(media.streams):
        stream.fill(MediaEndpoints(destination, rtcp, False).of_stream(index, 1), context.now)
    subscribe(media, media)
    local = media.streams[0].local
    assert local is not None
    return local


def _shape(codec: CodecFormat) -> tuple[str, int, int, int]:
    return codec.codec.lower(), codec.payload_type, codec.clock_rate, codec.channels


def _codec(codec: CodecFormat) -> PayloadType:
    return payload_type(codec.payload_type, f"{codec.codec}/{codec.clock_rate}"
                        + (f"/{codec.channels}" if codec.channels > 1 else ""), codec.format or None)
