# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets: processor time per packet beside the minimal relay, and the rate without loss."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

from tests.bench.rounds import costs, loss_free
from tests.bench.tools import Floor, Flow, Subject, settle
from tests.peers import sdp
from tests.peers.daemon import Command, Daemon


def _flows(daemon: Daemon, calls: int, first_port: int) -> list[Flow]:
    """Place calls; a flow for each direction of each."""
    flows = []
    with daemon.client(timeout=5) as client:
        for number in range(calls):
            a, b = first_port + 4 * number, first_port + 4 * number + 2
            keys = {"call_id": f"media-{number}", "from_tag": "a", "ICE": "remove", "replace": ["origin"]}
            offer = client.call("offer", sdp=sdp.body("127.0.0.1", a), **keys)
            answer = client.call("answer", to_tag="b", sdp=sdp.body("127.0.0.1", b), **keys)
            flows += [Flow(a, sdp.sections(answer["sdp"])[0].port, b), Flow(b, sdp.sections(offer["sdp"])[0].port, a)]
    return flows


class Field:
    """All relays under test, running at the same time with the same number of flows."""

    def __init__(self, commands: Sequence[Command], calls: int):
        self._stack = ExitStack()
        self.subjects: list[Subject] = []
        try:
            floor = Floor(2 * calls)
            self._stack.callback(floor.stop)
            self.subjects.append(floor.subject)
            for number, command in enumerate(commands):
                ports = 40000 + 8000 * number
                daemon = self._stack.enter_context(Daemon(
                    command, options=[f"--port-min={ports}", f"--port-max={ports + 7999}", "--log-level=4"]))
                flows = _flows(daemon, calls, 2000 + 4000 * number)
                self.subjects.append(Subject(command.name, daemon.pid, flows))
            settle(self.subjects)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def cost(self, rates: Sequence[int], rounds: int, seconds: float) -> list[dict[str, object]]:
        """CPU per packet of each relay at each rate, and its ratio to the minimal relay's."""
        rows: list[dict[str, object]] = []
        for rate in rates:
            found = costs(self.subjects, rate, rounds, seconds)
            rows += [{"rate": rate, "relay": name, "lost": cost.lost, "us_per_packet": cost.median,
                      "ratio": cost.ratio(found["floor"])} for name, cost in found.items()]
        return rows

    def loss_free(self, seconds: float) -> list[dict[str, object]]:
        """The highest rate at which each relay lost no more than one packet in 10,000."""
        found = [(subject.name, loss_free(subject, seconds)) for subject in self.subjects]
        return [{"relay": name, **asdict(best)} for name, best in found]
