# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that do one thing again and again for some seconds and count what they did; and what a case counted."""
import json
import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable

NUMBERS: Counter[str] = Counter()       # of the case that runs, to be shown

Job = Callable[[Counter[str]], None]


def seconds(short: float) -> float:
    """How long a storm lasts: RTPE_SECONDS, or what suits a quick run."""
    return float(os.environ.get("RTPE_SECONDS") or short)


def seed() -> int:
    """The seed of all dice: RTPE_SEED, or a fixed one."""
    return int(os.environ.get("RTPE_SEED") or 1)


class Worker:
    """A process that calls job(counts) until its time is over; counts are its result."""

    def __init__(self, job: Job, lasts: float) -> None:
        self.out, into = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(into)
            return
        try:
            os.write(into, self._work(job, time.monotonic() + lasts))
        finally:
            os._exit(0)

    @staticmethod
    def _work(job: Job, end: float) -> bytes:
        counts: Counter[str] = Counter()
        try:
            while time.monotonic() < end:
                job(counts)
        except BaseException:       # noqa: B902 - the parent raises it
            return traceback.format_exc().encode()
        return json.dumps(counts).encode()

    def kill(self) -> None:
        """Ends it with -9; it has no result then."""
        os.kill(self.pid, signal.SIGKILL)
        self.join()

    def join(self) -> str:
        """Waits for the end; the counts as JSON, or a traceback, or ""."""
        raw = b""
        while chunk := os.read(self.out, 65536):
            raw += chunk
        os.close(self.out)
        os.waitpid(self.pid, 0)
        return raw.decode()

    def finish(self) -> None:
        """Waits for the end and adds what it counted to NUMBERS; AssertionError if it failed."""
        result = self.join()
        assert result.startswith("{"), result
        NUMBERS.update(json.loads(result))


def work(jobs: list[Job], lasts: float) -> None:
    """Runs each job in a process of its own, and waits for all; fails with the first that failed."""
    for worker in [Worker(job, lasts) for job in jobs]:
        worker.finish()
