# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests of tests/attack on the kernel's streams are chosen, and told by those of the guest."""
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.attack.conftest import IN_THE_KERNEL, pytest_pyfunc_call
from tests.kernel.boots import Boot
from tests.kernel.build import ROOT
from tests.kernel.shared import PACKETS
from tests.kernel.vm import NO_STATUS, Result

CASE = "tests/attack/test_it.py::test_it[kernel-4]"


def _chosen(packets: int) -> set[str]:
    environment = {**os.environ, PACKETS: str(packets)}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider",
                           "tests/attack"],
                          env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    return set(re.findall(r"::(test_\w+\[kernel-.*\])$", done.stdout, re.M))


def test_the_sample_is_chosen() -> None:
    assert _chosen(5) == set(IN_THE_KERNEL)


def test_with_many_packets_nothing_is_left_out_but_floods() -> None:
    names = _chosen(50)
    assert len(names) > 500 and set(IN_THE_KERNEL) <= names
    assert not [name for name in names if name.startswith("test_a_flood_holds_up_no_handshake")]


def _tell(**said: object) -> bool | None:
    case: dict[str, dict[str, object]] = {CASE: said} if said else {}
    item: Any = SimpleNamespace(nodeid=CASE, funcargs={"ground": Boot(case, Result(NO_STATUS, "", "the console"))})
    return pytest_pyfunc_call(item)


def test_what_the_guest_says_is_told() -> None:
    """A test passes, is skipped or fails as it did there; it fails as well if the guest did not come to it."""
    assert _tell(trouble="", skipped="") is True
    with pytest.raises(pytest.skip.Exception, match="no such mode"):
        _tell(trouble="", skipped="no such mode")
    with pytest.raises(pytest.fail.Exception, match="3 leaked"):
        _tell(trouble="3 leaked", skipped="")
    with pytest.raises(pytest.fail.Exception, match="(?s)the guest ended before this case.*the console"):
        _tell()


def test_tests_elsewhere_are_run_here() -> None:
    item: Any = SimpleNamespace(nodeid=CASE, funcargs={"ground": object()})
    assert pytest_pyfunc_call(item) is None
