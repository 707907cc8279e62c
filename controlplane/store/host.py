# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon as its calls are stored and restored, as a shape."""
from __future__ import annotations

from typing import Any, Protocol

from controlplane.persist.kinds import Document
from controlplane.session.call import Call


class Host(Protocol):
    """Who has the calls."""

    def all_calls(self) -> dict[str, Call]:
        """Those there are, by call-ID."""

    def document(self, call: Call) -> Document:
        """All that another process needs to go on with a call."""

    def restore(self, document: Any, foreign: bool = False) -> Call:
        """Go on with a call of another process. PeerError if that is not possible, which changes nothing."""

    def end(self, calls: list[Call]) -> None:
        """Destroy calls at once."""


def key_of(call_id: str) -> bytes:
    """The key under which the call is stored."""
    return call_id.encode("utf-8", "surrogateescape")


def call_id_of(key: bytes) -> str:
    """The call-ID that belongs to a key."""
    return key.decode("utf-8", "surrogateescape")
