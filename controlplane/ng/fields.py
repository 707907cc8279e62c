# SPDX-License-Identifier: GPL-3.0-or-later
"""How the value of a key becomes a field of the request: one setter for each kind of value.

A value of a wrong type, a number that is none and a word nobody knows leave the field as it is, and are noted.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.ng.values import INT64_MAX, Dictionary, Value, text
from controlplane.ng.words import Vocabulary, Word, hyphened

_SHOWN = 80  # characters of one of a client's words in a log line
_SHOWN_VALUE = 40
_NOTED = 20  # words


class Target:
    """The request being filled in, how its encoding writes an integer as a string, and the templates it may name.

    ``key`` is the one being read, for notes.
    """

    def __init__(self, request: Request, integer: Callable[[bytes], int | None],
                 templates: Mapping[str, str]) -> None:
        self.request = request
        self.integer = integer
        self.templates = templates
        self.key = b""

    def unsupported(self, what: str) -> None:
        """Note what the protocol knows and the daemon does not implement."""
        _note(self.request.unsupported, what)

    def unknown(self, what: str) -> None:
        """Note what means nothing."""
        _note(self.request.unknown, what)

    def ignored(self, value: Value, why: str) -> None:
        """Note that ``value`` of the key counts for nothing."""
        _note(self.request.ignored, f"{text(self.key)}: {_shown(value)} {why}", 2 * _SHOWN)


def _note(notes: list[str], what: str, most: int = _SHOWN) -> None:
    if len(notes) < _NOTED and (shown := what[:most]) not in notes:
        notes.append(shown)


def _shown(value: Value) -> str:
    if isinstance(value, bytes):
        return f"'{text(value[:_SHOWN_VALUE])}'"
    if isinstance(value, int):
        return str(value)
    return "a list" if isinstance(value, list) else "a dictionary" if isinstance(value, Dictionary) else (
        "null or a fraction")


Setter = Callable[[Target, Value], None]


NOT_TEXT = "is not text"
NOT_TEXTS = "is neither a list nor text"
NOT_LIST = "is not a list"
NOT_DICTIONARY = "is not a dictionary"
NOT_INTEGER = "is not an integer"


def members(target: Target, value: Value) -> list[bytes]:
    """The members of a list, or of a string with commas; none of anything else."""
    if isinstance(value, bytes):
        return [stripped for member in value.split(b",") if (stripped := member.strip())]
    if not isinstance(value, list):
        target.ignored(value, NOT_TEXTS)
        return []
    return [stripped for member in texts(target, value) if (stripped := member.strip())]


def texts(target: Target, values: list[Any]) -> list[bytes]:
    """Those members of a list that are text."""
    found = []
    for member in values:
        if isinstance(member, bytes):
            found.append(member)
        else:
            target.ignored(member, NOT_TEXT)
    return found


def dictionaries(target: Target, value: Value) -> list[Dictionary]:
    """The dictionaries in a list; none of anything else."""
    found: list[Dictionary] = []
    if not isinstance(value, list):
        target.ignored(value, NOT_LIST)
        return found
    for member in value:
        if isinstance(member, Dictionary):
            found.append(member)
        else:
            target.ignored(member, NOT_DICTIONARY)
    return found


def text_field(name: str) -> Setter:
    """Any string."""
    def set_text(target: Target, value: Value) -> None:
        if isinstance(value, bytes):
            setattr(target.request, name, text(value))
        else:
            target.ignored(value, NOT_TEXT)
    return set_text


def integer_field(name: str, adjust: Callable[[int], int | None] = lambda number: number,
                  most: int = INT64_MAX) -> Setter:
    """An integer or a string that is one; ``adjust`` maps what is out of range, more than ``most`` is noted too."""
    def set_integer(target: Target, value: Value) -> None:
        number = target.integer(value) if isinstance(value, bytes) else value
        if isinstance(number, int):
            setattr(target.request, name, adjust(number))
            if number > most:
                target.ignored(number, f"is more than {most}")
        else:
            target.ignored(value, NOT_INTEGER)
    return set_integer


def texts_field(name: str) -> Setter:
    """A list of strings, or a string with commas; repeated keys accumulate."""
    def add_texts(target: Target, value: Value) -> None:
        getattr(target.request, name).extend(map(text, members(target, value)))
    return add_texts


def address_field(name: str) -> Setter:
    """An IP address, or a list whose last member is one (address family in front)."""
    def set_address(target: Target, value: Value) -> None:
        if isinstance(value, list) and value:
            value = value[-1]
        if isinstance(value, bytes):
            try:
                setattr(target.request, name, Address.parse(text(value)))
            except PeerError as error:
                target.unknown(f"{name.replace('_', '-')}: {error}")
        else:
            target.ignored(value, "is no address")
    return set_address


def endpoint_field(name: str) -> Setter:
    """An IP address with a port, as ADDRESS:PORT."""
    def set_endpoint(target: Target, value: Value) -> None:
        try:
            if isinstance(value, bytes) and (found := Endpoint.parse(text(value))).port:
                setattr(target.request, name, found)
                return
        except PeerError:
            pass
        target.ignored(value, "is no address with a port")
    return set_endpoint


def known_word(target: Target, key: str, vocabulary: Vocabulary, raw: bytes) -> Word | None:
    """The word ``raw`` of ``key``; what is unknown or unsupported is noted."""
    word = vocabulary.find(raw)
    if word is None:
        target.unknown(f"{key}={text(raw)}")
    elif not word.implemented:
        target.unsupported(f"{key}={text(raw)}")
    return word


def one_word(target: Target, key: str, vocabulary: Vocabulary, value: Value) -> Word | None:
    """The same for a value that has to be text."""
    if isinstance(value, bytes):
        return known_word(target, key, vocabulary, value)
    target.ignored(value, NOT_TEXT)
    return None


def choice_field(name: str, vocabulary: Vocabulary) -> Setter:
    """One word."""
    key = name.replace("_", "-")

    def set_choice(target: Target, value: Value) -> None:
        word = one_word(target, key, vocabulary, value)
        if word is not None:
            setattr(target.request, name, word.name)
    return set_choice


def mapped_field(name: str, mapping: Mapping[bytes, str | int]) -> Setter:
    """One string that ``mapping`` (keys in lower case, with hyphens) translates."""
    key = name.replace("_", "-")

    def set_mapped(target: Target, value: Value) -> None:
        if isinstance(value, bytes):
            found = mapping.get(hyphened(value.lower()))
            if found is None:
                target.unknown(f"{key}={text(value)}")
            else:
                setattr(target.request, name, found)
        else:
            target.ignored(value, NOT_TEXT)
    return set_mapped


def last_word_field(name: str, vocabulary: Vocabulary) -> Setter:
    """A list of words of which the last one counts."""
    set_choice = choice_field(name, vocabulary)

    def set_last(target: Target, value: Value) -> None:
        for member in members(target, value):
            set_choice(target, member)
    return set_last


def words_field(name: str, vocabulary: Vocabulary) -> Setter:
    """A list of words; repeated keys accumulate."""
    key = name.replace("_", "-")

    def add_words(target: Target, value: Value) -> None:
        for member in members(target, value):
            word = known_word(target, key, vocabulary, member)
            if word is not None:
                getattr(target.request, name).add(word.name)
    return add_words


def unsupported_key(key: str) -> Setter:
    """A key of the protocol that the daemon does not implement."""
    def note(target: Target, value: Value) -> None:
        target.unsupported(key)
    return note
