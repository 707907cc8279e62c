# SPDX-License-Identifier: GPL-3.0-or-later
"""Opinion scores from what reports say (ITU-T G.107 simplified, G.107.2, and an older rule of thumb)."""
from __future__ import annotations

from math import log2

FULL_BAND_RATE = 48000
"""The clock rate in Hz from which on G.107.2 applies."""
_BASE = 93.2


def score(rating: float) -> float:
    """The mean opinion score, 1.0 to 4.5, of a transmission rating R (G.107 annex B)."""
    if rating < 0:
        return 1.0
    if rating > 100:
        return 4.5
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)


def simplified(round_trip: float, jitter: float, loss: float) -> float:
    """G.107 for a codec that is not known further; times in ms, loss in percent, as in all of these."""
    delay = round_trip / 2 + jitter
    impairment = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    base = max(0.0, _BASE - loss)
    return score(0.18 * base * base - 27.9 * base + 1126.62 - impairment)


def full_band(round_trip: float, jitter: float, loss: float) -> float:
    """G.107.2."""
    delay = round_trip / 2 + jitter
    equipment = 10.2 + 121.8 * loss / (loss + 4.3)
    impairment = 0.0
    if delay > 100:
        x = log2(delay / 100)
        impairment = 37 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    return score((148 - impairment - equipment) / 1.48)


def legacy(round_trip: float, jitter: float, loss: float) -> float:
    """The rule of thumb of older versions."""
    latency = round_trip + 2 * jitter + 10
    rating = _BASE - latency / 40 if latency < 160 else _BASE - (latency - 120) / 10
    return score(rating - 2.5 * loss)


class Scale:
    """How quality is judged: the words of the option ``mos``.

    ``CQ`` (conversational, the default) gives no score without a round trip, ``LQ`` (listening) goes without one.
    """

    def __init__(self, words: tuple[str, ...] = ()):
        chosen = {word.lower() for word in words}
        self.listening = "lq" in chosen
        self._narrow = legacy if "legacy" in chosen else simplified
        self._full = full_band if "g.107.2" in chosen else self._narrow

    def tenths(self, round_trip: float, jitter: float, loss: float, clock_rate: int) -> int:
        """Ten times the score, truncated; 0 for none. ``clock_rate`` of the codec in Hz."""
        if self.listening:
            return self.heard(jitter, loss, clock_rate)
        return self._judge(round_trip, jitter, loss, clock_rate) if round_trip else 0

    def heard(self, jitter: float, loss: float, clock_rate: int) -> int:
        """The same for what arrives here, whatever the delay; there is always a score."""
        return self._judge(0.0, jitter, loss, clock_rate)

    def _judge(self, round_trip: float, jitter: float, loss: float, clock_rate: int) -> int:
        formula = self._full if clock_rate >= FULL_BAND_RATE else self._narrow
        return int(10 * formula(round_trip, jitter, loss))
