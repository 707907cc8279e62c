# SPDX-License-Identifier: GPL-3.0-or-later
"""A call with known loss, jitter and delay: what the daemon says of it against what its parties measured."""
from __future__ import annotations

import time
from typing import Any

import pytest

from controlplane.rtcp.packet import middle
from demo.mos import mos
from tests.peers import rtcp
from tests.peers.call import Call
from tests.peers.daemon import Daemon
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, pump

pytestmark = pytest.mark.e2e
DELAY = {"a": 0.02, "b": 0.04}
"""Seconds by which the network seems to hold up what each party sends and gets, together."""
SLACK, HASTE = 0.06, 0.015
"""Seconds that a host may add, and by which the time that a peer says it has waited may be too long."""
TRIES = 20
"""What a busy host has disturbed is measured once more."""


def talk(a: Endpoint, b: Endpoint, packets: int = 60) -> None:
    """Both talk; of what ``a`` sends every tenth packet is lost, and every third is late."""
    heard = a.reception.packets, b.reception.packets
    for number in range(packets):
        if number % 10 == 5:
            a.next_packet(b"x" * 160)
            a.sent.pop()
        else:
            a.send(b"x" * 160)
        b.send(b"y" * 160)
        pump((a, b), 0.014 if number % 3 == 1 else 0.005)
    assert pump((a, b), 20.0, lambda: (a.reception.packets, b.reception.packets) == (
        heard[0] + packets, heard[1] + packets - packets // 10))


def report(end: Endpoint, other: Endpoint, delay: float) -> None:
    """A report that is ``delay`` longer under way than the host takes; the other one must have come."""
    for by in (delay, -delay):
        for reception in end.sources.values():
            reception.last_report_at += by
        if by > 0:
            end.send_report()
    assert pump((end, other), 20.0, lambda: bool(other.compounds))


def exchange(a: Endpoint, b: Endpoint) -> tuple[rtcp.Block, rtcp.Block]:
    """Reports with which everybody knows their round trips: the blocks that ``a`` and ``b`` sent last."""
    for end, other in ((a, b), (b, a), (a, b)):
        end.compounds.clear()
        other.compounds.clear()
        pump((a, b), 0.2)
        report(end, other, DELAY["a" if end is a else "b"])
    return b.blocks[-1], a.blocks[-1]


def are_near(reply: dict[str, Any], *parties: tuple[Endpoint, str]) -> bool:
    """Whether the round trips of the last samples are as the network has them, if there are any."""
    told = [(reply["SSRC"].get(str(end.ssrc), {}).get("MOS progression"), DELAY[of]) for end, of in parties]
    if not all(progression for progression, _ in told):
        return False
    samples = [(progression["entries"][-1], delay) for progression, delay in told]
    return all(-HASTE < sample["round-trip time leg"] / 1e6 - delay < SLACK
               and -HASTE < sample["round-trip time"] / 1e6 - sum(DELAY.values()) < 2 * SLACK
               for sample, delay in samples)


def test_reported_quality(ends: tuple[Endpoint, Endpoint]) -> None:
    a, b = ends
    with Daemon(options=("--log-level=6",)) as daemon, daemon.client() as client:
        call = Call(client, a, b)
        call.offer()
        call.answer()
        talk(a, b)
        exchange(a, b)
        early = next(block for block in a.blocks if block.fraction_lost)
        for _ in range(TRIES):
            pump((a, b), 1.1)
            of_b, of_a = exchange(a, b)
            rest(daemon.pid)
            if are_near(call.query(), (a, "a"), (b, "b")):
                break
        reply = call.delete()
        assert are_near(reply, (a, "a"), (b, "b"))
        for ssrc, block in ((b.ssrc, of_a), (a.ssrc, of_b)):
            details = reply["SSRC"][str(ssrc)]
            sample = details["MOS progression"]["entries"][-1]
            assert details["cumulative loss"] == block.lost == (6 if ssrc == b.ssrc else 0)
            assert sample["packet loss"] == block.fraction_lost * 100 // 256
            assert sample["jitter"] == block.jitter * 1000 // 8000
            assert sample["MOS"] == int(10 * mos(sample["round-trip time"] / 1000, sample["jitter"],
                                                 sample["packet loss"]))
        first = reply["SSRC"][str(b.ssrc)]["MOS progression"]["entries"][0]
        assert first["packet loss"] == early.fraction_lost * 100 // 256 > 5
        assert b.reception.lost == 6 and abs(b.reception.jitter_ms - of_a.jitter / 8) < 3
        totals = client.call("statistics")["statistics"]
        samples = totals["voip_metrics"]
        assert samples["packetloss_samples_total"] == samples["rtt_dsct_samples_total"] >= 4
        assert totals["mos"]["mos_samples_total"] >= 2 and 1 < float(totals["mos"]["mos_average"]) < 4.5
        assert daemon.cli("list totals").count("Average MOS") >= 1
        log = daemon.log_text()
        assert "------ Average MOS" in log and f"lost:{of_a.lost}" in log and "------ respective (avg/min/max)" in log


def test_generated_reports(ends: tuple[Endpoint, Endpoint]) -> None:
    """The daemon's reports say what the parties know themselves, and theirs stay with it."""
    a, b = ends
    with Daemon(options=("--rtcp-interval=1000",)) as daemon, daemon.client() as client:
        call = Call(client, a, b, flags=["generate RTCP"])
        call.offer()
        call.answer()
        for talks in range(1, TRIES):
            talk(a, b)
            rest(daemon.pid)
            sent = time.time()
            a.send_report()
            rest(daemon.pid)
            heard = time.time()
            talk(a, b)
            rest(daemon.pid)
            pump((a, b), 0)
            for end in (a, b):
                end.compounds.clear()
                end.blocks.clear()
            cleared = time.time()
            assert pump((a, b), 20.0, lambda: b.compounds and a.compounds and a.blocks)
            until = time.time()
            if abs(a.blocks[-1].jitter - b.reception.jitter) < 16:
                break
        for end, other in ((a, b), (b, a)):
            (said,) = rtcp.reports(end.compounds[-1])
            assert said.ssrc == other.ssrc and said.ntp is not None
            assert rtcp.ntp(cleared) <= said.ntp <= rtcp.ntp(until)
            assert (said.packets, said.octets) == (len(other.sent), 172 * len(other.sent))
            assert said.timestamp == (other.timestamp - 160) & 0xFFFFFFFF
            assert [kind for kind, _, _ in rtcp.parts(end.compounds[-1])] == [rtcp.SR, rtcp.SDES]
        block = a.blocks[-1]
        lost = b.reception.lost
        assert lost == 12 * talks
        assert block.lost >= lost - 3, "what is still within the window of reordering is not lost yet"
        assert block.lost <= lost and block.fraction_lost == 256 * block.lost // (len(a.sent) + block.lost)
        assert block.highest & 0xFFFF == (a.sequence - 1) & 0xFFFF
        assert abs(block.jitter - b.reception.jitter) < 16, "2 ms"
        assert middle(rtcp.ntp(sent)) <= block.last_report <= middle(rtcp.ntp(heard))
        assert cleared - heard <= block.delay / 65536 + 0.001 and block.delay / 65536 <= until - sent
        assert "RTCP generator" in call.query()["tags"][call.from_tag]["medias"][0]["flags"]
        assert pump((a, b), 30.0, lambda: any(0 <= trip < 0.1 for trip in a.round_trips))


def test_measured_quality_without_reports(ends: tuple[Endpoint, Endpoint]) -> None:
    """Parties that report nothing are heard all the same."""
    a, b = ends
    with Daemon(options=("--measure-rtp",)) as daemon, daemon.client() as client:
        call = Call(client, a, b)
        call.offer()
        call.answer()
        for talks in range(1, TRIES):
            talk(a, b, 150)
            rest(daemon.pid)
            measured = {ssrc: call.query()["SSRC"][str(ssrc)]["measured"] for ssrc in (a.ssrc, b.ssrc)}
            samples = client.call("statistics")["statistics"]["measured"]["mos_measured_samples_total"]
            if samples >= 2 and abs(measured[a.ssrc]["jitter"] - b.reception.jitter_ms) < 3:
                break
        lost = b.reception.lost
        assert lost == 15 * talks
        assert lost - 8 <= measured[a.ssrc]["lost"] <= lost, "what may still come late is not lost yet"
        assert measured[b.ssrc]["lost"] == measured[b.ssrc]["packet loss"] == 0
        assert 2 <= measured[a.ssrc]["packet loss"] <= 10
        assert measured[a.ssrc]["MOS"] < measured[b.ssrc]["MOS"] <= int(10 * mos(0, 0, 0))
        assert measured[a.ssrc]["jitter"] > 2 and abs(measured[a.ssrc]["jitter"] - b.reception.jitter_ms) < 3
        details = call.query()["SSRC"][str(a.ssrc)]
        assert "average MOS" not in details and "cumulative loss" not in details
        totals = client.call("statistics")["statistics"]
        assert totals["mos"]["mos_samples_total"] == totals["voip_metrics"]["packetloss_samples_total"] == 0
        assert totals["measured"]["mos_measured_samples_total"] >= 2
        assert totals["measured"]["packetloss_measured_samples_total"] >= 2
        assert float(totals["measured"]["packetloss_measured_total"]) > 0
