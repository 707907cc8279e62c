# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the Redis servers that keep the calls can be reached."""
from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ctl.doctor.finding import Finding, ok, problem, warning
from ctl.doctor.host import Host

_OPTIONS = ("redis", "redis-write", "redis-subscribe")
_PORT = 6379
_PING = b"PING\r\n"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ALIVE = (b"+PONG", b"-NOAUTH", b"-DENIED")


def reachable(host: Host) -> Iterator[Finding]:
    """Whether each server answers."""
    servers = {host.settings.text(option): option for option in reversed(_OPTIONS) if host.settings.text(option)}
    if not servers:
        yield ok("not used")
    for text, option in sorted(servers.items(), key=lambda row: _OPTIONS.index(row[1])):
        yield _asked(host, option, text)


def _asked(host: Host, option: str, text: str) -> Finding:
    place = _place(text)
    if place is None:
        return problem(f"{option} names no server that can be understood", f"{host.edit}   ({option})")
    name, port, tls = place
    where = f"{option}: {name} port {port}"
    mend = "systemctl restart redis-server" if name in _LOOPBACK else f"redis-cli -h {name} -p {port} ping"
    report = warning if host.settings.flag("no-redis-required") else problem
    try:
        reply = host.exchange(name, port, b"" if tls else _PING)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return report(f"{where} cannot be reached: {reason}", mend)
    if tls or reply.startswith(_ALIVE):
        return ok(f"{where} {'listens' if tls else 'answers'}")
    return report(f"{where} answers {reply[:60].decode('utf-8', 'replace').strip()!r}", mend)


def _place(text: str) -> tuple[str, int, bool] | None:
    """Host, port and whether with TLS, of either way to name a server; None for something else."""
    _, at, rest = text.rpartition("@")
    plain = "://" not in text
    try:
        url = urlsplit(f"redis://{rest}" if plain else text.replace(text.partition("://")[2], rest) if at else text)
        port = url.port
    except ValueError:
        return None
    return (url.hostname, port or _PORT, url.scheme == "rediss") if url.hostname else None
