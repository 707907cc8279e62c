# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis server of one test: on a free port, with nothing on the disk, ended by its process id."""
from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.peers.daemon import free_port
from tests.peers.netns import Namespace

PROGRAM = shutil.which("redis-server")


class RedisServer:
    """``options`` are those of redis-server; with ``namespace`` it listens there on ``address``."""

    def __init__(self, directory: Path, options: Sequence[str] = (), *, port: int = 0, address: str = "127.0.0.1",
                 namespace: Namespace | None = None):
        assert PROGRAM is not None
        self.address = address
        self.port = port or free_port(socket.SOCK_STREAM)
        self.path = directory / f"redis-{self.port}.sock"
        self.argv = [PROGRAM, "--port", str(self.port), "--bind", address, "--save", "", "--appendonly", "no",
                     "--daemonize", "no", "--dir", str(directory), "--unixsocket", str(self.path),
                     "--notify-keyspace-events", "KA", "--protected-mode", "no", *options]
        if namespace is not None:
            self.argv = namespace.command(self.argv)
        self.start()

    def start(self) -> None:
        """Run it (again); the data of the one before are gone."""
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60.0
        while True:
            try:
                self.client().ping()
                return
            except (redis.ConnectionError, OSError) as error:
                if isinstance(error, redis.AuthenticationError):
                    return
                assert self.process.poll() is None and time.monotonic() < deadline, "redis-server does not start"
                time.sleep(0.02)

    def client(self, db: int = 0, **more: Any) -> redis.Redis:
        """A client of one data base."""
        return redis.Redis(unix_socket_path=str(self.path), db=db, retry=Retry(NoBackoff(), 0), **more)

    def url(self, db: int, password: str = "") -> str:
        """The value of an option."""
        return f"{password}{'@' if password else ''}{self.address}:{self.port}/{db}"

    def stall(self) -> None:
        """It answers nothing until ``go_on``, but its connections stay."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.go_on()
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
