# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has RTP and RTCP on one port (RFC 5761, ng ``rtcp-mux``)."""
from __future__ import annotations

from collections.abc import Collection

from controlplane.session.media import Media


def offer_mux(receiver: Media, asked: bool, words: Collection[str], *, together: bool = False) -> None:
    """Decide what the receiver is offered and whether the sender, who ``asked`` or not, will get it from this branch.

    A receiver that multiplexes, or was offered to in an offer before, goes on doing so. If another section of the body
    does (``together``), this one is offered no separate port either. ``words``: offer, require, demux, accept, reject.
    """
    required = "require" in words or receiver.mux_expected
    receiver.mux_offered = required or "offer" in words or (asked and "demux" not in words)
    receiver.mux_required = required or (together and receiver.mux_offered)
    receiver.mux_answer = _answer(asked, {*words, "require"} if required else words)


def _answer(asked: bool, words: Collection[str]) -> bool | None:
    """What the sender of an offer will be told; None: whatever the receiver answers."""
    if not asked or "reject" in words:
        return False
    if "accept" in words or ("demux" in words and "require" not in words):
        return True
    return None


def answer_mux(sender: Media, receiver: Media, accepted: bool) -> None:
    """The sender answered an offer: settle both sides."""
    sender.mux_expected = accepted
    sender.set_mux(accepted and sender.mux_offered)
    receiver.set_mux(sender.mux if sender.mux_answer is None else sender.mux_answer)
    receiver.mux_expected = receiver.mux
