# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the ng protocol, implemented or not, in the order in which every report lists them."""
from __future__ import annotations

from typing import NamedTuple


class NgCommand(NamedTuple):
    """An ng command: ``name`` as sent by the client, ``short`` as shown in tables."""

    name: str
    short: str

    @property
    def key(self) -> str:
        """The short name as part of a JSON key."""
        return self.short.lower()


NG_COMMANDS = tuple(NgCommand(*pair) for pair in (
    ("ping", "Ping"), ("offer", "Offer"), ("answer", "Answer"), ("delete", "Delete"), ("query", "Query"),
    ("list", "List"), ("start recording", "StartRec"), ("stop recording", "StopRec"),
    ("pause recording", "PauseRec"), ("start forwarding", "StartFwd"), ("stop forwarding", "StopFwd"),
    ("block DTMF", "BlkDTMF"), ("unblock DTMF", "UnblkDTMF"), ("block media", "BlkMedia"),
    ("unblock media", "UnblkMedia"), ("play media", "PlayMedia"), ("stop media", "StopMedia"),
    ("play DTMF", "PlayDTMF"), ("statistics", "Stats"), ("silence media", "SlnMedia"),
    ("unsilence media", "UnslnMedia"), ("publish", "Pub"), ("subscribe request", "SubReq"),
    ("subscribe answer", "SubAns"), ("unsubscribe", "Unsub"), ("inject start", "InjStart"),
    ("inject stop", "InjStop"), ("connect", "Conn"), ("cli", "CLI"), ("transform", "Trnsfm"),
    ("create", "Create"), ("create answer", "CrtAnsw"), ("mesh", "Mesh")))
NG_NAMES = frozenset(command.name for command in NG_COMMANDS)

ALIASES = {"CLI": "cli"}
