# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about the subsystems that log, and their levels."""
from __future__ import annotations

from controlplane.cli.node import MORE, Answer, Reply, Request
from controlplane.cli.numbers import NoDigits, OutOfRange, integer

_OFF, _DEBUG = -1, 7


def show_levels(request: Request) -> Reply:
    """``list loglevel [name]``; an unknown name prints nothing."""
    levels = request.backend.log_levels()
    if request.rest:
        return f"{levels[request.rest]}\n" if request.rest in levels else ""
    return "".join(f"{name} = {level}\n" for name, level in levels.items())


def describe(request: Request) -> Reply:
    """``list loglevels``."""
    return "".join(f"{name} - {what}\n" for name, what in request.backend.log_subsystems().items())


def set_levels(request: Request) -> Reply:
    """``set loglevel [name] <n>``; without a name for every subsystem."""
    backend = request.backend
    names = list(backend.log_levels())
    try:
        level = _level(request.rest)
    except NoDigits:
        wanted = request.word()
        names = [name for name in names if name == wanted]
        if not request.rest:
            raise Answer(MORE) from None
        try:
            level = _level(request.rest)
        except NoDigits:
            raise Answer(f"Fail setting loglevel to {request.rest}; no digits found\n") from None
        if not names:
            raise Answer(f"Fail setting loglevel; unknown subsystem {wanted}\n")
    for name in names:
        backend.set_log_level(name, level)
    return f"Success setting loglevel to {level}\n"


def _level(text: str) -> int:
    try:
        return integer(text, _OFF, _DEBUG)
    except OutOfRange:
        raise Answer(f"Fail setting loglevel to {text}; must be between {_OFF} and {_DEBUG}\n") from None
