# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor time per packet that is decrypted or encrypted on its way, beside the reference daemon."""
from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from demo.screen import Screen
from tests.bench.rounds import Best, Cost, costs, loss_free
from tests.bench.suites import AES_CM, AES_GCM, SUITES
from tests.bench.tools import Floor, Flow, Subject, compiled, settle
from tests.peers import sdp
from tests.peers.daemon import ROOT, Command, Daemon

WAYS = ("SRTP to RTP", "RTP to SRTP")
OWN, FLOOR = "relay", "floor"
_FIRST_RATE = 20000.0


@dataclass(frozen=True, slots=True)
class Call:
    """A speaks SRTP, B plain RTP, both on 127.0.0.1; the key of A in hexadecimal digits."""

    number: int
    suite: str
    a: int
    b: int
    from_a: str

    @property
    def inline(self) -> str:
        """The crypto attribute that A offers."""
        return f"crypto:1 {self.suite} inline:{base64.b64encode(bytes.fromhex(self.from_a)).decode()}"

    def flows(self, towards_a: int, towards_b: int, to_a: str) -> tuple[Flow, Flow]:
        """Both ways, in the order of WAYS, through these ports of a relay that encrypts with the key ``to_a``."""
        return (Flow(self.a, towards_a, self.b, tx_keys=f"{self.suite}:{self.from_a}"),
                Flow(self.b, towards_b, self.a, rx_keys=f"{self.suite}:{to_a}"))


def _key(suite: str) -> str:
    return os.urandom(SUITES[suite].key_len + SUITES[suite].salt_len).hex()


def _calls(count: int, first_port: int) -> list[Call]:
    """So many calls of each suite."""
    suites = [suite for suite in SUITES for _ in range(count)]
    return [Call(number, suite, first_port + 4 * number, first_port + 4 * number + 2, _key(suite))
            for number, suite in enumerate(suites)]


def _subjects(relay: str, pid: int, calls: Sequence[Call], flows: Sequence[tuple[Flow, Flow]]) -> list[Subject]:
    """A subject for each suite and way."""
    return [Subject(_name(relay, suite, way), pid,
                    [both[at] for call, both in zip(calls, flows) if call.suite == suite])
            for suite in SUITES for at, way in enumerate(WAYS)]


def _name(relay: str, suite: str, way: str) -> str:
    return f"{relay}-{suite}-{way.replace(' ', '_')}"


class Engine:
    """The relay in a process of its own, its targets installed without signalling."""

    def __init__(self, calls: Sequence[Call], first_port: int):
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.engine", str(first_port)], cwd=ROOT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin and self.process.stdout
        back = [_key(call.suite) for call in calls]
        wanted = [[call.suite, str(call.a), str(call.b), call.from_a, to_a] for call, to_a in zip(calls, back)]
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        ports = json.loads(self.process.stdout.readline())
        self.flows = [call.flows(towards_a, towards_b, to_a)
                      for call, (towards_a, towards_b), to_a in zip(calls, ports, back)]

    def stop(self) -> None:
        self.process.communicate()


def _place(daemon: Daemon, calls: Sequence[Call]) -> list[tuple[Flow, Flow]]:
    """Set the calls up by SDES; how to send through them."""
    flows = []
    with daemon.client(timeout=5) as client:
        for call in calls:
            keys = {"call_id": f"srtp-{call.number}", "from_tag": "a", "ICE": "remove", "replace": ["origin"]}
            offered = sdp.body("127.0.0.1", call.a, protocol="RTP/SAVP", attributes=[call.inline])
            offer = client.call("offer", sdp=offered, **keys, **{"transport-protocol": "RTP/AVP", "DTLS": "off"})
            answer = client.call("answer", to_tag="b", sdp=sdp.body("127.0.0.1", call.b), **keys)
            towards_a, towards_b = sdp.sections(answer["sdp"])[0], sdp.sections(offer["sdp"])[0]
            flows.append(call.flows(towards_a.port, towards_b.port, _answered_key(towards_a, call.suite)))
    return flows


def _answered_key(section: sdp.Section, suite: str) -> str:
    (found,) = (each.split() for each in section.attributes if each.startswith("crypto:"))
    if found[1] != suite:
        raise ValueError(f"{suite} was offered, {found[1]} answered")
    # Padding may have been left off; too much does no harm.
    return base64.b64decode(found[2].removeprefix("inline:").split("|")[0] + "==").hex()


def measure(screen: Screen, reference: Command | None, calls: int, rates: Sequence[int], rounds: int,
            seconds: float) -> dict[str, object]:
    """All suites and ways through the relay and, if there is one, the reference daemon; print and return rows."""
    with ExitStack() as stack:
        floor = Floor(calls)
        stack.callback(floor.stop)
        own_calls = _calls(calls, 2000)
        engine = Engine(own_calls, 40000)
        stack.callback(engine.stop)
        relays = [OWN]
        subjects = _subjects(OWN, engine.process.pid, own_calls, engine.flows)
        if reference:
            daemon = stack.enter_context(Daemon(reference, options=["--port-min=48000", "--port-max=55999",
                                                                    "--log-level=4"]))
            its_calls = _calls(calls, 6000)
            relays.append(reference.name)
            subjects += _subjects(reference.name, daemon.pid, its_calls, _place(daemon, its_calls))
        settle(subjects)
        rows = [row for rate in rates for row in _rows(relays, rate, costs([floor.subject, *subjects], rate, rounds,
                                                                           seconds))]
        best = {subject.name: loss_free(subject, seconds, _FIRST_RATE) for subject in subjects}
    fastest = _fastest(relays, best)
    core = json.loads(subprocess.run([compiled("protect")], check=True, capture_output=True, text=True).stdout)
    _print(screen, rows, fastest, core, calls, rounds)
    return {"packets": rows, "lossfree": fastest, "core_ns": core}


def _cases(relays: Sequence[str]) -> list[tuple[str, str, str]]:
    return [(suite, way, relay) for way in WAYS for suite in SUITES for relay in relays]


def _rows(relays: Sequence[str], rate: int, found: dict[str, Cost]) -> list[dict[str, object]]:
    """What was found at one rate, with the ratios that are claimed; None where there is nothing to compare with."""
    rows: list[dict[str, object]] = []
    for suite, way, relay in _cases(relays):
        cost = found[_name(relay, suite, way)]
        reference = found[_name(relays[1], suite, way)] if len(relays) > 1 else None
        rows.append({
            "rate": rate, "way": way, "suite": suite, "relay": relay, "lost": cost.lost, "us_per_packet": cost.median,
            "to_floor": cost.ratio(found[FLOOR]), "to_reference": cost.ratio(reference) if reference else None,
            "to_aes_cm": cost.ratio(found[_name(relay, AES_CM, way)]) if suite == AES_GCM else None})
    return rows


def _fastest(relays: Sequence[str], best: dict[str, Best]) -> list[dict[str, object]]:
    return [{"way": way, "suite": suite, "relay": relay, **asdict(best[_name(relay, suite, way)])}
            for suite, way, relay in _cases(relays)]


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-"


def _print(screen: Screen, rows: list[dict[str, object]], fastest: list[dict[str, object]],
           core: dict[str, dict[str, float]], calls: int, rounds: int) -> None:
    screen.heading(f"CPU per packet with SRTP on one side, {calls} calls, median of {rounds}")
    screen.table(["packets/s", "way", "suite", "relay", "us/packet", "x floor", "x reference", "x AES-CM", "lost"], [
        [str(row["rate"]), str(row["way"]), str(row["suite"]), str(row["relay"]), _number(row["us_per_packet"]),
         _number(row["to_floor"]), _number(row["to_reference"]), _number(row["to_aes_cm"]), str(row["lost"])]
        for row in rows])
    screen.heading("Highest rate with less than one packet in 10,000 lost, and the cost at it")
    screen.table(["way", "suite", "relay", "packets/s", "us/packet", "stopped by"], [
        [str(row["way"]), str(row["suite"]), str(row["relay"]), str(row["packets_per_second"]),
         _number(row["us_per_packet"]), str(row["stopped_by"])] for row in fastest])
    screen.heading("SRTP by itself, ns per packet of 172 bytes")
    screen.table(["suite", "protect", "unprotect"], [
        [suite, f"{cost['protect']:.0f}", f"{cost['unprotect']:.0f}"] for suite, cost in core.items()])
