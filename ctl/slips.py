# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that somebody probably meant."""
from __future__ import annotations

from ctl.completion import WORDS, Word
from ctl.options import nearest


def meant(words: list[str]) -> str | None:
    """The keyword most like the first of ``words`` that the list of commands does not have there; None if none is."""
    level: list[Word] = WORDS
    rest = iter(words)
    for typed in rest:
        word = next((word for word in level if word.keyword == typed), None)
        if word is None:
            return _nearest(typed, [word.keyword for word in level])
        level = word.below
        for slot in word.slots:
            if "<command>" in slot:
                level = WORDS
            else:
                next(rest, None)
    return None


def _nearest(typed: str, keywords: list[str]) -> str | None:
    plain = typed.lower().replace("-", "").replace("_", "")
    return nearest(plain, keywords) or next((word for word in keywords if typed and word.startswith(typed)), None)
