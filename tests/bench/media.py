# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets: processor time per packet beside the minimal relay, and the rate without loss."""
from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from tests.bench.tools import Floor, Flow, Subject, settle
from tests.peers import sdp
from tests.peers.daemon import Command, Daemon

_LOSS = 1e-4
_FIRST_RATE, _STEP, _LAST_RATE = 10000, 1.25, 400000


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
        """CPU per packet of each relay at each rate, all in turn in each round.

        The ratio to the minimal relay is the median of the rounds' ratios: a noisy moment hits both of its terms.
        """
        rows: list[dict[str, object]] = []
        for rate in rates:
            costs: dict[str, list[float]] = {subject.name: [] for subject in self.subjects}
            lost = dict.fromkeys(costs, 0)
            for number in range(rounds):
                turn = number % len(self.subjects)
                for subject in self.subjects[turn:] + self.subjects[:turn]:
                    found = subject.load(rate, seconds)
                    costs[subject.name].append(found.us_per_packet)
                    lost[subject.name] += found.lost + found.bad
            for subject in self.subjects:
                ratios = [own / least for own, least in zip(costs[subject.name], costs["floor"])]
                rows.append({"rate": rate, "relay": subject.name, "lost": lost[subject.name],
                             "us_per_packet": statistics.median(costs[subject.name]),
                             "ratio": statistics.median(ratios)})
        return rows

    def loss_free(self, seconds: float) -> list[dict[str, object]]:
        """The highest rate, in steps of a quarter, at which each relay lost no more than one packet in 10,000."""
        rows: list[dict[str, object]] = []
        for subject in self.subjects:
            best, limit, rate = 0, "loss", float(_FIRST_RATE)
            while rate <= _LAST_RATE:
                limit = self._try(subject, rate, seconds)
                if limit:
                    limit = self._try(subject, rate, seconds)
                if limit:
                    break
                best, rate = round(rate), rate * _STEP
            rows.append({"relay": subject.name, "packets_per_second": best, "stopped_by": limit or "end of the scale"})
        return rows

    @staticmethod
    def _try(subject: Subject, rate: float, seconds: float) -> str:
        found = subject.load(rate, seconds)
        if found.lost > found.sent * _LOSS:
            return "loss"
        return "generator" if found.sent < 0.97 * rate * seconds else ""
