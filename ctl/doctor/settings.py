# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon is set to: from ``params current``, or from its settings file if it cannot be asked."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_SECTION = "rtpengine"
DAEMON, DEFAULTS = "the daemon itself", "the defaults"
_SEMICOLON = re.compile(r"(?<!\\);")
_TRUE = frozenset(("1", "true", "yes"))
_Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by option; ``source`` says where they are from; ``ranges`` are the port ranges of interface sections."""

    source: str
    values: Mapping[str, str] = field(default_factory=dict)
    ranges: _Ranges = ()

    def text(self, name: str, default: str = "") -> str:
        """One value."""
        return self.values.get(name) or default

    def number(self, name: str, default: int) -> int:
        """One value as a number; the default for what is none."""
        return _number(self.text(name), default)

    def flag(self, name: str) -> bool:
        """Whether an option is switched on."""
        return self.text(name) in _TRUE

    def items(self, name: str) -> list[str]:
        """The values of a list."""
        return [item.strip() for item in _SEMICOLON.split(self.text(name)) if item.strip()]

    @property
    def table(self) -> int:
        """The forwarding table that is wanted, -1 for none."""
        return self.number("table", -1) if self.text("accelerator", "kernel") == "kernel" else -1

    @property
    def port_ranges(self) -> _Ranges:
        """First and last port of every range for media."""
        return (self.number("port-min", 30000), self.number("port-max", 39999)), *self.ranges


def from_params(reply: str) -> Settings | None:
    """Read the reply to ``params current``; None if it is none, because the daemon refused it say."""
    values: dict[str, str] = {}
    for line in reply.splitlines():
        name, equals, value = line.partition(" = ")
        if equals:
            name = name.replace("_", "-")
            values[name] = f"{values[name]};{value}" if name in values else value
    return Settings(DAEMON, values) if "port-min" in values else None


def from_file(text: str | None, path: str, section: str = DEFAULT_SECTION) -> Settings:
    """Read a settings file; the defaults if there is none."""
    if text is None:
        return Settings(DEFAULTS)
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], {})
        elif not line.startswith("#"):
            name, _, value = line.partition("=")
            current[name.strip()] = value.strip()
    own = sections.get(section, {})
    prefix = own.get("interfaces-config")
    described = [each for name, each in sections.items() if prefix and name.startswith(f"{prefix}-")]
    ranges = tuple((_number(each.get("port-min", ""), _number(own.get("port-min", ""), 30000)),
                    _number(each.get("port-max", ""), _number(own.get("port-max", ""), 39999)))
                   for each in described if "port-min" in each or "port-max" in each)
    return Settings(path, own, ranges)


def _number(text: str, default: int) -> int:
    try:
        return int(text)
    except ValueError:
        return default
