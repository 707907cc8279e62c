# SPDX-License-Identifier: GPL-3.0-or-later
"""What the data plane tells the sessions, and what the sessions want from it.

Only values: no layer's behaviour lives here, so every layer may import it. Those that come by the dozen with every
call are named tuples, which are made and compared at a fraction of the cost of a dataclass, or plain classes, which
are made at a fraction of that once they are compiled.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

from controlplane.addresses import Endpoint


class Mismatch(IntEnum):
    """What happens to a packet whose source is not the expected one."""

    IGNORE = 0
    DROP = 1
    PROPAGATE = 2


NO_RANK: Final = 4
"""Worse than every rank: no source was seen yet."""


class SrtpKeys(NamedTuple):
    """Keys and parameters of SRTP in one direction (RFC 3711).

    ``cipher`` and ``hmac`` are RTPE_CIPHER_* and RTPE_HMAC_* of kmod/uapi/rtpengine.h; ``rtp_tag`` and ``rtcp_tag``
    the bytes of an authentication tag; ``flags`` RTPE_SRTP_* (session parameters of RFC 4568 section 6.3).
    """

    cipher: int
    hmac: int
    key: bytes
    salt: bytes
    rtp_tag: int
    rtcp_tag: int
    mki: bytes = b""
    flags: int = 0

    def __repr__(self) -> str:
        return f"SrtpKeys(cipher={self.cipher}, hmac={self.hmac})"


class KeyIndex(NamedTuple):
    """How far the packets of one SSRC have come under a key with its salt; ``sent``: by us, else by a party.

    ``rtp`` and ``rtcp`` are one more than the highest index used (RFC 3711: ROC * 65536 + sequence number), 0 for none.
    """

    sent: bool
    key: bytes
    ssrc: int
    rtp: int = 0
    rtcp: int = 0


class Extensions(NamedTuple):
    """What becomes of the header extensions (RFC 8285) of a sent packet.

    ``kept`` are the ids of those that go on. ``mid``, if set, is put in: the id of its extension and its text
    (RFC 9143).
    """

    kept: tuple[int, ...]
    mid: tuple[int, str] | None = None


class PayloadRule(NamedTuple):
    """What becomes of one RTP payload type: not sent if ``dropped``, else overwritten with ``pattern`` unless empty."""

    number: int
    dropped: bool = False
    pattern: bytes = b""


class WantedOutput:
    """One copy of what a target receives: sent from ``source`` (a local socket) to ``destination``.

    ``follow``: to where the packets of ``source`` come from, as soon as the relay has learned that. ``encrypt``: as
    SRTP. ``strip_feedback``: RTCP goes without its feedback messages (RFC 4585). ``extensions``: None copies the header
    extensions as they are. ``rules``: at most one for each payload type. ``ssrc_mask``: every source gets another SSRC,
    its own with these bits (of 32) turned over, in RTCP too.
    """

    def __init__(self, source: Endpoint, destination: Endpoint, tos: int = 0, follow: bool = False,
                 encrypt: SrtpKeys | None = None, strip_feedback: bool = False, extensions: Extensions | None = None,
                 rules: tuple[PayloadRule, ...] = (), ssrc_mask: int = 0) -> None:
        self.source = source
        self.destination = destination
        self.tos = tos
        self.follow = follow
        self.encrypt = encrypt
        self.strip_feedback = strip_feedback
        self.extensions = extensions
        self.rules = rules
        self.ssrc_mask = ssrc_mask

    @property
    def values(self) -> tuple[Any, ...]:
        """All of it, in the order of the parameters."""
        return (self.source, self.destination, self.tos, self.follow, self.encrypt, self.strip_feedback,
                self.extensions, self.rules, self.ssrc_mask)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WantedOutput) and self.values == other.values

    def __repr__(self) -> str:
        return f"WantedOutput{self.values}"


class BundledMedia(NamedTuple):
    """One of the media that share a socket (RFC 9143): how its packets are told from others, and where they go.

    Packets belong to the medium that their MID element names, else to the one their SSRC was seen with before, else
    to the only one with their payload type, else to the first.
    """

    mid: str | None
    mid_extension: int | None
    payload_types: tuple[tuple[int, int], ...]
    rtp_outputs: tuple[WantedOutput, ...]
    rtcp_outputs: tuple[WantedOutput, ...]


class WantedTarget:
    """What one local socket is to do with the packets it receives.

    ``rtp_outputs`` get RTP and, for a medium that is not RTP, everything; ``rtcp_outputs`` get RTCP.
    ``expected_source`` is compared only if set; ``sources`` (at most 8 are used) are as good. ``learning`` asks for
    a SourceSeen event on every change of source. ``offload`` allows an accelerator (kernel module, NFQUEUE) to take
    the stream over.
    ``payload_types`` maps payload type to clock rate in Hz (at most 32 are used). ``best_rank``, if not None, has
    the relay rank sources against ``expected_source`` while learning (session/learning.py): the best rank so far, or
    NO_RANK; with Mismatch.DROP worse ones are dropped. ``decrypt``: what arrives is SRTP.
    ``stun`` and ``dtls``: packets of these protocols are handed up (PacketHanded), wherever they come from.
    ``bundle``: all media that share the socket, the one that the other fields describe first. ``reported``: payload
    types whose packets are copied to where RTCP is.
    """

    def __init__(self, local: Endpoint, rtp_outputs: tuple[WantedOutput, ...] = (),
                 rtcp_outputs: tuple[WantedOutput, ...] = (), expected_source: Endpoint | None = None,
                 mismatch: Mismatch = Mismatch.IGNORE, is_rtp: bool = True, learning: bool = False,
                 offload: bool = False, discard: bool = False, payload_types: tuple[tuple[int, int], ...] = (),
                 best_rank: int | None = None, decrypt: SrtpKeys | None = None,
                 bundle: tuple[BundledMedia, ...] = (), stun: bool = False, dtls: bool = False,
                 sources: tuple[Endpoint, ...] = (), reported: tuple[int, ...] = ()) -> None:
        self.local = local
        self.rtp_outputs = rtp_outputs
        self.rtcp_outputs = rtcp_outputs
        self.expected_source = expected_source
        self.mismatch = mismatch
        self.is_rtp = is_rtp
        self.learning = learning
        self.offload = offload
        self.discard = discard
        self.payload_types = payload_types
        self.best_rank = best_rank
        self.decrypt = decrypt
        self.bundle = bundle
        self.stun = stun
        self.dtls = dtls
        self.sources = sources
        self.reported = reported

    @property
    def values(self) -> tuple[Any, ...]:
        """All of it, in the order of the parameters."""
        return (self.local, self.rtp_outputs, self.rtcp_outputs, self.expected_source, self.mismatch, self.is_rtp,
                self.learning, self.offload, self.discard, self.payload_types, self.best_rank, self.decrypt,
                self.bundle, self.stun, self.dtls, self.sources, self.reported)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WantedTarget) and self.values == other.values

    def __repr__(self) -> str:
        return f"WantedTarget{self.values}"


class Datagram(NamedTuple):
    """A packet of our own, from the socket ``local``."""

    local: Endpoint
    destination: Endpoint
    data: bytes


class Expected(NamedTuple):
    """By what packets of ICE and DTLS for a socket are known, so that a flood of others does not hold them up.

    The passwords of either side, the secret that our cookies are made with, digests of the party's certificate.
    """

    passwords: tuple[str, ...]
    cookies: bytes
    fingerprints: tuple[bytes, ...]


class ChangeSet:
    """Difference between two moments of the sessions: targets to install or replace, sockets to close.

    ``expected`` says what packets are known by that are handed up, ``datagrams`` are sent after the targets are there.
    """

    wanted: dict[Endpoint, WantedTarget]
    closed: list[Endpoint]
    datagrams: list[Datagram]
    expected: dict[Endpoint, Expected]

    def __init__(self, wanted: dict[Endpoint, WantedTarget] | None = None,
                 closed: list[Endpoint] | None = None) -> None:
        self.wanted = {} if wanted is None else wanted
        self.closed = [] if closed is None else closed
        self.datagrams = []
        self.expected = {}

    def __bool__(self) -> bool:
        return bool(self.wanted or self.closed or self.datagrams or self.expected)


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


class PacketHanded(NamedTuple):
    """A packet of STUN or DTLS that came to ``local``, whose target asked for it; ``at`` is Unix time in seconds."""

    local: Endpoint
    source: Endpoint
    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class SocketFailed:
    """The socket on ``local`` cannot be used any more; ``errno`` says why."""

    local: Endpoint
    errno: int


class SsrcStats(NamedTuple):
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

    @property
    def negative(self) -> SsrcStats:
        """To be taken off what was counted since."""
        return self._replace(packets=-self.packets, bytes=-self.bytes, lost=-self.lost, duplicates=-self.duplicates,
                             reordered=-self.reordered, last_packet=0.0)


class Counters(NamedTuple):
    """Packets, payload bytes and errors; ``last_packet`` is Unix time in seconds, 0 for never."""

    packets: int = 0
    bytes: int = 0
    errors: int = 0
    last_packet: float = 0.0

    @property
    def negative(self) -> Counters:
        """To be taken off a sum."""
        return Counters(-self.packets, -self.bytes, -self.errors)

    @property
    def arrived(self) -> int:
        """Packets, and those that went wrong."""
        return self.packets + self.errors

    def __add__(self, other: Counters) -> Counters:  # type: ignore[override]  # sums, and nothing is appended
        if other == NOTHING:
            return self
        if self == NOTHING:
            return other
        return Counters(self.packets + other.packets, self.bytes + other.bytes, self.errors + other.errors,
                        max(self.last_packet, other.last_packet))


NOTHING: Final = Counters()
"""No packet, ever."""


class StreamStats(NamedTuple):
    """All that is known of one local socket: received and sent, in user space and by the accelerator."""

    user_in: Counters = NOTHING
    kernel_in: Counters = NOTHING
    user_out: Counters = NOTHING
    kernel_out: Counters = NOTHING
    sources: tuple[SsrcStats, ...] = ()
    offloaded: bool = False
