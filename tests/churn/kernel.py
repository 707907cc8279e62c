# SPDX-License-Identifier: GPL-3.0-or-later
"""The same for the kernel module: targets by the thousand in a guest, and what its memory makes of them."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

from tests.kernel.boots import BOOT_LIMIT, BUILD, run_cases
from tests.kernel.build import build
from tests.kernel.prepare import prepare
from tests.kernel.vm import Guest

CASE = "case_churn:targets_come_and_go"
KINDS = "slab", "vmalloc", "per CPU"


def kernel_growth(rounds: int) -> tuple[int, dict[str, float]]:
    """How many targets came and went in so many rounds, and what each has left of each kind of memory, in bytes.

    PrepareError, BuildError: there is no guest. AssertionError: the guest has found that it is too much.
    """
    kernel = prepare("")
    built = build(kernel, BUILD)
    with tempfile.TemporaryDirectory(prefix="churn-") as name:
        out = Path(name)
        guest = Guest(kernel, shares=(out,), timeout=BOOT_LIMIT,
                      environment={**built.environment(), "RTPE_CHURN_ROUNDS": str(rounds)})
        boot = run_cases(guest, built, out, [CASE])
    assert not boot.complaint(CASE), boot.complaint(CASE)
    numbers = cast("dict[str, int]", boot.cases[CASE]["numbers"])
    targets = numbers["targets"]
    return targets, {kind: (numbers[f"{kind}, bytes in the end"] - numbers[f"{kind}, bytes at first"]) / targets
                     for kind in KINDS}
