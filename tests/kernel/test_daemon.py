# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module in a guest; one boot for all cases."""
import sys

import pytest

from tests.kernel.build import ROOT, Built
from tests.kernel.conftest import BOOT_LIMIT, Boot, read_results
from tests.kernel.prepare import Kernel
from tests.kernel.test_guest import case_names
from tests.kernel.vm import Guest

CASES = case_names("case_daemon")


@pytest.fixture(scope="module")
def left(kernel: Kernel, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Boot:
    """What the guest left after all cases, run by the Python that has the daemon's libraries."""
    out = tmp_path_factory.mktemp("guest-daemon")
    guest = Guest(kernel, cpus=2, memory_mb=2048, shares=(out,), environment=built.environment(), timeout=BOOT_LIMIT)
    result = guest.run(sys.executable, "-m", "tests.kernel.guest.run", str(built.module), str(out / "results"), *CASES,
                       cwd=ROOT)
    return Boot(read_results(out / "results"), result)


@pytest.mark.kernel
@pytest.mark.timeout(BOOT_LIMIT + 120)
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, left: Boot) -> None:
    """One case of case_daemon."""
    case = left.cases.get(name)
    if case is None:
        pytest.fail(f"the guest ended before this case (status {left.result.status}):\n"
                    f"{left.result.output}\n{left.result.console[-6000:]}")
    assert not case["trouble"], case["trouble"]
