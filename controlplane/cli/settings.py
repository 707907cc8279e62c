# SPDX-License-Identifier: GPL-3.0-or-later
"""``set``: options that can be changed while the daemon runs."""
from __future__ import annotations

from collections.abc import Callable

from controlplane.cli.node import MORE, Answer, Reply, Request
from controlplane.cli.numbers import INT_MAX, NoDigits, OutOfRange, decimal, integer
from controlplane.errors import ConfigError

MIN_OPEN_FILES = 65536
MAX_OPEN_FILES = 2 ** 63 - 1
MAX_BANDWIDTH = 2 ** 64 - 1


def _number(name: str, text: str, low: int | None, high: int = INT_MAX) -> int:
    """Read a value, answering in the words that most options share."""
    try:
        return integer(text, low, high)
    except NoDigits:
        raise Answer(f"Fail setting {name} to {text}; no digits found\n") from None
    except OutOfRange as error:
        raise Answer(f"Fail setting {name} to {text}; errno={error.errno}\n") from None


def _apply(request: Request, attribute: str, name: str, value: float) -> None:
    try:
        request.backend.change(attribute, value)
    except ConfigError as error:
        raise Answer(f"Fail setting {name} to {value}; {error}\n") from None
    except OSError as error:
        raise Answer(f"Fail setting {name} to {value}; errno={error.errno}\n") from None


def _value(request: Request) -> str:
    if not request.rest:
        raise Answer(MORE)
    return request.rest


def max_sessions(request: Request) -> Reply:
    """``set maxsessions <n>``: -1 for no limit, 0 to refuse every new call."""
    value = _number("maxsessions", _value(request), None)
    if value < -1:
        raise Answer(f"Fail setting maxsessions to {value}; either positive or -1 values allowed\n")
    _apply(request, "max_sessions", "maxsessions", value)
    return f"Success setting maxsessions to {value}{'; disable feature' if value == -1 else ''}\n"


def load_limit(keyword: str, attribute: str, decimals: int) -> Callable[[Request], Reply]:
    """A handler that sets a limit with decimals; 0 is no limit."""
    def change(request: Request) -> Reply:
        text = _value(request)
        try:
            value = round(decimal(text), decimals)
        except NoDigits:
            raise Answer(f"Fail setting {keyword} to {text}; no digits found\n") from None
        except OutOfRange as error:
            raise Answer(f"Fail setting {keyword} to {text}; errno={error.errno}\n") from None
        _apply(request, attribute, keyword, value)
        return f"Success setting {keyword} to {value:.{decimals}f}\n"
    return change


def max_bandwidth(request: Request) -> Reply:
    """``set maxbw <n>``: bytes per second, 0 for no limit."""
    value = _number("maxbw", _value(request), 0, MAX_BANDWIDTH)
    _apply(request, "max_bandwidth", "maxbw", value)
    return f"Success setting maxbw to {value}\n"


def timeout(attribute: str) -> Callable[[Request], Reply]:
    """A handler that sets one of the timeouts, in seconds; it answers with the value in force, which 0 may not be."""
    def change(request: Request) -> Reply:
        value = _number("timeout", _value(request), 0, INT_MAX - 1)
        _apply(request, attribute, "timeout", value)
        in_force = getattr(request.backend.settings, attribute)
        return f"Success setting timeout to {in_force}{'; the default' if in_force != value else ''}\n"
    return change


def delete_delay(request: Request) -> Reply:
    """``set deletedelay <n>``, in seconds."""
    try:
        value = integer(_value(request), 0)
    except (NoDigits, OutOfRange):
        raise Answer("Invalid delete-delay value\n") from None
    _apply(request, "delete_delay", "delete-delay", value)
    return f"Success setting delete-delay to {value}\n"


def control_tos(request: Request) -> Reply:
    """``set controltos <n>``: TOS of the ng replies, applied to the open sockets."""
    text = _value(request)
    try:
        value = integer(text, 0, 255)
    except (NoDigits, OutOfRange):
        raise Answer(f"Invalid control-tos value {text}, must be between 0 and 255\n") from None
    _apply(request, "control_tos", "control-tos", value)
    return f"Success setting control-tos to {value}\n"


def open_files(request: Request) -> Reply:
    """``set maxopenfiles <n>``."""
    value = _number("open_files", _value(request), None, MAX_OPEN_FILES)
    if value < MIN_OPEN_FILES:
        raise Answer(f"Fail setting open_files to {value}; can't set it under {MIN_OPEN_FILES}\n")
    try:
        request.backend.set_open_files(value)
    except OSError as error:
        raise Answer(f"Fail setting open_files to {value}; errno = {error.errno}\n") from None
    return f"Success setting open_files to {value}; cat /proc/{request.backend.pid}/limits\n"
