# SPDX-License-Identifier: GPL-3.0-or-later
"""The phones of a plain call, and calls of other phones through a daemon on loopback."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.daemon import Daemon
from tests.peers.rtp import Endpoint
from tests.peers.talking import Call


@pytest.fixture
def ends() -> Iterator[tuple[Endpoint, Endpoint]]:
    """Caller and callee."""
    a, b = Endpoint(seed=1), Endpoint(seed=2)
    yield a, b
    a.close()
    b.close()


@pytest.fixture(scope="module")
def loopback() -> Iterator[Daemon]:
    """A daemon with media on 127.0.0.1."""
    with Daemon(interfaces=("127.0.0.1",)) as running:
        yield running


@pytest.fixture
def call(loopback: Daemon) -> Iterator[Call]:
    """A call through it that is about to begin."""
    with loopback.client() as client:
        made = Call(client)
        yield made
        made.end()
