# SPDX-License-Identifier: GPL-3.0-or-later
"""How busy this node is, for those who choose among several: what is used, of how much, and whether calls are taken."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Limits are those of the settings: 0, of ``max_sessions`` -1, is none. ``reason`` is why new calls are refused."""

    sessions: int = 0
    max_sessions: int = -1
    average: float = 0.0
    """Load average of the last minute."""
    max_average: float = 0.0
    cpu: float = 0.0
    """Processors in use, in percent of all."""
    max_cpu: float = 0.0
    bandwidth: int = 0
    """Bytes received in the last second."""
    max_bandwidth: int = 0
    reason: str = ""
