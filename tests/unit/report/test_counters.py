# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Endpoint
from controlplane.events import Counters, StreamStats
from controlplane.report.counters import Sampled, Statistics
from controlplane.report.interval import Interval

from .fakes import NOW, FakeCall, FakeMedia, FakeParty, ssrc, stream, two_party_call

LOCAL = Endpoint.parse("192.0.2.10:30000")


def received(packets: int, size: int = 0, errors: int = 0, kernel: int = 0) -> StreamStats:
    return StreamStats(user_in=Counters(packets, size, errors, NOW), kernel_in=Counters(kernel, 0, 0, NOW))


def test_traffic_is_added_once() -> None:
    statistics = Statistics(NOW)
    statistics.account({LOCAL: received(10, 1000, 1, kernel=5)})
    statistics.account({LOCAL: received(15, 1500, 1, kernel=5)})
    user, kernel = statistics.traffic.user, statistics.traffic.kernel
    assert (user.packets, user.bytes, user.errors) == (15, 1500, 1)
    assert kernel.packets == 5
    assert statistics.interface(LOCAL.address).ingress.packets == 20


def test_a_reused_port_counts_from_zero() -> None:
    statistics = Statistics(NOW)
    statistics.account({LOCAL: received(10)})
    statistics.forget(LOCAL)
    statistics.account({LOCAL: received(30)})
    statistics.account({LOCAL: received(4)})
    assert statistics.traffic.user.packets == 44


def test_packets_moving_from_user_space_to_the_kernel_are_not_lost() -> None:
    statistics = Statistics(NOW)
    statistics.account({LOCAL: received(10)})
    statistics.account({LOCAL: received(10, kernel=90)})
    assert statistics.traffic.total.packets == 100


def test_rates() -> None:
    statistics = Statistics(NOW)
    statistics.account({LOCAL: received(100, 20000, 4, kernel=50)})
    statistics.tick(NOW + 2)
    assert (statistics.rates.user.packets, statistics.rates.user.bytes, statistics.rates.user.errors) == (50, 10000, 2)
    assert statistics.rates.total.packets == 75
    statistics.tick(NOW + 2)
    assert statistics.rates.user.packets == 50
    statistics.tick(NOW + 3)
    assert statistics.rates.total == Counters()


def test_loss_that_shrinks_does_not_count_down() -> None:
    statistics = Statistics(NOW)
    for lost in (5, 3, 6):
        statistics.account({LOCAL: StreamStats(sources=(ssrc(1, lost=lost, duplicates=2),))})
    assert (statistics.quality.lost, statistics.quality.duplicates) == (6, 2)
    assert statistics.interface(LOCAL.address).quality.lost == 6


def test_ng_requests_by_client() -> None:
    statistics = Statistics(NOW)
    statistics.ng_request("offer", "127.0.0.1", 0.25, False)
    statistics.ng_request("offer", "127.0.0.1", 0.5, True)
    statistics.ng_request("no such thing", "127.0.0.2", 0.5, True)
    client = statistics.clients["127.0.0.1"]
    assert (client.counts, client.seconds, client.errors) == ({"offer": 2}, {"offer": 0.75}, 1)
    assert statistics.clients["127.0.0.2"].counts == {}
    assert statistics.clients["127.0.0.2"].errors == 1
    assert statistics.served == {"offer": 1}


def test_what_is_reported_regularly_are_requests_that_were_served() -> None:
    """As 10.5 has it, in Graphite and in the interval of the other reports."""
    statistics = Statistics(NOW)
    statistics.interval = Interval()
    for seconds, error in ((0.25, False), (9.0, True), (0.5, False)):
        statistics.ng_request("query", "127.0.0.1", seconds, error)
    statistics.interval.look(0, 1.0)
    taken = statistics.interval.take()
    assert (taken.delays["query"].greatest, taken.delays["query"].count, taken.rates["query"].greatest) == (0.5, 2, 2)


def test_ended_session() -> None:
    statistics = Statistics(NOW)
    call = two_party_call(created=NOW - 5)
    call.parties[0].ended, call.parties[1].ended = NOW - 3, NOW - 1
    call.parties[1].medias[0].streams[0].stats = received(3)
    statistics.session_ended(call, "REGULAR", NOW)
    statistics.session_ended(FakeCall("x", created=NOW - 2), "FORCED", NOW)
    assert statistics.managed == 2
    assert (statistics.ended["REGULAR"], statistics.ended["FORCED"]) == (1, 1)
    assert (statistics.duration.total, statistics.duration.squares) == (6.0, 20.0)
    assert (statistics.one_way, statistics.zero_way) == (0, 0)
    assert statistics.traffic.user.packets == 0, "traffic is accounted socket by socket, not with the call"


def test_one_way_and_silent_calls() -> None:
    statistics = Statistics(NOW)
    statistics.session_ended(two_party_call(), "TIMEOUT", NOW)
    assert (statistics.one_way, statistics.zero_way) == (1, 0)
    silent = FakeCall("s", parties=[FakeParty(tag, medias=[FakeMedia(streams=[stream(f"192.0.2.1:{port}")])])
                                    for tag, port in (("a", 1), ("b", 2))])
    statistics.session_ended(silent, "TIMEOUT", NOW)
    assert (statistics.one_way, statistics.zero_way) == (1, 1)


def test_foreign_sessions_count_only_for_the_final_timeout() -> None:
    statistics = Statistics(NOW)
    statistics.session_ended(FakeCall("f", foreign=True), "FINAL_TIMEOUT", NOW)
    statistics.session_ended(FakeCall("g", foreign=True), "TIMEOUT", NOW)
    assert (statistics.managed, statistics.ended["FINAL_TIMEOUT"], statistics.ended["TIMEOUT"]) == (0, 1, 0)


def test_samples() -> None:
    sampled = Sampled()
    assert (sampled.average, sampled.deviation) == (0.0, 0.0)
    for value in (2, 4, 4, 4, 5, 5, 7, 9):
        sampled.add(value)
    assert (sampled.average, sampled.deviation) == (pytest.approx(5), pytest.approx(2))
    statistics = Statistics(NOW)
    statistics.sample(LOCAL.address, "mos", 43)
    assert statistics.quality.samples["mos"].count == 1
    assert statistics.interface(LOCAL.address).quality.samples["mos"].total == 43
