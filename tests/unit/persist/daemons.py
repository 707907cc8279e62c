# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that goes on with the calls of another one."""
from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from controlplane.events import KeyIndex
from controlplane.persist.document import Restored, read_call, write_call
from controlplane.persist.encoding import JSON, from_bytes, to_bytes
from controlplane.persist.sockets import Surroundings
from controlplane.session.adoption import adopt
from tests.unit.session.calls import Daemon


def around(daemon: Daemon) -> Surroundings:
    """What a daemon restores calls with."""
    return Surroundings(daemon.settings, daemon.sockets, random.Random(2), daemon.now)


def written(daemon: Daemon, call_id: str = "c1", indices: Iterable[KeyIndex] = (), format: str = JSON) -> bytes:
    """The document of a call."""
    return to_bytes(write_call(daemon.calls.calls[call_id], tuple(indices)), format)


def restored(data: bytes, daemon: Daemon) -> Restored:
    """The call of a document, which ``daemon`` goes on with."""
    found = read_call(from_bytes(data), around(daemon))
    adopt(daemon.calls, found.call, daemon.now)
    daemon.apply()
    return found


def heir(daemon: Daemon, **settings: Any) -> Daemon:
    """Another daemon at the same time, with all calls of ``daemon``."""
    other = Daemon(*daemon.specs, **settings)
    other.now = daemon.now
    for call_id in daemon.calls.calls:
        restored(written(daemon, call_id), other)
    return other
