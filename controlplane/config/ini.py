# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings file: sections of ``key = value`` lines, as GLib's key files define them."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from controlplane.errors import ConfigError

_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_BLANK = " \t\n\r\f\v"
_INTEGER = re.compile(r"([+-]?[0-9]+)(?:[ \t].*)?", re.ASCII | re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MAX_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as written (outer blanks removed, escapes kept) and the line it stands on, counted from 1.

    ``instead_of`` is the line of the same key before, whose value does not count; 0 if there was none.
    """

    raw: str
    line: int
    instead_of: int = 0


@dataclass(slots=True)
class IniFile:
    """A parsed file: sections and their entries in the order in which they first appear."""

    path: str
    sections: dict[str, dict[str, Entry]] = field(default_factory=dict)


def parse(text: str, path: str) -> IniFile:
    """Read a whole file; sections of one name are merged and the last of duplicate keys wins.

    ConfigError, naming ``path`` and line, for anything that is not a section, a ``key = value`` or a comment.
    """
    parsed = IniFile(path)
    section: dict[str, Entry] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip(_BLANK)
        if "\0" in line:
            raise ConfigError(f"{path}:{number}: NUL byte")
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = parsed.sections.setdefault(_section_name(line, path, number), {})
            continue
        key, equals, value = line.partition("=")
        key = key.rstrip(_BLANK)
        if not equals:
            raise ConfigError(f"{path}:{number}: {line[:64]!r} is none of [section], key = value, # comment")
        if not key:
            raise ConfigError(f"{path}:{number}: there is no key before the equals sign")
        if section is None:
            raise ConfigError(f"{path}:{number}: key {key[:64]!r} stands before the first section, "
                              "such as [rtpengine]")
        before = section.get(key)
        section[key] = Entry(value.lstrip(_BLANK), number, before.line if before is not None else 0)
    return parsed


def _section_name(line: str, path: str, number: int) -> str:
    name = line[1:-1]
    if not line.endswith("]"):
        raise ConfigError(f"{path}:{number}: section line {line[:64]!r} does not end in ]")
    if not name or "[" in name or "]" in name:
        raise ConfigError(f"{path}:{number}: {name[:64]!r} is no section name")
    return name


def string(raw: str) -> str:
    """A plain string; escapes are ``\\s \\n \\t \\r \\\\``. ValueError for any other."""
    return _unescape(raw, _ESCAPES)


def strings(raw: str) -> tuple[str, ...]:
    """A list separated by ``;``, where ``\\;`` is a literal semicolon; blanks around elements do not count."""
    pieces = [""]
    escaped = False
    for char in raw:
        if char == ";" and not escaped:
            pieces.append("")
            continue
        pieces[-1] += char
        escaped = char == "\\" and not escaped
    stripped = (piece.strip(_BLANK) for piece in pieces)
    return tuple(_unescape(piece, _ESCAPES | {";": ";"}) for piece in stripped if piece)


def _unescape(raw: str, escapes: dict[str, str]) -> str:
    if "\\" not in raw:
        return raw
    chars = iter(raw)
    out = []
    for char in chars:
        if char == "\\":
            escape = next(chars, "")
            if escape not in escapes:
                raise ValueError(f"unknown escape \\{escape} (known: {' '.join(chr(92) + e for e in escapes)})")
            char = escapes[escape]
        out.append(char)
    return "".join(out)


def boolean(raw: str) -> bool:
    """``true``, ``1``, ``yes`` or ``false``, ``0``, ``no``. ValueError for anything else."""
    if raw not in _BOOLEANS:
        raise ValueError(f"{raw[:64]!r} is neither true or false, yes or no, nor 1 or 0")
    return _BOOLEANS[raw]


def integer(raw: str) -> int:
    """A decimal number; text behind a blank is ignored. ValueError for anything else."""
    match = _INTEGER.fullmatch(raw)
    if not match or len(match[1]) > _MAX_DIGITS:
        raise ValueError(f"{raw[:64]!r} is no decimal number")
    return int(match[1])


def number(raw: str) -> float:
    """A finite decimal fraction such as ``2.5``. ValueError for anything else."""
    if not _NUMBER.fullmatch(raw) or not math.isfinite(float(raw)):
        raise ValueError(f"{raw[:64]!r} is no finite number")
    return float(raw)
