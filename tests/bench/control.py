# SPDX-License-Identifier: GPL-3.0-or-later
"""Signalling: offer + answer + delete cycles, and memory per call."""
from __future__ import annotations

import itertools
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from tests.peers import ngclient, sdp
from tests.peers.daemon import Command, Daemon

_WINDOW = 8
_runs = itertools.count(1)


def _cycles(run: int) -> Iterator[tuple[bytes, list[bytes]]]:
    """One call after another: its name, and its three datagrams with the cookies ``NAME_0`` to ``NAME_2``."""
    bodies = [sdp.body("127.0.0.1", port) for port in (4000, 4100)]
    keys = {"call-id": "@CALL@", "from-tag": "f", "ICE": "remove", "replace": ["origin"]}
    messages = ({"command": "offer", **keys, "sdp": bodies[0]},
                {"command": "answer", **keys, "to-tag": "t", "sdp": bodies[1]},
                {"command": "delete", "call-id": "@CALL@", "from-tag": "f", "delete-delay": 0})
    patterns = [ngclient.encode(message).replace(b"6:@CALL@", b"%d:%s") for message in messages]
    for number in itertools.count():
        name = b"c%d-%d" % (run, number)
        yield name, [b"%s_%d " % (name, step) + pattern % (len(name), name) for step, pattern in enumerate(patterns)]


def _drive(daemon: Daemon, seconds: float) -> tuple[int, int]:
    """Keep a window of calls going for so long; (finished cycles, error answers)."""
    calls = _cycles(next(_runs))
    finished = errors = 0
    going: dict[bytes, list[bytes]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", daemon.ng_port))
        sock.settimeout(5)

        def begin() -> None:
            name, datagrams = next(calls)
            going[name] = datagrams
            sock.send(datagrams[0])

        for _ in range(_WINDOW):
            begin()
        end = time.monotonic() + seconds
        while going:
            cookie, _, body = sock.recv(65536).partition(b" ")
            name, _, step = cookie.partition(b"_")
            errors += b"6:result2:ok" not in body
            if step != b"2":
                sock.send(going[name][int(step) + 1])
                continue
            finished += 1
            del going[name]
            if time.monotonic() < end:
                begin()
    return finished, errors


def cycles(commands: Sequence[Command], rounds: int, seconds: float) -> list[dict[str, object]]:
    """Cycles a second and CPU per cycle of each daemon, in turn."""
    found: dict[str, list[tuple[float, float, int]]] = {command.name: [] for command in commands}
    with ExitStack() as stack:
        daemons = [(command.name, stack.enter_context(Daemon(command, options=["--log-level=4"])))
                   for command in commands]
        for _, daemon in daemons:
            _drive(daemon, 0.5)
        for _ in range(rounds):
            for name, daemon in daemons:
                cpu, start = daemon.cpu_seconds(), time.monotonic()
                done, errors = _drive(daemon, seconds)
                elapsed = time.monotonic() - start
                found[name].append((done / elapsed, 1000 * (daemon.cpu_seconds() - cpu) / max(done, 1), errors))
    return [{"daemon": name, "cycles_per_second": statistics.median(each[0] for each in runs),
             "cpu_ms_per_cycle": statistics.median(each[1] for each in runs),
             "errors": sum(each[2] for each in runs)} for name, runs in found.items()]


def memory(commands: Sequence[Command], calls: int) -> list[dict[str, object]]:
    """Resident memory per call with so many calls up."""
    rows: list[dict[str, object]] = []
    for command in commands:
        with Daemon(command, options=["--log-level=4"]) as daemon, daemon.client(timeout=5) as client:
            _place(client, "warm", 10)
            before = daemon.memory_kb()
            _place(client, "call", calls)
            after = daemon.memory_kb()
        rows.append({"daemon": command.name, "calls": calls, "kb_per_call": (after - before) / calls,
                     "kb_at_start": before})
    return rows


def _place(client: ngclient.NgClient, name: str, calls: int) -> None:
    for number in range(calls):
        keys = {"call_id": f"{name}-{number}", "from_tag": "a", "ICE": "remove", "replace": ["origin"]}
        client.call("offer", sdp=sdp.body("127.0.0.1", 4000), **keys)
        client.call("answer", to_tag="b", sdp=sdp.body("127.0.0.1", 4100), **keys)
