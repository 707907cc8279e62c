# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets over several interfaces and their usage."""
from __future__ import annotations

import random

from controlplane.addresses import Endpoint
from controlplane.ports.sockets import Sockets
from tests.unit.session.calls import spec


def test_usage_and_release() -> None:
    opened: list[Endpoint] = []
    sockets = Sockets([spec("a", "10.0.0.1", ports=(30000, 30009)), spec("b", "10.0.0.1", ports=(30000, 30009)),
                       spec("c", "10.0.0.2", ports=(30000, 30003))], {}, random.Random(1), opened.append,
                      opened.remove)
    pair = sockets.allocate(sockets.select("b", 4, None), 2)
    assert opened == list(pair) and sockets.open == 2
    assert [(each.name, each.used, each.free, each.total) for each in sockets.usage()] == [
        ("a", 2, 8, 10), ("b", 2, 8, 10), ("c", 0, 4, 4)]
    for endpoint in (*pair, *pair):
        sockets.release(endpoint)
    assert not opened and sockets.open == 0
