# SPDX-License-Identifier: GPL-3.0-or-later
"""``params``: all settings, and what changed since the start."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from controlplane.cli.backend import Backend, OptionRow
from controlplane.cli.node import Reply, Request

FIRST = (
    "table", "max-sessions", "timeout", "silent-timeout", "final-timeout", "offer-timeout", "delete-delay",
    "redis-expires", "tos", "control-tos", "graphite-interval", "redis-num-threads", "homer-protocol", "homer-id",
    "no-fallback", "port-min", "port-max", "redis", "redis-write", "no-redis-required", "num-threads",
    "xmlrpc-format", "log_format", "redis_allowed_errors", "redis_disable_time", "redis_cmd_timeout",
    "redis_connect_timeout", "max-cpu", "max-load", "max-bandwidth")
"""The options that scripts look for, in the order and spelling they know; those that exist are printed first."""
THEN = ("b2b_url", "recording-dir", "recording-method", "recording-format", "iptables-chain",
        "listen-tcp", "listen-udp", "listen-ng", "listen-cli")
"""The same, after the interfaces."""
WITH_PASSWORD = frozenset(("redis", "redis-write", "redis-subscribe"))
_DECIMALS = {"max-cpu": 1, "max-load": 2}
_ELSEWHERE = frozenset(("interface", "subscribe-keyspace"))


@dataclass(frozen=True, slots=True)
class Settable:
    """An option that ``set`` changes: the name ``params diff`` gives it; values are shown times ``scale``."""

    name: str
    attribute: str
    scale: int = 1


SETTABLE = (
    Settable("max-sessions", "max_sessions"), Settable("max-cpu", "max_cpu", 100),
    Settable("max-load", "max_load", 100), Settable("max-bw", "max_bandwidth"), Settable("timeout", "timeout"),
    Settable("silent-timeout", "silent_timeout"), Settable("final-timeout", "final_timeout"),
    Settable("offer-timeout", "offer_timeout"), Settable("delete-delay", "delete_delay"),
    Settable("control-tos", "control_tos"), Settable("redis_allowed_errors", "redis_allowed_errors"),
    Settable("redis_disable_time", "redis_disable_time"), Settable("redis_cmd_timeout", "redis_cmd_timeout"),
    Settable("redis_connect_timeout-db", "redis_connect_timeout"))


def start(request: Request) -> Reply:
    """``params start``."""
    backend = request.backend
    return _all(backend, backend.start_settings, backend.start_log_levels())


def current(request: Request) -> Reply:
    """``params current``."""
    backend = request.backend
    return _all(backend, backend.settings, backend.log_levels())


def diff(request: Request) -> Reply:
    """``params diff``: nothing at all if nothing changed."""
    return (f"{change.shown}: {change.scaled[0]} => {change.scaled[1]}\n" for change in _changes(request.backend))


def revert(request: Request) -> Reply:
    """``params revert``: put back what ``set`` changed, one line each."""
    reply = ""
    for change in list(_changes(request.backend)):
        before, now = change.scaled
        try:
            change.restore()
        except OSError as error:
            reply += f"{change.shown}: {now} stays, errno={error.errno}\n"
        else:
            reply += f"{change.shown}: {now} => {before}\n"
    return reply


def start_values(request: Request) -> dict[str, Any]:
    """The same as ``start`` by option, for JSON."""
    backend = request.backend
    return _values(backend, backend.start_settings, backend.start_log_levels())


def current_values(request: Request) -> dict[str, Any]:
    """The same as ``current`` by option."""
    backend = request.backend
    return _values(backend, backend.settings, backend.log_levels())


def changed_values(request: Request) -> list[dict[str, Any]]:
    """What ``diff`` prints, in the units of the options."""
    return [{"option": change.option, "start": change.before, "current": change.now}
            for change in _changes(request.backend)]


@dataclass(frozen=True, slots=True)
class _Change:
    """A value at the start and now, ``shown`` times ``scale`` under a name of its own; ``restore`` puts it back."""

    option: str
    shown: str
    before: Any
    now: Any
    restore: Callable[[], None]
    scale: int = 1

    @property
    def scaled(self) -> tuple[int, int]:
        return round(self.before * self.scale), round(self.now * self.scale)


def _changes(backend: Backend) -> Iterator[_Change]:
    levels = backend.log_levels()
    for subsystem, level in backend.start_log_levels().items():
        if levels[subsystem] != level:
            name = f"log-level-{subsystem}"
            yield _Change(name, name, level, levels[subsystem], partial(backend.set_log_level, subsystem, level))
    for settable in SETTABLE:
        before = getattr(backend.start_settings, settable.attribute, None)
        now = getattr(backend.settings, settable.attribute, None)
        if before is not None and now is not None and before != now:
            yield _Change(settable.attribute.replace("_", "-"), settable.name, before, now,
                          partial(backend.change, settable.attribute, before), settable.scale)


def _all(backend: Backend, settings: Any, levels: Mapping[str, int]) -> Iterator[str]:
    for subsystem, level in levels.items():
        yield f"log-level-{subsystem} = {level}\n"
    rows = _rows(backend)
    yield from _take(rows, FIRST, settings)
    for index, interface in enumerate(backend.interfaces()):
        yield f"interface[{index}] = {interface.name}\\{interface.address}\n"
    for index, keyspace in enumerate(getattr(settings, "subscribe_keyspace", ())):
        yield f"keyspace[{index}] = {keyspace}\n"
    yield from _take(rows, THEN, settings)
    yield from _take(rows, list(rows), settings)


def _rows(backend: Backend) -> dict[str, OptionRow]:
    return {row.name: row for row in backend.options()
            if not (row.action or row.name.startswith("log-level-") or row.name in _ELSEWHERE)}


def _values(backend: Backend, settings: Any, levels: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {f"log-level-{subsystem}": level for subsystem, level in levels.items()}
    for row in _rows(backend).values():
        value = getattr(settings, row.attribute)
        found[row.name] = list(value) if isinstance(value, (list, tuple)) else (
            _shown(row, value) if isinstance(value, str) else value)
    found["interface"] = [f"{interface.name}/{interface.address}" for interface in backend.interfaces()]
    found["subscribe-keyspace"] = list(map(str, getattr(settings, "subscribe_keyspace", ())))
    return found


def _take(rows: dict[str, OptionRow], spellings: Iterable[str], settings: Any) -> Iterator[str]:
    """Print the rows of these names, which are thereby done."""
    for shown in spellings:
        row = rows.pop(shown.replace("_", "-"), None)
        if row is not None:
            value = getattr(settings, row.attribute)
            for item in value if isinstance(value, (list, tuple)) else [value]:
                yield f"{shown} = {_shown(row, item)}\n"


def _shown(row: OptionRow, value: Any) -> str:
    if value is None or value == "":
        return ""
    if row.name in WITH_PASSWORD:
        _, at, address = str(value).rpartition("@")
        return f"***@{address}" if at else str(value)
    if row.secret:
        return "***"
    if row.name in _DECIMALS:
        return f"{value:.{_DECIMALS[row.name]}f}"
    return str(int(value)) if isinstance(value, bool) else str(value)
