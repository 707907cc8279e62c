# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel module in a guest: each case of tests/kernel/guest is a test here; there are three boots for all."""
import pytest

from tests.kernel.boots import BOOT_LIMIT, BRIEF, CASES_1, CASES_2, END, case_names
from tests.kernel.conftest import Booter

LATER = "linux-headers-6.12-amd64"
# the modules of cases by kernel ("": the one with headers here) and number of CPUs, in the order they run
PLAN = {
    ("", 1): (*CASES_1, *BRIEF, *END),
    ("", 2): (*CASES_2, *END),
    (LATER, 2): tuple(dict.fromkeys((*CASES_1, *CASES_2, *END))),
}


def _id(meta: str, cpus: int, name: str) -> str:
    kernel = meta.removeprefix("linux-headers-").removesuffix("-amd64")
    return f"{name.removeprefix('case_')}-{cpus}cpu" + (f"-{kernel}" if kernel else "")


CASES = [pytest.param(*boot, name, id=_id(*boot, name)) for boot, modules in PLAN.items()
         for module in modules for name in case_names(module)]


@pytest.mark.kernel
@pytest.mark.timeout(BOOT_LIMIT + 120)
@pytest.mark.parametrize(("meta", "cpus", "name"), CASES)
def test_case(meta: str, cpus: int, name: str, boot: Booter, request: pytest.FixtureRequest) -> None:
    """One case; the first of each boot waits for it, with all its cases that were selected."""
    here = [item.callspec.params for item in request.session.items
            if isinstance(item, pytest.Function) and item.function is test_case]
    selected = [str(params["name"]) for params in here if (params["meta"], params["cpus"]) == (meta, cpus)]
    complaint = boot(meta, cpus, selected).complaint(name)
    assert not complaint, complaint
