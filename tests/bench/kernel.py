# SPDX-License-Identifier: GPL-3.0-or-later
"""Guest instructions per packet of the kernel module, counted in QEMU."""
from __future__ import annotations

from demo.screen import Screen
from tests.kernel.build import BuildError
from tests.kernel.instructions import measure as count
from tests.kernel.prepare import PrepareError

PACKETS = 1600


def measure(screen: Screen) -> list[dict[str, object]]:
    """Count and print; nothing is measured, and the reason said, where no guest can be booted."""
    screen.heading("Kernel instructions per packet, in the guest")
    try:
        counts = count(PACKETS)
    except (PrepareError, BuildError, RuntimeError) as reason:
        screen.line(f"  not measured: {reason}")
        return []
    screen.table(["case", "above a drop at INPUT", "in all"], [
        [each.label, f"{each.above_drop:.0f}", f"{each.total:.0f}"] for each in counts])
    return [{"case": each.label, "above_drop": each.above_drop, "in_all": each.total} for each in counts]
