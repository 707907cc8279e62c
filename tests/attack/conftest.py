# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attack runs on every engine that user space has, over IPv4 and IPv6."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attack.ground import ENGINES, Ground
from tests.peers import netns


@pytest.fixture(scope="package", params=ENGINES)
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A network with a daemon, for each engine."""
    if netns.available():
        pytest.skip(netns.available())
    made = Ground(request.param)
    yield made
    made.close()


@pytest.fixture(params=[4, 6])
def family(request: pytest.FixtureRequest) -> int:
    """Of IP."""
    return int(request.param)
