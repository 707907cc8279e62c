# SPDX-License-Identifier: GPL-3.0-or-later
"""Browsers that call and shake hands at a given rate: what one costs, and how long offers of others wait meanwhile."""
from __future__ import annotations

import itertools
import re
import select
import socket
import statistics
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.bench import browser
from tests.bench.tools import compiled
from tests.bench.workload import Client, Outcome, Workload
from tests.peers import ngclient, sdp
from tests.peers.daemon import Command, Daemon

PROBES = 100
"""Offers of plain calls a second."""
_PORTS = range(10000, 28000)
_PATIENCE = 30.0
_AFTERWARDS = 0.2   # seconds from the end of a handshake to that of its call: the last packets are on their way
_SETUPS = ("actpass", "active")
"""What the browsers offer in turn, so that either side begins half of the handshakes."""
_ROLES = {"active": "server", "passive": "client"}
"""The browser's role in DTLS by the setup that the daemon answers."""
_numbers = itertools.count()
"""Of calls; the daemon takes one that it has seen for a repetition."""
Row = dict[str, object]


@dataclass(slots=True)
class Step:
    """What came of so many calls; ``taken`` are milliseconds from the browser's first check."""

    begun: int = 0
    failed: int = 0
    errors: int = 0
    elapsed: float = 0.0
    taken: list[float] = field(default_factory=list)


class Browsers:
    """The program with the browsers, and the proxy that offers their calls to telephones and answers for these."""

    def __init__(self, ng_port: int):
        self._program = subprocess.Popen([compiled("shake")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._program.stdin and self._program.stdout
        self._input, self._output = self._program.stdin, self._program.stdout
        self._lines = b""
        self._fingerprint = self._output.readline().decode().strip()
        self._ng = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ng.connect(("127.0.0.1", ng_port))
        self._poll = select.poll()
        for each in (self._ng, self._output):
            self._poll.register(each, select.POLLIN)
        self._requests: dict[bytes, tuple[int, str]] = {}
        self._over: deque[tuple[float, int]] = deque()

    def stop(self) -> None:
        self._input.close()
        self._program.wait()
        self._output.close()
        self._ng.close()

    def run(self, rate: float, seconds: float) -> Step:
        """So many calls a second; returns when all are over. TimeoutError."""
        step, started, waits = Step(), time.perf_counter(), set[int]()
        due = started if rate else started + seconds
        while waits or self._over or due < started + seconds:
            now = time.perf_counter()
            if due < started + seconds and due <= now:
                waits.add(self._offer())
                step.begun += 1
                due += 1 / rate
            while self._over and self._over[0][0] <= now:
                number = self._over.popleft()[1]
                self._request(number, "delete", **{"delete-delay": 0})
            if now > started + seconds + _PATIENCE:
                raise TimeoutError(f"{len(waits)} calls are not over")
            times = [each for each in (due, self._over[0][0] if self._over else due) if each > now]
            for fd, _ in self._poll.poll(1000 * max(min(times, default=now + 0.1) - now, 0)):
                self._take_answer(step, waits) if fd == self._ng.fileno() else self._take_lines(step)
        step.elapsed = time.perf_counter() - started
        return step

    def _request(self, number: int, command: str, **keys: object) -> None:
        cookie = b"%d_%s" % (number, command.encode())
        self._requests[cookie] = number, command
        self._ng.send(cookie + b" " + ngclient.encode(
            {"command": command, "call-id": f"shake-{number}", "from-tag": "f", **keys}))

    def _port(self, number: int) -> int:
        return _PORTS[number % len(_PORTS)]

    def _offer(self) -> int:
        number = next(_numbers)
        port = self._port(number)
        self._request(number, "offer", **browser.PHONE, sdp=browser.body(
            port, setup=_SETUPS[number % len(_SETUPS)], fingerprint=f"sha-256 {self._fingerprint}",
            candidates=[f"candidate:0 1 udp 2122260223 127.0.0.1 {port} typ host"]))
        return number

    def _take_answer(self, step: Step, waits: set[int]) -> None:
        cookie, _, body = self._ng.recv(65536).partition(b" ")
        number, command = self._requests.pop(cookie)
        answer = ngclient.decode(body)
        if answer["result"] != "ok":
            step.errors += 1
            waits.discard(number)
        elif command == "offer":
            self._request(number, "answer", **browser.BROWSER, **{"to-tag": "t", "sdp": sdp.body("127.0.0.1", 4100)})
        elif command == "answer":
            self._connect(number, answer["sdp"])
        else:
            waits.discard(number)

    def _connect(self, number: int, answer: str) -> None:
        port = sdp.sections(answer)[0].port
        ufrag, password, setup = (re.search(rf"a={name}:(\S+)", answer)[1]  # type: ignore[index]
                                  for name in ("ice-ufrag", "ice-pwd", "setup"))
        self._input.write(f"{number} {self._port(number)} {port} {browser.UFRAG} {browser.PASSWORD} {ufrag} {password} "
                          f"{_ROLES[setup]}\n".encode())

    def _take_lines(self, step: Step) -> None:
        *lines, self._lines = (self._lines + self._output.read(65536)).split(b"\n")
        for number, how, milliseconds in map(bytes.split, lines):
            if how == b"done":
                step.taken.append(float(milliseconds))
            else:
                step.failed += 1
            self._over.append((time.perf_counter() + _AFTERWARDS, int(number)))


def _probe(ng_port: int, seconds: float) -> Outcome:
    with Client(ng_port, Workload("plain")) as client:
        return client.paced(PROBES, seconds)


def _step(daemon: Daemon, browsers: Browsers, executor: Executor, rate: float,
          seconds: float) -> tuple[Step, float, list[float]]:
    """The calls, CPU seconds of the daemon, and how long offers waited (milliseconds)."""
    before = daemon.cpu_seconds()
    probed = executor.submit(_probe, daemon.ng_port, seconds)
    step = browsers.run(rate, seconds)
    outcome = probed.result()
    return step, daemon.cpu_seconds() - before, sorted(1000 * each for each in outcome.waits["offer"])


def measure(commands: Sequence[Command], rates: Sequence[int], seconds: float) -> list[Row]:
    """Each daemon at each rate. What the offers of others cost, found without browsers, is taken off."""
    rows: list[Row] = []
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        for command in commands:
            with Daemon(command, options=("--log-level=4", "--port-min=30000", "--port-max=60000")) as daemon:
                rows += _rows(daemon, executor, rates, seconds)
    return rows


def _rows(daemon: Daemon, executor: Executor, rates: Sequence[int], seconds: float) -> list[Row]:
    browsers, rows, idle = Browsers(daemon.ng_port), [], 0.0
    try:
        for rate in (min(rates), 0, *rates):    # the first warms up
            step, cpu, waits = _step(daemon, browsers, executor, rate, seconds)
            if not rate:
                rows, idle = [], cpu
            done = len(step.taken)
            rows.append({
                "daemon": daemon.command.name, "rate": rate, "done": done, "failed": step.failed, "errors": step.errors,
                "per_second": done / seconds, "cpu_ms": 1000 * (cpu - idle) / done if done else None,
                "p50_ms": statistics.median(step.taken) if done else None,
                "offer_p50_ms": statistics.median(waits), "offer_p99_ms": waits[int(0.99 * len(waits))]})
    finally:
        browsers.stop()
    return rows
