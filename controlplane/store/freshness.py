# SPDX-License-Identifier: GPL-3.0-or-later
"""When the document of a call is too old although nothing was signalled: SRTP goes on counting."""
from __future__ import annotations

from controlplane.session.call import Call

MAX_PACKETS = 8192
"""A quarter of what a receiver of SRTP can be behind without losing the roll-over counter (RFC 3711 section 3.3.1)."""
MAX_AGE = 300.0


def packets_of(call: Call) -> int:
    """What has come in to the busiest stream of the call."""
    return max([stream.stats.user_in.packets + stream.stats.kernel_in.packets
                for media in call.medias for stream in media.streams], default=0)


def is_stale(call: Call, packets: int, now: float) -> bool:
    """True if it is to be written again, as that many ``packets`` have come to its busiest stream since."""
    if not packets or not any([media.keys is not None for media in call.medias]):
        return False
    return packets >= MAX_PACKETS or now - call.stored_at >= MAX_AGE
