# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon tells of calls of many kinds, beside the reference daemon that has the same calls."""
from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.differential import tellings
from tests.differential.scene import PATIENCE, Scene
from tests.differential.scenes import PLAYS
from tests.peers import debian
from tests.peers.collector import wait
from tests.peers.daemon import own_command, reference_command
from tests.peers.syslog import Syslog

pytestmark = pytest.mark.e2e

GRAPHITE = "Graphite"


@pytest.fixture(scope="module")
def scenes() -> Iterator[tuple[Scene, Scene]]:
    """Both daemons after all plays."""
    if not Syslog.possible():
        pytest.skip("a syslog of its own needs root and unshare")
    try:
        commands = reference_command(), own_command()
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")
    with ExitStack() as stack:
        pair = Scene(commands[0], stack), Scene(commands[1], stack)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(play_all, pair))
        for scene in pair:
            sent = scene.reports
            assert wait(lambda: scene.reports >= sent + 2, PATIENCE), "the second is of what was after now"
            scene.told[GRAPHITE] = tellings.reported(scene.graphite.data.rpartition(b"\n")[0].decode())
        yield pair


def play_all(scene: Scene) -> None:
    for name, play in PLAYS.items():
        scene.play(play.act, name, play.a, play.b, play.ends, **play.keys)


@pytest.mark.parametrize("name", PLAYS)
def test_one(scenes: tuple[Scene, Scene], name: str) -> None:
    theirs, ours = (scene.told[name] for scene in scenes)
    found = tellings.compare(name, theirs, ours)
    assert not found, "\n".join(found)


def test_metrics(scenes: tuple[Scene, Scene]) -> None:
    """Every number that is no time, and every heading."""
    theirs, ours = (tellings.metrics(scene.metrics()) for scene in scenes)
    assert len(theirs.values) > 50 and not theirs.headings - ours.headings
    assert {name: ours.values.get(name) for name in theirs.values} == theirs.values


def test_interval(scenes: tuple[Scene, Scene]) -> None:
    """What Graphite was told last is told to others too."""
    theirs, ours = ([*scene.statistics()["intervalstatistics"]] for scene in scenes)
    assert [name for name in ours if name in theirs] == theirs
    theirs, ours = (tellings.interval(scene.cli("list totals")) for scene in scenes)
    assert len(theirs) > 50 and [line for line in ours if line in theirs] == theirs
    theirs, ours = (list(scene.client.call("statistics")["statistics"]) for scene in scenes)
    assert [name for name in ours if name in theirs] == theirs


def test_graphite(scenes: tuple[Scene, Scene]) -> None:
    """Of the plays alone, not of what other tests have asked since."""
    theirs, ours = (scene.told[GRAPHITE] for scene in scenes)
    assert len(theirs) > 15 and {name: ours.get(name) for name in theirs} == theirs


@pytest.mark.parametrize("which", [0, 1], ids=["reference", "ours"])
def test_sums(scenes: tuple[Scene, Scene], which: int) -> None:
    """Each session has ended for one reason, and each packet was handled in one place."""
    total = scenes[which].statistics()["totalstatistics"]
    reasons = sum(value for name, value in total.items() if name.endswith(("timeoutsessions", "terminatedsessions")))
    assert reasons == total["managedsessions"] == len(scenes[which].records) > 15
    for name in ("packets", "bytes", "packeterrors"):
        parts = [total[f"relayed{name}{suffix}"] for suffix in ("", "_user", "_kernel")]
        assert parts[0] == parts[1] + parts[2], name
    assert not scenes[which].shrunk
