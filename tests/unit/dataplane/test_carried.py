# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted streams that another process goes on with; libsrtp at both ends notices nothing."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.dataplane.indices import CARRIED_RESERVE, MAX_RTCP, Indices
from controlplane.events import ChangeSet, KeyIndex
from controlplane.relay._native import ffi
from tests.unit.dataplane.rig import Rig, rtcp, rtp
from tests.unit.dataplane.test_indices import Stream


@pytest.fixture
def streams() -> Iterator[tuple[Stream, Stream]]:
    """Of one process and of the other, with the same ends."""
    with Rig() as one, Rig() as other:
        first, second = Stream(one), Stream(other)
        second.into, second.out_of = first.into, first.out_of
        second.sender, second.receiver = first.sender, first.receiver
        yield first, second


def inherit(first: Stream, second: Stream, indices: tuple[KeyIndex, ...]) -> None:
    carried = Indices()
    carried.load(indices)
    second.sequence = first.sequence
    second.program.apply(ChangeSet({second.local: second.target(second.local)}), carried)


def known(stream: Stream) -> tuple[KeyIndex, ...]:
    return stream.program.indices_of([stream.local, stream.source]).export()


@pytest.mark.parametrize("offload", [False, True])
@pytest.mark.parametrize("strips", [False, True])
@pytest.mark.parametrize("behind", [0, 130], ids=["fresh", "from before the roll-over"])
def test_another_process_goes_on(streams: tuple[Stream, Stream], offload: bool, strips: bool, behind: int) -> None:
    """What it is told may be older than the roll-over of the sequence number, and than many reports."""
    first, second = streams
    first.offload = second.offload = offload
    first.strips = second.strips = strips
    first.apply()
    first.talk(150 - behind)
    indices = known(first)
    if behind:
        assert first.sequence < 65536
        first.talk(behind)
    assert first.sequence > 65536
    inherit(first, second, indices)
    second.talk(150)
    third = known(second)
    assert {each.key for each in third} == {each.key for each in indices}
    assert all(each.rtp > 65536 for each in third if each.rtp)


def test_what_was_let_in_before_is_not_let_in_again(streams: tuple[Stream, Stream]) -> None:
    first, second = streams
    first.apply()
    first.sequence = 100
    first.talk(60)
    overheard = first.sender.protect(rtp(161)), first.sender.protect_rtcp(rtcp())
    first.a.send(overheard[0], first.local)
    first.a.send(overheard[1], first.local)
    assert len(first.b.receive(2)) == 2
    inherit(first, second, known(first))
    for packet in overheard:
        second.a.send(packet, second.local)
    second.sequence = 161
    second.talk(1)


@pytest.mark.parametrize("top", [0, 1, 15, 16, 17, 128, 255, 256, 257, 65537, (1 << 48) - 1])
def test_all_indices_before_are_taken(top: int) -> None:
    indices = Indices()
    indices.load([KeyIndex(False, b"k", 7, top, 0)])
    assert indices.export() == (KeyIndex(False, b"k", 7, top, 0),)
    ((head, (rtp_window, _)),) = indices._known[False, b"k"].items()
    window = ffi.from_buffer("struct rtpe_replay *", rtp_window)
    for index in range(max(0, top - 128), top):
        word = window.seen[index // 16 % 16]
        assert word >> 16 == index // 16 and word >> index % 16 & 1
    word = window.seen[top // 16 % 16]
    assert word >> 16 < top // 16 or not word >> top % 16 & 1, "the next one is welcome"
    assert head[:4] == bytes([0, 0, 0, 7])


def test_reports_of_ours_leave_room_for_those_that_nobody_told_of() -> None:
    indices = Indices()
    indices.load([KeyIndex(True, b"k", 1, 5, 9), KeyIndex(True, b"k", 2, 5, 0), KeyIndex(False, b"k", 1, 5, 9),
                  KeyIndex(True, b"k", 3, 5, MAX_RTCP - 3)])
    tops = {(each.sent, each.ssrc): each.rtcp for each in indices.export()}
    assert tops == {(True, 1): 9 + CARRIED_RESERVE, (True, 2): CARRIED_RESERVE, (False, 1): 9, (True, 3): MAX_RTCP}
