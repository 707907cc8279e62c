# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on with calls that another process has had."""
from __future__ import annotations

from controlplane.errors import PeerError
from controlplane.session.call import Call
from controlplane.session.calls import Calls


def adopt(calls: Calls, call: Call, now: float) -> None:
    """Serve ``call``, whose sockets are open, from now on; no packet is missed yet. PeerError if its ID is in use."""
    if calls.find(call.call_id) is not None:
        raise PeerError(f"Call-ID in use: {call.call_id[:80]!r}")
    calls.calls[call.call_id] = call
    for call_id in call.aliases:
        calls.merged[call_id] = call.call_id
    for media in call.medias:
        for stream in media.streams:
            stream.created = max(stream.created, now)
    calls.changed(call, call.last_signal, now)
