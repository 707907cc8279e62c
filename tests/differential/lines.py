# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies taken apart into lines, and what is known of a call when one of them is looked at."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass(slots=True)
class Lines:
    """A body taken apart: the session's lines, and those of each section."""

    session: list[str]
    sections: list[list[str]] = field(default_factory=list)

    @classmethod
    def of(cls, sdp: str) -> Lines:
        found = cls([])
        for line in sdp.split("\r\n"):
            if line.startswith("m="):
                found.sections.append([])
            if line:
                (found.sections[-1] if found.sections else found.session).append(line)
        return found

    @property
    def text(self) -> str:
        return "\r\n".join([*self.session, *(line for section in self.sections for line in section), ""])

    def has(self, index: int, name: str) -> bool:
        """True if the section, or the session for it, has an attribute that begins with ``name``."""
        own = self.sections[index] if index < len(self.sections) else []
        return any(line.startswith("a=" + name) for line in (*self.session, *own))


def without(section: list[str], *names: str) -> None:
    """Take the attributes out that begin with one of ``names``."""
    section[:] = [line for line in section if not line.startswith(tuple("a=" + name for name in names))]


def has(section: list[str], name: str) -> bool:
    """True if there is an attribute that begins with ``name``."""
    return any(line.startswith("a=" + name) for line in section)


def mux_alone(section: list[str]) -> bool:
    """True if RTCP is announced on the RTP port."""
    return f"a=rtcp:{section[0].split(' ')[1]}" in [line.split(" IN ")[0] for line in section]


def without_mux(section: list[str]) -> None:
    """Take out where RTCP goes."""
    section[:] = [line for line in section if not line.startswith("a=rtcp:") and line != "a=rtcp-mux"]


def strayed(reference: Message, ours: Message) -> set[int]:
    """Sections that only one of both daemons has multiplex; if that is explained, so is what follows from it."""
    sides = [Lines.of(reply.get("sdp", "")).sections for reply in (reference, ours)]
    return {index for index, (one, other) in enumerate(zip(*sides)) if ("a=rtcp-mux" in one) != ("a=rtcp-mux" in other)}


@dataclass(slots=True)
class Past:
    """What came before in a call.

    Its codecs were ``edited``; the sections that are ``astray``, see strayed; the last ``offer``; and by party the
    sections for which we have told it that RTCP comes on the RTP port (``narrowed``), and the words of the line with
    which the reference has answered its suites (``keys``). Sections are ``unkeyed`` to which the reference has given no
    key in an answer, ``rehashed`` if the hash of the fingerprint may differ, and by party ``unanswered`` if it has not
    accepted ICE or suites.
    """

    edited: bool = False
    astray: set[int] = field(default_factory=set)
    offer: Message = field(default_factory=dict)
    narrowed: set[tuple[str, int]] = field(default_factory=set)
    keys: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    unkeyed: set[int] = field(default_factory=set)
    rehashed: set[int] = field(default_factory=set)
    unanswered: set[tuple[str, int, str]] = field(default_factory=set)
