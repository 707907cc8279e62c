# SPDX-License-Identifier: GPL-3.0-or-later
"""The phones of a plain call."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.rtp import Endpoint


@pytest.fixture
def ends() -> Iterator[tuple[Endpoint, Endpoint]]:
    """Caller and callee."""
    a, b = Endpoint(seed=1), Endpoint(seed=2)
    yield a, b
    a.close()
    b.close()
