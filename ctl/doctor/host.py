# SPDX-License-Identifier: GPL-3.0-or-later
"""The host under examination: everything that a check can look at goes through here, so that tests can make one up."""
from __future__ import annotations

import ctypes
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ctl import client
from ctl.doctor.finding import NeedsRoot
from ctl.doctor.running import Running, examined
from ctl.doctor.settings import DEFAULT_SECTION, DEFAULTS, Settings, from_file, from_params
from ctl.target import DEFAULT_FILE

_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_TIMEOUT = 30
_CONNECT_TIMEOUT = 2.0
_DAEMON = ("rtpengine", "controlplane")
"""What the daemon's command line has among its first words."""
_DENIED = ("permission denied", "not permitted")


@dataclass(frozen=True, slots=True)
class Output:
    """How a program ended and what it wrote."""

    status: int
    out: str
    err: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """What adjtimex(2) tells: the state of the clock, its status bits, and the largest error in microseconds."""

    state: int
    status: int
    max_error: int


class _Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("rest", ctypes.c_char * 256)]


def run_program(words: Sequence[str]) -> Output | None:
    """Run a program as every check does; None if it is not installed or does not end."""
    path = f"{os.environ.get('PATH', '')}:{_PATH}"
    program = shutil.which(words[0], path=path)
    if program is None:
        return None
    try:
        done = subprocess.run([program, *words[1:]], capture_output=True, text=True, errors="replace", check=False,
                              timeout=_TIMEOUT, env=os.environ | {"PATH": path, "LC_ALL": "C"})
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Output(done.returncode, done.stdout, done.stderr)


def read_clock() -> Clock | None:
    """The kernel's clock as adjtimex(2) shows it; None where that is forbidden."""
    timex = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    return Clock(state, timex.status, timex.maxerror) if state >= 0 else None


def exchange(host: str, port: int, data: bytes) -> bytes:
    """What a TCP server answers to ``data`` at once; without data it is enough that it listens. OSError."""
    with socket.create_connection((host, port), _CONNECT_TIMEOUT) as connection:
        if not data:
            return b""
        connection.sendall(data)
        return connection.recv(4096)


class Host:
    """Files below ``root``, programs through ``run``, the daemon through ``ask``.

    ``ask`` takes an operator's command and gives the reply, or raises client.Unreachable or client.NoReply.
    """

    def __init__(self, ask: Callable[[str], str], root: Path = Path("/"),
                 run: Callable[[Sequence[str]], Output | None] = run_program,
                 clock: Callable[[], Clock | None] = read_clock,
                 exchange: Callable[[str, int, bytes], bytes] = exchange,
                 config_file: str = DEFAULT_FILE, config_section: str = DEFAULT_SECTION):
        self._ask = ask
        self._root = root
        self._run = run
        self.clock = clock
        self.exchange = exchange
        self.config_file = config_file
        self._config_section = config_section
        self._outputs: dict[tuple[str, ...], Output | None] = {}

    def _path(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def read(self, path: str) -> str | None:
        """A file's text; None if there is no such file. NeedsRoot."""
        data = self.read_bytes(path)
        return None if data is None else data.decode("utf-8", "replace")

    def read_bytes(self, path: str) -> bytes | None:
        """The same as bytes."""
        try:
            return self._path(path).read_bytes()
        except PermissionError:
            raise NeedsRoot(path) from None
        except OSError:
            return None

    def line(self, path: str) -> str:
        """A file's text without its line feed, empty if there is no such file. NeedsRoot."""
        return (self.read(path) or "").strip()

    def numbers(self, path: str) -> list[int]:
        """The decimal numbers in a file; none if there is no such file. NeedsRoot."""
        return [int(word) for word in (self.read(path) or "").split() if word.isascii() and word.isdigit()]

    def names(self, path: str) -> list[str]:
        """What is in a directory, in order; nothing if there is none. NeedsRoot."""
        try:
            return sorted(os.listdir(self._path(path)))
        except PermissionError:
            raise NeedsRoot(path) from None
        except OSError:
            return []

    def link(self, path: str) -> str:
        """Where a symbolic link leads to, empty if there is none. NeedsRoot."""
        try:
            return os.readlink(self._path(path))
        except PermissionError:
            raise NeedsRoot(path) from None
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        """Whether there is such a file or directory."""
        return os.path.exists(self._path(path))

    def owner(self, path: str) -> int | None:
        """The user that a file belongs to, None if there is no such file."""
        try:
            return self._path(path).stat().st_uid
        except OSError:
            return None

    def run(self, *words: str) -> Output | None:
        """Run a program, once; None if it is not installed. NeedsRoot if it says so."""
        if words not in self._outputs:
            self._outputs[words] = self._run(words)
        output = self._outputs[words]
        if output is not None and output.status and any(word in output.err.lower() for word in _DENIED):
            raise NeedsRoot(" ".join(words))
        return output

    @cached_property
    def release(self) -> str:
        """The running kernel."""
        return self.line("/proc/sys/kernel/osrelease")

    @cached_property
    def cores(self) -> int:
        """Processors that are online."""
        pieces = self.line("/sys/devices/system/cpu/online").split(",")
        ranges = [piece.split("-") for piece in pieces if piece.replace("-", "").isdigit()]
        return max(1, sum(int(each[-1]) - int(each[0]) + 1 for each in ranges))

    @cached_property
    def daemon(self) -> Running | client.Unreachable | client.NoReply:
        """The running daemon, or why it cannot be asked. Its process id is that of this namespace, not of its own."""
        try:
            found = examined(self._ask)
        except (client.Unreachable, client.NoReply) as error:
            return error
        return replace(found, pid=self._process(found.pid) if found.pid else None)

    def _process(self, told: int) -> int | None:
        """The daemon that calls itself ``told``, be it in a container; None if it is not to be found."""
        if self._is_daemon(str(told)):
            return told
        inner = re.compile(rf"^NSpid:\s.*\s{told}$", re.MULTILINE)
        return next((int(name) for name in self.names("/proc") if name.isdecimal() and self._is_daemon(name)
                     and inner.search(self.read(f"/proc/{name}/status") or "")), None)

    def _is_daemon(self, pid: str) -> bool:
        words = (self.read(f"/proc/{pid}/cmdline") or "").split("\0")
        return any(os.path.basename(word) in _DAEMON for word in words[:5])

    @property
    def running(self) -> Running | None:
        """The running daemon if there is one that answers."""
        daemon = self.daemon
        return daemon if isinstance(daemon, Running) else None

    @property
    def edit(self) -> str:
        """What to type to change the daemon's settings, and have it take them."""
        named = self.settings.text("config-file", self.config_file)
        editor = "systemctl edit rtpengine" if named == "none" else f"editor {named}"
        return f"{editor} && systemctl restart rtpengine"

    @cached_property
    def settings(self) -> Settings:
        """The daemon's settings as it tells them, else those in its file, else the defaults."""
        if self.running is not None and (told := from_params(self.running.params)) is not None:
            return told
        try:
            return from_file(self.read(self.config_file), self.config_file, self._config_section)
        except NeedsRoot:
            return Settings(DEFAULTS)
