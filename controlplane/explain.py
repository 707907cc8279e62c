# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the packets of a call go where they go, or nowhere: ``rtpengine-ctl explain CALLID``.

For each socket: which engine serves it and why not the kernel, whose packets are let in, where its party was found,
what came, what was dropped and why. Suites are named, keys are not.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from controlplane.addresses import Endpoint
from controlplane.chronicle import refusal
from controlplane.dataplane.look import DROPS, Look
from controlplane.report.text import clean
from controlplane.session import timeouts
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.settings import SessionSettings
from controlplane.session.stream import Stream
from controlplane.standing import NO_ENGINE, UNTOLD, admitted, engine, undelivered


def explain(call: Call, settings: SessionSettings, now: float, look: Callable[[Endpoint], Look],
            no_way: Callable[[Endpoint, Endpoint], str]) -> Iterator[str]:
    """The lines about a call.

    ``look`` tells what the engines do with a socket, ``no_way`` why nothing goes from a socket to a place, if so;
    ``now`` is Unix time in seconds.
    """
    yield f"Call {clean(call.call_id)}, {_ago(call.created, now)} old, last signalled {_ago(call.last_signal, now)} ago"
    yield f"  {_end(call, settings, now)}"
    for at, what in refusal(call.trail):
        yield f"  {_ago(at, now)} ago: {what}"
    if call.drop_traffic:
        yield "  all its packets are dropped (drop-traffic)"
    for party in call.parties:
        yield f"Party '{clean(party.tag)}'" + ("" if party.linked else ", which nobody talks with")
        for media in party.medias:
            profile = clean(media.protocol) or "no profile yet"
            yield f"  Medium {media.index}: {clean(media.type)}, {profile}{_words(media)}"
            if media.carrier is not media:
                yield f"    through the sockets of medium {media.carrier.index}, in a bundle"
                continue
            for stream in media.streams:
                if stream.local is not None:
                    hindrance = no_way(stream.local, stream.destination) if stream.destination is not None else ""
                    yield from (f"    {line}" for line in _stream(
                        media, stream, stream.local, now, look(stream.local), hindrance))


def _ago(then: float, now: float) -> str:
    return f"{max(0.0, now - then):.1f} s"


def _end(call: Call, settings: SessionSettings, now: float) -> str:
    """What keeps the call, and until when."""
    if call.deleted_at is not None:
        return f"deleted, ends in {_ago(now, call.deleted_at)}"
    verdict = timeouts.judge(call, settings, now)
    if verdict.reason is not None:
        return f"ends at once: {verdict.reason}"
    if verdict.next_at == inf:
        return "does not end by itself"
    return f"ends in {_ago(now, verdict.next_at)} if no more packets come"


def _words(media: Media) -> str:
    """How far encryption and ICE are, and what was asked for."""
    states = [("SRTP", media.srtp_state), ("DTLS", media.dtls_state), ("ICE", media.ice_state)]
    words = [f"{name} {state}" for name, state in states if state]
    words += [word for word, is_so in (
        ("handed on as it is", media.passthrough), ("echoed", media.echo), ("discarded", media.blackhole),
        ("rejected", media.mapping is None), ("not to be sent to us", not media.recv),
        ("not to be sent to it", not media.send)) if is_so]
    return "".join(f"; {word}" for word in words)


def _stream(media: Media, stream: Stream, local: Endpoint, now: float, look: Look, hindrance: str) -> Iterator[str]:
    yield f"{stream.name} on {local}"
    yield f"  sent to: {_destination(media, stream)}"
    if hindrance:
        yield f"  it cannot be sent from here: {hindrance}"
    report = undelivered(stream, look)
    if report is not None:
        yield f"  it does not arrive: {report} ({report.times} times, the last {_ago(report.at, now)} ago)"
    if look.wanted is None:
        yield f"  in {NO_ENGINE}: {UNTOLD}"
        return
    yield f"  let in: {admitted(look.wanted, stream)}"
    served, why = engine(stream, look)
    yield f"  engine: {served}, as {why}" if why else f"  engine: {served} (kernel module or NFQUEUE)"
    stats = stream.stats
    received, sent = stats.user_in + stats.kernel_in, stats.user_out + stats.kernel_out
    last = f", the last {_ago(received.last_packet, now)} ago" if received.packets else ""
    yield (f"  received {received.packets} packets ({stats.kernel_in.packets} in the accelerator){last}; "
           f"sent {sent.packets} ({stats.kernel_out.packets})")
    dropped = look.drops()
    if dropped:
        yield "  dropped: " + ", ".join(f"{count} {DROPS[number]}" for number, count in dropped)


def _destination(media: Media, stream: Stream) -> str:
    if stream.endpoint is None:
        return "nowhere, as its party has not said where it is"
    if stream.pathless:
        return "nowhere, as ICE has found no way"
    if stream.destination is None:
        return f"nowhere, as {stream.endpoint} is no address to send to"
    if media.carrier.ice is not None and stream.learned is not None:
        return f"{stream.endpoint}, which ICE has chosen"
    if stream.learned is None or stream.advertised == stream.endpoint:
        return f"{stream.endpoint}, as the SDP said"
    return f"{stream.endpoint}, where its packets come from; the SDP said {stream.advertised}"
