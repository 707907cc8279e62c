# SPDX-License-Identifier: GPL-3.0-or-later
"""When a call is over although nobody said so: no media, or too old."""
from __future__ import annotations

from math import inf
from typing import NamedTuple

from controlplane.session.call import Call
from controlplane.session.settings import SessionSettings
from controlplane.session.trail import HEARD, SILENT as MISSED

REGULAR, FORCED, UNKNOWN = "REGULAR", "FORCED", "UNKNOWN"
TIMEOUT, SILENT_TIMEOUT, OFFER_TIMEOUT, FINAL_TIMEOUT = (
    "TIMEOUT", "SILENT_TIMEOUT", "OFFER_TIMEOUT", "FINAL_TIMEOUT")

ANSWERED, PENDING, SILENT = "answered", "pending", "silent"
_REASONS = {ANSWERED: TIMEOUT, PENDING: OFFER_TIMEOUT, SILENT: SILENT_TIMEOUT}


class Verdict(NamedTuple):
    """Why the call ends (None: it goes on), and when it is to be looked at again (Unix time in seconds).

    ``patience``: for how many seconds it may be without packets, if that is what would end it then, else 0.
    """

    reason: str | None
    next_at: float
    patience: float = 0.0


def judge(call: Call, settings: SessionSettings, now: float) -> Verdict:
    """What is to become of ``call``: final timeout, due deletion, then lack of media."""
    final_at = call.created + settings.final_timeout if settings.final_timeout > 0 else inf
    if now >= final_at:
        return Verdict(FINAL_TIMEOUT, inf)
    if call.foreign:  # who has it takes care of it
        return Verdict(None, final_at)
    if call.deleted_at is not None and now >= call.deleted_at:
        return Verdict(REGULAR, inf)
    deletions = [call.deleted_at, *[party.deletion_at for party in call.parties]]
    pending = [at for at in deletions if at is not None and at > now]
    if pending:
        return Verdict(None, min(final_at, *pending))
    verdict = _media_verdict(call, settings, now)
    if verdict.next_at > final_at:
        return Verdict(verdict.reason, final_at)
    return verdict


def _media_verdict(call: Call, settings: SessionSettings, now: float) -> Verdict:
    """A fresh stream we may receive on keeps the call; a fresh silent one only if no such stream has its SDP."""
    limits = {ANSWERED: settings.timeout, PENDING: settings.offer_timeout, SILENT: settings.silent_timeout}
    until = {ANSWERED: -inf, PENDING: -inf, SILENT: -inf}
    kind = None
    for kind, last in _activity(call):
        until[kind] = max(until[kind], last + limits[kind])
    if kind is None:
        # Left behind by an offer that failed: no media will ever end it.
        kind = PENDING
        until[kind] = call.last_signal + limits[kind]
    keeps = max(until[ANSWERED], until[PENDING])
    if until[ANSWERED] == -inf:
        keeps = max(keeps, until[SILENT])
    if keeps <= now:
        return Verdict(_REASONS[kind], inf)
    keeper = ANSWERED if keeps == until[ANSWERED] else PENDING if keeps == until[PENDING] else SILENT
    return Verdict(None, keeps, limits[keeper])


def _activity(call: Call) -> list[tuple[str, float]]:
    """Kind and last activity of each stream, leaving out branches that lost the race for the answer."""
    found = []
    linked = any(party.linked for party in call.parties)
    for party in call.parties:
        if linked and not party.linked:
            continue
        for media in party.medias:
            for stream in media.streams:
                if stream.is_rtcp and not stream.is_rtp and media.mux:
                    continue
                if stream.local is None or not media.recv:
                    kind = SILENT
                else:
                    kind = ANSWERED if stream.filled else PENDING
                found.append((kind, stream.last_packet))
    return found


def warn(call: Call, verdict: Verdict, now: float) -> None:
    """Note that half of the patience with a call is over, or that its packets are back."""
    missed = verdict.next_at - now < verdict.patience / 2
    if missed != call.missed:
        call.missed = missed
        call.trail.note(now, MISSED if missed else HEARD, (verdict.patience, verdict.next_at - now))
