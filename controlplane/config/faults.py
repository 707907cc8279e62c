# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is wrong with the settings, gathered rather than told one by one."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from controlplane.errors import ConfigError


class Faults:
    """``options`` lack the value that they were to have: what is wrong with them besides follows from that."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.options: set[str] = set()

    def add(self, reason: str, option: str | None = None) -> None:
        """Something is wrong, which leaves ``option`` without its value."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        if option is not None:
            self.options.add(option)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is raised within is kept, and the rest is looked at."""
        try:
            yield
        except ConfigError as error:
            for reason in error.reasons:
                self.add(reason)

    def settle(self) -> None:
        """ConfigError with all that was found, if anything was."""
        if self.reasons:
            raise ConfigError(*self.reasons)
