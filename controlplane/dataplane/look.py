# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engines do with one socket, for an operator who asks."""
from __future__ import annotations

from typing import NamedTuple

from controlplane.dataplane.abi import TargetState
from controlplane.dataplane.icmp import Report
from controlplane.events import WantedTarget

DROPS = ("from elsewhere", "not authentic", "replayed or too old", "of too many sources", "of an unknown payload type",
         "malformed", "discarded as wanted", "that could not be sent on")
"""The reasons RTPE_DROP_* of kmod/uapi/rtpengine.h in words; of some the packets went on to user space."""


class Look(NamedTuple):
    """A socket's target and its state in the relay and in the accelerator, None where it is not.

    ``accelerated``: there is an accelerator; ``held``: how it has failed the stream, which it may have again in
    ``pause`` seconds. ``unreachable``: what the hosts on the way say.
    """

    wanted: WantedTarget | None
    relay: TargetState | None
    fast: TargetState | None
    accelerated: bool
    held: str
    pause: int = 0
    unreachable: Report | None = None

    def drops(self) -> list[tuple[int, int]]:
        """Number and count of each reason for which packets were dropped, by both engines since each has the target."""
        states = [state.drops for state in (self.relay, self.fast) if state is not None]
        counts = [sum(counts) for counts in zip(*states)]
        return [(number, count) for number, count in enumerate(counts) if count]


def why_not(wanted: WantedTarget) -> str:
    """Why an accelerator cannot have a target now, as far as the target tells."""
    if not (wanted.rtp_outputs or wanted.rtcp_outputs):
        return "there is nowhere to send its packets to"
    if wanted.learning:
        return "it is not clear where its party is"
    return "it is not clear where the other party is"
