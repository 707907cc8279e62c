# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.bench``: measure and print; a few minutes in all."""
from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from demo.screen import Screen
from tests.bench import control, handshakes, kernel, srtp
from tests.bench.media import Field
from tests.bench.tools import BUILD, allow_many_files
from tests.peers.daemon import Command, DaemonFailed, compiled_command, plain_command, reference_command
from tests.peers.debian import Unobtainable

PARTS = ("cpu", "lossfree", "srtp", "control", "webrtc", "handshakes", "waits", "memory", "delays", "kernel")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {','.join(PARTS)}")
    parser.add_argument("--calls", type=int, default=50, help="calls with media at once")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each single measurement")
    parser.add_argument("--rates", default="5000,20000,40000", help="packets a second")
    parser.add_argument("--srtp-rates", default="5000,20000", help="packets a second with SRTP")
    parser.add_argument("--shake-rates", default="50,100,200,300", help="browsers a second that shake hands")
    parser.add_argument("--memory-calls", type=int, default=1000)
    parser.add_argument("--call-rate", type=float, default=300, help="calls a second while answers are timed")
    parser.add_argument("--report-calls", type=int, default=10000, help="calls that the long reports are about")
    parser.add_argument("--no-reference", action="store_true", help="without Debian's rtpengine-daemon")
    return parser.parse_args()


def _rates(text: str) -> list[int]:
    return [int(rate) for rate in text.split(",")]


def _commands(screen: Screen, reference: bool) -> list[Command]:
    commands = [plain_command()]
    compiled = compiled_command()
    if compiled is not None:
        commands.append(compiled)
    else:
        screen.line("The compiled modules are missing or out of date (make compiled): without them")
    if reference:
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


def _signalling(screen: Screen, commands: list[Command], options: argparse.Namespace,
                parts: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part, kinds in (("control", control.KINDS), ("webrtc", control.BROWSERS)):
        if part in parts:
            found[part] = control.cycles(commands, kinds, 3 * options.seconds)
            screen.heading("Signalling: offer + answer + delete, each client one call at a time")
            screen.table(["SDP", "clients", "daemon", "cycles/s", "CPU ms/cycle", "x reference", "quartiles",
                          "errors"], [
                [row["sdp"], str(row["clients"]), row["daemon"], f"{row['cycles_per_second']:.0f}",
                 f"{row['cpu_ms_per_cycle']:.3f}", f"{row['ratio']:.2f}",
                 " to ".join(f"{each:.2f}" for each in row["quartiles"]), str(row["errors"])] for row in found[part]])
    if "handshakes" in parts:
        found["handshakes"] = handshakes.measure(commands, _rates(options.shake_rates), options.seconds)
        screen.heading("Calls of browsers that end after ICE and DTLS, and offers of others at the same time")
        screen.table(["daemon", "calls/s", "done/s", "failed", "CPU ms/call", "handshake ms", "offer ms", "99 %"], [
            [row["daemon"], str(row["rate"]), f"{row['per_second']:.0f}", str(row["failed"] + row["errors"]),
             *(f"{row[key]:.2f}" if row[key] is not None else "-"
               for key in ("cpu_ms", "p50_ms", "offer_p50_ms", "offer_p99_ms"))] for row in found["handshakes"]])
    if "waits" in parts:
        found["waits"] = control.waits(commands, options.call_rate, 4 * options.seconds)
        screen.heading(f"Milliseconds until the answer, at {options.call_rate:.0f} calls a second")
        screen.table(["daemon", "command", "median", "99 %", "longest"], [
            [row["daemon"], row["command"], f"{row['p50_ms']:.2f}", f"{row['p99_ms']:.2f}", f"{row['longest_ms']:.2f}"]
            for row in found["waits"]])
    if "memory" in parts:
        found["memory"] = control.memory(commands, options.memory_calls)
        screen.heading(f"Memory at {options.memory_calls} calls")
        screen.table(["daemon", "kB/call", "kB at start"], [
            [row["daemon"], f"{row['kb_per_call']:.1f}", str(row["kb_at_start"])] for row in found["memory"]])
    if "delays" in parts:
        found["delays"] = control.delays(commands, options.report_calls, 100, 2 * options.seconds)
        screen.heading("Longest wait for the answer to an offer while reports are asked for, with many calls up")
        screen.table(["daemon", "calls", "report", "reports", "longest ms", "report ms", "longest"], [
            [row["daemon"], str(row["calls"]), row["report"], str(row["reports"]), *(
                f"{row[key]:.1f}" for key in ("longest_ms", "report_ms", "longest_report_ms"))]
            for row in found["delays"]])
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
        results |= _signalling(screen, commands, options, parts)
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
