# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of our own in place of the parties' (ng flag generate-RTCP)."""
from __future__ import annotations

import pytest

from controlplane.events import Datagram, SsrcStats
from controlplane.rtcp.mos import Scale
from controlplane.rtcp.packet import Block, Description, Report, Sender, middle, ntp, parse
from controlplane.session.quality import Listener
from controlplane.session.reporting import replaces_rtcp
from tests.peers import rtcp
from tests.unit.session.calls import START, Daemon, sdp
from tests.unit.session.test_quality import CALLEE, CALLER, Reports, answer, source

NAME = "0123456789ab"


def generating(*lines: str, **keys: str) -> Reports:
    reports = Reports.__new__(Reports)
    reports.daemon = Daemon(instance_id=NAME, timeout=3600)
    reports.daemon.offer(sdp("192.0.2.10", 41000, *lines), **(keys or {"generate_rtcp": True}))
    reports.daemon.answer(sdp("198.51.100.20", 42000))
    reports.samples, reports.looked = [], 0
    reports.listener = Listener(Scale(), reports._look)
    return reports


def sent(daemon: Daemon, seconds: float) -> list[Datagram]:
    """What is sent in so much time."""
    found: list[Datagram] = []
    end = daemon.now + seconds
    while (deadline := daemon.calls.deadline()) is not None and deadline <= end:
        daemon.now = max(daemon.now, deadline)
        daemon.calls.on_deadline(daemon.now)
        found += daemon.apply().datagrams
    daemon.now = end
    return found


def test_what_the_parties_send_ends_here() -> None:
    daemon = generating().daemon
    for tag in "AB":
        for stream in (0, 1):
            assert daemon.sends_to(daemon.local(tag, stream), rtcp=True) == []
        assert daemon.sends_to(daemon.local(tag)) != []
        assert "RTCP generator" in daemon.send("query")["tags"][tag]["medias"][0]["flags"]
    daemon.offer(sdp(version=2), to_tag="B", generate_rtcp=False)
    daemon.answer(sdp("198.51.100.20", 42000))
    assert daemon.sends_to(daemon.local("A", 1), rtcp=True) == ["198.51.100.20:42001"]
    assert not sent(daemon, 20)


def test_reports() -> None:
    reports = generating()
    daemon = reports.daemon
    reports.see(reports.media("A"), source(CALLER, packets=50)._replace(lost=10))
    reports.see(reports.media("B"), source(CALLEE, packets=40))
    reports.hear("A", 1, rtcp.Report(CALLER, (), rtcp.ntp(START + 1), 0, 0, 0).pack())
    packets = sent(daemon, 6.1)
    at = daemon.now - 6.1 + 5
    assert daemon.counter.refreshed == ["c1"], "with the counters of the moment"
    by_port = {packet.destination.port: packet for packet in packets}
    assert len(packets) == 2 and set(by_port) == {41001, 42001}
    assert by_port[41001].local == daemon.local("A", 1) and by_port[42001].local == daemon.local("B", 1)
    report, description = parse(by_port[42001].data)
    assert description == Description(CALLER, ((1, NAME.encode()),))
    assert isinstance(report, Report) and report.sender is not None
    assert report == Report(CALLER, Sender(report.sender.ntp, 8000, 50, 8600), (
        Block(CALLEE, 0, 0, 1040, 12, 0, 0),))
    assert ntp(at) <= report.sender.ntp <= ntp(at + 1)
    report, _ = parse(by_port[41001].data)
    assert isinstance(report, Report) and report.sender is not None
    (block,) = report.blocks
    assert block[:6] == (CALLER, 256 * 10 // 60, 10, 1050, 12, middle(ntp(START + 1)))
    assert block.delay / 65536 == pytest.approx((report.sender.ntp - ntp(START + 1)) / 2 ** 32, abs=0.001)


def test_pace() -> None:
    """Five to six seconds, not the same for each."""
    reports = generating()
    reports.see(reports.media("A"), source(CALLER))
    stamps = [parse(packet.data)[0].sender.ntp / 2 ** 32 for packet in sent(reports.daemon, 300)]  # type: ignore
    gaps = [after - before for before, after in zip(stamps, stamps[1:])]
    assert len(stamps) > 48 and min(gaps) >= 4.99 and max(gaps) <= 6.1 and max(gaps) - min(gaps) > 0.2
    reports.daemon.settings.rtcp_interval = 1000
    sent(reports.daemon, 7)
    assert 50 <= len(sent(reports.daemon, 100)) <= 100


def test_our_reports_are_answered() -> None:
    """Each leg's round trip comes from what we sent ourselves."""
    reports = generating()
    for tag, ssrc in (("A", CALLER), ("B", CALLEE)):
        reports.see(reports.media(tag), source(ssrc))
    packets = sent(reports.daemon, 6.1)
    stamp = next(parse(packet.data)[0].sender.ntp for packet in packets)  # type: ignore[union-attr]
    at = stamp / 2 ** 32 - 2208988800 - START
    reports.hear("A", at + 1.03, answer(CALLER, CALLEE, middle(stamp), 1.0))
    samples = reports.hear("B", at + 1.05, answer(CALLEE, CALLER, middle(stamp), 1.0))
    assert samples["rtt_dsct"] == pytest.approx(50_000, abs=200)
    assert samples["rtt_e2e"] == pytest.approx(80_000, abs=400)


def test_nobody_speaks() -> None:
    assert not sent(generating().daemon, 30)


def test_no_block_about_the_reporter() -> None:
    """Both sides use the same SSRC."""
    reports = generating()
    for tag in "AB":
        reports.see(reports.media(tag), source(CALLER))
    packets = sent(reports.daemon, 6.1)
    assert len(packets) == 2
    assert all(parse(packet.data)[0].blocks == () for packet in packets)  # type: ignore[union-attr]


def test_many_sources() -> None:
    reports = generating()
    many: tuple[SsrcStats, ...] = tuple(source(number) for number in range(100, 140))
    reports.see(reports.media("A"), *many)
    reports.see(reports.media("B"), source(CALLEE))
    packets = [packet for packet in sent(reports.daemon, 6.1) if packet.destination.port == 41001]
    (packet,) = packets
    (report, _) = parse(packet.data)
    assert isinstance(report, Report) and [block.ssrc for block in report.blocks] == list(range(100, 130))


def test_secure_media_keep_their_own() -> None:
    """There are no keys for what we would send."""
    reports = generating()
    reports.see(reports.media("A"), source(CALLER))
    one, other = reports.media("A"), reports.media("B")
    assert replaces_rtcp(one, other) and replaces_rtcp(other, one)
    one.set_protocol("RTP/SAVP")
    assert not replaces_rtcp(one, other) and not replaces_rtcp(other, one)
    assert not sent(reports.daemon, 20)


def test_multiplexed() -> None:
    reports = Reports.__new__(Reports)
    reports.daemon = Daemon()
    reports.daemon.offer(sdp("192.0.2.10", 41000, "a=rtcp-mux"), generate_rtcp=True)
    reports.daemon.answer(sdp("198.51.100.20", 42000, "a=rtcp-mux"))
    reports.see(reports.media("A"), source(CALLER))
    (packet,) = sent(reports.daemon, 6.1)
    assert packet.destination.port == 42000 and packet.local == reports.daemon.local("B")
