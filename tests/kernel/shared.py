# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot with a daemon: cases of tests/kernel/test_daemon.py, and tests of tests/attack on the kernel's streams."""
from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeGuard

import pytest

from tests.kernel.boots import BOOT_LIMIT, BUILD, Boot, run_cases
from tests.kernel.build import build
from tests.kernel.prepare import PrepareError, prepare
from tests.kernel.vm import Guest

PACKETS = "RTPENGINE_ATTACK_PACKETS"
EACH = 30.0     # seconds that an attack may take, of which each takes three or four on two idle cores
_DONE = pytest.StashKey[Boot | PrepareError]()


def _values(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def is_attack(item: pytest.Item) -> TypeGuard[pytest.Function]:
    """Whether it is a test of tests/attack that has the kernel for its engine."""
    return _values(item).get("ground") == "kernel"


def _is_case(item: pytest.Item) -> bool:
    return item.nodeid.startswith("tests/kernel/test_daemon.py::test_case[")


def limit(items: Iterable[pytest.Item]) -> float:
    """Seconds after which the boot is given up."""
    return BOOT_LIMIT + EACH * sum(map(is_attack, items))


def shared_boot(session: pytest.Session, factory: pytest.TempPathFactory) -> Boot:
    """What the guest left of all that was selected; boots once, and skips where there is no guest."""
    if _DONE not in session.stash:
        session.stash[_DONE] = _boot(session.items, factory.mktemp("guest-daemon"))
    left = session.stash[_DONE]
    if isinstance(left, PrepareError):
        pytest.skip(f"kernel tests cannot run here: {left}")
    return left


def _boot(items: list[pytest.Item], out: Path) -> Boot | PrepareError:
    try:
        kernel = prepare()
    except PrepareError as e:
        return e
    attacks = list(filter(is_attack, items))
    names = [item.nodeid for item in attacks] + [str(_values(item)["name"]) for item in items if _is_case(item)]
    module = build(kernel, BUILD)
    guest = Guest(kernel, cpus=2, memory_mb=2048, shares=(out,), timeout=limit(items),
                  environment={**module.environment(), **_plan(out / "attacks", attacks)})
    return run_cases(guest, module, out, names, sys.executable)     # the Python that has the daemon's libraries


def _plan(path: Path, attacks: Iterable[pytest.Function]) -> dict[str, str]:
    """Writes what tests/kernel/guest/attacks.py has to know of them; the variables that say where."""
    planned = {}
    for item in attacks:
        values = {name: value for name, value in _values(item).items() if name != "ground"}
        planned[item.nodeid] = item.module.__name__, item.originalname, pickle.dumps(values)
    path.write_bytes(pickle.dumps(planned))
    return {"RTPE_ATTACKS": str(path), "RTPENGINE_SLOWNESS": "15", PACKETS: os.environ.get(PACKETS, "5")}
