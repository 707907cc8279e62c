# SPDX-License-Identifier: GPL-3.0-or-later
"""The running daemon as its command line interface shows it."""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_INTERFACE = re.compile(r"^Interface '(?P<name>.*)' address '(?P<address>[^']*)' .*\n"
                        r" Port range: +(?P<first>\d+) - +(?P<last>\d+)\n Ports used: +(?P<used>\d+) /", re.MULTILINE)
_SESSIONS = re.compile(r"^Current sessions total: *(\d+)", re.MULTILINE)
_PROCESS = re.compile(r"/proc/(\d+)/limits")


@dataclass(frozen=True, slots=True)
class Interface:
    """A local address with its media ports, from first to last, and how many of them are in use."""

    name: str
    address: str
    first: int
    last: int
    used: int

    @property
    def ports(self) -> int:
        """How many ports there are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that answers; what it would not tell is None or empty."""

    pid: int | None
    sessions: int | None
    interfaces: tuple[Interface, ...]
    params: str


def examined(ask: Callable[[str], str]) -> Running:
    """Ask the daemon for all of it; what ``ask`` raises."""
    sessions = _SESSIONS.search(ask("list numsessions"))
    process = _PROCESS.search(ask("list maxopenfiles"))
    interfaces = tuple(Interface(found["name"], found["address"], int(found["first"]), int(found["last"]),
                                 int(found["used"]))
                       for found in _INTERFACE.finditer(ask("list interfaces")))
    return Running(int(process[1]) if process else None, int(sessions[1]) if sessions else None, interfaces,
                   ask("params current"))
