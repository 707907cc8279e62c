# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are not there yet, as the reply to a request that has to wait for something."""
from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Later(Generic[T]):
    """Told once with ``finish``; everyone who asked with ``then`` hears of it. It has to be finished in the end."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[T], None]] = []
        self._value: list[T] = []

    def then(self, deliver: Callable[[T], None]) -> None:
        """Have ``deliver`` called with the value, at once if it is there already."""
        if self._value:
            deliver(self._value[0])
        else:
            self._waiting.append(deliver)

    def finish(self, value: T) -> None:
        """The value is there; what is told a second time changes nothing."""
        if self._value:
            return
        self._value.append(value)
        waiting, self._waiting = self._waiting, []
        for deliver in waiting:
            deliver(value)

    def map(self, change: Callable[[T], U]) -> Later[U]:
        """What ``change`` makes of the value, as soon as it is there."""
        changed: Later[U] = Later()
        self.then(lambda value: changed.finish(change(value)))
        return changed
