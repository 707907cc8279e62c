# SPDX-License-Identifier: GPL-3.0-or-later
"""One command to the daemon, its reply back."""
from __future__ import annotations

import os
import socket
from collections.abc import Iterator

TIMEOUT = 3.0
"""Seconds allowed for the connection and for each transfer."""
_PIECE = 1 << 20
_UNIX = "unix:"
SECRET = "RTPENGINE_CLI_SECRET"
"""The environment variable with the secret of the daemon's listener, if it has one."""


class Unreachable(Exception):
    """No connection; the text says why."""


class NoReply(Exception):
    """The daemon stopped answering before the reply was complete."""


def ask(host: str, port: int, command: str, timeout: float = TIMEOUT) -> Iterator[bytes]:
    """Send a command and produce the reply as it arrives; ``host`` may be ``unix:/PATH``. Unreachable, NoReply."""
    try:
        connection = _connected(host, port, timeout)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = host if host.startswith(_UNIX) else f"{host} port {port}"
        raise Unreachable(f"Cannot connect to rtpengine at {where}: {reason}") from None
    if secret := os.environ.get(SECRET):
        command = f"auth {secret}\n{command}"
    answered = False
    with connection:
        try:
            connection.sendall(command.encode("utf-8", "surrogateescape") + b"\n")
            while data := connection.recv(_PIECE):
                answered = True
                yield data
        except TimeoutError:
            raise NoReply(f"No complete reply from rtpengine within {timeout:g} s") from None
        except OSError as error:
            why = "" if answered or not host.startswith(_UNIX) else "; the log of rtpengine tells who may connect"
            raise NoReply(f"Lost the connection to rtpengine: {error.strerror}{why}") from None


def _connected(host: str, port: int, timeout: float) -> socket.socket:
    if not host.startswith(_UNIX):
        return socket.create_connection((host, port), timeout)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(host.removeprefix(_UNIX))
    except BaseException:
        connection.close()
        raise
    return connection
