# SPDX-License-Identifier: GPL-3.0-or-later
"""``drain`` and ``undrain``: whether new calls are taken while the running ones go on."""
from __future__ import annotations

from controlplane.cli.node import Reply, Request
from controlplane.report.model import is_foreign


def drain(request: Request) -> Reply:
    """``drain``: refuse new calls, serve the running ones; repeated, it tells how many are left."""
    backend = request.backend
    backend.drain(True)
    left = sum(not is_foreign(call) for call in backend.calls().values())
    return f"New calls are refused; own calls left: {left}\n"


def undrain(request: Request) -> Reply:
    """``undrain``."""
    request.backend.drain(False)
    return "New calls are taken.\n"
