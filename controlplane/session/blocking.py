# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept from going on: media, DTMF events or speech, of a call, a party or one flow (ng ``block media``)."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from controlplane.errors import PeerError
from controlplane.events import PayloadRule
from controlplane.ng.request import Request
from controlplane.session.call import Call
from controlplane.session.media import Link, Media, find_link
from controlplane.session.party import Party
from controlplane.session.selection import find_party

MEDIA: Final = "media"
DTMF: Final = "DTMF"
SILENCE: Final = "silence"
"""Members of ``blocks`` of a call, a party or a link."""

_WHAT = {"block media": MEDIA, "unblock media": MEDIA, "silence media": SILENCE, "unsilence media": SILENCE,
         "block DTMF": DTMF, "unblock DTMF": DTMF}
COMMANDS = tuple(_WHAT)
_DIRECTIONAL = frozenset(("block media", "unblock media", "block DTMF", "unblock DTMF"))
_FLOWS = {"offer-answer": (True,), "except-offer-answer": (False,), "flows": (True, False)}
EVENTS: Final = "telephone-event"
_SILENT = {"pcmu": b"\xff", "pcma": b"\xd5", "g722": b"\xfa"}


def change(call: Call, request: Request) -> None:
    """Carry out one of COMMANDS. PeerError if what it is about does not exist."""
    what = _WHAT[request.command]
    on = not request.command.startswith("un")
    if what == DTMF and on and request.dtmf_security not in (None, "drop"):
        if request.dtmf_security != "off":
            raise PeerError("unsupported")  # DTMF would have to be replaced by something else
        on = False
    party = None
    if request.all != "all":
        party = find_party(call, request, needs_directional=request.command in _DIRECTIONAL)
    if party is None:
        call.blocks = _with(call.blocks, what, on)
        if request.all == "all" and not on:
            for each in call.parties:
                each.blocks = _with(each.blocks, what, on)
    elif (links := _flows(call, party, request)) is None:
        party.blocks = _with(party.blocks, what, on)
    else:
        for link in links:
            link.blocks = _with(link.blocks, what, on)


def block_dtmf(party: Party, request: Request) -> None:
    """The flag ``block-DTMF`` of an offer or answer, for the party that sends it."""
    if request.dtmf_security in (None, "drop", "off"):
        party.blocks = _with(party.blocks, DTMF, request.dtmf_security != "off")
    else:
        request.note_unsupported(f"DTMF-security={request.dtmf_security}")


def _with(blocks: frozenset[str], what: str, on: bool) -> frozenset[str]:
    return blocks | {what} if on else blocks - {what}


def _flows(call: Call, party: Party, request: Request) -> list[Link] | None:
    """The flows from ``party`` that are meant; None: the party as such. PeerError if there are none."""
    kinds = _FLOWS.get(request.all or "")
    if kinds is not None:
        links = [link for link in _links(party) if link.answers in kinds]
        if not links:
            raise PeerError("No eligible media subscriptions found")
        return links
    if request.to_tag is None and request.to_label is None:
        return None
    sink, name = None, "to-tag"
    if request.to_tag is not None:
        sink = call.tags.get(request.to_tag)
    else:
        name = "to-label"
        sink = next((each for each in call.parties if each.label == request.to_label), None)
    if sink is None:
        raise PeerError(f"Media flow not found ({name} not found)")
    links = [link for media in party.medias for other in sink.medias if (link := find_link(media, other)) is not None]
    if not links:
        raise PeerError("Media flow not found (to-tag not subscribed)")
    return links


def _links(party: Party) -> Iterator[Link]:
    for media in party.medias:
        yield from media.sinks


def payload_rules(media: Media, blocks: frozenset[str]) -> tuple[PayloadRule, ...]:
    """What is done to the payload types that the party sends: events are left out, speech is overwritten.

    Codecs without a byte that means silence go on as they are.
    """
    found = []
    for codec in media.sends:
        name = codec.encoding.lower()
        if DTMF in blocks and name == EVENTS:
            found.append(PayloadRule(codec.number, True))
        elif SILENCE in blocks and name in _SILENT:
            found.append(PayloadRule(codec.number, False, _SILENT[name]))
    return tuple(found)
