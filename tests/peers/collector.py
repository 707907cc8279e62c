# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of statistics: a TCP server that keeps what comes, and a UDP socket."""
from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType


class Collector:
    """Listens on a free port of loopback and keeps all bytes, from one connection after the other."""

    def __init__(self, port: int = 0):
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._data = bytearray()
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._listener.settimeout(0.1)
        while not self._ended:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            with connection:
                connection.settimeout(0.1)
                self._keep(connection)

    def _keep(self, connection: socket.socket) -> None:
        while not self._ended:
            try:
                data = connection.recv(65536)
            except TimeoutError:
                continue
            if not data:
                return
            self._data += data

    @property
    def data(self) -> bytes:
        return bytes(self._data)

    def close(self) -> None:
        """End the connection and free the port."""
        self._ended = True
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def wait(until: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether it has come true in time."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
