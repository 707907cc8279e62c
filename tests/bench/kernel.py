# SPDX-License-Identifier: GPL-3.0-or-later
"""Guest instructions per packet of the kernel module, counted in QEMU, beside Debian's module."""
from __future__ import annotations

from collections.abc import Callable

from demo.screen import Screen
from tests.kernel.build import BuildError
from tests.kernel.instructions import Count, measure_reference
from tests.kernel.instructions import measure as count
from tests.kernel.prepare import PrepareError
from tests.peers.debian import Unobtainable

PACKETS = 1600
FAILURES = (PrepareError, BuildError, RuntimeError, Unobtainable)


def _try(screen: Screen, name: str, counting: Callable[[int], list[Count]]) -> dict[str, Count]:
    """The counts by case; none, and the reason said, where no guest can be booted."""
    try:
        return {each.label: each for each in counting(PACKETS)}
    except FAILURES as reason:
        screen.line(f"  {name} not measured: {reason}")
        return {}


def measure(screen: Screen, reference: bool = True) -> list[dict[str, object]]:
    """Count and print."""
    screen.heading("Kernel instructions per packet, in the guest: above a drop at INPUT, and in all (with both peers)")
    ours = _try(screen, "this module", count)
    theirs = _try(screen, "Debian's module", measure_reference) if reference and ours else {}

    def cells(found: Count | None) -> list[str]:
        return [f"{found.above_drop:.0f}", f"{found.total:.0f}"] if found else ["", ""]

    screen.table(["case", "above a drop", "in all", "Debian's: above", "in all"], [
        [label, *cells(each), *cells(theirs.get(label))] for label, each in ours.items()])
    return [{"case": label, "above_drop": each.above_drop, "in_all": each.total,
             "reference_above_drop": theirs[label].above_drop if label in theirs else None,
             "reference_in_all": theirs[label].total if label in theirs else None} for label, each in ours.items()]
