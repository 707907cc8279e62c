# SPDX-License-Identifier: GPL-3.0-or-later
"""The known name that somebody probably meant."""
from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 64


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name most like ``word``, None if none is like it; upper and lower case, dashes and underscores are alike."""
    known = {_plain(name): name for name in names if name}
    close = difflib.get_close_matches(_plain(word[:_LONGEST]), known, n=1, cutoff=0.6)
    return known[close[0]] if close else None


def meant(word: str, names: Iterable[str], dashes: str = "") -> str:
    """``; did you mean x?`` if there is such a name, else nothing."""
    name = nearest(word, names)
    return f"; did you mean {dashes}{name}?" if name else ""


def _plain(word: str) -> str:
    return word.lower().replace("_", "-")
