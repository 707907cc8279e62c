# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the kernel tests: the prepared kernel, the built module, and the results of a boot."""
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel.build import ROOT, Built, build
from tests.kernel.prepare import Kernel, PrepareError, prepare
from tests.kernel.vm import Guest, Result

BUILD = ROOT / "build" / "kernel"
BOOT_LIMIT = 600.0      # seconds; a boot with all its cases takes about two minutes on two shared cores


@dataclass(slots=True)
class Boot:
    """What a boot of the guest left: a line per case that ended, and how the guest itself ended."""

    cases: dict[str, dict[str, object]]
    result: Result


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The kernel to boot; skips, with the reason, where it cannot be prepared."""
    try:
        return prepare()
    except PrepareError as e:
        pytest.skip(f"kernel tests cannot run here: {e}")


@pytest.fixture(scope="session")
def built(kernel: Kernel) -> Built:
    """Module and iptables extension."""
    return build(kernel.release, BUILD)


@pytest.fixture(scope="session")
def boot(kernel: Kernel, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, list[str]], Boot]:
    """Boots a guest with so many CPUs, once, and runs the cases named there."""
    done: dict[int, Boot] = {}

    def run(cpus: int, names: list[str]) -> Boot:
        if cpus not in done:
            out = tmp_path_factory.mktemp(f"guest{cpus}")
            guest = Guest(kernel, cpus=cpus, shares=(out,), environment=built.environment(), timeout=BOOT_LIMIT)
            result = guest.run("/usr/bin/python3", "-m", "tests.kernel.guest.run", str(built.module),
                               str(out / "results"), *names, cwd=ROOT)
            done[cpus] = Boot(read_results(out / "results"), result)
        return done[cpus]

    return run


def read_results(path: Path) -> dict[str, dict[str, object]]:
    """The cases that ended, by name, from the file the guest wrote (there may be none)."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {case["name"]: case for case in map(json.loads, lines)}
