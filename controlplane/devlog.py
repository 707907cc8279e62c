# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines for the local syslog (RFC 3164, as syslog(3) writes them), which nobody ever waits for.

What a syslog does not take at once is kept, as bursts are usual; what it does not take at all is lost and counted.
"""
from __future__ import annotations

import errno
import os
import socket
import syslog
import threading
import time
from collections import deque
from collections.abc import Callable

PATH = "/dev/log"
MOST = 2048
"""Lines that are kept."""
_HASTE = 0.005
_IDLE = 0.2
"""Seconds between two attempts to send on what was kept: a system may queue no more than ten lines, which are read
soon; _IDLE: as long as there is nothing, or nobody to take it."""
_REST = 1.0
"""Seconds after a failed connection in which no other is made."""
_LAST = 0.3
"""Seconds for what is left at the end."""
_FULL = frozenset((errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM))


class DevLog:
    """Sends as syslog.syslog() does, from any thread; ``lost`` counts the lines that did not go."""

    def __init__(self, path: str = PATH, clock: Callable[[], float] = time.monotonic):
        self.lost = 0
        self._path = path
        self._clock = clock
        self._name = "rtpengine"
        self._facility = syslog.LOG_DAEMON
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self._end = b""
        """What a line ends with: a syslog that listens for streams needs to be told."""
        self._rest = b""
        """The part of a line that a stream has not taken."""
        self._waiting: deque[bytes] = deque()
        self._told = 0
        self._lock = threading.Lock()

    def open(self, name: str, facility: int) -> None:
        """Lines name the sender, and this facility unless they come with one."""
        self._name, self._facility = name, facility

    def send(self, priority: int, text: str) -> None:
        """Send a line soon, or lose it."""
        with self._lock:
            line = self._line(priority, text)
            if not self._flushed() or not self._write(line):
                self._keep(line)

    def flush(self) -> None:
        """Send on what was kept, as far as it is taken."""
        with self._lock:
            self._flushed()

    def pause(self) -> float:
        """Seconds until the next flush."""
        return _HASTE if self._waiting and self._socket is not None else _IDLE

    def close(self) -> None:
        """Allow what is kept a moment, and disconnect."""
        end = time.monotonic() + _LAST
        while self._waiting and self._socket is not None and time.monotonic() < end:
            self.flush()
            time.sleep(0.01)
        with self._lock:
            self._disconnect()

    def _line(self, priority: int, text: str) -> bytes:
        priority |= 0 if priority & ~7 else self._facility
        head = f"<{priority}>{time.strftime('%b %e %H:%M:%S')} {self._name}[{os.getpid()}]: "
        return (head + text).encode("utf-8", "backslashreplace")

    def _keep(self, line: bytes) -> None:
        if len(self._waiting) < MOST:
            self._waiting.append(line)
        else:
            self.lost += 1

    def _flushed(self) -> bool:
        """True once nothing waits, and how much was lost has been told."""
        while self._waiting:
            if not self._write(self._waiting[0]):
                return False
            self._waiting.popleft()
        if self.lost > self._told:
            if not self._write(self._line(syslog.LOG_WARNING, f"{self.lost - self._told} lines of this log were lost")):
                return False
            self._told = self.lost
        return True

    def _write(self, line: bytes) -> bool:
        """True if there is nothing more to be done for the line."""
        for _ in range(2):  # a syslog that was started again needs a new connection
            try:
                sock = self._connected()
                if sock is None:
                    return False
                if self._rest:
                    self._rest = self._rest[sock.send(self._rest):]
                if self._rest:
                    return False
                data = line + self._end
                self._rest = data[sock.send(data):]
                return True
            except OSError as error:
                if error.errno in _FULL:
                    return False
                if error.errno == errno.EMSGSIZE:
                    self.lost += 1
                    return True
                self._disconnect()
        return False

    def _connected(self) -> socket.socket | None:
        """The connection; None if there is none and it is too early to try again. OSError."""
        if self._socket is None:
            if self._clock() < self._retry_at:
                return None
            try:
                self._connect(socket.SOCK_DGRAM)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE:
                    self._retry_at = self._clock() + _REST
                    raise
                self._connect(socket.SOCK_STREAM)
        return self._socket

    def _connect(self, kind: socket.SocketKind) -> None:
        sock = socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self._socket, self._end = sock, b"\0" if kind is socket.SOCK_STREAM else b""

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""


LOCAL = DevLog()
"""That of this host: a process has one, as it has one with syslog(3)."""
