# SPDX-License-Identifier: GPL-3.0-or-later
"""One call as data for JSON: a short object for lists, all of it for its details. Times are Unix time in seconds."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.report.codecs import codec_name
from controlplane.report.model import NO_STATES, Call, Media, Party, State, Stream, is_foreign

Document = dict[str, Any]


def summary(call: Call) -> Document:
    """What ``list sessions all`` tells of a call."""
    return {"callid": call.call_id, "created": int(call.created), "proxy": call.created_from,
            "foreign": is_foreign(call), "deletionmark": any(party.deletion_at is not None for party in call.parties),
            "recording": False, "redis_keyspace": call.hosted_db}


def details(call: Call, now: float, states: Mapping[Endpoint, State] = NO_STATES) -> Document:
    """Everything about one call; ``states`` are those of its streams, by their sockets."""
    return {**summary(call), "tos": call.tos, "last_signal": int(call.last_signal), "stored": call.stored_at,
            "tags": [party_details(party, now, states) for party in call.parties]}


def party_details(party: Party, now: float, states: Mapping[Endpoint, State] = NO_STATES) -> Document:
    """The same about one party."""
    return {"tag": party.tag, "type": party.type, "label": party.label, "branch": party.branch,
            "aliases": list(party.aliases), "created": party.created,
            "duration": round(party.duration(now), 6),
            "medias": [_media(party, media, states) for media in party.medias]}


def _media(party: Party, media: Media, states: Mapping[Endpoint, State]) -> Document:
    return {"index": media.index, "type": media.type, "protocol": media.protocol, "codec": codec_name(media),
            "peers": [{"tag": other.tag, "index": each.index}
                      for other in party.peers for each in other.medias if each in media.peers],
            "ice": media.ice_state, "srtp": media.srtp_state, "dtls": media.dtls_state,
            "ports": [_port(stream, stream.local, states.get(stream.local)) for stream in media.streams
                      if stream.local is not None]}


def _port(stream: Stream, local: Endpoint, state: State | None) -> Document:
    user, kernel = stream.stats.user_in, stream.stats.kernel_in
    both = user + kernel
    return {"local": str(local), "remote": str(stream.endpoint) if stream.endpoint else None,
            "rtp": stream.is_rtp, "rtcp": stream.is_rtcp, "packets": both.packets, "bytes": both.bytes,
            "errors": both.errors, "last_user": user.last_packet, "last_kernel": kernel.last_packet,
            "ssrcs": [source.ssrc for source in stream.stats.sources],
            "state": state.document() if state is not None else None}
