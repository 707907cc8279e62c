# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the kernel tests: the prepared kernels, the built modules, and the results of a boot."""
from collections.abc import Callable

import pytest

from tests.kernel.boots import BOOT_LIMIT, BUILD, Boot, run_cases
from tests.kernel.build import Built, build
from tests.kernel.prepare import Kernel, PrepareError, prepare
from tests.kernel.vm import Guest

Booter = Callable[[str, int, list[str]], Boot]


def prepared(meta: str) -> Kernel:
    """The kernel of a meta package of headers; skips, with the reason, where it cannot be prepared."""
    try:
        return prepare(meta)
    except PrepareError as e:
        pytest.skip(f"kernel tests cannot run here: {e}")


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The kernel whose headers are installed."""
    return prepared("")


@pytest.fixture(scope="session")
def built(kernel: Kernel) -> Built:
    """Module and iptables extension."""
    return build(kernel, BUILD)


@pytest.fixture(scope="session")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Booter:
    """Boots a kernel with so many CPUs, once, and runs the cases named there."""
    done: dict[tuple[str, int], Boot] = {}

    def run(meta: str, cpus: int, names: list[str]) -> Boot:
        if (meta, cpus) not in done:
            kernel = prepared(meta)
            module = build(kernel, BUILD.with_name(f"{BUILD.name}-{meta}") if meta else BUILD)
            out = tmp_path_factory.mktemp(f"guest{cpus}")
            guest = Guest(kernel, cpus=cpus, shares=(out,), environment=module.environment(), timeout=BOOT_LIMIT)
            done[meta, cpus] = run_cases(guest, module, out, names)
        return done[meta, cpus]

    return run
