# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain objects in the shapes the reports read."""
from __future__ import annotations

from dataclasses import dataclass, field

from controlplane.addresses import Address, Endpoint
from controlplane.events import Counters, SsrcStats, StreamStats

NOW = 1790411863.0


@dataclass
class FakeStream:
    local: Endpoint | None
    endpoint: Endpoint | None = None
    is_rtp: bool = True
    is_rtcp: bool = False
    stats: StreamStats = StreamStats()
    created: float = 1790411822.0


@dataclass(eq=False)
class FakeMedia:
    index: int = 1
    type: str = "audio"
    protocol: str = "RTP/AVP"
    codecs: dict[int, str] = field(default_factory=dict)
    peers: list[FakeMedia] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)
    ice_state: str = ""
    srtp_state: str = ""
    sinks: list[object] = field(default_factory=list)
    dtls_state: str = ""


@dataclass
class FakeParty:
    tag: str | None
    type: str = "FROM_TAG"
    label: str | None = None
    branch: str | None = None
    created: float = 1790411822.0
    deletion_at: float | None = None
    aliases: list[str] = field(default_factory=list)
    medias: list[FakeMedia] = field(default_factory=list)
    renewed: float = 0.0
    ended: float | None = None
    peers: list[FakeParty] = field(default_factory=list, compare=False, repr=False)

    def duration(self, now: float) -> float:
        return (now if self.ended is None else self.ended) - max(self.created, self.renewed)


@dataclass
class FakeCall:
    call_id: str
    created: float = 1790411822.0
    last_signal: float = 1790411831.0
    created_from: str = "127.0.0.1:46122"
    tos: int = 184
    parties: list[FakeParty] = field(default_factory=list)
    deleted_at: float | None = None
    foreign: bool = False
    hosted_db: int = -1
    stored_at: float = 0.0
    debug: bool = False


@dataclass
class FakePorts:
    name: str = "pub"
    address: Address = Address.parse("192.0.2.10")
    port_min: int = 30000
    port_max: int = 39999
    used: int = 68


def ssrc(number: int, **changes: float) -> SsrcStats:
    values: dict[str, float] = dict(
        packets=2050, bytes=352600, lost=0, duplicates=0, reordered=0, extended_sequence=0, jitter=0.0,
        last_payload_type=8, last_timestamp=0, last_packet=NOW)
    return SsrcStats(ssrc=number, **(values | changes))  # type: ignore[arg-type]


def stream(local: str, remote: str | None = None, rtp: bool = True, **stats: object) -> FakeStream:
    return FakeStream(Endpoint.parse(local), Endpoint.parse(remote) if remote else None, rtp, not rtp,
                      StreamStats(**stats))  # type: ignore[arg-type]


def two_party_call(call_id: str = "4d1f0a77b2c94e@sbc-1.example.net", **changes: object) -> FakeCall:
    """An answered call that has run for 41 s; the first side's RTP was last handled by the kernel."""
    rtp = stream("192.0.2.10:30552", "198.51.100.7:40000", user_in=Counters(50, 8600, 0, 1790411825.0),
                 kernel_in=Counters(2000, 344000, 0, NOW), sources=(ssrc(0x1f3c77aa),))
    rtcp = stream("192.0.2.10:30553", "198.51.100.7:40001", rtp=False, user_in=Counters(8, 672, 0, 1790411860.0))
    other = stream("192.0.2.10:30600", "198.51.100.9:5000")
    one, two = FakeMedia(streams=[rtp, rtcp]), FakeMedia(streams=[other])
    one.peers, two.peers = [two], [one]
    parties = [
        FakeParty("fromtag77", "FROM_TAG", "alice", "z9hG4bK-1", medias=[one]),
        FakeParty("totag88", "TO_TAG", medias=[two]),
    ]
    parties[0].peers, parties[1].peers = [parties[1]], [parties[0]]
    return FakeCall(call_id, parties=parties, **changes)  # type: ignore[arg-type]
