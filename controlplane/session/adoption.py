# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on with calls that another process has had."""
from __future__ import annotations

from controlplane.errors import PeerError
from controlplane.session.call import Call
from controlplane.session.calls import Calls
from controlplane.session.trail import OWNED, RESTORED


def adopt(calls: Calls, call: Call, now: float) -> None:
    """Serve ``call``, whose sockets are open, from now on; no packet is missed yet. PeerError if its ID is in use."""
    if calls.find(call.call_id) is not None:
        raise PeerError(f"Call-ID in use: {call.call_id[:80]!r}")
    calls.calls[call.call_id] = call
    call.trail.note(now, RESTORED, ())
    for call_id in call.aliases:
        calls.merged[call_id] = call.call_id
    for media in call.medias:
        for stream in media.streams:
            stream.created = max(stream.created, now)
    calls.changed(call, call.last_signal, now)


def take_over(call: Call, now: float) -> None:
    """The call is ours, and of all who think that of it nobody has signalled later.

    Its parties may have to find us first: for one timeout nobody misses their media.
    """
    call.foreign = False
    call.trail.note(now, OWNED, (True,))
    call.last_signal = max(call.last_signal, now) + 1e-6
    for media in call.medias:
        for stream in media.streams:
            stream.created = max(stream.created, now)


def stand_by(call: Call, now: float) -> None:
    """Another process has the call from now on."""
    call.foreign = True
    call.trail.note(now, OWNED, (False,))
    call.last_signal = max(call.last_signal, now)
