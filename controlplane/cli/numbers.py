# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as operators type them: leading blanks allowed, anything after the digits ignored."""
from __future__ import annotations

import re
from errno import ERANGE
from math import isinf

_NUMBER = re.compile(r"[ \t\r\n\v\f]*([+-]?[0-9]+)", re.ASCII)
INT_MAX = 2 ** 31 - 1
_DECIMAL = re.compile(r"[ \t\r\n\v\f]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)", re.ASCII)
_LONG = 2 ** 63
_UNSIGNED = 2 ** 64
_LONGEST = 20


class NoDigits(ValueError):
    """The text does not start with a number."""


class OutOfRange(ValueError):
    """The number does not fit; ``errno`` is ERANGE if it exceeds 64 bits, else 0."""

    def __init__(self, errno: int = 0):
        super().__init__(errno)
        self.errno = errno


def integer(text: str, low: int | None = None, high: int = INT_MAX) -> int:
    """Read a decimal number between ``low`` and ``high`` (both included). NoDigits, OutOfRange."""
    match = _NUMBER.match(text)
    if match is None:
        raise NoDigits
    digits = match[1]
    if len(digits.lstrip("+-").lstrip("0")) > _LONGEST or not -_LONG <= int(digits) < (
            _LONG if high < _LONG else _UNSIGNED):
        raise OutOfRange(ERANGE)
    number = int(digits)
    if number > high or (low is not None and number < low):
        raise OutOfRange
    return number


def decimal(text: str) -> float:
    """Read a number that is not negative and perhaps has decimals. NoDigits, OutOfRange."""
    match = _DECIMAL.match(text)
    if match is None:
        raise NoDigits
    number = float(match[1])
    if isinf(number):
        raise OutOfRange(ERANGE)
    if number < 0:
        raise OutOfRange
    return number
