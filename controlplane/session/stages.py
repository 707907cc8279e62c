# SPDX-License-Identifier: GPL-3.0-or-later
"""How far encryption, DTLS and ICE of a medium are, noted whenever that has changed."""
from __future__ import annotations

from controlplane.addresses import Endpoint
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.trail import PATH, STATE

Ways = list[tuple[Endpoint | None, Endpoint | None]]
_DOUBT = "?"
_NAMES = ("SRTP", "DTLS", "ICE")


def note_stages(call: Call, media: Media, now: float) -> None:
    """Note what is not as it was noted last.

    A reason alone changes nothing: whoever reaches the port could fill the trail with them. In a bundle the head tells
    of all.
    """
    if media.carrier is not media:
        return
    stages = _stages(media)
    before = media.noted
    if stages == before:
        return
    media.noted = stages
    tag, shown = call.tag_of(media), (media.srtp_state, _dtls(media), media.ice_state)
    for name, was, present, text in zip(_NAMES, before, stages, shown):
        if present != was:
            call.trail.note(now, STATE, (tag, media.index, name, text))


def _stages(media: Media) -> tuple[str, ...]:
    """Those of _NAMES, without any reason, but that there comes to be one for ICE to say at last."""
    dtls, ice = media.dtls, media.ice
    return (media.srtp_state, dtls.state if dtls is not None and dtls is media.keys else "",
            f"{ice.agent.phase.value}{_DOUBT * ice.agent.evidence.doubtful}" if ice is not None else "")


def _dtls(media: Media) -> str:
    """What it lacks as it begins is not worth noting."""
    dtls = media.dtls
    return ": ".join(filter(None, (dtls.state, dtls.reason))) if dtls is not None and dtls is media.keys else ""


def ways_of(media: Media) -> Ways:
    """Where the packets of each component come to, and where they come from."""
    return [(stream.local, stream.learned) for stream in media.streams[:2]]


def note_ways(call: Call, media: Media, before: Ways, now: float) -> None:
    """Note which components have moved since they were as ``before``."""
    for way, (local, learned) in zip(before, ways_of(media)):
        if way != (local, learned) and local is not None and learned is not None:
            call.trail.note(now, PATH, (call.tag_of(media), media.index, local, learned))
