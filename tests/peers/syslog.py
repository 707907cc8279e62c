# SPDX-License-Identifier: GPL-3.0-or-later
"""A syslog of one process: what it sends to /dev/log, which only it sees."""
from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from tests.peers.daemon import Command

_LINE = re.compile(rb"<(\d+)>[^:]*:\d\d:\d\d ([^:]*): (.*)", re.DOTALL)
_OWN_DEV = """
mkdir -p "$1/dev" && mount --rbind /dev "$1/dev" && mount -t tmpfs none /dev
for node in null zero full random urandom; do : > /dev/$node; mount --bind "$1/dev/$node" /dev/$node; done
ln -s "$1/log" /dev/log; ln -s /proc/self/fd /dev/fd
shift; exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A message: numbers of its facility and level, who sent it, what it says."""

    facility: int
    level: int
    sender: str
    text: str


class Syslog:
    """Give ``command`` to whatever runs commands; it needs root. One that is ``stalled`` reads nothing until told."""

    def __init__(self, stalled: bool = False) -> None:
        self._reading = threading.Event()
        if not stalled:
            self._reading.set()
        self._folder = Path(tempfile.mkdtemp(prefix="syslog-"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._folder / "log"))
        self._socket.settimeout(0.1)
        self._ended = False
        self.lines: list[Line] = []
        """Everything that came so far."""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @staticmethod
    def possible() -> bool:
        return os.geteuid() == 0 and shutil.which("unshare") is not None

    def command(self, command: Command) -> Command:
        """The same, with this syslog."""
        return replace(command, argv=("unshare", "--mount", "sh", "-ec", _OWN_DEV, "sh", str(self._folder),
                                      *command.argv))

    def _read(self) -> None:
        """Who does not read holds up who writes."""
        while not self._ended:
            if not self._reading.wait(0.1):
                continue
            try:
                match = _LINE.fullmatch(self._socket.recv(65536).rstrip(b"\n\0"))
            except TimeoutError:
                continue
            if match:
                self.lines.append(Line(int(match[1]) >> 3, int(match[1]) & 7, match[2].decode(),
                                       match[3].decode("utf-8", "surrogateescape")))

    def go_on(self) -> None:
        """Read from now on."""
        self._reading.set()

    def __enter__(self) -> Syslog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended = True
        self._thread.join()
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)
