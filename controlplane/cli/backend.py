# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands read and change, as a shape: the daemon implements it, tests fake it."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from controlplane.addresses import Endpoint
from controlplane.report.counters import Statistics
from controlplane.report.model import Call, Sources, State


class OptionRow(Protocol):
    """One option: ``attribute`` holds its value in the settings, ``action`` ones have none worth showing."""

    @property
    def name(self) -> str: ...
    @property
    def attribute(self) -> str: ...
    @property
    def secret(self) -> bool: ...
    @property
    def action(self) -> bool: ...


class Backend(Sources, Protocol):
    """The running daemon as the operator sees it."""

    @property
    def pid(self) -> int:
        """Process number of the daemon."""

    @property
    def settings(self) -> Any:
        """The options' present values: attributes named like the options, with underscores."""

    @property
    def start_settings(self) -> Any:
        """The same options as they were at the start."""

    @property
    def statistics(self) -> Statistics:
        """The counters."""

    def options(self) -> Sequence[OptionRow]:
        """All options in the order of the manual."""

    def now(self) -> float:
        """Unix time in seconds."""

    def change(self, attribute: str, value: Any) -> None:
        """Set one of the settings and apply it at once. ConfigError for a bad value, OSError from the system."""

    def log_subsystems(self) -> Mapping[str, str]:
        """What each subsystem logs, by its name, in the order to list them."""

    def log_levels(self) -> Mapping[str, int]:
        """Present level (syslog scale) of each subsystem, in the same order."""

    def start_log_levels(self) -> Mapping[str, int]:
        """The levels as they were at the start."""

    def set_log_level(self, subsystem: str, level: int) -> None:
        """Set the level of one subsystem."""

    def open_files(self) -> int | None:
        """Soft limit of open files, None for no limit. OSError if it cannot be read."""

    def set_open_files(self, limit: int) -> None:
        """Set the soft and the hard limit of open files. OSError if the system refuses."""

    def terminate(self, calls: Iterable[Call]) -> None:
        """Destroy calls at once; the reason is FORCED."""

    def refresh(self, call: Call) -> None:
        """Read the counters of a call from the engines now."""

    def states(self, call: Call) -> Mapping[Endpoint, State]:
        """How the streams of a call stand, by their sockets."""

    def set_debug(self, call: Call, on: bool) -> None:
        """Switch the logging of everything about one call."""

    def drain(self, on: bool) -> None:
        """Refuse new calls, or take them again."""

    def explain(self, call: Call) -> Iterable[str]:
        """Lines that say where the packets of a call go, and why."""

    def ports(self, call: Call) -> Iterable[Endpoint]:
        """All sockets that are open for a call."""

    def events(self, call_id: str) -> Iterable[str] | None:
        """Lines that say what happened to a call, which may have ended some minutes ago; None if it is not known."""

    def active(self) -> None:
        """Make all calls own ones."""

    def standby(self) -> None:
        """Make all calls foreign ones."""

    def keyspaces(self) -> list[int] | None:
        """The data bases whose calls are followed, in the order in which they were added; None without any server."""

    def add_keyspace(self, number: int) -> bool:
        """Follow one more; False if that is done already."""

    def remove_keyspace(self, number: int) -> bool:
        """Follow it no more and forget its calls; False if it was not followed."""

    def write_to_read(self, on: bool) -> bool:
        """Write calls to where they are read from, or no longer; False if there is nothing to choose."""
