# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a daemon on free ports, waits until it answers, keeps its log, ends it by its process id."""
from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tests.peers import debian
from tests.peers.netns import Namespace
from tests.peers.ngclient import NgClient
from tests.peers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class DaemonFailed(Exception):
    """The daemon ended or did not answer in time; the text ends with its last log lines."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program that takes rtpengine's options: its first words and the variables it needs."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def own_command() -> Command:
    """This project's daemon as it is installed if that was made (make compiled), or what RTPENGINE_COMMAND names."""
    chosen = os.environ.get("RTPENGINE_COMMAND")
    if chosen == "reference":
        return reference_command()
    if chosen:
        return Command(Path(shlex.split(chosen)[0]).name, tuple(shlex.split(chosen)))
    return compiled_command() or plain_command()


def plain_command() -> Command:
    """This project's daemon as it stands in the tree."""
    return Command("rtpengine", (sys.executable, "-m", "controlplane"), {"PYTHONPATH": str(ROOT)})


@lru_cache
def compiled_command() -> Command | None:
    """This project's daemon with compiled modules; None if they were not made of the present sources."""
    folder = ROOT / "build" / "compiled"
    for path in (ROOT / "controlplane").rglob("*.py"):
        copy = folder / path.relative_to(ROOT)
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            return None
    return Command("compiled", (sys.executable, "-P", "-m", "controlplane"), {"PYTHONPATH": str(folder)})


def reference_command() -> Command:
    """Debian's rtpengine-daemon, unpacked if it is not installed. Unobtainable if it cannot be had."""
    path, environment = debian.program("rtpengine-daemon", "/usr/bin/rtpengine")
    return Command("reference", (path, "--config-file=none"), environment)


class Daemon:
    """A running daemon.

    ``interfaces`` are values of --interface; ``options`` come behind all others. Inside ``namespace`` if given,
    where ``ng_port`` and ``cli_port`` should be given too (nothing else uses ports there).
    """

    def __init__(self, command: Command | None = None, *, interfaces: Sequence[str] = ("127.0.0.1",),
                 options: Sequence[str] = (), table: int = -1, namespace: Namespace | None = None,
                 ng_port: int = 0, cli_port: int = 0, bare: bool = False, patience: float = 60.0):
        self.command = command or own_command()
        self.namespace = namespace
        self.ng_port = ng_port or free_port()
        self.cli_port = cli_port or free_port(socket.SOCK_STREAM)
        handle, name = tempfile.mkstemp(prefix="rtpengine-", suffix=".log")
        self.log_path = Path(name)
        argv = [*self.command.argv]
        if not bare:
            argv += ["--foreground", "--log-stderr", f"--table={table}", f"--listen-ng=127.0.0.1:{self.ng_port}",
                     f"--listen-cli=127.0.0.1:{self.cli_port}", *(f"--interface={each}" for each in interfaces)]
        argv += options
        self.argv = namespace.command(argv) if namespace else argv
        with os.fdopen(handle, "wb") as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.command.environment})
        try:
            self._wait(patience)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def _make(self, kind: int) -> socket.socket:
        maker: Callable[[int, int], socket.socket] = self.namespace.socket if self.namespace else socket.socket
        return maker(socket.AF_INET, kind)

    def client(self, timeout: float = 2.0, tries: int = 10) -> NgClient:
        """A new ng client of this daemon."""
        return NgClient("127.0.0.1", self.ng_port, timeout=timeout, tries=tries, sock=self._make(socket.SOCK_DGRAM))

    def cli(self, line: str) -> str:
        """What the command line interface answers to one line."""
        with self._make(socket.SOCK_STREAM) as sock:
            sock.settimeout(30)
            sock.connect(("127.0.0.1", self.cli_port))
            sock.sendall(line.encode() + b"\n")
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
        return answer.decode("utf-8", "surrogateescape")

    def _wait(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        with self.client(timeout=5, tries=1) as client:     # before there is anybody, it is refused at once
            while True:
                if self.process.poll() is not None:
                    raise DaemonFailed(f"{self.command.name} ended with status {self.process.returncode}:\n"
                                       + self.log_tail())
                try:
                    client.call("ping")
                    return
                except TimeoutError:
                    if time.monotonic() > deadline:
                        raise DaemonFailed(f"{self.command.name} does not answer:\n{self.log_tail()}") from None
                time.sleep(0.05)

    def log_text(self) -> str:
        """Everything the daemon wrote to stdout and stderr."""
        return self.log_path.read_text(errors="replace")

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def cpu_seconds(self) -> float:
        """Processor time used so far, user and system, by all its threads."""
        return time.clock_gettime(~self.pid << 3 | 2)  # the clock that clock_getcpuclockid(3) names

    def memory_kb(self) -> int:
        """Resident memory in kB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def stop(self, patience: float = 30.0) -> int:
        """End the daemon; returns its exit status. Kills it if it does not end in time."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.log_path.unlink(missing_ok=True)
