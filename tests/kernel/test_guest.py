# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel module in a guest: each case of tests/kernel/guest is a test here; there are two boots for all of them."""
import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel.conftest import BOOT_LIMIT, Boot

# the modules of cases by the number of CPUs they want, in the order they run
PLAN = {
    1: ("case_proc", "case_control", "case_statistics", "case_rule", "case_forward", "case_packets", "case_leaving",
        "case_rewrite", "case_intercept", "case_readers", "case_end"),
    2: ("case_life", "case_intercept", "case_readers", "case_end"),
}


def case_names(module: str) -> list[str]:
    """The cases of a module: its public functions without arguments and result (it is not imported on the host)."""
    tree = ast.parse((Path(__file__).parent / "guest" / f"{module}.py").read_text(encoding="utf-8"))
    return [f"{module}:{f.name}" for f in tree.body
            if isinstance(f, ast.FunctionDef) and not f.name.startswith("_") and not f.args.args
            and isinstance(f.returns, ast.Constant) and f.returns.value is None and not f.decorator_list]


CASES = [pytest.param(cpus, name, id=f"{name.removeprefix('case_')}-{cpus}cpu") for cpus, modules in PLAN.items()
         for module in modules for name in case_names(module)]


@pytest.mark.kernel
@pytest.mark.timeout(BOOT_LIMIT + 120)
@pytest.mark.parametrize(("cpus", "name"), CASES)
def test_case(cpus: int, name: str, boot: Callable[[int, list[str]], Boot], request: pytest.FixtureRequest) -> None:
    """One case; the first of each number of CPUs waits for the boot with all that were selected."""
    here = [item.callspec.params for item in request.session.items
            if isinstance(item, pytest.Function) and item.function is test_case]
    selected = [str(params["name"]) for params in here if params["cpus"] == cpus]
    left = boot(cpus, selected)
    case = left.cases.get(name)
    if case is None:
        pytest.fail(f"the guest ended before this case (status {left.result.status}):\n"
                    f"{left.result.output}\n{left.result.console[-6000:]}")
    assert not case["trouble"], case["trouble"]
