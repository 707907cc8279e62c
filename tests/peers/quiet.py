# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a daemon has worked off everything that was sent to it, however slow the host is."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection
from pathlib import Path

SLOWNESS = float(os.environ.get("RTPENGINE_SLOWNESS", "1"))
"""How much longer everything may take than on a host (in a guest that has a part of a processor, and emulates one)."""
PATIENCE = 30.0 * SLOWNESS
_WAKES = "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"


def _wakes(process: Path) -> int | None:
    """How often its threads but the first, and the one that asks, were set going; None unless all of them sleep now.

    The first wakes by its clock as well; when it sleeps it has done what the others have handed up.
    """
    total = 0
    for task in (process / "task").iterdir():
        if task.name == str(threading.get_native_id()):
            continue
        try:
            lines = (task / "status").read_text().splitlines()
        except OSError:     # it has ended
            continue
        words = dict(line.split("\t", 1) for line in lines if "\t" in line)
        if not words["State:"].startswith("S"):
            return None
        if task.name != process.name:
            total += sum(int(words[name]) for name in _WAKES)
    return total


def _sockets(process: Path) -> set[str]:
    found = set()
    for handle in (process / "fd").iterdir():
        try:
            kind, _, number = os.readlink(handle).partition(":")
        except OSError:
            continue
        if kind == "socket":
            found.add(number.strip("[]"))
    return found


def _waiting(process: Path, others: Collection[str]) -> bool:
    """Whether anything waits in its UDP sockets but for ``others``, or in netfilter queues of its network."""
    own = _sockets(process).difference(others)
    for table in ("udp", "udp6"):
        for line in (process / "net" / table).read_text().splitlines()[1:]:
            words = line.split()
            if int(words[4].partition(":")[2], 16) and words[9] in own:
                return True
    queues = process / "net" / "netfilter" / "nfnetlink_queue"
    return queues.exists() and any(int(line.split()[2]) for line in queues.read_text().splitlines())


def is_quiet(pid: int, others: Collection[str] = ()) -> bool:
    """Whether nothing waits for the process and it does nothing. ``others``: inodes of sockets that do not count."""
    process = Path(f"/proc/{pid}")
    wakes = _wakes(process)
    return wakes is not None and not _waiting(process, others) and wakes == _wakes(process)


def rest(pid: int, patience: float = PATIENCE) -> None:
    """Wait until it is quiet. AssertionError if it never is."""
    deadline = time.monotonic() + patience
    while not is_quiet(pid):
        assert time.monotonic() < deadline, "the daemon comes to no rest"
        time.sleep(0.001)
