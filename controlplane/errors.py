# SPDX-License-Identifier: GPL-3.0-or-later
"""The four ways things go wrong: the peer's fault, the operator's, the data plane's, or a bug.

A bug is any other exception; nothing here stands for it.
"""
import os


class PeerError(Exception):
    """What a peer sent cannot be served; the text becomes the ng ``error-reason``, ``detail`` is for the log alone."""

    def __init__(self, reason: str = "", detail: str = ""):
        super().__init__(reason)
        self.detail = detail


class ConfigError(Exception):
    """An option, file or argument cannot be used; each of the ``reasons`` tells the operator which and why."""

    def __init__(self, *reasons: str):
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class DataPlaneError(OSError):
    """A forwarding engine refused a command.

    ``errno`` is the engine's error number, ``what`` names the operation that failed.
    """

    def __init__(self, errno: int, what: str):
        super().__init__(errno, os.strerror(errno))
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}: {self.strerror}"
