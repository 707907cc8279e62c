# SPDX-License-Identifier: GPL-3.0-or-later
"""The interval that Graphite was told of last, in ``list totals`` and in the document of statistics."""
from __future__ import annotations

from collections.abc import Iterator

from controlplane.ng.commands import NG_COMMANDS
from controlplane.report.interval import Extremes, Taken
from controlplane.report.metrics import Fixed

_NONE = Extremes()
Values = dict[str, "int | Fixed"]


def document(taken: Taken) -> Values:
    """The member ``intervalstatistics``."""
    found: Values = {"totalcallsduration": Fixed(f"{taken.call_seconds:.6f}"),
                     "minmanagedsessions": int(taken.sessions.least),
                     "maxmanagedsessions": int(taken.sessions.greatest)}
    for name, delay in _delays(taken):
        found |= {f"{which}{name}delay": Fixed(f"{value:.6f}") for which, value in _named(delay)}
    for name, rate in _rates(taken):
        found |= {f"{which}{name}requestrate": round(value) for which, value in _named(rate)}
    return found


def lines(taken: Taken) -> Iterator[str]:
    """The section of ``list totals``."""
    yield "Graphite interval statistics (last reported values to graphite):"
    yield f" {'Total calls duration':<48}:{taken.call_seconds:.6f} seconds"
    yield ""
    yield f" {'Min managed sessions':<48}:{int(taken.sessions.least)}"
    yield f" {'Max managed sessions':<48}:{int(taken.sessions.greatest)}"
    for name, delay in _delays(taken):
        values = "/".join([f"{value:.6f}" for _, value in _named(delay)])
        yield f" {f'Min/Max/Avg {name} processing delay':<48}:{values} sec"
    for name, rate in _rates(taken):
        values = "/".join([str(round(value)) for _, value in _named(rate)])
        yield f" {f'Min/Max/Avg {name} requests per second':<48}:{values} per sec"


def _delays(taken: Taken) -> list[tuple[str, Extremes]]:
    return [(command.name, taken.delays.get(command.name, _NONE)) for command in NG_COMMANDS]


def _rates(taken: Taken) -> list[tuple[str, Extremes]]:
    return [(command.name, taken.rates.get(command.name, _NONE)) for command in NG_COMMANDS]


def _named(extremes: Extremes) -> tuple[tuple[str, float], ...]:
    return ("min", extremes.least), ("max", extremes.greatest), ("avg", extremes.mean)
