# SPDX-License-Identifier: GPL-3.0-or-later
"""How two workers share the tests (pytest -n 2): the guests for one, this host for the other."""
import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A host that is busy elsewhere takes long for any example, and for making one. A run has the examples of every other
# run, so that none fails for what another one has not seen; RTPENGINE_EXAMPLES=random (make fuzz) looks for more.
for name, again in (("same", True), ("random", False)):
    settings.register_profile(name, deadline=None, derandomize=again, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("RTPENGINE_EXAMPLES", "same"))


class ByMachine(LoadScopeScheduling):
    """Guests of one boot have to stay together, and the host's namespaces, daemons and measured delays are not for two
    at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return "guest" if nodeid.startswith("tests/kernel/") or "[kernel-" in nodeid else "host"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByMachine:
    """Instead of what --dist would choose."""
    return ByMachine(config, log)
