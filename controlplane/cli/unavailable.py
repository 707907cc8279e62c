# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the protocol about what no engine here does yet: they check what is typed, and say so."""
from __future__ import annotations

from collections.abc import Callable

from controlplane.cli.node import MORE, Answer, Node, Reply, Request
from controlplane.cli.numbers import NoDigits, OutOfRange, integer

_ONE = {"file": ("<path>", "a media file"), "db": ("<id>", "an entry of the data base"),
        "cache": ("<id>", "a cached entry")}
_ALL = {"files": ("", "all media files"), "dbs": ("", "all entries of the data base"),
        "caches": ("", "all cached entries")}
_PLAYERS = {"players": ("", "all players")}
_MEDIA = {"list": ("print", {**_ALL, **_PLAYERS}), "add": ("load", _ONE), "reload": ("load again", {**_ONE, **_ALL}),
          "evict": ("forget", {**_ONE, **_ALL, **_PLAYERS})}
"""By verb: what it does, and to what, with the name of each object and what it is."""


def refusal(what: str, missing: str) -> str:
    """The reply to a command whose engine is missing."""
    return f"{what} is not available yet: {missing}. Nothing was changed.\n"


def delay(request: Request) -> Reply:
    """``call <callid> tag <tag> delay <ms>``."""
    value = _number(request, "delay")
    if value < 0:
        raise Answer(f"Invalid delay {value}\n")
    return refusal("Delaying audio", "packets are forwarded as they come")


def detect_dtmf(request: Request) -> Reply:
    """``call <callid> tag <tag> detect-dtmf <0|1>``."""
    value = _number(request, "setting")
    if value not in (0, 1):
        raise Answer(f"Invalid setting {value}\n")
    return refusal("Detecting DTMF in audio", "nothing here decodes audio")


def _number(request: Request, name: str) -> int:
    if not request.rest:
        raise Answer(MORE)
    try:
        return integer(request.rest)
    except (NoDigits, OutOfRange):
        raise Answer(f"Invalid {name} {request.rest}\n") from None


def _media(named: bool) -> Callable[[Request], Reply]:
    def handle(request: Request) -> Reply:
        if named and not request.rest:
            raise Answer(MORE)
        return refusal("Playing media", "there are no files, entries or players to list, load or drop")
    return handle


MEDIA = tuple(
    Node(verb, "<option>", children=tuple(
        Node(word, params, f"{doing} {what}: not available yet", _media(bool(params)))
        for word, (params, what) in objects.items()))
    for verb, (doing, objects) in _MEDIA.items())
"""What follows ``media``."""
TAG = (Node("delay", "<uint>", "delay the audio of a party in ms: not available yet", delay),
       Node("detect-dtmf", "<1 | 0>", "detect DTMF in the audio of a party: not available yet", detect_dtmf))
"""What follows ``call <callid> tag <tag>``."""
