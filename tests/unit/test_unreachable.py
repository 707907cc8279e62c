# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told that packets do not arrive, and that nobody can make much of it by inventing such news."""
from __future__ import annotations

from controlplane.addresses import Address
from controlplane.dataplane.icmp import Refused
from controlplane.session.trail import UNREACHABLE
from controlplane.unreachable import RECENT, Unreachable, no_way
from tests.unit.session.calls import Daemon, ep, established

A, B, ELSEWHERE = "192.0.2.10:41000", "198.51.100.20:42000", "203.0.113.77:9"
ROUTER, OTHER = Address.parse("203.0.113.1"), Address.parse("203.0.113.2")


class News:
    """What is to be read next."""

    def __init__(self) -> None:
        self.waiting: list[Refused] = []

    def read(self) -> list[Refused]:
        waiting, self.waiting = self.waiting, []
        return waiting


def hearing(daemon: Daemon) -> tuple[Unreachable, News]:
    made, news = Unreachable(daemon.calls, lambda: daemon.now), News()
    made.source = news
    return made, news


def noted(daemon: Daemon) -> list[tuple[object, ...]]:
    return [what for _, kind, what in daemon.call.trail.entries if kind == UNREACHABLE]


def test_it_is_counted_and_noted_once() -> None:
    daemon = established()
    unreachable, news = hearing(daemon)
    local = daemon.local("A")
    for _ in range(3):
        news.waiting = [Refused(local, ep(A), ROUTER, "nothing listens on the port")] * 2
        daemon.pass_time(1.0)
        unreachable.hear()
    report = unreachable.of(local)
    assert report is not None and (report.times, report.at) == (6, daemon.now)
    assert str(report) == "203.0.113.1 says that nothing listens on the port"
    assert noted(daemon) == [(ep(A), str(report))] and unreachable.of(daemon.local("B")) is None


def test_only_of_packets_that_were_sent() -> None:
    daemon = established()
    unreachable, news = hearing(daemon)
    local = daemon.local("A")
    news.waiting = [Refused(local, ep(ELSEWHERE), ROUTER, "?"), Refused(local, ep(B), ROUTER, "?"),
                    Refused(ep("203.0.113.5:9"), ep(A), ROUTER, "?")]
    unreachable.hear()
    assert unreachable.of(local) is None and not noted(daemon)


def test_many_who_say_so_fill_no_trail() -> None:
    daemon = established()
    unreachable, news = hearing(daemon)
    local = daemon.local("A")
    for number in range(200):
        news.waiting.append(Refused(local, ep(A), ROUTER if number % 2 else OTHER, "nothing listens on the port"))
    unreachable.hear()
    assert len(noted(daemon)) == 1


def test_it_is_forgotten_when_nobody_says_so_any_more() -> None:
    daemon = established()
    unreachable, news = hearing(daemon)
    local = daemon.local("A")
    news.waiting = [Refused(local, ep(A), ROUTER, "nothing listens on the port")]
    unreachable.hear()
    daemon.now += RECENT
    unreachable.hear()
    assert unreachable.of(local) is not None
    daemon.now += 1
    unreachable.hear()
    assert unreachable.of(local) is None


def test_a_host_without_a_way() -> None:
    assert not no_way(ep("127.0.0.1:9"), ep("127.0.0.2:9"))
    assert no_way(ep("192.0.2.1:9"), ep("127.0.0.2:9")) == "Cannot assign requested address"


def test_without_the_right_to_hear() -> None:
    daemon = established()
    unreachable = Unreachable(daemon.calls, lambda: daemon.now)
    unreachable.hear()
    assert unreachable.of(daemon.local("A")) is None
