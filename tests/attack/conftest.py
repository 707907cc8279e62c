# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attack runs on every engine that user space has, over IPv4 and IPv6; make test takes a part of them."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attack.ground import ENGINES, PACKETS, Ground
from tests.peers import netns

HERE = Path(__file__).parent
SECURE = ("test_secure.py", "test_handshakes.py", "test_paths.py", "test_record.py", "test_floods.py")
FLOODS = (("dtls", "hellos"), ("dtls begun by us", "certificates"), ("ice", "checks_without_password"),
          ("ice and dtls begun by her", "alerts_and_others"))
SIMPLER = ("sdes", "dtls", "dtls begun by us", "ice")


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
    """With few packets the calls with keys are made over IPv4 on the relay, and some over IPv6 on the queue."""
    if PACKETS >= 50:
        return

    def is_sample(values: dict[str, Any]) -> bool:
        """Of the floods, and of what costs as much time."""
        flood = values.get("kind"), getattr(values.get("forger"), "__name__", "")
        return values["ground"] == "relay" and values["family"] == 4 and values["under"] and (
            flood in FLOODS or "deaf" in values)

    def is_one_of_many(item: pytest.Item) -> bool:
        if not isinstance(item, pytest.Function) or item.path.parent != HERE or item.path.name not in SECURE:
            return False
        if not hasattr(item, "callspec"):
            return False
        if item.path.name == "test_floods.py" or "deaf" in item.callspec.params:
            return not is_sample(item.callspec.params)
        engine, family, kind = (item.callspec.params.get(name) for name in ("ground", "family", "kind"))
        return (engine, family) in (("relay", 6), ("nfqueue", 4)) or engine == "nfqueue" and kind in SIMPLER

    left_out = [item for item in items if is_one_of_many(item)]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
