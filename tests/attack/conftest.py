# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attack runs on every engine, over IPv4 and IPv6; make test takes a part of them."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attack.ground import ENGINES, PACKETS, Ground
from tests.kernel.boots import Boot
from tests.kernel.shared import is_attack, limit, shared_boot
from tests.peers import netns

HERE = Path(__file__).parent
SECURE = ("test_secure.py", "test_handshakes.py", "test_paths.py", "test_record.py", "test_floods.py")
FLOODS = (("dtls", "hellos"), ("dtls begun by us", "certificates"), ("ice", "checks_without_password"),
          ("ice and dtls begun by her", "alerts_and_others"))
SIMPLER = ("sdes", "dtls", "dtls begun by us", "ice")
MANY = 50
"""Packets from which on nothing is left out, as in make attack."""
IN_THE_KERNEL = (
    "test_packets_from_elsewhere[kernel-4-after_the_parties_spoke-default]",
    "test_packets_from_elsewhere[kernel-6-with_the_right_numbers-default]",
    "test_packets_from_elsewhere[kernel-6-after_a_new_offer-strict]",
    "test_no_report_ends_a_check[kernel-4-rtp-4 octets]",
    "test_forged_media[kernel-6-media_once_more-sdes]",
    "test_forged_media[kernel-4-media_with_changes-sdes as it is]",
    "test_forged_media[kernel-6-reports_with_changes-dtls]",
    "test_forged_media[kernel-4-media_in_clear-ice and dtls]",
    "test_what_belonged_to_the_call_before[kernel-6-sdes]",
)
"""Of attacks on the kernel's streams, what make test takes."""


@pytest.fixture(scope="package", params=ENGINES)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground | Boot]:
    """A network with a daemon, for each engine; of the kernel, what the guest left that has one."""
    if request.param == "kernel":
        yield shared_boot(request.session, tmp_path_factory)
        return
    if netns.available():
        pytest.skip(netns.available())
    made = Ground(request.param)
    yield made
    made.close()


@pytest.fixture(params=[4, 6])
def family(request: pytest.FixtureRequest) -> int:
    """Of IP."""
    return int(request.param)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that has run in the guest does not run here: it passes, fails or is skipped as it was there."""
    left = pyfuncitem.funcargs.get("ground")
    if not isinstance(left, Boot):
        return None
    if reason := left.skipped(pyfuncitem.nodeid):
        pytest.skip(reason)
    if complaint := left.complaint(pyfuncitem.nodeid):
        pytest.fail(complaint, pytrace=False)
    return True


def _is_sample(values: dict[str, Any]) -> bool:
    """Of the floods, and of what costs as much time."""
    flood = values.get("kind"), getattr(values.get("forger"), "__name__", "")
    return values["ground"] == "relay" and values["family"] == 4 and values["under"] and (
        flood in FLOODS or "deaf" in values)


def _is_left_out(item: pytest.Item) -> bool:
    """With few packets the calls with keys are made over IPv4 on the relay, and some over IPv6 on the queue.

    Floods are of what comes before the kernel has anything, and quicker than what sends in a guest.
    """
    if not isinstance(item, pytest.Function) or item.path.parent != HERE or not hasattr(item, "callspec"):
        return False
    if is_attack(item):
        return item.path.name == "test_floods.py" or PACKETS < MANY and item.name not in IN_THE_KERNEL
    if PACKETS >= MANY or item.path.name not in SECURE:
        return False
    if item.path.name == "test_floods.py" or "deaf" in item.callspec.params:
        return not _is_sample(item.callspec.params)
    engine, family, kind = (item.callspec.params.get(name) for name in ("ground", "family", "kind"))
    return (engine, family) in (("relay", 6), ("nfqueue", 4)) or engine == "nfqueue" and kind in SIMPLER


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what costs too much; the first attack on the kernel waits for all that the guest does."""
    left_out = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    for item in filter(is_attack, items):
        item.add_marker(pytest.mark.kernel)
        item.add_marker(pytest.mark.timeout(limit(items) + 120))
