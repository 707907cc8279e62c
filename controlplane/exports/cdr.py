# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that the log keeps of a call that has ended (option log-facility-cdr)."""
from __future__ import annotations

from collections.abc import Iterator

from controlplane.report.model import is_foreign
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.stream import Stream

Item = tuple[str, object]


def line(call: Call, reason: str, now: float) -> str | None:
    """All about ``call``, which ends at ``now`` (Unix time in seconds); None if another node owns it."""
    if is_foreign(call):
        return None
    return "".join([f"{key}={value}, " for key, value in _items(call, reason, now)])


def _items(call: Call, reason: str, now: float) -> Iterator[Item]:
    yield "ci", _plain(call.call_id)
    yield "created_from", call.created_from
    yield "last_signal", int(call.last_signal)
    yield "tos", call.tos
    for number, party in enumerate(call.parties):
        for key, value in _party(party, reason, now):
            yield (key if key == "payload_type" else f"ml{number}_{key}"), value


def _party(party: Party, reason: str, now: float) -> Iterator[Item]:
    yield "start_time", f"{party.started:.6f}"
    yield "end_time", f"{now if party.ended is None else party.ended:.6f}"
    yield "duration", f"{party.duration(now):.6f}"
    yield "termination", reason
    yield "local_tag", _plain(party.tag or "")
    yield "local_tag_type", party.type
    for tag in dict.fromkeys([peer.tag or "" for peer in party.peers]):
        yield "remote_tag", _plain(tag)
    for media in party.medias:
        yield "payload_type", _payload_type(media)
        for stream in media.streams:
            if stream.local is not None and not (media.mux and not stream.is_rtp):
                yield from _stream(f"midx{media.index}_{'rtp' if stream.is_rtp else 'rtcp'}_", stream)


def _payload_type(media: Media) -> int | str:
    """That of the source most was received from."""
    sources = [source for source in media.ingress if source.packets]
    return max(sources, key=lambda source: source.packets).last_payload_type if sources else "unknown"


def _stream(prefix: str, stream: Stream) -> Iterator[Item]:
    received = stream.stats.user_in + stream.stats.kernel_in
    for name, endpoint in (("endpoint", stream.endpoint), ("local_relay", stream.local)):
        yield f"{prefix}{name}_ip", endpoint.address if endpoint else ""
        yield f"{prefix}{name}_port", endpoint.port if endpoint else 0
    yield f"{prefix}relayed_packets", received.packets
    yield f"{prefix}relayed_bytes", received.bytes
    yield f"{prefix}relayed_errors", received.errors
    yield f"{prefix}last_packet", int(stream.last_packet)
    yield f"{prefix}in_tos_tclass", 0


def _plain(text: str) -> str:
    """A name that a peer chose, so that it cannot pass for another item."""
    return text.replace("\\", "\\\\").replace(",", "\\x2c")
