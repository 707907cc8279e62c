# SPDX-License-Identifier: GPL-3.0-or-later
"""What the RTCP exchanged with one party told."""
from __future__ import annotations

from collections import deque

from controlplane.rtcp.history import History
from controlplane.rtcp.packet import middle

MAX_SOURCES = 64
"""SSRCs remembered of one party; of more the oldest is forgotten."""
_REMEMBERED = 8
_LONGEST = 10.0
_UNITS = 65536


class Stamps:
    """When reports passed (Unix time), by SSRC and by the middle of their NTP time; the last few of each source."""

    __slots__ = ("_passed",)

    def __init__(self) -> None:
        self._passed: dict[int, deque[tuple[int, float]]] = {}

    def note(self, ssrc: int, ntp: int, at: float) -> None:
        """A report with this NTP time stamp passed."""
        passed = self._passed.get(ssrc)
        if passed is None:
            if len(self._passed) >= MAX_SOURCES:
                del self._passed[next(iter(self._passed))]
            passed = self._passed[ssrc] = deque(maxlen=_REMEMBERED)
        passed.append((middle(ntp), at))

    def when(self, ssrc: int, stamp: int) -> float | None:
        """When the report that ``stamp`` refers to passed, None if it is not known."""
        return next((at for known, at in reversed(self._passed.get(ssrc, ())) if known == stamp), None)

    def answer(self, ssrc: int, now: float) -> tuple[int, int]:
        """Last report and delay as a report block gives them back; zero if there is none."""
        passed = self._passed.get(ssrc)
        if not passed:
            return 0, 0
        stamp, at = passed[-1]
        return stamp, max(0, int((now - at) * _UNITS))


def round_trip(passed: float | None, now: float, delay: int) -> int:
    """Microseconds from a report that ``passed`` to the answer that came ``now``; 0 if unknown or not credible.

    ``delay`` in 1/65536 s is what the receiver took.
    """
    if passed is None:
        return 0
    seconds = now - passed - delay / _UNITS
    return int(seconds * 1_000_000) if 0 < seconds <= _LONGEST else 0


class Hearing:
    """What one party reported and was told, by SSRC.

    ``histories``: how it hears its sources. ``received``: its own reports, ``sent``: those that it got from us.
    ``trips``: round trips in us that it measured itself (RFC 3611 section 4.7). ``leg``: the last one between it and
    us, 0 if unknown. ``looked`` is when its sources were last looked for in vain, ``second`` and ``count`` are the
    packets of the second that runs.
    """

    __slots__ = ("histories", "received", "sent", "trips", "leg", "looked", "second", "count")

    def __init__(self) -> None:
        self.histories: dict[int, History] = {}
        self.received = Stamps()
        self.sent = Stamps()
        self.trips: dict[int, int] = {}
        self.leg = 0
        self.looked = 0.0
        self.second = 0
        self.count = 0

    def history(self, ssrc: int) -> History:
        """That of a source, which is begun if need be."""
        found = self.histories.get(ssrc)
        if found is None:
            if len(self.histories) >= MAX_SOURCES:
                del self.histories[next(iter(self.histories))]
            found = self.histories[ssrc] = History()
        return found

    def said_by(self, reporter: int) -> History | None:
        """What is reported under this SSRC of the party, of the first source that it gives a score."""
        return next((each for each in self.histories.values()
                     if each.reporter == reporter and each.lowest is not None), None)

    @property
    def reporters(self) -> list[int]:
        """The SSRCs under which scores are given."""
        return [each.reporter for each in self.histories.values() if each.lowest is not None]

    def admits(self, now: float, most: int) -> bool:
        """Count a packet; False if the party sent more than ``most`` this second."""
        if int(now) != self.second:
            self.second, self.count = int(now), 0
        self.count += 1
        return self.count <= most
