# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the packets of a call go where they go, or nowhere: ``rtpengine-ctl explain CALLID``.

For each socket: which engine serves it and why not the kernel, whose packets are let in, where its party was found,
what came, what was dropped and why. Suites are named, keys are not.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from controlplane.addresses import Endpoint
from controlplane.dataplane.look import DROPS, Look
from controlplane.events import Mismatch, WantedTarget
from controlplane.report.text import clean
from controlplane.session import timeouts
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.settings import SessionSettings
from controlplane.session.stream import Stream


def explain(call: Call, settings: SessionSettings, now: float, look: Callable[[Endpoint], Look]) -> Iterator[str]:
    """The lines about a call; ``look`` tells what the engines do with a socket, ``now`` is Unix time in seconds."""
    yield f"Call {clean(call.call_id)}, {_ago(call.created, now)} old, last signalled {_ago(call.last_signal, now)} ago"
    yield f"  {_end(call, settings, now)}"
    if call.drop_traffic:
        yield "  all its packets are dropped (drop-traffic)"
    for party in call.parties:
        yield f"Party '{clean(party.tag)}'" + ("" if party.linked else ", which nobody talks with")
        for media in party.medias:
            profile = clean(media.protocol) or "no profile yet"
            yield f"  Medium {media.index}: {clean(media.type)}, {profile}{_words(media)}"
            for stream in media.streams:
                if stream.local is not None:
                    yield from (f"    {line}" for line in _stream(media, stream, stream.local, now, look(stream.local)))


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


def _stream(media: Media, stream: Stream, local: Endpoint, now: float, look: Look) -> Iterator[str]:
    yield f"{stream.name} on {local}"
    yield f"  sent to: {_destination(stream)}"
    if look.wanted is None:
        yield "  in no engine: nobody has been told of this port yet"
        return
    yield f"  let in: {_admitted(look.wanted, stream)}"
    yield f"  engine: {_engine(stream, look)}"
    stats = stream.stats
    received, sent = stats.user_in + stats.kernel_in, stats.user_out + stats.kernel_out
    last = f", the last {_ago(received.last_packet, now)} ago" if received.packets else ""
    yield (f"  received {received.packets} packets ({stats.kernel_in.packets} in the accelerator){last}; "
           f"sent {sent.packets} ({stats.kernel_out.packets})")
    dropped = look.drops()
    if dropped:
        yield "  dropped: " + ", ".join(f"{count} {DROPS[number]}" for number, count in dropped)


def _destination(stream: Stream) -> str:
    if stream.endpoint is None:
        return "nowhere, as its party has not said where it is"
    if stream.pathless:
        return "nowhere, as ICE has found no way"
    if stream.destination is None:
        return f"nowhere, as {stream.endpoint} is no address to send to"
    if stream.learned is None or stream.advertised == stream.endpoint:
        return f"{stream.endpoint}, as the SDP said"
    return f"{stream.endpoint}, where its packets come from; the SDP said {stream.advertised}"


def _admitted(wanted: WantedTarget, stream: Stream) -> str:
    """Whose packets the target takes."""
    if wanted.discard:
        return "nobody's packets"
    if wanted.best_rank is not None:
        return "anybody's, until it is clear where the party is" if wanted.mismatch is not Mismatch.DROP else \
            "the best source's so far, until it is clear where the party is"
    if wanted.expected_source is not None and wanted.mismatch is Mismatch.DROP:
        return " and ".join(map(str, (wanted.expected_source, *wanted.sources)))
    who = "anybody's who has the keys" if wanted.decrypt is not None else "anybody's"
    return who + (", to learn where the party is" if stream.learning else "")


def _engine(stream: Stream, look: Look) -> str:
    wanted = look.wanted
    assert wanted is not None
    if look.fast is not None:
        return "the accelerator (kernel module or NFQUEUE)"
    if not look.accelerated:
        why = "there is no accelerator"
    elif look.held:
        why = "the accelerator did not forward it; it gets another try later"
    elif not (wanted.rtp_outputs or wanted.rtcp_outputs):
        why = "there is nowhere to send its packets to"
    elif not stream.confirmed:
        why = "it is not clear yet where the party is"
    elif not wanted.offload or wanted.learning:
        why = "it is not clear yet where the other party is"
    else:
        why = "the accelerator refused it; see the log"
    return f"user space, as {why}"
