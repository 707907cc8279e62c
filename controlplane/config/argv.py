# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``--name=value``, ``--name value``, ``-n value``, ``-nvalue``, ``-fE``."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from controlplane.config.nearest import meant
from controlplane.config.option import Kind, Option, Value
from controlplane.config.options import BY_NAME, BY_SHORT
from controlplane.config.secret import is_reference
from controlplane.errors import ConfigError


def parse(words: Sequence[str], secrets: list[str] | None = None) -> dict[str, Value]:
    """Read the words behind the program name into option values by full name; ``secrets`` gets those nobody may see.

    ConfigError for unknown options, missing or unfit values, and words that belong to no option.
    """
    values: dict[str, Value] = {}
    seen = secrets if secrets is not None else []
    rest = iter(words)
    for word in rest:
        if word == "--":
            for stray in rest:
                raise _stray(stray)
        elif word.startswith("--"):
            _long(word[2:], rest, values, seen)
        elif word.startswith("-") and word != "-":
            _short(word[1:], rest, values, seen)
        else:
            raise _stray(word)
    return values


def _stray(word: str) -> ConfigError:
    return ConfigError(f"command line: unexpected word {word[:64]!r}; options begin with a dash")


def _long(text: str, rest: Iterator[str], values: dict[str, Value], secrets: list[str]) -> None:
    name, equals, word = text.partition("=")
    option = BY_NAME.get(name)
    if option is None:
        raise ConfigError(f"command line: unknown option --{_shown(name)}{meant(name, BY_NAME, '--')}")
    if option.kind is Kind.FLAG:
        if equals:
            raise ConfigError(f"command line: --{name} takes no value; leave it out to say no")
        values[option.name] = True
        return
    _store(option, word if equals else _next(option, rest), values, secrets)


def _short(letters: str, rest: Iterator[str], values: dict[str, Value], secrets: list[str]) -> None:
    for position, letter in enumerate(letters, 1):
        option = BY_SHORT.get(letter)
        if option is None:
            raise ConfigError(f"command line: unknown option -{_shown(letter)}")
        if option.kind is not Kind.FLAG:
            _store(option, letters[position:] or _next(option, rest), values, secrets)
            return
        values[option.name] = True


def _next(option: Option, rest: Iterator[str]) -> str:
    for word in rest:
        return word
    raise ConfigError(f"command line: --{option.name} needs a value ({option.kind.value})")


def _store(option: Option, word: str, values: dict[str, Value], secrets: list[str]) -> None:
    if option.secret and word and not is_reference(word):
        secrets.append(word)
    try:
        value = option.from_words(word)
    except ValueError as error:
        raise ConfigError(f"command line: --{option.name}: {option.hidden(str(error), word)}") from None
    earlier = values.get(option.name)
    values[option.name] = (*earlier, *value) if isinstance(earlier, tuple) and isinstance(value, tuple) else value


def _shown(text: str) -> str:
    return ascii(text[:64])[1:-1]
