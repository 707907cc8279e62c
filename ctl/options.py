# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the command line: options in front, then the command.

Options take one dash or two, may be abbreviated, and take their value after ``=`` or as the next word; the
first word that is no option ends them.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_PORT = 65535
DEFAULT_SECTION = "rtpengine"
_WITH_VALUE = ("ip", "port", "config-file", "config-section")
_FLAGS = ("help", "strict", "json")
NAMES = _WITH_VALUE + _FLAGS
_PREFERRED = {"c": "config-file", "co": "config-file", "con": "config-file", "conf": "config-file",
              "confi": "config-file", "config": "config-file", "config-": "config-file"}
"""Abbreviations that would be ambiguous but are in use."""


class UsageError(Exception):
    """The command line cannot be understood; the text says why."""


@dataclass(slots=True)
class Options:
    """What was asked for; None and 0 mean not given."""

    ip: str | None = None
    port: int = 0
    config_file: str | None = None
    config_section: str = DEFAULT_SECTION
    strict: bool = False  # changes nothing: error texts always count as failures
    json: bool = False
    help: bool = False
    words: tuple[str, ...] = ()


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line without the program's name. UsageError."""
    options = Options()
    rest = list(arguments)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        argument = rest.pop(0)
        if argument == "--":
            break
        word, equals, value = argument.removeprefix("-").removeprefix("-").partition("=")
        name = _resolve(word, argument)
        if name in _FLAGS:
            if equals:
                raise UsageError(f"Option {name} does not take an argument")
            setattr(options, name, True)
            continue
        if not equals:
            value = rest.pop(0) if rest else ""
        if not value:
            raise UsageError(f"Option {name} requires an argument")
        if name == "port":
            options.port = port(value)
        else:
            setattr(options, name.replace("-", "_"), value)
    options.words = tuple(rest)
    return options


def port(text: str) -> int:
    """A TCP port number; 0 counts as not given. UsageError."""
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > MAX_PORT:
        raise UsageError(f"Not a port number: {text}")
    return int(text)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one most like ``word``, None if none is."""
    from difflib import get_close_matches   # seldom needed
    found = get_close_matches(word[:64], list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def _resolve(word: str, argument: str) -> str:
    word = word.lower()
    if word in _PREFERRED:
        return _PREFERRED[word]
    names = [name for name in NAMES if name.startswith(word)] if word else []
    if word in names:
        return word
    if len(names) != 1:
        meant = f"; did you mean --{near}?" if (near := nearest(word.replace("_", "-"), NAMES)) else ""
        raise UsageError(f"{'Ambiguous' if names else 'Unknown'} option: {argument}{meant}")
    return names[0]
