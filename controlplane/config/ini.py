# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings file: sections of ``key = value`` lines, as GLib's key files define them."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from controlplane.config.faults import Faults

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
    """A parsed file: sections and their entries in the order in which they first appear, and where each begins."""

    path: str
    sections: dict[str, dict[str, Entry]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def parse(text: str, path: str, faults: Faults | None = None) -> IniFile:
    """Read a whole file; sections of one name are merged and the last of duplicate keys wins.

    ``faults`` gets, with ``path`` and line, all that is neither a section, a ``key = value`` nor a comment;
    without it that is a ConfigError.
    """
    found = faults if faults is not None else Faults()
    parsed = _parse(text, path, found)
    if faults is None:
        found.settle()
    return parsed


def _parse(text: str, path: str, faults: Faults) -> IniFile:
    parsed = IniFile(path)
    section: dict[str, Entry] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip(_BLANK)
        if not line or line.startswith("#") and "\0" not in line:
            continue
        key, _, value = line.partition("=")
        key = key.rstrip(_BLANK)
        wrong = _wrong(line, key, section is not None)
        if line.startswith("["):
            section = {} if wrong else parsed.sections.setdefault(line[1:-1], {})
            parsed.lines.setdefault(line[1:-1], number)
        elif section is not None and not wrong:
            before = section.get(key)
            section[key] = Entry(value.lstrip(_BLANK), number, before.line if before is not None else 0)
        if wrong:
            faults.add(f"{path}:{number}: {wrong}")
    return parsed


def _wrong(line: str, key: str, in_section: bool) -> str:
    """What is wrong with a line; empty if nothing is."""
    if "\0" in line:
        return "NUL byte"
    if line.startswith("["):
        name = line[1:-1]
        if not line.endswith("]"):
            return f"section line {line[:64]!r} does not end in ]"
        return f"{name[:64]!r} is no section name" if not name or "[" in name or "]" in name else ""
    if "=" not in line:
        return f"{line[:64]!r} is none of [section], key = value, # comment"
    if not key:
        return "there is no key before the equals sign"
    return "" if in_section else f"key {key[:64]!r} stands before the first section, such as [rtpengine]"


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
