# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of one host that are pointed at each other: packets end their way soon, and chains of calls still work."""
from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controlplane.addresses import Endpoint
from controlplane.events import WantedOutput, WantedTarget
from controlplane.relay._native import lib
from tests.unit.dataplane.rig import Rig, rest, rtp, wait
from tests.unit.dataplane.test_nfqueue import Queue, ip


@pytest.fixture(params=[4, 6])
def family(request: pytest.FixtureRequest) -> int:
    """IPv4 and IPv6."""
    return int(request.param)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


def leads(rig: Rig, local: Endpoint, sender: Endpoint, *there: Endpoint) -> None:
    """A target that sends what it gets to these places."""
    rig.install(WantedTarget(local, tuple(WantedOutput(sender, place) for place in there), payload_types=((0, 8000),)))


def at_rest(rig: Rig, *locals_: Endpoint) -> int:
    """Packets received in all, when no more come."""
    rest()
    return sum(rig.counters(local).packets for local in locals_)


def test_a_target_that_leads_to_itself(rig: Rig, family: int) -> None:
    local, sender = rig.local(family), rig.local(family)
    leads(rig, local, sender, local)
    rig.peer(family).send(rtp(1), local)
    assert wait(lambda: rig.state(local).outputs[0].counters.errors == 1)
    state = rig.state(local)
    assert (state.counters.packets, state.outputs[0].counters.packets) == (5, 4)
    assert state.drops[lib.RTPE_DROP_SEND] == 1
    assert at_rest(rig, local) == 5


def test_two_calls_pointed_at_each_other_do_not_multiply(rig: Rig, family: int) -> None:
    one, two = rig.local(family), rig.local(family)
    leads(rig, one, one, two, two)
    leads(rig, two, two, one, one)
    peer = rig.peer(family)
    for n in range(10):
        peer.send(rtp(n), one)
        peer.send(b"no media at all", two)
    assert at_rest(rig, one, two) <= 20 * (1 + 2 + 4 + 8 + 16)
    time.sleep(1.1)     # what is known of the circle has expired; nothing of it is under way any more
    peer.send(rtp(11), one)
    before = at_rest(rig, one, two)
    time.sleep(0.2)
    assert at_rest(rig, one, two) == before


def test_calls_one_after_the_other(rig: Rig, family: int) -> None:
    """Three targets in a row, beside media of the same sockets that came from outside."""
    a, b = rig.peer(family), rig.peer(family)
    entry, middle, late = rig.local(family), rig.local(family), rig.local(family)
    leads(rig, entry, entry, middle)
    leads(rig, middle, middle, late)
    leads(rig, late, late, b.endpoint)
    for n in range(50):
        a.send(rtp(n), entry)
        a.send(rtp(n, ssrc=2), middle)
    assert sorted(b.receive(100)) == sorted([rtp(n) for n in range(50)] + [rtp(n, ssrc=2) for n in range(50)])


def test_the_queues_engine_ends_them_too(rig: Rig, family: int) -> None:
    queue, a, b = Queue(rig), rig.peer(family), rig.peer(family)
    local = rig.local(family)
    rig.install(WantedTarget(local, (WantedOutput(local, b.endpoint),)), queue)
    for sender in (a.endpoint, *[local] * 9):
        assert queue.feed(ip(sender, local, rtp(1))) == 1
    assert len(b.receive(9, 0.2)) == 4
    assert rig.state(local, queue).outputs[0].counters.errors == 6
