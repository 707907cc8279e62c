# SPDX-License-Identifier: GPL-3.0-or-later
"""How each stream of a call stands, and why: where its party is, whose packets are let in, who serves it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.dataplane.icmp import Report
from controlplane.dataplane.look import DROPS, Look
from controlplane.events import Mismatch, WantedTarget
from controlplane.report.model import State
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.stream import Stream

UNTOLD = "nobody has been told of this port yet"
ACCELERATOR, USER_SPACE, NO_ENGINE = "the accelerator", "user space", "no engine"


def state(media: Media, stream: Stream, look: Look) -> State:
    """All of it; ``look`` is what the engines do with the stream's socket."""
    path, reason = _whereabouts(media, stream)
    reason += _unheard(stream, look)
    report = undelivered(stream, look)
    if report is not None:
        reason += f"; {report}"
    if look.wanted is None:
        return State(path, reason, "nobody's", NO_ENGINE, UNTOLD)
    return State(path, reason, admitted(look.wanted, stream), *engine(stream, look))


def states(call: Call, look: Callable[[Endpoint], Look]) -> dict[Endpoint, State]:
    """Those of a call by their sockets; those of a bundle are its head's."""
    return {stream.local: state(media, stream, look(stream.local)) for media in call.medias
            if media.carrier is media for stream in media.streams if stream.local is not None}


def with_states(reply: dict[str, Any], found: dict[Endpoint, State]) -> dict[str, Any]:
    """The reply to ``query`` with the state of each stream that has a socket."""
    by_place = {(str(local.address), local.port): each for local, each in found.items()}
    for party in reply.get("tags", {}).values():
        for media in party["medias"]:
            for stream in media["streams"]:
                each = by_place.get((stream.get("local address"), stream.get("local port")))
                if each is not None:
                    stream["state"] = each.document()
    return reply


def _whereabouts(media: Media, stream: Stream) -> tuple[str, str]:
    ice = media.carrier.ice
    if stream.pathless:
        why = ice.agent.why if ice is not None else ""
        return "unreachable", "ICE has found no way" + (f": {why}" if why else "")
    if stream.endpoint is None:
        return "waiting", "its party has not said where it is"
    if ice is not None:
        return ("confirmed", "ICE has chosen the path") if stream.learned is not None else (
            "checking", f"ICE {media.carrier.ice_state}")
    if stream.destination is None:
        return "waiting", f"{stream.endpoint} is no address to send to"
    word = "confirmed" if stream.confirmed else "learning" if stream.learning else "announced"
    if stream.learned is None:
        return word, "the SDP says so"
    return word, "its packets come from where the SDP says" if stream.learned == stream.advertised else \
        f"its packets come from {stream.learned}, the SDP says {stream.advertised}"


def _unheard(stream: Stream, look: Look) -> str:
    """Why nothing of what its party sends is known, if so."""
    stats = stream.stats
    received, sent = stats.user_in + stats.kernel_in, stats.user_out + stats.kernel_out
    dropped = look.drops()
    if received.packets or not (dropped or sent.packets):
        return ""
    if not dropped:
        return f"; nothing has come from it, and {sent.packets} packets went there"
    return "; nothing was let in: " + ", ".join([f"{count} {DROPS[number]}" for number, count in dropped])


def undelivered(stream: Stream, look: Look) -> Report | None:
    """What others say of the place to which its party's packets go now."""
    report = look.unreachable
    return report if report is not None and report.refused.remote == stream.endpoint else None


def admitted(wanted: WantedTarget, stream: Stream) -> str:
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


def engine(stream: Stream, look: Look) -> tuple[str, str]:
    """Who serves it, and why not the accelerator."""
    wanted = look.wanted
    assert wanted is not None
    if look.fast is not None:
        return ACCELERATOR, ""
    if not look.accelerated:
        why = "there is no accelerator"
    elif look.held:
        why = f"{look.held}; it is tried again in {look.pause} s, and 'rtpengine-ctl doctor' looks for the cause"
    elif not (wanted.rtp_outputs or wanted.rtcp_outputs):
        why = "there is nowhere to send its packets to"
    elif not stream.confirmed:
        why = "it is not clear yet where the party is"
    elif not wanted.offload or wanted.learning:
        why = "it is not clear yet where the other party is"
    else:
        why = "the accelerator refused it; see the log"
    return USER_SPACE, why
