# SPDX-License-Identifier: GPL-3.0-or-later
"""Mean opinion scores estimated from round trip, jitter and loss.

Every function takes the round trip in microseconds (both legs), jitter in milliseconds and loss in percent,
and gives the score times 10, truncated (10 to 45).
"""
from __future__ import annotations

from math import log2


def narrowband(rtt: float, jitter: float, loss: float) -> int:
    """ITU-T G.107 in the simplified form used for narrowband codecs and for unknown ones."""
    delay = rtt / 2000 + jitter
    impairment = 0.024 * delay
    if delay > 177.3:
        impairment += 0.11 * (delay - 177.3)
    r = max(0.0, 93.2 - loss)
    return score(0.18 * r * r - 27.9 * r + 1126.62 - impairment)


def fullband(rtt: float, jitter: float, loss: float) -> int:
    """ITU-T G.107.2, for full-band codecs."""
    delay = rtt / 2000 + jitter
    equipment = 10.2 + 121.8 * loss / (loss + 4.3)
    impairment = 0.0
    if delay > 100:
        x = log2(delay / 100)
        impairment = 37 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    return score((148 - impairment - equipment) / 1.48)


def legacy(rtt: float, jitter: float, loss: float) -> int:
    """The rule of thumb of early voice quality monitors: latency against two straight lines, loss times 2.5."""
    effective = rtt / 1000 + 2 * jitter + 10
    r = 93.2 - effective / 40 if effective < 160 else 93.2 - (effective - 120) / 10
    return score(r - 2.5 * loss)


def score(r: float) -> int:
    """Turn a transmission rating R into a score times 10 (ITU-T G.107 annex B)."""
    if r < 0:
        return 10
    if r > 100:
        return 45
    return int(10 * max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6))
