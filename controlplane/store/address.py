# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Redis server, which of its data bases, and how to show who we are."""
from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from controlplane.config.secret import revealed
from controlplane.errors import ConfigError

DEFAULT_PORT = 6379
NO_DB = -1
_PLAIN = re.compile(r"(?:(?P<password>.*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+):(?P<port>[0-9]{1,5})"
                    r"(?:/(?P<db>[0-9]{1,9}))?", re.DOTALL)
_SCHEMES = {"redis": False, "rediss": True}


class Server(NamedTuple):
    """A server and the data base to use there, NO_DB for none. ``tls``: encrypted, and the certificate is verified."""

    host: str
    port: int
    db: int
    user: str = ""
    password: str = ""
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = f"{host}:{self.port}" + (f"/{self.db}" if self.db != NO_DB else "")
        return f"rediss://{shown}" if self.tls else shown

    def __repr__(self) -> str:
        return f"Server({self})"


def parse_server(option: str, text: str, secret: str, *, needs_db: bool = True) -> Server:
    """Read ``[PASSWORD@]HOST:PORT/DB`` or ``redis[s]://[USER[:PASSWORD]@]HOST[:PORT]/DB``.

    ``secret`` is the password if ``text`` has none; see ``revealed`` for what a password may be.
    ConfigError, which does not repeat what may be a password.
    """
    scheme, separator, _ = text.partition("://")
    server = _from_url(text) if separator and scheme.lower() in _SCHEMES else _from_plain(text)
    if server is None or not 0 < server.port <= 65535:
        raise ConfigError(f"{option} is neither [PASSWORD@]HOST:PORT/DB nor redis://[USER:PASSWORD@]HOST:PORT/DB "
                          "(rediss:// with TLS)")
    if needs_db and server.db == NO_DB:
        raise ConfigError(f"{option}: the number of the data base is missing: {server}/0, for example")
    try:
        return server._replace(password=revealed(server.password or secret))
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def _from_plain(text: str) -> Server | None:
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    return Server(found["host"].strip("[]"), int(found["port"]), int(found["db"]) if found["db"] else NO_DB,
                  "", found["password"] or "")


def _from_url(text: str) -> Server | None:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or DEFAULT_PORT
    except ValueError:
        return None
    db = url.path.strip("/")
    if not host or url.query or url.fragment or not (db == "" or db.isascii() and db.isdigit() and len(db) < 10):
        return None
    return Server(host, port, int(db) if db else NO_DB, unquote(url.username or ""), unquote(url.password or ""),
                  _SCHEMES[url.scheme])
