# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of printed attributes (ng ``sdp-attr``): remove, substitute, add, by section type."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator

_BY_FIRST_TOKEN = frozenset(("rtpmap", "fmtp", "rtcp-fb"))
_BY_EVERY_TOKEN = frozenset(("crypto", "candidate"))


def stages(text: str) -> Iterator[str]:
    """The growing beginnings of an attribute that an edit may name, the complete text last."""
    name, colon, value = text.partition(":")
    if colon:
        yield name
        if name in _BY_FIRST_TOKEN or name in _BY_EVERY_TOKEN:
            end = text.find(" ", len(name) + 1)
            while end >= 0:
                yield text[:end]
                end = text.find(" ", end + 1) if name in _BY_EVERY_TOKEN else -1
    yield text


@dataclass(slots=True)
class Edits:
    """The edits of one section type: ``removed`` and the keys of ``substituted`` are compared in lower case.

    ``added`` are attribute texts printed at the end of the section; they are not edited themselves.
    """

    removed: set[str] = field(default_factory=set)
    substituted: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)

    def apply(self, text: str) -> str | None:
        """What is printed in place of attribute ``text``, None if it is removed."""
        if not self.removed and not self.substituted:
            return text
        for stage in stages(text.lower()):
            if stage in self.removed:
                return None
            if stage in self.substituted:
                return self.substituted[stage]
        return text


SESSION = "none"
"""Names the session among the sections."""

Manipulations = dict[str, Edits]
"""Edits by section: ``SESSION``, or a media type in lower case."""
