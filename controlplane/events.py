# SPDX-License-Identifier: GPL-3.0-or-later
"""What the data plane tells the sessions, and what the sessions want from it.

Only values: no layer's behaviour lives here, so every layer may import it.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from controlplane.addresses import Endpoint


class Mismatch(IntEnum):
    """What happens to a packet whose source is not the expected one."""

    IGNORE = 0
    DROP = 1
    PROPAGATE = 2


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """One copy of what a target receives: sent from ``source`` (a local socket) to ``destination``."""

    source: Endpoint
    destination: Endpoint
    tos: int = 0


@dataclass(frozen=True, slots=True)
class WantedTarget:
    """What one local socket is to do with the packets it receives.

    ``rtp_outputs`` get RTP and, for a medium that is not RTP, everything; ``rtcp_outputs`` get RTCP.
    ``expected_source`` is compared only if set. ``learning`` asks for a SourceSeen event on every change of
    source. ``offload`` allows an accelerator (kernel module, NFQUEUE) to take the stream over.
    ``payload_types`` maps payload type to clock rate in Hz (at most 32 are used).
    """

    local: Endpoint
    rtp_outputs: tuple[WantedOutput, ...] = ()
    rtcp_outputs: tuple[WantedOutput, ...] = ()
    expected_source: Endpoint | None = None
    mismatch: Mismatch = Mismatch.IGNORE
    is_rtp: bool = True
    learning: bool = False
    offload: bool = False
    discard: bool = False
    payload_types: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class ChangeSet:
    """Difference between two moments of the sessions: targets to install or replace, sockets to close."""

    wanted: dict[Endpoint, WantedTarget] = field(default_factory=dict)
    closed: list[Endpoint] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.wanted or self.closed)


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """A packet arrived on ``local`` from ``source``, which differs from the source reported before.

    ``at`` is Unix time in seconds. ``is_rtcp`` marks RTCP other than APP, from which the endpoint of an RTP
    stream must not be learned.
    """

    local: Endpoint
    source: Endpoint
    at: float
    is_rtcp: bool = False


@dataclass(frozen=True, slots=True)
class SocketFailed:
    """The socket on ``local`` cannot be used any more; ``errno`` says why."""

    local: Endpoint
    errno: int


@dataclass(frozen=True, slots=True)
class SsrcStats:
    """What a forwarding engine measured of one RTP source (RFC 3550 appendix A).

    ``extended_sequence`` counts wraps in its upper bits; ``jitter`` is in RTP timestamp units;
    ``last_packet`` is Unix time in seconds.
    """

    ssrc: int
    packets: int
    bytes: int
    lost: int
    duplicates: int
    reordered: int
    extended_sequence: int
    jitter: float
    last_payload_type: int
    last_timestamp: int
    last_packet: float


@dataclass(frozen=True, slots=True)
class Counters:
    """Packets, payload bytes and errors; ``last_packet`` is Unix time in seconds, 0 for never."""

    packets: int = 0
    bytes: int = 0
    errors: int = 0
    last_packet: float = 0.0

    def __add__(self, other: Counters) -> Counters:
        return Counters(self.packets + other.packets, self.bytes + other.bytes, self.errors + other.errors,
                        max(self.last_packet, other.last_packet))


@dataclass(frozen=True, slots=True)
class StreamStats:
    """All that is known of one local socket: received and sent, in user space and by the accelerator."""

    user_in: Counters = Counters()
    kernel_in: Counters = Counters()
    user_out: Counters = Counters()
    kernel_out: Counters = Counters()
    sources: tuple[SsrcStats, ...] = ()
    offloaded: bool = False
