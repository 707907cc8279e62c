# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reply says besides the handler's own keys: the result, and why it is not ok."""
from __future__ import annotations

from typing import Any

from controlplane.errors import PeerError

Reply = dict[str, Any]
"""Keys in the order in which they are sent; values as ``values.Encodable``."""

_NO_LOAD_LIMIT = "Parallel session limit reached"


class RequestFailed(PeerError):
    """An error reply with keys of its own in front, such as the empty ``sdp`` of a failed rewriting."""

    def __init__(self, reason: str, **extra: Any):
        super().__init__(reason)
        self.extra: Reply = extra


class LoadLimitReached(PeerError):
    """A new call was refused for load; the text names the limit for clients that support the load limit result."""


def succeeded(extra: Reply) -> Reply:
    """``extra`` with the result behind it; a handler that gave a result of its own keeps that."""
    return extra if "result" in extra else {**extra, "result": "ok"}


def failed(reason: str, extra: Reply | None = None) -> Reply:
    """The error reply for ``reason`` (ng ``error-reason``), behind the keys of ``extra``."""
    return {**(extra or {}), "result": "error", "error-reason": reason}


def refused(error: LoadLimitReached, supports_load_limit: bool) -> Reply:
    """The reply for a load limit: a result of its own for clients that know it, an error for the others."""
    return {"result": "load limit", "message": str(error)} if supports_load_limit else failed(_NO_LOAD_LIMIT)
