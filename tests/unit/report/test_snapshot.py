# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Mapping, Sequence

import pytest

from controlplane.events import Counters
from controlplane.report.counters import Statistics
from controlplane.report.model import Call, PortUsage
from controlplane.report.census import Census, count_sessions
from controlplane.report.snapshot import take

from .fakes import NOW, FakeCall, FakeMedia, FakeParty, FakePorts, FakeStream, stream, two_party_call

V4, V6 = "198.51.100.7:4000", "[2001:db8::7]:4000"


class FakeSources:
    def calls(self) -> Mapping[str, Call]:
        return {"a": two_party_call("a")}

    def interfaces(self) -> Sequence[PortUsage]:
        return [FakePorts()]


def call_between(offer: list[str], answer: list[str]) -> FakeCall:
    return FakeCall("c", parties=[
        FakeParty(tag, medias=[FakeMedia(streams=[stream("192.0.2.1:30000", remote)]) for remote in remotes])
        for tag, remotes in (("a", offer), ("b", answer))])


@pytest.mark.parametrize("offer, answer, expected", [
    ([V4], [V4], "ipv4"), ([V4], [V6], "mixed"), ([V4], [V4, V6], "ipv4"),
    ([V6], [V4], "mixed"), ([V6], [V6], "ipv6"), ([V6], [V4, V6], "ipv6"),
    ([V4, V6], [V4], "ipv4"), ([V4, V6], [V6], "ipv6"), ([V4, V6], [V4, V6], "mixed")])
def test_families(offer: list[str], answer: list[str], expected: str) -> None:
    gauges = count_sessions([call_between(offer, answer)], NOW)
    assert {name: getattr(gauges, name) for name in ("ipv4", "ipv6", "mixed")} == {
        name: int(name == expected) for name in ("ipv4", "ipv6", "mixed")}


def test_no_family_before_the_answer() -> None:
    call = call_between([V4], [])
    gauges = count_sessions([call], NOW)
    assert (gauges.ipv4, gauges.own) == (0, 1)


def test_running_streams() -> None:
    recent, old = Counters(1, 1, 0, NOW - 1.9), Counters(1, 1, 0, NOW - 2)

    def of(user: Counters, kernel: Counters, rtp: bool = True) -> FakeStream:
        return stream("192.0.2.1:1", rtp=rtp, user_in=user, kernel_in=kernel)

    streams = [of(recent, old), of(old, recent), of(recent, recent), of(old, old), of(recent, old, rtp=False)]
    call = FakeCall("c", parties=[FakeParty("a", medias=[FakeMedia(streams=streams)])])
    gauges = count_sessions([call, FakeCall("d", foreign=True, parties=call.parties)], NOW)
    assert (gauges.user_streams, gauges.kernel_streams, gauges.mixed_streams) == (1, 1, 1)
    assert (gauges.own, gauges.foreign, gauges.total) == (1, 1, 2)


def test_take() -> None:
    statistics = Statistics(NOW - 10.5)
    snapshot = take(FakeSources(), statistics, NOW)
    assert (snapshot.uptime, snapshot.sessions.own, snapshot.interfaces[0].size) == (10, 1, 10000)


def test_many_calls_are_counted_by_pieces_and_known_as_of_the_last_count():
    many = {str(number): FakeCall(str(number)) for number in range(1000)}
    counted = Census()
    assert len(list(counted.take(many, NOW))) > 1
    del many["0"]
    assert counted.gauges(many, NOW).own == 1000
    list(counted.take(many, NOW))
    assert counted.gauges(many, NOW).own == 999


def test_few_calls_are_counted_when_asked_for():
    counted = Census()
    list(counted.take({str(number): FakeCall(str(number)) for number in range(1000)}, NOW))
    assert counted.gauges({"0": FakeCall("0")}, NOW).own == 1
