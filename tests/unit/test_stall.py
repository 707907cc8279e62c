# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.stall import GRACE, NOTICED, Stall


def test_time_that_was_lost_holds_calls_until_packets_are_counted():
    now = 100.0
    stall = Stall(lambda: now)
    now += NOTICED
    assert not stall.lasts()
    now += 60.0
    assert stall.lasts()
    stall.counted()
    assert stall.lasts(), "packets may still wait in sockets"
    now += GRACE
    assert stall.lasts(), "nothing was counted since"
    stall.counted()
    assert not stall.lasts()


def test_a_clock_that_is_set_back():
    now = 1000.0
    stall = Stall(lambda: now)
    now = 10.0
    assert stall.lasts()
    now += GRACE
    stall.counted()
    assert not stall.lasts()
