# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to the service manager, as sd_notify(3) defines them."""
from __future__ import annotations

import os
import socket
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def reloading(now: float) -> str:
    """The message that the settings are being read again, as of ``now`` (CLOCK_MONOTONIC, seconds)."""
    return f"RELOADING=1\nMONOTONIC_USEC={int(now * 1e6)}"


def status(text: str) -> str:
    """The message that shows ``text`` in ``systemctl status``; line ends become blanks."""
    return "STATUS=" + " ".join(text.split())


def notify(*messages: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send messages; False if no service manager listens. OSError if one should but cannot be reached."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto("\n".join(messages).encode("utf-8", "replace"), address)
    return True


def watchdog_interval(environ: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """Seconds between WATCHDOG messages, half of what the service manager allows; None if it wants none."""
    limit = environ.get("WATCHDOG_USEC", "")
    if not limit.isascii() or not limit.isdigit() or int(limit) == 0:
        return None
    if environ.get("WATCHDOG_PID", str(pid or os.getpid())) != str(pid or os.getpid()):
        return None
    return int(limit) / 2e6
