# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module in a guest; one boot for all cases."""
import sys

import pytest

from tests.kernel.boots import BOOT_LIMIT, Boot, case_names, run_cases
from tests.kernel.build import Built
from tests.kernel.prepare import Kernel
from tests.kernel.vm import Guest

MODULES = ("case_daemon_ice", "case_daemon_secure", "case_doctor", "case_daemon_watch", "case_daemon_capture",
           "case_daemon_keys", "case_daemon", "case_daemon_restart")
"""The first of them share a daemon."""
CASES = [name for module in MODULES for name in case_names(module)]


@pytest.fixture(scope="module")
def left(kernel: Kernel, built: Built, tmp_path_factory: pytest.TempPathFactory,
         request: pytest.FixtureRequest) -> Boot:
    """What the guest left after all cases that were selected, run by the Python that has the daemon's libraries."""
    selected = [str(item.callspec.params["name"]) for item in request.session.items
                if isinstance(item, pytest.Function) and item.function is test_case]
    out = tmp_path_factory.mktemp("guest-daemon")
    guest = Guest(kernel, cpus=2, memory_mb=2048, shares=(out,), environment=built.environment(), timeout=BOOT_LIMIT)
    return run_cases(guest, built, out, selected, sys.executable)


@pytest.mark.kernel
@pytest.mark.timeout(BOOT_LIMIT + 120)
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, left: Boot) -> None:
    """One case."""
    complaint = left.complaint(name)
    assert not complaint, complaint
