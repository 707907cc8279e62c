# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check has found."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How bad it is; UNKNOWN is what could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``mend`` is what to type, empty only if all is well."""

    state: State
    found: str
    mend: str = ""


class NeedsRoot(Exception):
    """Only root may look at this; the text names it."""


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(State.OK, found)


def warning(found: str, mend: str) -> Finding:
    """It works, but not as it could."""
    return Finding(State.WARNING, found, mend)


def problem(found: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(State.PROBLEM, found, mend)


def unknown(found: str, mend: str) -> Finding:
    """Nobody knows."""
    return Finding(State.UNKNOWN, found, mend)
