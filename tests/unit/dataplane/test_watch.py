# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams that an accelerator fails: who is taken back, when that is tried again, and that media go on."""
import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane.watch import FIRST_HOLD, LAST_HOLD, UNSEEN, UNSENT, Sight, Watch
from controlplane.events import WantedOutput
from tests.unit.dataplane.test_program import rtp, world  # noqa: F401 - a fixture
from tests.unit.dataplane.rig import wait

A, B = Endpoint.parse("192.0.2.1:4000"), Endpoint.parse("192.0.2.1:4002")
START = Sight(missed=5, taken=10, sent=10, unsent=0)
BAD, WORSE = START._replace(missed=9), START._replace(missed=10)


@pytest.mark.parametrize("now, reason", [
    (START._replace(missed=6), None),                                # what was passed up before may come late
    (START._replace(taken=20, sent=20), None),
    (START._replace(taken=20, unsent=10), UNSENT),
    (START._replace(taken=20, sent=11, unsent=9), None),             # now and then a full queue
    (START._replace(taken=20), None),                                # errors, or nobody is to get it
    (START, None),
])
def test_what_two_readings_say(now, reason):
    watch = Watch()
    assert watch.judge({A: START}) == {}, "one reading proves nothing"
    assert watch.judge({A: now}) == ({A: reason} if reason else {})
    assert (watch.demoted, watch.held) == ((1, {A: reason}) if reason else (0, {}))
    assert watch.pause(A) == (FIRST_HOLD if reason else 0)


@pytest.mark.parametrize("now, reason", [
    (WORSE, UNSEEN),
    (WORSE._replace(taken=11), None),                       # some go past: fragments, or what is passed up
    (BAD, None),
])
def test_what_three_readings_say(now, reason):
    watch = Watch()
    assert watch.judge({A: START}) == watch.judge({A: BAD}) == {}
    assert watch.judge({A: now}) == ({A: reason} if reason else {})


def test_readings_must_follow_each_other():
    watch = Watch()
    watch.judge({A: START})
    watch.judge({A: BAD})
    watch.judge({})
    assert watch.judge({A: WORSE}) == watch.judge({A: BAD._replace(missed=11)}) == {}
    assert watch.judge({A: BAD._replace(missed=12)}) == {A: UNSEEN}


def failed_again(watch, wait=0):
    """Readings until a stream that fails at once may be tried again."""
    for _ in range(wait):
        watch.judge({})
    watch.judge({A: START, B: START})
    watch.judge({A: BAD, B: START})
    assert watch.judge({A: WORSE, B: START}) == {A: UNSEEN}
    for readings in range(5000):
        if watch.released():
            return readings
        watch.judge({})
    raise AssertionError("held for ever")


def test_a_stream_that_fails_time_and_again_is_tried_ever_less_often():
    watch = Watch()
    holds = [failed_again(watch) for _ in range(12)]
    assert holds == [min(FIRST_HOLD << n, LAST_HOLD) for n in range(12)]
    assert watch.demoted == 12 and not watch.held


def test_a_stream_that_went_well_for_long_starts_anew():
    watch = Watch()
    assert [failed_again(watch), failed_again(watch)] == [FIRST_HOLD, 2 * FIRST_HOLD]
    assert failed_again(watch, 3 * FIRST_HOLD) == FIRST_HOLD


def test_a_closed_socket_is_forgotten():
    watch = Watch()
    watch.judge({A: START})
    watch.judge({A: BAD})
    watch.judge({A: WORSE})
    watch.forget(A)
    watch.forget(B)
    assert not watch.held and not watch.released()
    assert failed_again(watch) == FIRST_HOLD


def test_a_stream_whose_packets_pass_by_the_accelerator_goes_back(world, caplog):  # noqa: F811
    world.want()
    world.want(offload=True)
    world.by_queue(1)
    world.every()
    for seq in (2, 3, 4):
        world.by_socket(seq)
        assert wait(lambda: world.stats().user_in.packets == seq - 1)
        world.every()
    assert not world.stats().offloaded and not world.queue.arrive(world.a, rtp(99))
    assert world.program.watch.demoted == 1
    assert f"Taken back to user space: {world.a}, as {UNSEEN}" in caplog.text
    assert world.program.take_moves() == [(world.a, ""), (world.a, UNSEEN)]
    world.want(offload=True)
    assert not world.stats().offloaded, "what the sessions want anew must wait too"
    for _ in range(FIRST_HOLD):
        world.every()
    assert world.stats().offloaded and world.program.take_moves() == [(world.a, "")]
    world.by_queue(5)
    (source,) = world.stats().sources
    assert (source.packets, source.lost, source.duplicates) == (5, 0, 0)


def test_a_stream_that_the_accelerator_cannot_send_goes_back(world, caplog):  # noqa: F811
    broadcast = Endpoint.parse("255.255.255.255:9")         # EACCES
    world.want(rtp_outputs=(WantedOutput(world.b, broadcast),))
    world.want(offload=True)
    for seq in range(4):
        world.queue.arrive(world.a, rtp(seq))
        world.every()
    assert not world.stats().offloaded
    assert UNSENT in caplog.text


def test_signalling_and_what_is_left_to_the_relay_demote_nobody(world):  # noqa: F811
    world.want(stun=True, dtls=True)
    world.want(offload=True)
    for seq in range(6):
        world.by_queue(seq)
        world.outside.sendto(b"\x14\xfe\xfd" + bytes(30), world.a.sockaddr)     # DTLS
        assert wait(lambda: bool(world.relay.packets()))
        world.every()
    assert world.stats().offloaded


def test_a_silent_stream_stays(world):  # noqa: F811
    world.want()
    world.by_socket(1)
    world.want(offload=True)
    for _ in range(10):
        world.every()
    assert world.stats().offloaded and world.program.watch.demoted == 0
