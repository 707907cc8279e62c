# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about the data bases that calls are shared through: keyspaces, ``active``, ``standby``, ``set redis...``."""
from __future__ import annotations

from collections.abc import Callable

from controlplane.cli.node import MORE, Answer, Reply, Request
from controlplane.cli.numbers import INT_MAX, NoDigits, OutOfRange, integer
from controlplane.errors import ConfigError

NOT_CONFIGURED = "Keyspace notification feature has not been configured.\n"


def _known(request: Request) -> list[int]:
    keyspaces = request.backend.keyspaces()
    if keyspaces is None:
        raise Answer(NOT_CONFIGURED)
    return keyspaces


def _keyspace(request: Request, doing: str) -> int:
    _known(request)
    text = request.rest.removeprefix("keyspace ")
    if not text:
        raise Answer(MORE)
    failure = f"Fail {doing} keyspace {text} to redis notifications"
    try:
        return integer(text, 0, INT_MAX - 1)
    except NoDigits:
        raise Answer(f"{failure}; no digits found\n") from None
    except OutOfRange as error:
        raise Answer(f"{failure}; errno={error.errno}\n") from None


def add(request: Request) -> Reply:
    """``ksadd <n>``: follow the calls of one more data base."""
    number = _keyspace(request, "adding")
    if not request.backend.add_keyspace(number):
        return f"Keyspace {number} is already among redis notifications.\n"
    return f"Success adding keyspace {number} to redis notifications.\n"


def remove(request: Request) -> Reply:
    """``ksrm <n>``: follow them no more, and drop those that came from there; nothing is deleted in Redis."""
    number = _keyspace(request, "removing")
    if not request.backend.remove_keyspace(number):
        return f"Keyspace {number} is not among redis notifications.\n"
    return (f"Successfully unsubscribed from keyspace {number}.\n"
            f"Successfully removed all foreign calls for keyspace {number}.\n")


def show(request: Request) -> Reply:
    """``kslist``."""
    numbers = "".join(f"{number} " for number in _known(request))
    return f"\nSubscribed-on keyspaces:\n{numbers}\n"


def active(request: Request) -> Reply:
    """``active``: every call becomes an own one."""
    request.backend.active()
    return "Ok, all calls set to 'owned (active)'\n"


def standby(request: Request) -> Reply:
    """``standby``: every call becomes a foreign one."""
    request.backend.standby()
    return "Ok, all calls set to 'foreign (standby)'\n"


def allowed_errors(request: Request) -> Reply:
    """``set redisallowederrors <n>``: failures in a row until Redis is left alone; below 0 any number."""
    return _set(request, "redis-allowed-errors", None, "")


def at_least(name: str, low: int) -> Callable[[Request], Reply]:
    """A handler that sets an option which must not be below ``low``."""
    def change(request: Request) -> Reply:
        return _set(request, name, low, f"must be {f'>= {low}' if low == 0 else f'> {low - 1}'}")
    return change


def _set(request: Request, name: str, low: int | None, allowed: str) -> Reply:
    text = request.rest
    if not text:
        raise Answer(MORE)
    try:
        value = integer(text, low)
        request.backend.change(name.replace("-", "_"), value)
    except (NoDigits, OutOfRange, ConfigError):
        raise Answer(f"Invalid {name} value {text}{', ' if allowed else ''}{allowed}\n") from None
    return f"Success setting {name} to {value}\n"


def disable(request: Request) -> Reply:
    """``set redisdisable <n>``: above 0 calls are written to where they are read from."""
    text = request.rest
    if not text:
        raise Answer(MORE)
    try:
        on = integer(text, 0) > 0
    except (NoDigits, OutOfRange):
        raise Answer(f"Invalid redis-disable value {text}, must be >= 0\n") from None
    if not request.backend.write_to_read(on):
        return f"No redis write to {'disable' if on else 're-enable'}\n"
    return f"Success {'disable' if on else 're-enable'} redis write\n"
