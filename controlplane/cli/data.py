# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``json`` prints of the commands that list: values for JSON, or iterators of the items of a long list."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.cli.node import Answer, Reply, Request
from controlplane.cli.sessions import SELECTORS, known_call
from controlplane.report import calldata
from controlplane.report import json as report_json
from controlplane.report.snapshot import Snapshot, take


def setting(attribute: str, default: float | None = None) -> Callable[[Request], Any]:
    """One setting; ``default`` as in listing.option."""
    return lambda request: getattr(request.backend.settings, attribute, default)


def report(document: Callable[[Snapshot], Any]) -> Callable[[Request], Any]:
    """A report over everything."""
    def show(request: Request) -> Any:
        backend = request.backend
        return document(take(backend, backend.statistics, backend.now()))
    return show


counts = report(report_json.counts)
everything = report(report_json.document)
rates = report(report_json.rates)
interfaces = report(report_json.interfaces)


def open_files(request: Request) -> int | None:
    """The soft limit, None for no limit."""
    try:
        return request.backend.open_files()
    except OSError as error:
        raise Answer(f"Fail getting rtpengine configured limits; errno={error.errno}\n") from None


def levels(request: Request) -> Any:
    """By subsystem; with a name its own level alone."""
    known = request.backend.log_levels()
    if request.rest and request.rest not in known:
        raise Answer(f"Unknown subsystem: {request.rest}\n")
    return known[request.rest] if request.rest else dict(known)


def subsystems(request: Request) -> dict[str, str]:
    """What each subsystem logs."""
    return dict(request.backend.log_subsystems())


def transcoders(request: Request) -> list[Any]:
    """By chain of codecs."""
    return []


def lines(handler: Callable[[Request], Reply]) -> Callable[[Request], list[str]]:
    """Those of a text."""
    def show(request: Request) -> list[str]:
        reply = handler(request)
        return (reply if isinstance(reply, str) else "".join(reply)).splitlines()
    return show


def keyspaces(request: Request) -> list[int]:
    """The numbers that ``kslist`` prints; none without a Redis server."""
    return list(request.backend.keyspaces() or ())


def sessions(request: Request) -> Any:
    """All calls or some of them in short, those of ``all`` if nothing is said; of one call all there is."""
    wanted = SELECTORS.get(request.rest or "all")
    if wanted is None:
        return [details(request)]
    return (calldata.summary(call) if wanted[0](call) else None for call in list(request.backend.calls().values()))


def details(request: Request) -> Any:
    """Of the call selected before, or named by the rest of the line."""
    call = request.selected_call or known_call(request)
    request.backend.refresh(call)
    return calldata.details(call, request.backend.now(), request.backend.states(call))


def party(request: Request) -> Any:
    """Of the party selected before."""
    request.backend.refresh(request.call)
    return calldata.party_details(request.party, request.backend.now(), request.backend.states(request.call))
