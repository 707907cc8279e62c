# SPDX-License-Identifier: GPL-3.0-or-later
"""How values of each kind are written into a document, and read from one that may hold anything.

A document consists of text, whole numbers, lists and dictionaries with text as keys, which JSON and bencode both have.
A member that has its default value is left out.
"""
from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError

Plain = Any
"""str, int, list or dict, and nothing else."""
Document = dict[str, Plain]

_LARGEST = 1 << 63
_DIGITS = re.compile("[0-9]{1,40}")
_MICRO = 1_000_000


class BadDocument(PeerError):
    """A document that makes no sense, or is not one of ours; the text says where."""


class Kind(NamedTuple):
    """``read`` raises BadDocument for what ``write`` cannot have written."""

    write: Callable[[Any], Plain]
    read: Callable[[Plain], Any]


def same(value: Any) -> Any:
    """What needs no writing."""
    return value


def is_text(plain: Plain) -> str:
    """BadDocument if it is none."""
    if not isinstance(plain, str):
        raise BadDocument(f"not a text: {plain!r:.64}")
    return plain


def is_number(plain: Plain) -> int:
    """BadDocument if it is none, or too large for any of ours."""
    if type(plain) is not int or not -_LARGEST <= plain < _LARGEST:
        raise BadDocument(f"not a number: {str(plain)[:64]}")
    return plain


def is_list(plain: Plain) -> list[Plain]:
    """BadDocument if it is none."""
    if not isinstance(plain, list):
        raise BadDocument(f"not a list: {plain!r:.64}")
    return plain


def is_dict(plain: Plain) -> Document:
    """BadDocument if it is none."""
    if not isinstance(plain, dict):
        raise BadDocument(f"not a dictionary: {plain!r:.64}")
    return plain


def _flag(plain: Plain) -> bool:
    if is_number(plain) not in (0, 1):
        raise BadDocument(f"neither 0 nor 1: {plain}")
    return bool(plain)


def _real(plain: Plain) -> float:
    try:
        value = float(is_text(plain))
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadDocument(f"not a number: {plain!r:.64}")
    return value


def _bytes(plain: Plain) -> bytes:
    try:
        return b64decode(is_text(plain), validate=True)
    except (binascii.Error, ValueError):
        raise BadDocument(f"not base64: {plain!r:.64}") from None


def _parsed(parse: Callable[[str], Any]) -> Callable[[Plain], Any]:
    def read(plain: Plain) -> Any:
        try:
            return parse(is_text(plain))
        except PeerError as error:
            raise BadDocument(str(error)) from None
    return read


def _large(plain: Plain) -> int:
    if not _DIGITS.fullmatch(is_text(plain)):
        raise BadDocument(f"not a number: {plain!r:.64}")
    return int(plain)


TEXT = Kind(same, is_text)
NUMBER = Kind(same, is_number)
LARGE = Kind(str, _large)
"""A number that 64 bits may not hold, as text."""
FLAG = Kind(int, _flag)
TIME = Kind(lambda seconds: round(seconds * _MICRO), lambda plain: is_number(plain) / _MICRO)
"""Unix time in seconds; microseconds in the document."""
REAL = Kind(repr, _real)
"""A fraction, as text."""
BYTES = Kind(lambda value: b64encode(value).decode("ascii"), _bytes)
ADDRESS = Kind(str, _parsed(Address.parse))
ENDPOINT = Kind(str, _parsed(Endpoint.parse))


def many(kind: Kind, into: Callable[[Any], Any] = list) -> Kind:
    """A list or, with ``into``, another collection of them."""
    return Kind(lambda values: [kind.write(each) for each in values],
                lambda plain: into([kind.read(each) for each in is_list(plain)]))


WORDS = Kind(sorted, lambda plain: frozenset(map(is_text, is_list(plain))))
"""A set of words."""


def by_text(kind: Kind) -> Kind:
    """A dictionary with text as keys."""
    return Kind(lambda values: {key: kind.write(value) for key, value in values.items()},
                lambda plain: {is_text(key): kind.read(value) for key, value in is_dict(plain).items()})


def by_number(kind: Kind) -> Kind:
    """A dictionary with numbers as keys."""
    def read(plain: Plain) -> dict[int, Any]:
        try:
            return {int(key): kind.read(value) for key, value in is_dict(plain).items()}
        except ValueError:
            raise BadDocument("a key that is no number") from None
    return Kind(lambda values: {str(key): kind.write(value) for key, value in values.items()}, read)


def one_of(names: Mapping[str, Any]) -> Kind:
    """One of a few values by its name."""
    texts = {value: name for name, value in names.items()}

    def read(plain: Plain) -> Any:
        if is_text(plain) not in names:
            raise BadDocument(f"none of {', '.join(names)}: {plain!r:.64}")
        return names[plain]
    return Kind(lambda value: texts[value], read)


class Field(NamedTuple):
    """A member of an object and of its document. ``required``: it has no default value."""

    name: str
    kind: Kind
    default: Any = None
    required: bool = False


def required(name: str, kind: Kind) -> Field:
    """A member that is always there."""
    return Field(name, kind, None, True)


def write_fields(value: Any, fields: tuple[Field, ...]) -> Document:
    """The members of ``value`` that have other than their default values."""
    document: Document = {}
    for name, kind, default, always in fields:
        member = getattr(value, name)
        if always or (member is not default and member != default):
            document[name] = kind.write(member)
    return document


def read_fields(document: Document, fields: tuple[Field, ...]) -> dict[str, Any]:
    """The values of the members that the document has."""
    found = {}
    for name, kind, _, always in fields:
        if name in document:
            try:
                found[name] = kind.read(document[name])
            except BadDocument as error:
                raise BadDocument(f"{name}: {error}") from None
        elif always:
            raise BadDocument(f"{name} is missing")
    return found


def fill(value: Any, document: Document, fields: tuple[Field, ...]) -> None:
    """Set the members of ``value`` that the document has."""
    for name, member in read_fields(document, fields).items():
        setattr(value, name, member)


def record(make: Callable[..., Any], *fields: Field) -> Kind:
    """Objects that ``make`` makes of their members by name, whose default values nobody changes."""
    defaults = {field.name: field.default for field in fields}
    return Kind(lambda value: write_fields(value, fields),
                lambda plain: make(**defaults | read_fields(is_dict(plain), fields)))
