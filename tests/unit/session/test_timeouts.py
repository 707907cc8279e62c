# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that end by themselves."""
from __future__ import annotations

from controlplane.errors import PeerError
from controlplane.events import Counters, StreamStats
from tests.unit.session.calls import START, Daemon, established, sdp

INACTIVE = "a=inactive"


def media(daemon: Daemon, tag: str, *, kernel: bool = False) -> None:
    counted = Counters(1, 100, 0, daemon.now)
    stats = StreamStats(kernel_in=counted) if kernel else StreamStats(user_in=counted)
    daemon.calls.update_stats({daemon.local(tag): stats}, daemon.now)


def ended(daemon: Daemon) -> tuple[str, float] | None:
    """The reason, and how many seconds after the start."""
    return (daemon.counter.ended[0][1], daemon.now - START) if daemon.counter.ended else None


def run(daemon: Daemon, seconds: int) -> tuple[str, float] | None:
    for _ in range(seconds):
        daemon.pass_time(1)
        if not daemon.calls.calls:
            break
    return ended(daemon)


def test_no_media_at_all() -> None:
    assert run(established(), 3700) == ("TIMEOUT", 60)


def test_either_direction_and_either_engine_keep_the_call() -> None:
    for tag, kernel in (("A", False), ("B", True)):
        daemon = established()
        daemon.pass_time(50)
        media(daemon, tag, kernel=kernel)
        assert run(daemon, 3700) == ("TIMEOUT", 110)


def test_unanswered_offer() -> None:
    daemon = Daemon(offer_timeout=100)
    daemon.offer(sdp())
    assert run(daemon, 3700) == ("OFFER_TIMEOUT", 100)


def test_pending_streams_keep_the_call_longer_than_answered_ones() -> None:
    daemon = established(offer_timeout=100)
    daemon.offer(sdp(), to_tag="new")
    assert run(daemon, 3700) == ("OFFER_TIMEOUT", 100)


def test_branches_that_lost_do_not_keep_the_call() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), via_branch="z1")
    daemon.offer(sdp(), via_branch="z2")
    daemon.answer(sdp("198.51.100.20", 42000), via_branch="z2")
    assert run(daemon, 3700) == ("TIMEOUT", 60)


def hold(daemon: Daemon) -> None:
    daemon.offer(sdp("192.0.2.10", 41000, INACTIVE), to_tag="B")
    daemon.answer(sdp("198.51.100.20", 42000, INACTIVE))


def test_held_call() -> None:
    daemon = established(silent_timeout=200)
    hold(daemon)
    assert run(daemon, 3700) == ("SILENT_TIMEOUT", 200)


def test_one_active_direction_decides() -> None:
    daemon = established(silent_timeout=200)
    hold(daemon)
    daemon.pass_time(100)
    daemon.offer(sdp(), to_tag="B")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert run(daemon, 3700) == ("TIMEOUT", 160)


def test_final_timeout_in_spite_of_media() -> None:
    daemon = established(final_timeout=100)
    for _ in range(200):
        if daemon.calls.calls:
            media(daemon, "A")
            daemon.pass_time(1)
    assert daemon.counter.ended == [("c1", "FINAL_TIMEOUT")]


def test_a_call_that_a_failed_offer_left_behind() -> None:
    daemon = Daemon(offer_timeout=100)
    try:
        daemon.offer("nonsense")
    except PeerError:
        pass
    assert daemon.calls.calls
    assert run(daemon, 3700) == ("OFFER_TIMEOUT", 100)


def test_changed_timeouts_count_for_running_calls() -> None:
    daemon = established()
    daemon.pass_time(10)
    daemon.settings.timeout = 5
    daemon.calls.recheck(daemon.now)
    daemon.apply()
    assert ended(daemon) == ("TIMEOUT", 10)
