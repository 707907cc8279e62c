# SPDX-License-Identifier: GPL-3.0-or-later
"""One call as text: a line for the list of sessions, a block for its details."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from controlplane.addresses import Endpoint
from controlplane.report.codecs import codec_name
from controlplane.report.model import NO_STATES, Call, Media, Party, State, Stream, is_foreign
from controlplane.report.text import clean


def one_line(call: Call) -> str:
    """The call's line in ``list sessions all``."""
    marked = "y" if _marked(call) else "n"
    foreign = "y" if is_foreign(call) else "n"
    return (f"ID: {clean(call.call_id):>60} | del:{marked} | creat:{int(call.created):12d} | "
            f"prx:{call.created_from} | redis:{call.hosted_db:2d} | frgn:{foreign} | rec:n\n")


def block(call: Call, now: float, states: Mapping[Endpoint, State] = NO_STATES) -> str:
    """Everything about one call; ``states`` are those of its streams, by their sockets."""
    head = [
        "", f"callid: {clean(call.call_id)}", f"deletionmark: {_word(_marked(call))}",
        f"created: {int(call.created)}", f"proxy: {call.created_from}", f"tos: {call.tos}",
        f"last_signal: {int(call.last_signal)}", f"redis_keyspace: {call.hosted_db}",
        f"last redis update: {int(call.stored_at * 1e6)}",
        f"foreign: {_word(is_foreign(call))}", "recording: no", ""]
    parties = "".join(party_block(call, party, now, states) for party in call.parties)
    return _text(head) + parties + "\n"


def party_block(call: Call, party: Party, now: float, states: Mapping[Endpoint, State] = NO_STATES) -> str:
    """What the call's block says about one party."""
    lines = [f"--- Tag '{clean(party.tag)}', type: {party.type}, label '{clean(party.label)}', "
             f"branch '{clean(party.branch)}', callduration {party.duration(now):.6f}"]
    if party.aliases:
        names = ", ".join(f"'{clean(name)}'" for name in (party.tag, *party.aliases))
        lines.append(f"---     Aliases: {names}")
    for media in party.medias:
        for wording in ("subscribed to", "subscription of"):
            lines.extend(f"---     {wording} media with monologue tag '{clean(tag)}' (index: {index})"
                         for tag, index in _peers(party, media))
    for media in party.medias:
        lines.extend(_media_lines(media, states))
    return _text(lines)


def _peers(party: Party, media: Media) -> Iterator[tuple[str | None, int]]:
    """Tag and index of each medium that ``media`` of ``party`` is linked to."""
    for other in party.peers:
        linked = [each for each in other.medias if each in media.peers]
        yield from ((other.tag, each.index) for each in linked)


def _media_lines(media: Media, states: Mapping[Endpoint, State]) -> Iterator[str]:
    protocol = media.protocol or "(unknown)"
    yield f"------ Media #{media.index} ({clean(media.type)} over {clean(protocol)}) using {codec_name(media)}"
    ssrc = _latest_ssrc(media)
    for stream in media.streams:
        if stream.local is not None:
            yield _stream_line(stream, stream.local, ssrc)
            if stream.local in states:
                yield f"---------- {states[stream.local]}"
    if media.ice_state:
        yield f"-------- ICE {media.ice_state}"
    if media.srtp_state:
        yield f"-------- SRTP {media.srtp_state}"
    if media.dtls_state:
        yield f"-------- DTLS {media.dtls_state}"


def _stream_line(stream: Stream, local: Endpoint, ssrc: int) -> str:
    user, kernel = stream.stats.user_in, stream.stats.kernel_in
    both = user + kernel
    remote, port = (str(stream.endpoint.address), stream.endpoint.port) if stream.endpoint else ("", 0)
    rtcp = " (RTCP)" if stream.is_rtcp and not stream.is_rtp else ""
    return (f"-------- Port {local.address!s:>15}:{local.port:<5} <> {remote:>15}:{port:<5}{rtcp}, SSRC {ssrc:x}, "
            f"{both.packets} p, {both.bytes} b, {both.errors} e, "
            f"{int(user.last_packet or stream.created)} uts {int(kernel.last_packet)} kts")


def _latest_ssrc(media: Media) -> int:
    sources = [source for stream in media.streams for source in stream.stats.sources]
    return max(sources, key=lambda source: source.last_packet).ssrc if sources else 0


def _marked(call: Call) -> bool:
    return any(party.deletion_at is not None for party in call.parties)


def _word(flag: bool) -> str:
    return "yes" if flag else "no"


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
