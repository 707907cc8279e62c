# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable

import pytest

from controlplane.cli.dispatcher import Dispatcher

from .fakes import FakeBackend


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def run(backend: FakeBackend) -> Callable[[str], str]:
    """Runs commands against the test's backend."""
    return Dispatcher(backend).text
