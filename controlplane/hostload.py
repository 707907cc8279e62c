# SPDX-License-Identifier: GPL-3.0-or-later
"""How busy the host is: what the options max-load and max-cpu are compared with."""
from __future__ import annotations

import os
from pathlib import Path

_STAT = Path("/proc/stat")
INTERVAL = 0.5
"""Seconds between two looks at the processors."""


class HostLoad:
    """Load average of the last minute, and processor usage between the last two calls of update()."""

    def __init__(self, stat: Path = _STAT):
        self._stat = stat
        self.average = 0.0
        self.cpu_percent = 0.0
        self._busy, self._total = self._read()

    def _read(self) -> tuple[int, int]:
        """Ticks spent busy and altogether; the first line of /proc/stat, see proc(5)."""
        words = self._stat.read_text().splitlines()[0].split()[1:9]
        ticks = [int(word) for word in words]
        idle = ticks[3] + ticks[4]
        return sum(ticks) - idle, sum(ticks)

    def update(self) -> None:
        """Look again."""
        busy, total = self._read()
        if total > self._total:
            self.cpu_percent = 100.0 * (busy - self._busy) / (total - self._total)
        self._busy, self._total = busy, total
        self.average = os.getloadavg()[0]
