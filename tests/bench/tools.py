# SPDX-License-Identifier: GPL-3.0-or-later
"""The C programs of the benchmark: compiled on demand, run, their answers read."""
from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.peers.daemon import ROOT, free_port

HERE = Path(__file__).parent
BUILD = ROOT / "build" / "bench"


def compiled(name: str) -> str:
    """Path of a program of this directory, compiled if it is older than its source."""
    source, program = HERE / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source), "-lpthread"],
                       check=True)
    return str(program)


def allow_many_files() -> None:
    """Raise the limit of open files as far as it goes; daemons started from here inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@dataclass(frozen=True, slots=True)
class Flow:
    """A one-way stream: sent from a port to the relay's port, expected at a port; all on 127.0.0.1."""

    tx: int
    relay: int
    rx: int

    def line(self) -> str:
        return f"127.0.0.1 {self.tx} 127.0.0.1 {self.relay} 127.0.0.1 {self.rx}\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the generator found; ``cpu_seconds`` are the relay's."""

    seconds: float
    sent: int
    received: int
    bad: int
    silent: int
    cpu_seconds: float

    @property
    def lost(self) -> int:
        return self.sent - self.received

    @property
    def us_per_packet(self) -> float:
        return 1e6 * self.cpu_seconds / self.received if self.received else float("inf")


class Subject:
    """A relay with flows through it; ``pid`` is the process whose time counts."""

    def __init__(self, name: str, pid: int, flows: Iterable[Flow]):
        self.name, self.pid = name, pid
        self.path = BUILD / f"{name}.flows"
        BUILD.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(flow.line() for flow in flows))
        self.flows = len(self.path.read_text().splitlines())
        self._sequence = 1

    def load(self, rate: float, seconds: float) -> Load:
        """Send through all flows; sequence numbers go on from run to run."""
        done = subprocess.run([compiled("load"), "-r", str(rate), "-t", str(seconds), "-P", str(self.pid),
                               "-s", str(self._sequence), str(self.path)], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        self._sequence = (self._sequence + found["sent"] // self.flows + 1) % 0x10000
        return Load(*(found[key] for key in ("seconds", "sent", "received", "bad", "silent", "cpu_seconds")))


class Floor:
    """The minimal relay with so many flows."""

    def __init__(self, flows: int):
        first = 10000 + free_port() % 1000 * 2
        self.process = subprocess.Popen([compiled("floor"), str(flows), str(first)], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"ready\n":
            raise OSError("the minimal relay cannot open its ports")
        self.subject = Subject("floor", self.process.pid, [
            Flow(first + 2 * flows + 2 * (flows + number), first + 2 * number, first + 2 * (flows + number))
            for number in range(flows)])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def settle(subjects: Iterable[Subject], seconds: float = 4.0) -> None:
    """Send a little through everything until daemons have learned their end points."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for subject in subjects:
            subject.load(1000, 0.5)
