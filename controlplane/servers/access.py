# SPDX-License-Identifier: GPL-3.0-or-later
"""What one listener serves of all there is: ng commands and operator commands by name, and who knows its secret."""
from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable

from controlplane.cli.jsontext import error
from controlplane.cli.node import Node
from controlplane.cli.tree import COMMANDS
from controlplane.errors import ConfigError, PeerError
from controlplane.ng.commands import ALIASES, NG_NAMES
from controlplane.ng.frame import decode, detect, split_cookie
from controlplane.ng.reader import read_request
from controlplane.ng.reply import failed
from controlplane.ng.values import text
from controlplane.servers.ng import Answer, Handler

Command = Callable[[str], "str | Iterable[str]"]
CLI = "cli"
"""The ng command that runs operator commands; ``cli:list`` allows those that begin with ``list``."""
METRICS = "metrics"
"""What stands for ``/metrics`` among the commands."""
_JSON = "json "
REFUSAL = 0.5
"""Seconds until somebody learns that a secret was wrong."""
REFUSED = "This listener does not serve that command"


class Allowed:
    """The commands of a listener. ``words`` as in rule ``allow``; ConfigError for one that is no command.

    ``only_operator``: of a listener that serves operator commands alone, whose words need no ``cli:``.
    """

    def __init__(self, words: Iterable[str], only_operator: bool = False):
        prefixes, names = [], set()
        self.metrics = False
        """Whether it shows the metrics."""
        for word in words:
            kind, colon, rest = word.partition(":")
            if only_operator and not colon:
                prefixes.append(_operator_command(word))
            elif colon and kind == CLI:
                prefixes.append(_operator_command(rest))
            elif word == METRICS:
                self.metrics = True
            elif word.replace("-", " ") in NG_NAMES:
                names.add(word.replace("-", " "))
            else:
                known = ", ".join(sorted(name.replace(" ", "-") for name in NG_NAMES))
                raise ConfigError(f"allow: {word[:64]!r} is no command; there are {known}, {METRICS}, and "
                                  "cli:COMMAND")
        self._names = frozenset(names)
        self._prefixes = tuple(prefixes)

    def command(self, run: Command) -> Command:
        """``run`` for the operator commands that are allowed."""
        return lambda line: run(line) if self._permits(line) else _refusal(line)

    def message(self, handler: Handler) -> Handler:
        """``handler`` for the ng commands that are allowed; messages have cookies."""
        def handle(data: bytes, source: str, now: float) -> Answer:
            framed = split_cookie(data)
            reply = self._refusal(framed[1], source, now) if framed is not None else None
            return handler(data, source, now) if framed is None or reply is None else b"%s %s" % (framed[0], reply)
        return handle

    def plain(self, handler: Handler) -> Handler:
        """The same for messages without cookies."""
        def handle(data: bytes, source: str, now: float) -> Answer:
            reply = self._refusal(data, source, now)
            return handler(data, source, now) if reply is None else reply
        return handle

    def _refusal(self, payload: bytes, source: str, now: float) -> bytes | None:
        """What to answer in place of the daemon; it answers itself what cannot be read."""
        try:
            encoding = detect(payload)
            message = decode(encoding, payload)
            raw = message.first(b"command")
            name = text(raw) if isinstance(raw, bytes) else ""
            name = ALIASES.get(name, name)
            if name in self._names:
                return None
            if name == CLI and self._permits(read_request(name, message, encoding, source, now).body or ""):
                return None
        except PeerError:
            return None
        return encoding.encode(failed(REFUSED))

    def _permits(self, line: str) -> bool:
        """Words of operator commands are one blank apart, as everywhere; a reply in JSON says what the text says."""
        if CLI in self._names:
            return True
        line = line.rstrip("\r\n").removeprefix(_JSON)
        return any(line == prefix or line.startswith(prefix + " ") for prefix in self._prefixes)


class Secret:
    """What clients of a listener have to know; an empty one nobody."""

    def __init__(self, secret: str):
        self._secret = secret.encode("utf-8", "surrogateescape")

    def __bool__(self) -> bool:
        return bool(self._secret)

    def fits(self, word: str) -> bool:
        """True for the secret itself; how long this takes says nothing about it."""
        return hmac.compare_digest(word.encode("utf-8", "surrogateescape"), self._secret)

    def in_header(self, authorization: str) -> bool:
        """True if an ``Authorization`` header holds it: as a bearer token, or as the password of any user."""
        scheme, _, word = authorization.partition(" ")
        word = word.strip()
        if scheme.lower() == "basic":
            try:
                word = base64.b64decode(word, validate=True).decode("utf-8", "surrogateescape").partition(":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return self.fits(word)


def _refusal(line: str) -> str:
    return error(REFUSED) if line.startswith(_JSON) else f"{REFUSED}\n"


def _operator_command(word: str) -> str:
    """The words of an operator command, perhaps only its first ones, from ``list-sessions``. ConfigError if none."""
    keywords = word.split("-")
    nodes: tuple[Node, ...] = COMMANDS
    for keyword in keywords:
        node = next((node for node in nodes if keyword == node.keyword), None)
        if node is None:
            raise ConfigError(f"allow: no operator command begins with {word[:64].replace('-', ' ')!r}; there are "
                              f"{', '.join(each.keyword for each in nodes) or 'no further words'}")
        nodes = node.children if node.select is None else ()
    return " ".join(keywords)
