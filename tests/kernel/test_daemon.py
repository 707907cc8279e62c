# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon with the module in a guest; one boot for all cases."""
import pytest

from tests.kernel.boots import BOOT_LIMIT, case_names
from tests.kernel.shared import shared_boot

MODULES = ("case_daemon_ice", "case_daemon_secure", "case_doctor", "case_daemon_watch", "case_daemon_capture",
           "case_daemon_keys", "case_daemon", "case_daemon_restart")
"""The first of them share a daemon."""
CASES = [name for module in MODULES for name in case_names(module)]


@pytest.mark.kernel
@pytest.mark.timeout(BOOT_LIMIT + 120)
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One case."""
    complaint = shared_boot(request.session, tmp_path_factory).complaint(name)
    assert not complaint, complaint
