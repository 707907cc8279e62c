# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.bench``: measure and print; a few minutes in all."""
from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from demo.screen import Screen
from tests.bench import control, kernel, srtp
from tests.bench.media import Field
from tests.bench.tools import BUILD, allow_many_files
from tests.peers.daemon import Command, DaemonFailed, own_command, reference_command
from tests.peers.debian import Unobtainable

PARTS = ("cpu", "lossfree", "srtp", "control", "memory", "kernel")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {','.join(PARTS)}")
    parser.add_argument("--calls", type=int, default=50, help="calls with media at once")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each single measurement")
    parser.add_argument("--rates", default="5000,20000,40000", help="packets a second")
    parser.add_argument("--srtp-rates", default="5000,20000", help="packets a second with SRTP")
    parser.add_argument("--memory-calls", type=int, default=1000)
    parser.add_argument("--no-reference", action="store_true", help="without Debian's rtpengine-daemon")
    return parser.parse_args()


def _rates(text: str) -> list[int]:
    return [int(rate) for rate in text.split(",")]


def _commands(screen: Screen, reference: bool) -> list[Command]:
    commands = [own_command()]
    if reference and commands[0].name != "reference":
        try:
            commands.append(reference_command())
        except Unobtainable as reason:
            screen.line(f"Debian's rtpengine-daemon cannot be had: {reason}")
    return commands


def _media(screen: Screen, commands: list[Command], options: argparse.Namespace, parts: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with Field(commands, options.calls) as field:
        if "cpu" in parts:
            found["cpu"] = field.cost(_rates(options.rates), options.rounds, options.seconds)
            screen.heading(f"CPU per relayed packet, {options.calls} calls, both ways, median of {options.rounds}")
            screen.table(["packets/s", "relay", "us/packet", "x floor", "lost or damaged"], [
                [str(row["rate"]), row["relay"], f"{row['us_per_packet']:.2f}", f"{row['ratio']:.2f}",
                 str(row["lost"])] for row in found["cpu"]])
        if "lossfree" in parts:
            found["lossfree"] = field.loss_free(options.seconds)
            screen.heading("Highest rate with less than one packet in 10,000 lost")
            screen.table(["relay", "packets/s", "stopped by"], [
                [row["relay"], str(row["packets_per_second"]), row["stopped_by"]] for row in found["lossfree"]])
    return found


def main() -> int:
    """Measure the parts asked for; the numbers also go to build/bench/results.json."""
    options = _arguments()
    parts = set(options.only.split(","))
    if not parts <= set(PARTS):
        print(f"no such part: {', '.join(sorted(parts - set(PARTS)))}")
        return 2
    screen = Screen()
    allow_many_files()
    results: dict[str, Any] = {}
    try:
        commands = _commands(screen, not options.no_reference)
        if parts & {"cpu", "lossfree"}:
            results |= _media(screen, commands, options, parts)
        if "srtp" in parts:
            reference = next((command for command in commands if command.name == "reference"), None)
            results["srtp"] = srtp.measure(screen, reference, options.calls, _rates(options.srtp_rates),
                                           options.rounds, options.seconds)
        if "control" in parts:
            results["control"] = control.cycles(commands, min(options.rounds, 3), 2 * options.seconds)
            screen.heading("Signalling: offer + answer + delete, 8 calls at a time")
            screen.table(["daemon", "cycles/s", "CPU ms/cycle", "errors"], [
                [row["daemon"], f"{row['cycles_per_second']:.0f}", f"{row['cpu_ms_per_cycle']:.3f}",
                 str(row["errors"])] for row in results["control"]])
        if "memory" in parts:
            results["memory"] = control.memory(commands, options.memory_calls)
            screen.heading(f"Memory at {options.memory_calls} calls")
            screen.table(["daemon", "kB/call", "kB at start"], [
                [row["daemon"], f"{row['kb_per_call']:.1f}", str(row["kb_at_start"])] for row in results["memory"]])
        if "kernel" in parts:
            results["kernel"] = kernel.measure(screen, not options.no_reference)
    except DaemonFailed as failed:
        screen.line(str(failed))
        return 1
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    screen.line(f"\nnumbers: {BUILD / 'results.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
