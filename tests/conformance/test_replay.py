# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block of expected.txt passes, those of different.txt differ where it says; how many others pass is printed."""
from __future__ import annotations

import collections
import warnings
from collections.abc import Iterable

import pytest

from tests.conformance import vectors
from tests.conformance.lab import replay_all
from tests.conformance.replay import Outcome
from tests.conformance.vectors import Block
from tests.peers import netns

pytestmark = [pytest.mark.netns, pytest.mark.timeout(3000)]


TRIES, MOST, LATE = 4, 12, 1.0
"""Dialogues have the times at which they were recorded, which a busy host cannot always keep: within three seconds of
an answer, say. So many times each is replayed, or more if it was held up by as many seconds."""


def unlike_told(outcomes: Iterable[Outcome]) -> list[Block]:
    """The blocks that do not pass although they are said to, or do not differ where they are said to."""
    told = {**{block: ("pass", -1) for block in vectors.expected()},
            **{block: ("differs", step) for block, step in vectors.different()}}
    return [each.block for each in outcomes if told.get(each.block.id, each) not in (each, (each.result, each.step))]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """All blocks, replayed once; those that are not as told some times more."""
    place = vectors.directory()
    if place is None:
        pytest.skip("no recorded dialogues here; RTPENGINE_VECTORS names their directory")
    reason = netns.available()
    if reason:
        pytest.skip(reason)
    found = replay_all(vectors.load(place))
    for number in range(1, MOST):
        disturbed = [block for block in unlike_told(found.values()) if number < TRIES or found[block.id].late > LATE]
        if not disturbed:
            break
        names = ", ".join(f"{block.id} ({found[block.id].late:.1f} s late)" for block in disturbed)
        warnings.warn(f"not as told at first, and replayed once more: {names}", stacklevel=1)
        found |= replay_all(disturbed, workers=1)
    return found


@pytest.mark.parametrize("block", vectors.expected())
def test_expected_block(outcomes: dict[str, Outcome], block: str) -> None:
    assert block in outcomes, "expected.txt names a block that is not there"
    found = outcomes[block]
    assert found.result == "pass", f"{found.line}\n--- recorded\n{found.recorded}\n--- ours\n{found.ours}"


@pytest.mark.parametrize("block, step", vectors.different())
def test_different_block(outcomes: dict[str, Outcome], block: str, step: int) -> None:
    """Or the reason is not true any more."""
    found = outcomes[block]
    assert (found.result, found.step) == ("differs", step), f"{found.line}\n--- ours\n{found.ours}"


def test_the_others(outcomes: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {*vectors.expected(), *(block for block, _ in vectors.different())}
    others = [outcome for outcome in outcomes.values() if outcome.block.id not in wanted]
    counts = collections.Counter(outcome.result for outcome in others)
    new = sorted(outcome.block.id for outcome in others if outcome.result == "pass")
    with capsys.disabled():
        print(f"\n{len(others)} recorded blocks are not expected to pass yet: {dict(counts)}")
        if new:
            print("of these pass: " + " ".join(new))
    assert len(outcomes) == len(others) + len(wanted)
