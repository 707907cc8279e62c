# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon tells of calls of many kinds, beside the reference daemon that has the same calls."""
from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.differential import tellings
from tests.differential.scene import Scene
from tests.differential.scenes import PLAYS
from tests.peers import debian
from tests.peers.daemon import own_command, reference_command
from tests.peers.syslog import Syslog

pytestmark = pytest.mark.e2e


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
        yield pair


def play_all(scene: Scene) -> None:
    for name, play in PLAYS.items():
        scene.play(play.act, name, play.a, play.b, **play.keys)


@pytest.mark.parametrize("name", PLAYS)
def test_one(scenes: tuple[Scene, Scene], name: str) -> None:
    theirs, ours = (scene.told[name] for scene in scenes)
    found = tellings.compare(name, theirs, ours)
    assert not found, "\n".join(found)
