# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs all cases and long storms in the kernel that finds mistakes: `python -m tests.kernel.debug` (half an hour).

Prints a line per case with what it did, and the sums; the status is 1 if anything is wrong.
"""
import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.kernel.archive import PrepareError
from tests.kernel.boots import BUILD, CASES_1, CASES_2, END, Boot, case_names, run_cases
from tests.kernel.build import Built, build
from tests.kernel.debug.build import prepare_debug
from tests.kernel.prepare import Kernel
from tests.kernel.vm import Guest

LAST = (*END, "case_leaks")
# the boots: what they are called, CPUs, modules of cases, whether Python must have the daemon's libraries
BOOTS = (
    ("cases", 1, (*CASES_1, *LAST), False),
    ("storms", 2, (*CASES_2, *LAST), False),
    ("faults", 1, ("case_faults", *LAST), False),
    ("daemon", 2, ("case_daemon", *LAST), True),
)
# they count buffers in use, but KASAN keeps what was freed for a while (kmemleak looks for lost ones here)
LEFT_OUT = {"case_leaving:nothing_leaks", "case_traps:buffers_of_failures"}
LIMIT = 9000.0      # seconds after which a boot is given up, storms apart: it takes half an hour on two idle cores


def boot(kernel: Kernel, built: Built, name: str, options: argparse.Namespace) -> tuple[list[str], Boot]:
    """Runs one of BOOTS; the cases it was to run, and what it left."""
    cpus, modules, daemon = next(b[1:] for b in BOOTS if b[0] == name)
    names = [case for module in modules for case in case_names(module) if case not in LEFT_OUT]
    environment = {**built.environment(), "RTPE_SECONDS": str(options.seconds), "RTPE_SEED": str(options.seed)}
    with tempfile.TemporaryDirectory(prefix="rtpe-debug-") as out:
        guest = Guest(kernel, cpus=cpus, memory_mb=3072, shares=(Path(out),), environment=environment,
                      timeout=LIMIT + 4 * options.seconds)
        return names, run_cases(guest, built, Path(out), names, sys.executable if daemon else "/usr/bin/python3")


def report(name: str, names: list[str], left: Boot, sums: Counter[str]) -> bool:
    """Prints what a boot did; whether all was well."""
    well = True
    for case in names:
        trouble = left.complaint(case)
        done: dict[str, Any] = left.cases.get(case, {"seconds": 0, "numbers": {}})
        sums["cases"] += 1
        sums["cases failed"] += bool(trouble)
        sums.update(done["numbers"])
        print(f"{'FAIL' if trouble else 'ok':4} {name:7} {done['seconds']:7.1f} s  {case}")
        if trouble:
            print(trouble)
            well = False
            if case not in left.cases:      # the guest has ended
                break
    sys.stdout.flush()
    return well


def main() -> int:
    """Boots, runs, reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boots", nargs="*", help=f"which ({', '.join(b[0] for b in BOOTS)}; default: all)")
    parser.add_argument("--seconds", type=float, default=60, help="how long each storm lasts (60)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30), help="of all dice")
    options = parser.parse_args()
    try:
        kernel = prepare_debug()
    except PrepareError as e:
        print(e, file=sys.stderr)
        return 1
    print(f"kernel {kernel.release}, seed {options.seed}")
    built = build(kernel, BUILD.with_name(f"{BUILD.name}-debug"), "RTPE_DEBUG=y")
    sums: Counter[str] = Counter()
    begin, well = time.monotonic(), True
    for name in options.boots or [b[0] for b in BOOTS]:
        names, left = boot(kernel, built, name, options)
        well &= report(name, names, left, sums)
    for what, number in sorted(sums.items()):
        print(f"{number:10} {what}")
    for what in ("sent", "faults"):
        print(f"{sum(n for key, n in sums.items() if key.startswith(what)):10} {what}, in all")
    print(f"{time.monotonic() - begin:10.0f} seconds: {'all well' if well else 'FAILED'}")
    return not well


if __name__ == "__main__":
    sys.exit(main())
