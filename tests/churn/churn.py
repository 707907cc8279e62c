# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls at full speed against one daemon, and how what it holds develops with their number."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from controlplane.ng.cookies import GENERATION
from tests.churn.client import LASTING
from tests.peers.daemon import ROOT, Daemon

CLIENTS = 3
OPTIONS = tuple(f"--{name}={LASTING:.0f}" for name in ("timeout", "offer-timeout", "silent-timeout"))
"""Abandoned calls are removed soon."""
LAPSE = 2 * GENERATION + 15.0
"""Seconds after which no reply is kept any more, and their memory is given back."""
_STEP = 0.25
_LOOKS = 6


@dataclass(frozen=True, slots=True)
class Holding:
    """What the daemon holds after ``calls`` calls: open files, media ports, threads, kilobytes resident."""

    calls: int
    files: int
    ports: int
    threads: int
    memory: int


class Client:
    """A process that calls; ``calls`` is how many it has told of."""

    def __init__(self, name: str, ng_port: int, http_port: int):
        self.calls = 0
        words = [sys.executable, "-m", "tests.churn.client", name, str(ng_port), str(http_port)]
        self._process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)

    def count(self) -> int:
        """Calls made since the last look. RuntimeError if the process has ended, with what it said."""
        assert self._process.stdout and self._process.stderr
        if self._process.poll() is not None:
            raise RuntimeError(self._process.stderr.read().decode()[-2000:])
        data = self._process.stdout.read(1 << 20) or b""
        self.calls += len(data)
        return len(data)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()
        self._process.communicate()


def holding(daemon: Daemon, calls: int) -> Holding:
    """What it holds now."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    found = {name: int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1])  # type: ignore[index]
             for name in ("Threads", "VmRSS")}
    files = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    ports = sum(map(int, re.findall(r"Ports used: +(\d+)", daemon.cli("list interfaces"))))
    return Holding(calls, files, ports, found["Threads"], found["VmRSS"])


def quiet(daemon: Daemon, calls: int, patience: float = 60.0) -> Holding:
    """What it holds once the last call has gone. TimeoutError if one stays."""
    deadline = time.monotonic() + patience
    while "Current sessions total: 0\n" not in daemon.cli("list numsessions"):
        if time.monotonic() > deadline:
            raise TimeoutError(daemon.cli("list numsessions"))
        time.sleep(_STEP)
    looks = []
    for _ in range(_LOOKS):     # connections of the killed, and of these questions, are closed some time later
        time.sleep(_STEP)
        looks.append(holding(daemon, calls))
    return min(looks, key=lambda look: (look.files, look.ports, look.threads))


def lapsed(daemon: Daemon, calls: int) -> Holding:
    """What it holds once it has forgotten its replies too, which it keeps for those who ask again.

    How many these are is a matter of how fast the calls came last, not of how many there were.
    """
    end = time.monotonic() + LAPSE
    with daemon.client(timeout=10) as client:
        while time.monotonic() < end:
            client.call("ping")     # it looks for what is too old when somebody asks
            time.sleep(1.0)
    return quiet(daemon, calls)


def churn(daemon: Daemon, ng_port: int, http_port: int, calls: int, rounds: int,
          tell: Callable[[Holding], None] = lambda _: None) -> Iterator[Holding]:
    """Make ``calls`` calls; after each of ``rounds`` equal parts a client is killed and another one comes.

    Gives what the daemon holds when it is quiet: at first, after each round.
    """
    made = 0
    names = (f"{os.getpid()}-{number}" for number in range(10**9))
    yield quiet(daemon, 0)
    for number in range(1, rounds + 1):
        with ExitStack() as running:
            clients = []
            for _ in range(CLIENTS):
                clients.append(Client(next(names), ng_port, http_port))
                running.callback(clients[-1].kill)
            while made < calls * number // rounds:
                time.sleep(_STEP)
                made += sum(client.count() for client in clients)
                tell(holding(daemon, made))
        yield quiet(daemon, made)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The growth of the second number with the first, as least squares have it."""
    x, y = (sum(values) / len(points) for values in zip(*points))
    return sum((a - x) * (b - y) for a, b in points) / (sum((a - x) ** 2 for a, _ in points) or 1.0)


def growth(held: Sequence[Holding], kind: str) -> float:
    """How much more of ``kind`` 1000 further calls leave held, once a third of the calls has warmed the daemon up."""
    settled = held[len(held) // 3:]
    return 1000 * slope([(each.calls, getattr(each, kind)) for each in settled])
