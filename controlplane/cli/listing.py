# SPDX-License-Identifier: GPL-3.0-or-later
"""``list`` for single values and for the reports over everything."""
from __future__ import annotations

from collections.abc import Callable

from controlplane.cli.node import Reply, Request
from controlplane.report import json as report_json
from controlplane.report import totals
from controlplane.report.snapshot import Snapshot, take


def option(attribute: str, layout: str, default: float | None = None) -> Callable[[Request], Reply]:
    """A handler that prints one setting.

    ``default`` is the value when this build lacks the option because it lacks the feature; without a default
    the reply says so.
    """
    def show(request: Request) -> Reply:
        value = getattr(request.backend.settings, attribute, default)
        if value is None:
            return f"The option {attribute.replace('_', '-')} is not available yet.\n"
        return f"{layout % value}\n"
    return show


def report(render: Callable[[Snapshot], str]) -> Callable[[Request], Reply]:
    """A handler that prints a report over everything."""
    def show(request: Request) -> Reply:
        backend = request.backend
        return render(take(backend, backend.statistics, backend.now()))
    return show


def open_files(request: Request) -> Reply:
    """``list maxopenfiles``."""
    pid = request.backend.pid
    try:
        limit = request.backend.open_files()
    except OSError:
        return f"Fail getting rtpengine configured limits; cat /proc/{pid}/limits\n"
    shown = "infinite" if limit is None else limit
    return f"Maximum open-files configured on rtpengine: {shown}; cat /proc/{pid}/limits\n"


def transcoders(request: Request) -> Reply:
    """``list transcoders``."""
    return "No stats entries\n"


sessions = report(totals.sessions)
everything = report(totals.totals)
rates = report(totals.rates)
interfaces = report(totals.interfaces)
jsonstats = report(report_json.text)
