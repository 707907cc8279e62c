# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an ICE agent."""
from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """How far an agent has come; the values are for people."""

    WAITING = "waits for the peer's credentials"
    CHECKING = "checks candidate pairs"
    CONNECTED = "a pair has succeeded, none is nominated"
    COMPLETED = "a pair is nominated"
    FAILED = "has failed"
