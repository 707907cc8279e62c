# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the statistics to Graphite regularly."""
from __future__ import annotations

import asyncio
from collections.abc import Callable

from controlplane.exports import graphite
from controlplane.exports.outlet import Outlet
from controlplane.report.interval import Interval
from controlplane.report.snapshot import Snapshot

_LOOK = 1.0


class Reporter:
    """Every ``seconds``, with ``prefix`` before each name; ``clock`` counts seconds from any origin.

    While a report is being sent the next one waits, and then covers all that time.
    """

    def __init__(self, outlet: Outlet, snapshot: Callable[[], Snapshot], seconds: float, prefix: str,
                 clock: Callable[[], float]):
        self._outlet = outlet
        self._snapshot = snapshot
        self._seconds = seconds
        self._prefix = prefix
        self._clock = clock
        self._interval = snapshot().statistics.interval = Interval()
        self._before = graphite.totals(snapshot())
        self._sending: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        looked = reported = self._clock()
        try:
            while True:
                await asyncio.sleep(min(_LOOK, self._seconds))
                now = self._clock()
                snapshot = self._snapshot()
                self._interval.look(snapshot.sessions.total, now - looked)
                looked = now
                if now - reported >= self._seconds * 0.99 and (self._sending is None or self._sending.done()):
                    reported = now
                    self._report(snapshot)
        finally:
            if self._sending is not None:
                self._sending.cancel()
            self._outlet.close()

    def _report(self, snapshot: Snapshot) -> None:
        taken, now = self._interval.take(), graphite.totals(snapshot)
        taken.call_seconds = now.lasted(self._before)
        text = "".join(graphite.lines(snapshot, self._before, taken, self._prefix))
        self._before = now
        self._sending = asyncio.create_task(self._outlet.send(text.encode()))
