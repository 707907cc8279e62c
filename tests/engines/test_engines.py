# SPDX-License-Identifier: GPL-3.0-or-later
"""Every scenario on the engines of user space: the core under sanitizers, the relay, the NFQUEUE engine."""
from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import tests.engines.table  # noqa: F401 - fills TABLE
from tests.engines.core import CoreEngine
from tests.engines.native import NativeEngines
from tests.engines.player import Player
from tests.engines.scenario import TABLE

Ours = CoreEngine | NativeEngines
ENGINES: dict[str, tuple[Callable[[], Ours], str]] = {
    "core": (lambda: CoreEngine((False, False)), "passing"),
    "core6": (lambda: CoreEngine((False, False), (6, 6)), "passing"),
    "core-terminal": (lambda: CoreEngine((True, False), (4, 6)), "terminal"),
    "relay": (lambda: NativeEngines(("relay", "nfqueue")), "terminal"),
    "relay6": (lambda: NativeEngines(("relay", "nfqueue"), (6, 6)), "terminal"),
    "nfqueue": (lambda: NativeEngines(("nfqueue", "relay")), "passing"),
    "nfqueue46": (lambda: NativeEngines(("nfqueue", "nfqueue"), (4, 6)), "passing"),
}


class Pool:
    """Engines that live from test to test, but not over a failure."""

    def __init__(self) -> None:
        self.made: dict[str, Ours] = {}

    def get(self, name: str) -> Ours:
        """The engine of this name."""
        if name not in self.made:
            self.made[name] = ENGINES[name][0]()
        return self.made[name]

    def end(self, name: str) -> None:
        """Ends an engine; its complaints are a failure."""
        assert not (said := self.made.pop(name).close()), said


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """The engines of this run."""
    made = Pool()
    yield made
    for name in list(made.made):
        made.end(name)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("engine", ENGINES)
def test_scenario(engine: str, name: str, pool: Pool) -> None:
    entry, kind = TABLE[name], ENGINES[engine][1]
    if entry.engines not in ("all", kind):
        pytest.skip(f"for {entry.engines} tables")
    played = False
    try:
        Player(pool.get(engine)).play(entry.steps())
        played = True
    finally:
        if not played and engine in pool.made:
            pool.made.pop(engine).close()
