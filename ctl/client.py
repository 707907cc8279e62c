# SPDX-License-Identifier: GPL-3.0-or-later
"""One command to the daemon, its reply back."""
from __future__ import annotations

import socket
from collections.abc import Iterator

TIMEOUT = 3.0
"""Seconds allowed for the connection and for each transfer."""
_PIECE = 1 << 20


class Unreachable(Exception):
    """No connection; the text says why."""


class NoReply(Exception):
    """The daemon stopped answering before the reply was complete."""


def ask(host: str, port: int, command: str, timeout: float = TIMEOUT) -> Iterator[bytes]:
    """Send a command and produce the reply as it arrives. Unreachable, NoReply."""
    try:
        connection = socket.create_connection((host, port), timeout)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unreachable(f"Cannot connect to rtpengine at {host} port {port}: {reason}") from None
    with connection:
        try:
            connection.sendall(command.encode("utf-8", "surrogateescape") + b"\n")
            while data := connection.recv(_PIECE):
                yield data
        except TimeoutError:
            raise NoReply(f"No complete reply from rtpengine within {timeout:g} s") from None
        except OSError as error:
            raise NoReply(f"Lost the connection to rtpengine: {error.strerror}") from None
