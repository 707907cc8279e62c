# SPDX-License-Identifier: GPL-3.0-or-later
"""What the relay learns by itself while the sessions are still thinking: where to send, and whom to refuse."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.errors import DataPlaneError
from controlplane.events import NO_RANK, Mismatch, WantedOutput, WantedTarget
from tests.unit.dataplane.rig import Peer, Rig, rtcp, rtp, sequence_of, wait


class Lesson:
    """A sends to B from wherever it likes; what B sends goes to where A is believed to be."""

    def __init__(self, rig: Rig, **target: object):
        self.rig = rig
        self.b = rig.peer()
        self.at_a, self.at_b = rig.local(), rig.local()
        self.announced = rig.peer()
        self.target = {"learning": True, "payload_types": ((0, 8000),), **target}
        self.sequence = 0
        self.teach()
        self.fallback(self.announced)

    def teach(self, **changes: object) -> None:
        """Install the target that learns."""
        self.target |= changes
        self.rig.install(WantedTarget(self.at_a, (WantedOutput(self.at_b, self.b.endpoint),), **self.target))

    def fallback(self, peer: Peer) -> None:
        """Install the target whose output follows, with this destination until something is learned."""
        self.rig.install(WantedTarget(self.at_b, (WantedOutput(self.at_a, peer.endpoint, follow=True),)))

    def speak(self, peer: Peer) -> bool:
        """A packet from ``peer``; True if it was forwarded."""
        self.sequence += 1
        peer.send(rtp(self.sequence), self.at_a)
        return [sequence_of(p) for p in self.b.receive(1, 0.3)] == [self.sequence]

    def hears(self, peer: Peer) -> bool:
        """True if what B sends now arrives at ``peer``."""
        self.sequence += 1
        self.b.send(rtp(self.sequence), self.at_b)
        return [sequence_of(p) for p in peer.receive(1, 0.5)] == [self.sequence]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def test_the_very_next_packet_goes_to_a_source_just_seen(rig: Rig) -> None:
    lesson = Lesson(rig)
    assert lesson.hears(lesson.announced)
    for peer in (rig.peer(), rig.peer(), lesson.announced):
        assert lesson.speak(peer) and lesson.hears(peer)


def test_only_better_or_equal_ranks_are_followed(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.teach(expected_source=lesson.announced.endpoint, best_rank=NO_RANK)
    other_port = rig.peer()
    assert lesson.speak(other_port) and lesson.hears(other_port)            # rank 1
    elsewhere = rig.peer(address="127.0.0.2")
    assert lesson.speak(elsewhere) and lesson.hears(other_port)             # rank 3: forwarded, not followed
    third_port = rig.peer()
    assert lesson.speak(third_port) and lesson.hears(third_port)            # rank 1 again
    assert lesson.speak(lesson.announced) and lesson.hears(lesson.announced)
    assert lesson.speak(other_port) and lesson.hears(lesson.announced)


def test_strict_source_drops_worse_ranks_and_counts_them(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.teach(expected_source=lesson.announced.endpoint, best_rank=NO_RANK, mismatch=Mismatch.DROP)
    elsewhere, other_port = rig.peer(address="127.0.0.2"), rig.peer()
    assert lesson.speak(elsewhere) and lesson.hears(elsewhere)
    assert lesson.speak(other_port)
    assert not lesson.speak(elsewhere) and lesson.hears(other_port)
    assert wait(lambda: rig.state(lesson.at_a).counters.errors == 1)
    assert rig.state(lesson.at_a).counters.packets == 2


def test_the_best_rank_so_far_comes_with_the_target(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.teach(expected_source=lesson.announced.endpoint, best_rank=1, mismatch=Mismatch.DROP)
    assert not lesson.speak(rig.peer(address="127.0.0.2"))
    assert lesson.speak(rig.peer())


def test_what_was_learned_is_forgotten_with_the_target(rig: Rig) -> None:
    lesson = Lesson(rig)
    old, fresh = rig.peer(), rig.peer()
    assert lesson.speak(old) and lesson.hears(old)
    lesson.teach()
    lesson.fallback(fresh)
    assert lesson.hears(fresh), "a new announcement counts until the first packet"
    lesson.teach(learning=False)
    assert lesson.speak(old) and lesson.hears(fresh), "nothing is followed once learning is over"


def test_stray_rtcp_is_not_followed(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.teach(expected_source=lesson.announced.endpoint, best_rank=NO_RANK)
    rig.peer().send(rtcp(), lesson.at_a)
    assert wait(lambda: rig.state(lesson.at_a).counters.packets == 1)
    assert lesson.hears(lesson.announced)


@pytest.mark.parametrize("changes", [
    {"learning": False, "expected_source": Endpoint.parse("127.0.0.1:9"), "best_rank": 1},
    {"best_rank": 1},
    {"expected_source": Endpoint.parse("127.0.0.1:9"), "best_rank": NO_RANK + 1},
])
def test_ranking_needs_learning_something_to_compare_with_and_a_rank(rig: Rig, changes: dict[str, object]) -> None:
    wanted = WantedTarget(rig.local(), **({"learning": True} | changes))    # type: ignore[arg-type]
    batch = abi.batch(abi.add_target(wanted))
    (reply,) = abi.replies(rig.relay.command(batch))
    with pytest.raises(DataPlaneError, match="Invalid argument"):
        reply.check("target")
