# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``--name=value``, ``--name value``, ``-n value``, ``-nvalue``, ``-fE``."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from controlplane.config.faults import Faults
from controlplane.config.nearest import meant, nearest
from controlplane.config.option import Kind, Option, Value
from controlplane.config.options import BY_NAME, BY_SHORT
from controlplane.config.secret import is_reference
from controlplane.errors import ConfigError


def parse(words: Sequence[str], secrets: list[str] | None = None, faults: Faults | None = None) -> dict[str, Value]:
    """Read the words behind the program name into option values by full name; ``secrets`` gets those nobody may see.

    ``faults`` gets unknown options, missing or unfit values, and words that belong to no option; without it these are
    a ConfigError.
    """
    found = faults if faults is not None else Faults()
    values = _parse(words, secrets if secrets is not None else [], found)
    if faults is None:
        found.settle()
    return values


def _parse(words: Sequence[str], secrets: list[str], faults: Faults) -> dict[str, Value]:
    values: dict[str, Value] = {}
    rest = iter(words)
    of_unknown = False
    for word in rest:
        with faults.kept():
            if word == "--":
                for stray in rest:
                    faults.add(_stray(stray))
            elif word.startswith("--"):
                _long(word[2:], rest, values, secrets, faults)
            elif word.startswith("-") and word != "-":
                _short(word[1:], rest, values, secrets, faults)
            elif not of_unknown:
                faults.add(_stray(word))
        of_unknown = word.startswith("--") and "=" not in word and word[2:] not in BY_NAME
    return values


def _stray(word: str) -> str:
    return f"command line: unexpected word {word[:64]!r}; options begin with a dash"


def _long(text: str, rest: Iterator[str], values: dict[str, Value], secrets: list[str],
          faults: Faults) -> None:
    name, equals, word = text.partition("=")
    option = BY_NAME.get(name)
    if option is None:
        faults.add(f"command line: unknown option --{_shown(name)}{meant(name, BY_NAME, '--')}", nearest(name, BY_NAME))
        return
    if option.kind is Kind.FLAG:
        if equals:
            raise ConfigError(f"command line: --{name} takes no value; leave it out to say no")
        values[option.name] = True
        return
    _store(option, word if equals else _next(option, rest), values, secrets, faults)


def _short(letters: str, rest: Iterator[str], values: dict[str, Value], secrets: list[str],
           faults: Faults) -> None:
    for position, letter in enumerate(letters, 1):
        option = BY_SHORT.get(letter)
        if option is None:
            raise ConfigError(f"command line: unknown option -{_shown(letter)}")
        if option.kind is not Kind.FLAG:
            _store(option, letters[position:] or _next(option, rest), values, secrets, faults)
            return
        values[option.name] = True


def _next(option: Option, rest: Iterator[str]) -> str:
    for word in rest:
        return word
    raise ConfigError(f"command line: --{option.name} needs a value ({option.kind.value})")


def _store(option: Option, word: str, values: dict[str, Value], secrets: list[str],
           faults: Faults) -> None:
    if option.secret and word and not is_reference(word):
        secrets.append(word)
    try:
        value = option.from_words(word)
    except ValueError as error:
        faults.add(f"command line: --{option.name}: {option.hidden(str(error), word)}", option.name)
        return
    earlier = values.get(option.name)
    values[option.name] = (*earlier, *value) if isinstance(earlier, tuple) and isinstance(value, tuple) else value


def _shown(text: str) -> str:
    return ascii(text[:64])[1:-1]
