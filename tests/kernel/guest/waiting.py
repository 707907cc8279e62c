# SPDX-License-Identifier: GPL-3.0-or-later
"""What cases with a daemon wait for, in a guest that takes ten times as long on a busy host."""
import time
from collections.abc import Callable
from typing import Any

from tests.kernel.guest.net import sh
from tests.peers.daemon import Daemon


def eventually(what: str, check: Callable[[], Any], seconds: float = 200,
               meanwhile: Callable[[], object] = lambda: time.sleep(0.1)) -> Any:
    """What the check finds in the end; ``meanwhile`` is done between two looks."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := check()):
            return found
        meanwhile()
    raise AssertionError(f"never: {what}\n{sh('cat /proc/rtpengine/0/list', check=False)}")


def forwarded(daemon: Daemon) -> tuple[int, int]:
    """Packets forwarded in user space and by the kernel since the daemon's start."""
    with daemon.client(timeout=20) as client:
        totals = client.send({"command": "statistics"})["statistics"]["totalstatistics"]
    return totals["relayedpackets_user"], totals["relayedpackets_kernel"]


def settled(daemon: Daemon, meanwhile: Callable[[], object] = lambda: time.sleep(0.2)) -> tuple[int, int]:
    """The same when all is counted, which happens once a second."""
    found, since = forwarded(daemon), time.monotonic()
    while time.monotonic() < since + 2:
        meanwhile()
        if found != (found := forwarded(daemon)):
            since = time.monotonic()
    return found
