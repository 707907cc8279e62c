# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attack runs on every engine that user space has, over IPv4 and IPv6; make test takes a part of them."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attack.ground import ENGINES, PACKETS, Ground
from tests.peers import netns

SECURE = ("test_secure.py", "test_handshakes.py", "test_paths.py")


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With few packets the calls with keys take one family on each engine: IPv4 on the relay, IPv6 on the queue."""
    if PACKETS >= 50:
        return
    others = ("relay", 6), ("nfqueue", 4)
    left_out = [item for item in items if isinstance(item, pytest.Function) and item.path.name in SECURE
                and (item.callspec.params["ground"], item.callspec.params.get("family")) in others]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
