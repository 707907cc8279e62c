# SPDX-License-Identifier: GPL-3.0-or-later
"""Which two parties an offer or answer is between (SIP tags, via-branches, forks)."""
from __future__ import annotations

from typing import NamedTuple

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.session.call import AliasKey, Call
from controlplane.session.party import FROM_TAG, TO_TAG, UNKNOWN, Party, associate, dissociate


class Dialogue(NamedTuple):
    """``sender`` wrote the SDP, ``receiver`` will get it rewritten."""

    sender: Party
    receiver: Party


def match_offer(call: Call, request: Request, from_tag: str, now: float, key: AliasKey | None = None) -> Dialogue:
    """The parties of an offer, created if need be. PeerError if both are the same, or if there are too many.

    ``key`` tells whether an unknown from-tag is another name of somebody known.
    """
    sender = call.tags.get(from_tag)
    receiver = call.tags.get(request.to_tag) if request.to_tag else None
    if sender is None:
        sender = _aliased(call, receiver, key, from_tag) or _half_known(call, receiver, from_tag)
    if receiver is None and sender is not None:
        receiver = _branch_receiver(call, request, sender)
    sender = sender or call.add_party(now, from_tag)
    receiver = receiver or call.add_party(now, branch=request.via_branch)
    if key is not None:
        call.remember(key, sender)
    _check_different(sender, receiver)
    sender.type = FROM_TAG
    receiver.final = False
    associate(sender, receiver)
    return Dialogue(sender, receiver)


def _aliased(call: Call, receiver: Party | None, key: AliasKey | None, from_tag: str) -> Party | None:
    """The party that offered the same under another tag: ``from_tag`` is a further name of it."""
    party = call.alias_keys.get(key) if key is not None else None
    if party is None or party is receiver:
        return None
    call.add_alias(party, from_tag)
    return party


def _half_known(call: Call, receiver: Party | None, from_tag: str) -> Party | None:
    """The untagged party that ``receiver`` talks to: it now has a name."""
    for peer in receiver.peers if receiver is not None else ():
        if peer.tag is None:
            call.set_tag(peer, from_tag)
            return peer
    return None


def _branch_receiver(call: Call, request: Request, sender: Party) -> Party | None:
    """The party that an offer without a known to-tag goes to; None for a new one."""
    if request.via_branch:
        owner = call.by_branch(request.via_branch)
        return None if owner is sender else owner
    if request.to_tag:
        return None
    return sender.peers[0] if sender.peers else None


def match_answer(call: Call, request: Request, from_tag: str, to_tag: str, now: float) -> Dialogue:
    """The parties of an answer; both are cut off from whomever else they talked to. PeerError if both are the same."""
    offerer = call.tags.get(from_tag) or call.add_party(now, from_tag)
    answerer = call.tags.get(to_tag) or _tag_branch(call, request, offerer, to_tag) or call.add_party(now, to_tag)
    _check_different(answerer, offerer)
    answerer.type = TO_TAG
    if offerer.type == UNKNOWN:
        offerer.type = FROM_TAG
    if request.sip_message_type == "response" and request.sip_code >= 200:
        answerer.final = True
    for party, partner in ((offerer, answerer), (answerer, offerer)):
        for other in [peer for peer in party.peers if peer is not partner]:
            dissociate(party, other)
    associate(offerer, answerer)
    return Dialogue(answerer, offerer)


def _tag_branch(call: Call, request: Request, offerer: Party, to_tag: str) -> Party | None:
    """The branch of ``offerer`` that answers with a tag nobody has yet; None for a separate new party."""
    owner = call.by_branch(request.via_branch)
    if owner is None or owner is offerer:
        owner = next((peer for peer in offerer.peers if peer.tag is None), None)
        if owner is None and offerer.peers:
            owner = offerer.peers[0]
    if owner is None:
        return None
    renamed = owner.tag is not None
    if renamed and ("new-branch" in request.flags or (owner.final and "provisional" not in request.flags)):
        return None
    call.set_tag(owner, to_tag)
    return owner


def _check_different(one: Party, other: Party) -> None:
    if one is other:
        raise PeerError("Invalid dialogue association")
