# SPDX-License-Identifier: GPL-3.0-or-later
"""What the log says of ng requests and of calls that end; each line names its call."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from controlplane.errors import PeerError
from controlplane.events import Counters
from controlplane.log import about_call, forget_call, name_call
from controlplane.ng.dispatch import Handler
from controlplane.ng.later import Later
from controlplane.ng.reply import Reply
from controlplane.ng.request import Request
from controlplane.report.codecs import codec_name
from controlplane.rtcp.history import History
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.quality import heard_of
from controlplane.session.stream import Stream

_control = logging.getLogger("rtpengine.control")
_core = logging.getLogger("rtpengine.core")
_FREQUENT = frozenset(("ping", "list", "query", "statistics"))
"""What monitoring asks again and again: told at DEBUG, the rest at INFO."""


def logged(command: str, handler: Handler, clock: Callable[[], float] = time.perf_counter,
           refused: Callable[[Request, str], None] | None = None) -> Handler:
    """``handler``, with a line when a request comes and one when it is answered; ``clock`` counts seconds.

    ``refused`` is told of requests about a call that get an error, and why.
    """
    level = logging.DEBUG if command in _FREQUENT else logging.INFO

    def run(request: Request) -> Reply | Later[Reply]:
        if request.call_id is None:
            return told(request)
        before = name_call(request.call_id)  # as about_call() does, at less cost
        try:
            return told(request)
        except PeerError as error:
            if refused is not None:
                refused(request, _why(error))
            raise
        finally:
            forget_call(before)

    def told(request: Request) -> Reply | Later[Reply]:
        if not _control.isEnabledFor(level):
            return handler(request)
        _control.log(level, "Received command '%s' from %s", command, request.created_from)
        started = clock()
        try:
            reply = handler(request)
        except PeerError as failure:
            _control.log(level, "Replying to '%s' from %s with an error (elapsed time %.6f sec): %s", command,
                         request.created_from, clock() - started, _why(failure))
            raise
        if isinstance(reply, Later):
            return reply.map(lambda reply: replying(request, started, reply))
        return replying(request, started, reply)

    def replying(request: Request, started: float, reply: Reply) -> Reply:
        _control.log(level, "Replying to '%s' from %s (elapsed time %.6f sec)", command, request.created_from,
                     clock() - started)
        return reply
    return run


def _why(error: PeerError) -> str:
    """What the client is told, and what is left to say."""
    return f"{error}: {error.detail}" if error.detail else str(error)


def repeated(source: str) -> None:
    """A client sent a request again, and gets its reply again."""
    _control.info("Detected command from %s as a duplicate", source)


def call_ended(call: Call, reason: str, now: float) -> None:
    """Why a call ended, and what its ports have received and sent; ``now`` is Unix time in seconds."""
    if not _core.isEnabledFor(logging.INFO):
        return
    with about_call(call.call_id):
        _core.info("Call ended after %s: %s", _age(now - call.created), reason)
        _core.info("Final packet stats:")
        for party in call.parties:
            for line in _party_lines(party, call.created, now):
                _core.info("%s", line)


def _party_lines(party: Party, begun: float, now: float) -> Iterator[str]:
    label = f" (label '{party.label}')" if party.label else ""
    yield f"--- Tag '{party.tag or ''}'{label}, created {_age(now - party.created)} ago"
    for media in party.medias:
        protocol = media.protocol or "(unknown)"
        yield f"------ Media #{media.index} ({media.type} over {protocol}) using {codec_name(media)}"
        for stream in media.streams:
            if stream.local is not None:
                yield _port_line(stream, now)
        yield from _source_lines(media, begun)


def _port_line(stream: Stream, now: float) -> str:
    stats = stream.stats
    received, sent = stats.user_in + stats.kernel_in, stats.user_out + stats.kernel_out
    since = max(0, int(now - (received.last_packet or stream.created)))
    peer = f"{stream.endpoint.address!s:>15}:{stream.endpoint.port:<5}" if stream.endpoint else f"{'':>15}:{0:<5}"
    local = f"{stream.local.address!s:>15}:{stream.local.port:<5}" if stream.local else ""
    rtcp = " (RTCP)" if stream.is_rtcp and not stream.is_rtp else ""
    return f"--------- Port {local} <> {peer}{rtcp}, in {_counted(received)}, {since} ts, out {_counted(sent)}"


def _counted(counters: Counters) -> str:
    return f"{counters.packets} p, {counters.bytes} b, {counters.errors} e"


def _source_lines(media: Media, begun: float) -> Iterator[str]:
    for stream in media.streams:
        for source in stream.stats.sources:
            yield (f"--------- SSRC {source.ssrc:x}: {source.packets} p, {source.bytes} b, lost {source.lost}, "
                   f"duplicate {source.duplicates}, out of order {source.reordered}")
            history = heard_of(media, source.ssrc)
            if history:
                yield from _quality_lines(history, begun)


def _quality_lines(history: History, begun: float) -> Iterator[str]:
    """How the source was heard, once there is a score; ``begun`` is when the call did."""
    low, high = history.lowest, history.highest
    if low is None or high is None:
        return
    three = (history.average, low, high)
    yield (f"------ Average MOS {_tenths(three[0].mos)}, lowest MOS {_tenths(low.mos)} (at {_age(low.at - begun)}), "
           f"highest MOS {_tenths(high.mos)} (at {_age(high.at - begun)}) lost:{history.lost}")
    trips, legs = ("/".join(f"{each / 1000:.1f}" for each in times)
                   for times in ([each.round_trip for each in three], [each.leg for each in three]))
    yield (f"------ respective (avg/min/max) jitter {'/'.join(str(each.jitter) for each in three)} ms, "
           f"RTT-e2e {trips} ms, RTT-dsct {legs} ms, packet loss {'/'.join(str(each.loss) for each in three)}%")


def _tenths(score: int) -> str:
    return f"{score // 10}.{score % 10}"


def _age(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02d}"
