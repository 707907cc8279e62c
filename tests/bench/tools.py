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
FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-pthread", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror"]
_SRTP = [*(ROOT / "kmod/core" / f"{name}.c" for name in (
    "crypto", "kdf", "packet", "replay", "rtcp", "session", "source", "srtcp", "srtp")),
    *(ROOT / "controlplane/relay" / f"{name}.c" for name in ("cipher_openssl", "hmac_openssl"))]
_LINKED = {"floor": [], "load": [HERE / "keys.c", *_SRTP], "protect": _SRTP,
           "shake": [HERE / "binding.c"]}


def _inputs(sources: list[Path]) -> list[Path]:
    folders = (HERE, ROOT / "kmod/core", ROOT / "kmod/uapi", ROOT / "controlplane/relay")
    return [*sources, *(path for folder in folders for path in folder.glob("*.h")), Path(__file__)]


def compiled(name: str) -> str:
    """Path of a program of this directory, compiled if it is older than what it is made of."""
    sources, program = [HERE / f"{name}.c", *_LINKED[name]], BUILD / name
    if not program.exists() or program.stat().st_mtime < max(path.stat().st_mtime for path in _inputs(sources)):
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", *FLAGS, "-o", str(program), *map(str, sources), "-lssl", "-lcrypto"], check=True)
    return str(program)


def allow_many_files() -> None:
    """Raise the limit of open files as far as it goes; daemons started from here inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@dataclass(frozen=True, slots=True)
class Flow:
    """A one-way stream: sent from a port to the relay's port, expected at a port; all on 127.0.0.1.

    Keys are SUITE:HEX with master key and salt, or ``-`` where it is plain RTP.
    """

    tx: int
    relay: int
    rx: int
    tx_keys: str = "-"
    rx_keys: str = "-"

    def line(self) -> str:
        return f"127.0.0.1 {self.tx} 127.0.0.1 {self.relay} 127.0.0.1 {self.rx} {self.tx_keys} {self.rx_keys}\n"


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
        self.index = 1

    def load(self, rate: float, seconds: float, patience: float = 0.3) -> Load:
        """Send through all flows; packet indices go on from run to run."""
        done = subprocess.run([compiled("load"), "-r", str(rate), "-t", str(seconds), "-P", str(self.pid),
                               "-s", str(self.index), "-w", str(patience), str(self.path)], check=True,
                              capture_output=True, text=True)
        found = json.loads(done.stdout)
        self.index = found["next"]
        return Load(*(found[key] for key in ("seconds", "sent", "received", "bad", "silent", "cpu_seconds")))


class Floor:
    """The minimal relay with so many flows."""

    def __init__(self, flows: int):
        first = 10000 + free_port() % 1000 * 2
        self.process = subprocess.Popen([compiled("floor"), str(flows), str(first)], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"ready\n":
            raise OSError("the minimal relay cannot open its ports")
        self.flows = [
            Flow(first + 2 * flows + 2 * (flows + number), first + 2 * number, first + 2 * (flows + number))
            for number in range(flows)]
        self.subject = Subject("floor", self.process.pid, self.flows)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def settle(subjects: Iterable[Subject], seconds: float = 4.0) -> None:
    """Send a little through everything, at least twice, until daemons have learned their end points."""
    end, rounds = time.monotonic() + seconds, 0
    while rounds < 2 or time.monotonic() < end:
        rounds += 1
        for subject in subjects:
            subject.load(1000, 0.5)
