# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the parties become round trips, scores and what replies say."""
from __future__ import annotations

from typing import Any

import pytest

from controlplane.errors import PeerError
from controlplane.events import SsrcStats, StreamStats
from controlplane.rtcp.mos import Scale
from controlplane.rtcp.packet import middle, ntp
from controlplane.session.media import Media
from controlplane.session.quality import MOST, Listener
from demo.mos import mos
from tests.peers import rtcp
from tests.unit.session.calls import START, Daemon, sdp

CALLER, CALLEE = 0xA, 0xB


def source(ssrc: int, payload_type: int = 8, packets: int = 50) -> SsrcStats:
    return SsrcStats(ssrc, packets, packets * 172, 0, 0, 0, 1000 + packets, 12.5, payload_type, 8000, START + 1)


class Reports:
    """A call whose parties send from CALLER and CALLEE, with what they report."""

    def __init__(self, scale: tuple[str, ...] = (), known: bool = True, **settings: Any):
        self.daemon = Daemon(**settings)
        self.daemon.offer(sdp())
        self.daemon.answer(sdp("198.51.100.20", 42000))
        self.samples: list[tuple[str, float]] = []
        self.looked = 0
        self.listener = Listener(Scale(scale), self._look)
        if known:
            self.see(self.media("A"), source(CALLER))
            self.see(self.media("B"), source(CALLEE))

    def _look(self, media: Media) -> None:
        self.looked += 1

    def media(self, tag: str) -> Media:
        return self.daemon.party(tag).medias[0]

    def see(self, media: Media, *sources: SsrcStats) -> None:
        local = media.streams[0].local
        assert local is not None
        self.daemon.calls.update_stats({local: StreamStats(sources=sources)}, self.daemon.now)

    def hear(self, tag: str, at: float, data: bytes) -> dict[str, float]:
        """The samples that a packet of the party gives at START + ``at``."""
        self.samples.clear()
        self.listener.hear(self.media(tag), data, START + at, lambda *sample: self.samples.append(sample))
        return dict(self.samples)

    def exchange(self, at: float = 0.0) -> dict[str, float]:
        """Both send a report; the callee answers after 0.5 s and has 40 ms to us, the caller 20. The last samples."""
        for tag, ssrc in (("A", CALLER), ("B", CALLEE)):
            self.hear(tag, at, rtcp.Report(ssrc, (), rtcp.ntp(START + at), 8000, 50, 8600).pack())
        stamp = middle(ntp(START + at))
        self.hear("B", at + 0.54, answer(CALLEE, CALLER, stamp, 0.5))
        return self.hear("A", at + 1.02, answer(CALLER, CALLEE, stamp, 1.0, fraction=26, lost=5, jitter=80))

    def query(self) -> dict[str, Any]:
        return self.daemon.send("query")


def answer(reporter: int, ssrc: int, stamp: int, delay: float, fraction: int = 0, lost: int = 0,
           jitter: int = 0) -> bytes:
    block = rtcp.Block(ssrc, fraction, lost, 1050, jitter, stamp, int(delay * 65536))
    return rtcp.Report(reporter, (block,)).pack() + rtcp.sdes(reporter, "x")


def test_round_trips() -> None:
    reports = Reports()
    samples = reports.exchange()
    assert samples["rtt_dsct"] == pytest.approx(20_000, abs=50)
    assert samples["rtt_e2e"] == pytest.approx(60_000, abs=100)
    assert (samples["jitter"], samples["packetloss"]) == (10, 10)
    assert samples["mos"] == int(10 * mos(60, 10, 10))


def test_the_first_leg_alone_gives_no_score() -> None:
    reports = Reports()
    reports.hear("A", 0, rtcp.Report(CALLER, (), rtcp.ntp(START), 0, 0, 0).pack())
    samples = reports.hear("B", 0.54, answer(CALLEE, CALLER, middle(ntp(START)), 0.5))
    assert samples == {"jitter": 0, "rtt_e2e": 0, "rtt_dsct": pytest.approx(40_000, abs=50), "packetloss": 0}


def test_listening_needs_no_round_trip() -> None:
    assert Reports(("LQ",)).hear("B", 1, answer(CALLEE, CALLER, 0, 0))["mos"] == 43


def test_replies() -> None:
    reports = Reports()
    reports.exchange()
    reply = reports.query()
    medias = {tag: party["medias"][0] for tag, party in reply["tags"].items()}
    (details,) = medias["B"]["ingress SSRCs"]
    assert medias["A"]["egress SSRCs"] == [details] and details.pop("SSRC") == CALLEE
    assert list(details) == ["bytes", "packets", "last RTP timestamp", "last RTP seq", "cumulative loss", "average MOS",
                             "lowest MOS", "highest MOS", "MOS progression"]
    assert details["cumulative loss"] == 5
    average = details["average MOS"]
    assert list(average) == ["MOS", "round-trip time", "round-trip time leg", "jitter", "packet loss", "samples"]
    assert (average["MOS"], average["jitter"], average["packet loss"], average["samples"]) == (
        int(10 * mos(60, 10, 10)), 10, 10, 1)
    assert details["lowest MOS"] == details["highest MOS"] == details["MOS progression"]["entries"][0]
    assert details["lowest MOS"]["reported at"] == int(START + 1.02)
    assert details["MOS progression"]["interval"] == 0
    (unscored,) = medias["A"]["ingress SSRCs"]
    assert "lowest MOS" not in unscored and unscored["average MOS"]["samples"] == 0
    assert unscored["MOS progression"]["entries"][0]["MOS"] == 0


def test_under_its_number_stands_what_a_party_hears() -> None:
    """As in Debian's 10.5: the caller has reported a score, and the callee none yet."""
    reports = Reports()
    reports.exchange()
    reply = reports.query()
    (heard,) = reply["tags"]["A"]["medias"][0]["egress SSRCs"]
    assert reply["SSRC"][str(CALLER)]["average MOS"] == heard["average MOS"] and heard["SSRC"] == CALLEE
    assert reply["SSRC"][str(CALLER)]["cumulative loss"] == 5
    assert list(reply["SSRC"][str(CALLEE)]) == ["bytes", "packets", "last RTP timestamp", "last RTP seq"]


def test_who_only_listens_has_a_number_too() -> None:
    reports = Reports(("LQ",))
    reports.hear("B", 1, answer(0xC, CALLER, 0, 0, lost=3))
    found = reports.query()["SSRC"]
    assert found["12"]["cumulative loss"] == 3 and "bytes" not in found["12"]
    assert "average MOS" not in found[str(CALLER)] and "average MOS" not in found[str(CALLEE)]


@pytest.mark.parametrize("reporting, lists, top", [
    ("full", "details", True), ("inline", "details", False), ("global", "numbers", True), ("none", "empty", False)])
def test_where_sources_are_described(reporting: str, lists: str, top: bool) -> None:
    reports = Reports(ssrc_reporting=reporting)
    reports.exchange()
    reply = reports.query()
    assert ("SSRC" in reply) == top
    for name in ("ingress SSRCs", "egress SSRCs"):
        found = reply["tags"]["A"]["medias"][0][name]
        assert bool(found) == (lists != "empty")
        assert all(("average MOS" in each) == (lists == "details") for each in found)


def test_one_sample_a_second() -> None:
    reports = Reports()
    assert reports.exchange()
    assert not reports.hear("A", 1.9, answer(CALLER, CALLEE, 0, 0, lost=6))
    assert reports.query()["SSRC"][str(CALLER)]["cumulative loss"] == 6
    assert reports.hear("A", 2.1, answer(CALLER, CALLEE, 0, 0))


def test_a_report_without_a_round_trip_is_in_nobodys_way() -> None:
    """One that tells no round trip comes first; the next has a score and is a sample as well."""
    reports = Reports()
    assert "mos" not in reports.hear("A", 0.9, answer(CALLER, CALLEE, 0, 0))
    assert reports.exchange()["mos"]


def test_what_a_party_measured_itself_prevails() -> None:
    """RFC 3611 section 4.7."""
    reports = Reports()
    reports.exchange()
    voip = bytes.fromhex("80cf000a" "0000000a" "07000008" "0000000b" "00000000" "00000000" "00c80000") + bytes(16)
    samples = reports.hear("A", 3, answer(CALLER, CALLEE, 0, 0) + voip)
    assert samples["rtt_e2e"] == 200_000 and samples["mos"] == int(10 * mos(200, 0, 0))


def test_receivers_ask_for_the_time() -> None:
    """RFC 3611 sections 4.4 and 4.5: the callee sends nothing but wants to know its round trip; so do we."""
    reports = Reports()
    reports.hear("A", 0, rtcp.Report(CALLER, (), rtcp.ntp(START), 0, 0, 0).pack())
    stamp = ntp(START)
    request = bytes.fromhex("80cf0004" "0000000b" "04000002") + stamp.to_bytes(8, "big")
    reports.hear("B", 0, request)
    delays = bytes.fromhex("80cf0005" "0000000a" "05000003" "0000000b") + middle(stamp).to_bytes(4, "big") + bytes(4)
    reports.hear("A", 0.03, delays)
    samples = reports.hear("B", 0.54, answer(CALLEE, CALLER, middle(stamp), 0.5))
    assert samples["rtt_e2e"] == pytest.approx(70_000, abs=100)


def test_of_whom_nothing_is_known() -> None:
    reports = Reports(known=False)
    assert not reports.hear("A", 1, answer(CALLER, CALLEE, 0, 0)) and reports.looked == 1
    assert not reports.hear("A", 1.5, answer(CALLER, CALLEE, 0, 0)) and reports.looked == 1, "not again so soon"
    reports.see(reports.media("B"), source(CALLEE, payload_type=77))
    assert not reports.hear("A", 2.5, answer(CALLER, CALLEE, 0, 0)), "a payload type without a clock"
    reports.see(reports.media("B"), source(CALLEE, packets=60))
    assert reports.hear("A", 2.6, answer(CALLER, CALLEE, 0, 0))
    assert not reports.hear("A", 4, answer(CALLER, CALLER, 0, 0)), "a party does not hear itself"


def test_garbage_and_floods() -> None:
    reports = Reports()
    with pytest.raises(PeerError):
        reports.hear("A", 1, b"\x80\xc9\x00\x09")
    report = answer(CALLER, CALLEE, 0, 0)
    for _ in range(MOST):
        reports.hear("A", 5, report)
    reports.hear("A", 5.5, b"\x80\xc9\x00\x09")
    reports.exchange(10)
    assert reports.samples, "in other seconds it is heard again"
