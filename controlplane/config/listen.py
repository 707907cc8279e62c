# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to listen and who may ask what there: ``[ADDRESS:]PORT`` or ``unix:/PATH``, then ``WORD=VALUE`` rules."""
from __future__ import annotations

import grp
import pwd
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controlplane.addresses import Endpoint
from controlplane.config.endpoints import listen_endpoints, split_listen
from controlplane.config.nearest import meant
from controlplane.config.netdevs import Resolver
from controlplane.config.secret import is_reference, revealed
from controlplane.errors import ConfigError

if TYPE_CHECKING:
    from controlplane.config.settings import Settings

_UNIX = "unix:"
_LONGEST_PATH = 107
"""Bytes of a path that sockaddr_un holds."""

LISTENERS = ("listen-ng", "listen-tcp-ng", "listen-cli", "listen-http", "listen-https")
_ASKS_FOR_SECRET = ("listen-cli", "listen-http", "listen-https")


@dataclass(frozen=True, slots=True)
class UnixPath:
    """Where a UNIX socket is."""

    path: str

    def __str__(self) -> str:
        return _UNIX + self.path


Place = Endpoint | UnixPath


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one listener; an empty one rules nothing.

    ``allow`` names commands, with dashes for their blanks. ``users`` and ``groups`` are numbers: who may connect to a
    UNIX socket. ``secret`` is what others have to know, ``client_ca`` a file with those who sign certificates of
    HTTPS clients.
    """

    allow: tuple[str, ...] = ()
    users: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    secret: str = field(default="", repr=False)
    client_ca: str = ""


@dataclass(frozen=True, slots=True)
class Listen:
    """One value of a listener option; ``path`` is that of a UNIX socket, otherwise empty."""

    path: str
    host: str
    port: int
    access: Access
    text: str

    def places(self, resolver: Resolver) -> list[Place]:
        """What to open. ConfigError for a host name without address."""
        return [UnixPath(self.path)] if self.path else [*self.endpoints(resolver)]

    def endpoints(self, resolver: Resolver) -> list[Endpoint]:
        """The addresses to open, none for a UNIX socket. ConfigError for a host name without address."""
        return [] if self.path else listen_endpoints(self.text, resolver)


def parse_listen(option: str, value: str) -> Listen:
    """Read one value of ``option``. ConfigError says what is wrong with it."""
    place, *rules = value.split() or [""]
    while rules and "=" not in rules[0]:    # blanks around the colon are as old as the option
        place += rules.pop(0)
    path, host, port = "", "", 0
    if place.startswith(_UNIX):
        path = place.removeprefix(_UNIX)
        if option == "listen-https" or not path.startswith("/") or len(path.encode()) > _LONGEST_PATH:
            raise ConfigError(f"{place[:64]!r}: " + ("HTTPS has no UNIX sockets" if option == "listen-https" else
                                                     "a UNIX socket is unix:/PATH, with at most 107 bytes"))
    else:
        host, port = split_listen(place)
    return Listen(path, host, port, _access(option, bool(path), rules), place)


def listens(settings: Settings) -> Iterator[tuple[str, Listen]]:
    """Those of all listener options, each behind its option, less the values that validate.py complains about."""
    for option in LISTENERS:
        values = settings.current[option]
        for text in values if isinstance(values, tuple) else ():
            try:
                yield option, parse_listen(option, text)
            except ConfigError:
                pass


def _access(option: str, is_unix: bool, rules: list[str]) -> Access:
    values: dict[str, str] = {}
    for rule in rules:
        word, _, value = rule.partition("=")
        row = _RULES.get(word)
        if row is None:
            raise ConfigError(f"unknown rule {word[:64]!r}{meant(word, _RULES)}")
        if not row.fits(option, is_unix):
            raise ConfigError(f"{word} is for {row.where}")
        if not value or word in values:
            raise ConfigError(f"{word} needs one value")
        values[word] = value
    if "secret" in values and not is_reference(values["secret"]):
        raise ConfigError("secret: settings are shown to operators; give file:/PATH or env:NAME")
    try:
        secret = revealed(values.get("secret", ""))
    except ValueError as error:
        raise ConfigError(f"secret: {error}") from None
    return Access(_words(values.get("allow", "")), _numbers("users", values, lambda name: pwd.getpwnam(name).pw_uid),
                  _numbers("groups", values, lambda name: grp.getgrnam(name).gr_gid), secret,
                  values.get("client-ca", ""))


@dataclass(frozen=True, slots=True)
class _Rule:
    where: str
    fits: Callable[[str, bool], bool]


_RULES = {
    "allow": _Rule("every listener", lambda option, is_unix: True),
    "users": _Rule("UNIX sockets", lambda option, is_unix: is_unix),
    "groups": _Rule("UNIX sockets", lambda option, is_unix: is_unix),
    "secret": _Rule("listen-cli, listen-http and listen-https; ng has no way to tell one, but UNIX sockets",
                    lambda option, is_unix: option in _ASKS_FOR_SECRET),
    "client-ca": _Rule("listen-https", lambda option, is_unix: option == "listen-https"),
}


def _words(value: str) -> tuple[str, ...]:
    return tuple(filter(None, value.split(",")))


def _numbers(rule: str, values: dict[str, str], number: Callable[[str], int]) -> frozenset[int]:
    found = set()
    for word in _words(values.get(rule, "")):
        try:
            found.add(int(word) if word.isascii() and word.isdigit() else number(word))
        except (KeyError, ValueError):
            raise ConfigError(f"{rule}: this host does not know {word[:64]!r}") from None
    return frozenset(found)
