# SPDX-License-Identifier: GPL-3.0-or-later
"""What one option is: its name, the values it takes, and how text becomes a value."""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from controlplane.config import ini
from controlplane.config.nearest import meant
from controlplane.config.secret import is_reference, revealed

Value = bool | int | float | str | tuple[str, ...]

_COMMAND_LINE_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,32}|0|[1-9][0-9]{0,39})", re.ASCII)
_ENDPOINT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:\[\]/@]+):[0-9]{1,5}", re.ASCII)


class Kind(Enum):
    """The type of an option's value."""

    FLAG = "boolean"
    INTEGER = "integer"
    UNSIGNED = "unsigned integer"
    NUMBER = "number"
    STRING = "string"
    PATH = "path"
    ENDPOINT = "endpoint"
    LIST = "list"


class Support(Enum):
    """Whether an option does what it says; REFUSED ones would be dangerous to ignore."""

    WORKS = "works"
    NO_EFFECT = "accepted, but has no effect yet"
    REFUSED = "not supported yet"


_EMPTY: dict[Kind, Value] = {
    Kind.FLAG: False, Kind.INTEGER: 0, Kind.UNSIGNED: 0, Kind.NUMBER: 0.0,
    Kind.STRING: "", Kind.PATH: "", Kind.ENDPOINT: "", Kind.LIST: (),
}
_LIMITS = {Kind.INTEGER: (-2**31, 2**31 - 1), Kind.UNSIGNED: (0, 2**64 - 1)}


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the option table.

    ``check`` returns the value to use or raises ValueError with what is allowed. A value below
    ``default_below`` means the default. ``also`` holds further names, ``short`` a letter. A ``runtime`` option
    can be changed while the daemon runs, a ``secret`` one is never shown and may say where it is to be had (secret.py),
    unless it ``refers`` to nothing, an ``action`` replaces running.
    ``why`` tells what would go wrong if a REFUSED option were ignored.
    """

    name: str
    kind: Kind
    help: str
    default: Value
    short: str = ""
    check: Callable[[Any], Value] | None = None
    default_below: int | None = None
    default_text: str = ""
    also: tuple[str, ...] = ()
    runtime: bool = False
    secret: bool = False
    refers: bool = True
    action: bool = False
    support: Support = Support.WORKS
    why: str = ""

    @property
    def attribute(self) -> str:
        """The name as a Python attribute."""
        return self.name.replace("-", "_")

    def from_words(self, word: str) -> Value:
        """The value of one command line argument. ValueError says what is wrong with it."""
        if self.kind is Kind.LIST:
            return self.checked((word,))
        if self.secret and self.refers:
            return self.checked(revealed(word))
        if self.kind in _LIMITS:
            if not _COMMAND_LINE_INTEGER.fullmatch(word):
                raise ValueError(f"{word[:64]!r} is no number (decimal, or hexadecimal with 0x)")
            return self.checked(int(word, 0))
        if self.kind is Kind.NUMBER:
            return self.checked(ini.number(word))
        return self.checked(word)

    def from_file(self, raw: str) -> Value:
        """The value of a line in the settings file. ValueError says what is wrong with it."""
        value = _READERS[self.kind](raw)
        return self.checked(revealed(value) if self.secret and self.refers and isinstance(value, str) else value)

    def hidden(self, message: str, raw: str) -> str:
        """``message`` about a value as it was written, which those about secrets do not show."""
        return message.replace(raw[:64], "...") if self.secret and raw and not is_reference(raw) else message

    def checked(self, value: Value) -> Value:
        """The value to use for one of the right type: in range, aliases resolved. ValueError if not allowed."""
        if self.default_below is not None and isinstance(value, (int, float)) and value < self.default_below:
            return self.default
        if self.kind in _LIMITS and isinstance(value, int):
            low, high = _LIMITS[self.kind]
            if not low <= value <= high:
                raise ValueError(f"{value} is outside {low} to {high}")
        if isinstance(value, tuple):
            return tuple(str(self.check(each)) for each in value) if self.check else value
        if self.kind is Kind.ENDPOINT and value:
            return endpoint(value)
        return self.check(value) if self.check else value


_READERS: dict[Kind, Callable[[str], Value]] = {
    Kind.FLAG: ini.boolean, Kind.INTEGER: ini.integer, Kind.UNSIGNED: ini.integer, Kind.NUMBER: ini.number,
    Kind.STRING: ini.string, Kind.PATH: ini.string, Kind.ENDPOINT: ini.string, Kind.LIST: ini.strings,
}


def option(name: str, kind: Kind, help: str, default: Value | None = None, **rest: Any) -> Option:
    """A row of the table; without ``default`` it is the empty value of the kind."""
    return Option(name, kind, help, _EMPTY[kind] if default is None else default, **rest)


def between(low: float, high: float) -> Callable[[Any], Value]:
    """A check that a number lies from ``low`` to ``high``, both allowed."""
    def check(value: Any) -> Value:
        if not low <= value <= high:
            raise ValueError(f"{value} is outside {low} to {high}")
        number: Value = value
        return number
    return check


def at_least(low: float) -> Callable[[Any], Value]:
    """A check that a number is not below ``low``."""
    def check(value: Any) -> Value:
        if value < low:
            raise ValueError(f"{value} is less than {low}")
        number: Value = value
        return number
    return check


def endpoint(value: Any) -> Value:
    """A check that a text is HOST:PORT."""
    if not _ENDPOINT.fullmatch(str(value)) or not 0 < int(str(value).rpartition(":")[2]) <= 65535:
        raise ValueError(f"{str(value)[:64]!r} is not ADDRESS:PORT, with a port from 1 to 65535")
    return str(value)


def in_any_case(*names: str, **aliases: str) -> Callable[[Any], Value]:
    """The same as ``one_of`` for words whose case does not matter."""
    check = one_of(*names, **aliases)
    spelt = {name.lower(): name for name in names} | {alias.replace("_", "-"): name for alias, name in aliases.items()}
    return lambda value: check(spelt.get(str(value).lower().replace("_", "-"), value))


def numeric(low: int, high: int) -> Callable[[Any], Value]:
    """A check that a text is a decimal number from ``low`` to ``high``."""
    def check(value: Any) -> Value:
        text = str(value)
        if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
            raise ValueError(f"{text[:64]!r} is no number from {low} to {high}")
        return text
    return check


def one_of(*names: str, **aliases: str) -> Callable[[Any], Value]:
    """A check that a word is one of ``names``; ``aliases`` maps other spellings (``_`` for a dash) to them."""
    other = {alias.replace("_", "-"): name for alias, name in aliases.items()}

    def check(value: Any) -> Value:
        if value in names:
            return str(value)
        if value in other:
            return other[value]
        raise ValueError(f"{str(value)[:64]!r} is not allowed; allowed: {', '.join(filter(None, names))}"
                         + meant(str(value), (*names, *other)))
    return check
