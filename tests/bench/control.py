# SPDX-License-Identifier: GPL-3.0-or-later
"""Signalling: cycles and their cost, how long answers take, memory per call, and what long reports hold up."""
from __future__ import annotations

import resource
import socket
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tests.bench.workload import Client, Workload
from tests.peers import ngclient
from tests.peers.daemon import Command, Daemon, free_port

CLIENTS = (1, 16)
KINDS = ("plain", "rich")
BROWSERS = ("from a browser", "to a browser")
COMMANDS = ("ping", "offer", "answer", "query", "delete")
_QUIET = ("--log-level=4",)
_PATIENCE = 30.0
_TURN = 0.3
"""Seconds until it is another daemon's turn."""
_SPARE_FILES = 300
_SOCKETS = {"reference": 3}
"""How many a call with RTCP on the port of RTP takes; others need two."""
Row = dict[str, object]


def cycles(commands: Sequence[Command], kinds: Sequence[str], seconds: float) -> list[Row]:
    """Cycles a second and CPU per cycle of each daemon, by kind of SDP and number of clients, each for so long.

    The daemons take turns all the while: what else the host does slows down each of them, and their ratio little.
    """
    found: dict[tuple[str, int, str], list[tuple[float, float, int]]] = {}
    with ExitStack() as stack:
        daemons = [(command.name, stack.enter_context(Daemon(command, options=_QUIET))) for command in commands]
        for _, daemon in daemons:
            _drive(daemon, kinds[-1], 16, 0.5)
        for kind, clients in [(kind, clients) for kind in kinds for clients in CLIENTS]:
            for turn in range(max(2, round(seconds / _TURN))):
                for name, daemon in daemons[turn % len(daemons):] + daemons[:turn % len(daemons)]:
                    found.setdefault((kind, clients, name), []).append(_drive(daemon, kind, clients, _TURN))
    rows: list[Row] = []
    for (kind, clients, name), runs in found.items():
        theirs = found.get((kind, clients, "reference"), runs)
        ratios = [own[1] / its[1] for own, its in zip(runs, theirs)]
        rows.append({"sdp": kind, "clients": clients, "daemon": name, "errors": sum(each[2] for each in runs),
                     "cycles_per_second": statistics.median(each[0] for each in runs),
                     "cpu_ms_per_cycle": statistics.median(each[1] for each in runs),
                     "ratio": statistics.median(ratios), "quartiles": statistics.quantiles(ratios, n=4)[::2]})
    return rows


def _drive(daemon: Daemon, kind: str, clients: int, seconds: float) -> tuple[float, float, int]:
    """Cycles a second, CPU milliseconds per cycle, error answers."""
    before = daemon.cpu_seconds()
    with Client(daemon.ng_port, Workload(kind), clients) as client:
        outcome = client.busy(seconds)
    cpu = daemon.cpu_seconds() - before
    return outcome.finished / outcome.elapsed, 1000 * cpu / outcome.finished, outcome.errors


def waits(commands: Sequence[Command], rate: float, seconds: float) -> list[Row]:
    """How long each command takes in milliseconds at so many calls a second: median, 99 %, longest."""
    rows: list[Row] = []
    for command in commands:
        with Daemon(command, options=_QUIET) as daemon, \
                Client(daemon.ng_port, Workload("plain", COMMANDS)) as client:
            client.paced(rate, 0.5)
            outcome = client.paced(rate, seconds)
        for name in COMMANDS:
            taken = sorted(1000 * each for each in outcome.waits[name])
            rows.append({"daemon": command.name, "command": name, "p50_ms": statistics.median(taken),
                         "p99_ms": taken[int(0.99 * len(taken))], "longest_ms": taken[-1], "errors": outcome.errors})
    return rows


def memory(commands: Sequence[Command], calls: int) -> list[Row]:
    """Resident memory per call with so many calls up."""
    rows: list[Row] = []
    for command in commands:
        with Daemon(command, options=_QUIET) as daemon:
            _place(daemon, "plain", 10)
            before = daemon.memory_kb()
            _place(daemon, "plain", calls)
            after = daemon.memory_kb()
        rows.append({"daemon": command.name, "calls": calls, "kb_per_call": (after - before) / calls,
                     "kb_at_start": before})
    return rows


def _place(daemon: Daemon, kind: str, calls: int) -> None:
    with Client(daemon.ng_port, Workload(kind, ("offer", "answer")), 4) as client:
        if client.busy(600, calls).errors:
            raise RuntimeError(f"{daemon.command.name} refused a call")


def _cli(daemon: Daemon, line: str) -> None:
    with socket.create_connection(("127.0.0.1", daemon.cli_port), _PATIENCE) as sock:
        sock.sendall(line.encode() + b"\n")
        while sock.recv(1 << 20):
            pass


def _ng(daemon: Daemon, **keys: object) -> None:
    with ngclient.NgClient("127.0.0.1", daemon.ng_port, timeout=_PATIENCE, tries=1) as client:
        client.request(**keys)  # type: ignore[arg-type]


def _scrape(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_PATIENCE) as answer:
        answer.read()


REPORTS: dict[str, Callable[[Daemon, int, int], None]] = {
    "nothing": lambda daemon, calls, http: None,
    "list sessions all": lambda daemon, calls, http: _cli(daemon, "list sessions all"),
    "ng list": lambda daemon, calls, http: _ng(daemon, command="list", limit=calls + 1000),
    "list totals": lambda daemon, calls, http: _cli(daemon, "list totals"),
    "ng statistics": lambda daemon, calls, http: _ng(daemon, command="statistics"),
    "GET /metrics": lambda daemon, calls, http: _scrape(http),
}
"""By daemon, number of its calls and HTTP port."""


def delays(commands: Sequence[Command], calls: int, rate: float, seconds: float) -> list[Row]:
    """The longest wait for the answer to an offer in milliseconds, while one report after the other is asked for, and
    how long these take.

    As many calls are up as were asked for, or as the limit of open files allows.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = calls
    rows: list[Row] = []
    for command in commands:
        calls = min(wanted, (limit - _SPARE_FILES) // _SOCKETS.get(command.name, 2))
        http = free_port(socket.SOCK_STREAM)
        options = [*_QUIET, "--port-min=2000", "--port-max=65000", f"--listen-http=127.0.0.1:{http}"]
        with Daemon(command, options=options, ng_port=free_port()) as daemon:
            _place(daemon, "mux", calls)
            for report, ask in REPORTS.items():
                rows.append({"daemon": command.name, "calls": calls, "report": report,
                             **_held_up(daemon, lambda: ask(daemon, calls, http), rate, seconds)})
    return rows


def _held_up(daemon: Daemon, ask: Callable[[], None], rate: float, seconds: float) -> dict[str, float]:
    """Calls come in while ``ask`` is done over and over."""
    over = threading.Event()
    reports: list[float] = []

    def keep_asking() -> None:
        while not over.wait(0.05):
            begin = time.monotonic()
            ask()
            reports.append(1000 * (time.monotonic() - begin))
    reporter = threading.Thread(target=keep_asking)
    reporter.start()
    try:
        with Client(daemon.ng_port, Workload("plain")) as client:
            taken = client.paced(rate, seconds).waits["offer"]
    finally:
        over.set()
        reporter.join()
    return {"longest_ms": 1000 * max(taken), "reports": len(reports), "report_ms": statistics.median(reports),
            "longest_report_ms": max(reports)}
