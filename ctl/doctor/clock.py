# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock: records, RTCP and Redis' lifetimes need one that is right and does not jump."""
from __future__ import annotations

from collections.abc import Iterator

from ctl.doctor.finding import Finding, ok, unknown, warning
from ctl.doctor.host import Host

_LEAPS = {0x10: "a leap second is due at midnight UTC", 0x20: "a second is left out at midnight UTC"}
UNSYNCHRONISED = 0x40
_SOURCE = "/sys/devices/system/clocksource/clocksource0/"
_SLOW = frozenset(("hpet", "acpi_pm", "jiffies", "pit", "refined-jiffies"))


def synchronised(host: Host) -> Iterator[Finding]:
    """Whether something keeps the clock right, and whether it is about to jump."""
    clock = host.clock()
    if clock is None:
        yield unknown("the kernel does not tell", "timedatectl status")
    elif clock.status & UNSYNCHRONISED:
        yield warning("nothing keeps the clock right: after a while it jumps or goes wrong", "apt-get install chrony")
    else:
        leaps = [text for bit, text in _LEAPS.items() if clock.status & bit]
        for text in leaps:
            yield warning(f"{text}: times in records and Redis may repeat or skip one",
                          "chronyc tracking   (leapsectz and leapsecmode slew in chrony.conf avoid the jump)")
        if not leaps:
            yield ok(f"it is synchronised, to within {clock.max_error / 1e6:.3g} s")


def source(host: Host) -> Iterator[Finding]:
    """Whether reading the clock is cheap; each packet that user space handles does it."""
    now = host.line(f"{_SOURCE}current_clocksource")
    if not now:
        return
    better = [name for name in host.line(f"{_SOURCE}available_clocksource").split() if name not in _SLOW]
    if now in _SLOW:
        yield warning(f"{now} is slow to read", f"echo {better[0] if better else 'tsc'} > {_SOURCE}current_clocksource"
                      if better else "clocksource=tsc on the kernel command line")
    else:
        yield ok(f"{now} is fast to read")
