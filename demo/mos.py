# SPDX-License-Identifier: GPL-3.0-or-later
"""Opinion score of a narrowband call from what was measured (ITU-T G.107, simplified)."""
from __future__ import annotations


def rating(round_trip_ms: float, jitter_ms: float, loss_percent: float) -> float:
    """The transmission rating R, about 0 to 93."""
    delay = round_trip_ms / 2 + jitter_ms
    impairment = 0.024 * delay + (0.11 * (delay - 177.3) if delay > 177.3 else 0.0)
    base = max(0.0, 93.2 - loss_percent)
    return 0.18 * base * base - 27.9 * base + 1126.62 - impairment


def mos(round_trip_ms: float, jitter_ms: float, loss_percent: float) -> float:
    """Mean opinion score, 1.0 to 4.5."""
    r = rating(round_trip_ms, jitter_ms, loss_percent)
    if r < 0:
        return 1.0
    if r > 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
