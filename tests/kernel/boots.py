# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of tests/kernel/guest: their names, and what a guest that ran them left."""
import ast
import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import tests.engines.table  # noqa: F401 - fills TABLE
from tests.engines.scenario import TABLE
from tests.kernel.build import ROOT, Built
from tests.kernel.vm import Guest, Result

BUILD = ROOT / "build" / "kernel"
BOOT_LIMIT = 3600.0     # seconds; the boot with the most cases takes about four minutes on two idle cores
# modules of cases: those for which a CPU is enough, those for which it is not, and the last
CASES_1 = ("case_proc", "case_control", "case_statistics", "case_rule", "case_forward", "case_packets", "case_leaving",
           "case_ingress", "case_ingress_life", "case_rewrite", "case_srtp", "case_intercept", "case_readers",
           "case_engines", "case_traps")
CASES_2 = ("case_life", "case_ingress", "case_ingress_life", "case_gone", "case_random", "case_intercept",
           "case_readers", "case_oom")
BRIEF = ("case_churn",)     # what says the same in any kernel
END = ("case_end",)
GUEST = Path(__file__).parent / "guest"


@dataclass(slots=True)
class Boot:
    """What a boot of the guest left: a line per case that ended, and how the guest itself ended."""

    cases: dict[str, dict[str, object]]
    result: Result

    def skipped(self, name: str) -> str:
        """Why a case was skipped, or ""."""
        return str(self.cases[name]["skipped"]) if name in self.cases else ""

    def complaint(self, name: str) -> str:
        """What is wrong with a case, or ""."""
        case = self.cases.get(name)
        if case is None:
            return (f"the guest ended before this case (status {self.result.status}):\n"
                    f"{self.result.output}\n{self.result.console[-6000:]}")
        return str(case["trouble"])


def case_names(module: str) -> list[str]:
    """The cases of a module: its public functions without arguments and result (it is not imported on the host)."""
    tree = ast.parse((GUEST / f"{module}.py").read_text(encoding="utf-8"))
    return [f"{module}:{f.name}" for f in tree.body
            if isinstance(f, ast.FunctionDef) and not f.name.startswith("_") and not f.args.args
            and isinstance(f.returns, ast.Constant) and f.returns.value is None and not f.decorator_list]


def run_cases(guest: Guest, built: Built, out: Path, names: list[str], python: str = "/usr/bin/python3") -> Boot:
    """Boots a guest that can write to the folder `out`, and runs cases there."""
    if any(name.startswith("case_engines:") for name in names):
        guest.environment["RTPE_SCENARIOS"] = str(out / "scenarios")
        write_scenarios(out / "scenarios")
    result = guest.run(python, "-m", "tests.kernel.guest.run", str(built.module), str(out / "results"), *names,
                       cwd=ROOT)
    return Boot(read_results(out / "results"), result)


def write_scenarios(path: Path) -> None:
    """The steps of those for engines that something lies behind: made here, where there is time for encryption."""
    steps = {entry.name: entry.steps() for entry in TABLE.values() if entry.engines != "terminal"}
    path.write_bytes(pickle.dumps(steps))


def read_results(path: Path) -> dict[str, dict[str, object]]:
    """The cases that ended, by name, from the file the guest wrote (there may be none)."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {case["name"]: case for case in map(json.loads, lines)}
