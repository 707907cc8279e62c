# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m demo``: place a call, show it, check it; exit status 1 if anything is missing."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo import speech
from demo.conversation import Direction, speak
from demo.screen import Screen
from tests.peers.call import Call
from tests.peers.daemon import ROOT, Daemon, DaemonFailed
from tests.peers.debian import Unobtainable
from tests.peers.ngclient import NgError
from tests.peers.rtp import Endpoint

_TOTALS = ("Total managed sessions", "Total regular terminated sessions", "Total relayed packets (userspace)",
           "Total relayed packets (kernel)", "Total relayed bytes", "Total relayed packet errors",
           "Total number of 1-way streams", "Average call duration")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description="A call with recorded speech through the proxy.")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the call in seconds of speech")
    parser.add_argument("--speed", type=float, default=1.0, help="times real time, e.g. 10 for a quick look")
    parser.add_argument("--table", type=int, help="kernel table; default 0 where the module is loaded, else none")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "demo", help="directory of the sound files")
    return parser.parse_args()


def _streams(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [stream for party in answer["tags"].values() for media in party["medias"] for stream in media["streams"]]


def _engine(table: int, streams: list[dict[str, Any]]) -> str:
    moved = any("kernelized" in stream["flags"] and "no kernel support" not in stream["flags"] for stream in streams)
    if table < 0:
        return "user space (no kernel module here)"
    return f"kernel module, table {table}" if moved else f"user space (table {table} open, no stream moved to it)"


def _rows(directions: list[Direction]) -> list[tuple[str, ...]]:
    cells: dict[str, Callable[[Direction], str]] = {
        "sent from": lambda d: d.path()[0],
        "to the proxy at": lambda d: d.path()[1],
        "on from the proxy at": lambda d: d.path()[2],
        "received at": lambda d: d.path()[3],
        "packets sent": lambda d: str(len(d.sender.sent)),
        "packets received": lambda d: str(len(d.receiver.arrivals)),
        "lost": lambda d: str(d.lost()),
        "out of order / twice": lambda d: f"{d.receiver.reception.reordered} / {d.receiver.reception.duplicates}",
        "jitter": lambda d: f"{d.receiver.reception.jitter_ms:.2f} ms",
        "RTCP packets received": lambda d: str(len(d.receiver.compounds)),
        "round trip": lambda d: f"{d.round_trip_ms:.2f} ms",
        "MOS": lambda d: f"{d.mos:.1f}",
    }
    return [(name, *(cell(direction) for direction in directions)) for name, cell in cells.items()]


def _totals(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return {name: found[name] for name in _TOTALS if name in found}


def _talk(daemon: Daemon, screen: Screen, options: argparse.Namespace, table: int) -> list[str]:
    recording = speech.load()
    clock_rate = round(speech.RATE * options.speed)
    alice, bob = Endpoint(clock_rate=clock_rate), Endpoint(clock_rate=clock_rate)
    directions = [Direction("Alice to Bob", alice, bob), Direction("Bob to Alice", bob, alice)]
    with daemon.client() as client:
        call = Call(client, alice, bob)
        call.offer()
        call.answer()
        screen.heading(f"Alice calls Bob: {options.seconds:g} s of speech from {recording.path.name}, both at once")
        speak(alice, bob, recording, options.seconds, options.speed, screen.progress,
              0.1 if screen.live else 1.0)
        screen.progress_done()
        streams = _streams(call.query())
        call.delete()
    screen.heading(f"The call, forwarded in: {_engine(table, streams)}")
    screen.table(["", *(direction.name for direction in directions)], _rows(directions))
    faults = [fault for direction in directions for fault in direction.faults()]
    totals = _totals(daemon.cli("list totals"))
    screen.heading("The daemon's totals")
    for name, value in totals.items():
        screen.line(f"  {name:40s} {value}")
    relayed = sum(int(totals.get(f"Total relayed packets ({where})", 0)) for where in ("userspace", "kernel"))
    packets = sum(len(end.sent) + len(end.compounds) for end in (alice, bob))
    if relayed < packets:
        faults.append(f"the daemon counts {relayed} packets relayed, the parties {packets}")
    if "total: 0" not in daemon.cli("list numsessions"):
        faults.append("the call is still there after its deletion")
    screen.heading("What was heard")
    for name, end in (("alice", alice), ("bob", bob)):
        path = options.output / f"{name}-heard.wav"
        speech.save(path, end.payloads())
        screen.line(f"  {path}")
    return faults


def main() -> int:
    """Run the demo; 0 if every byte arrived in order, 1 if not, 2 if it could not be tried."""
    options = _arguments()
    screen = Screen()
    table = options.table
    if table is None:
        table = 0 if Path("/proc/rtpengine").exists() else -1
    try:
        with Daemon(table=table, options=["--iptables-rule"] if table >= 0 else []) as daemon:
            screen.heading("The proxy is up")
            screen.line(f"  {daemon.command.name}, process {daemon.pid}, ng on UDP 127.0.0.1:{daemon.ng_port}, "
                        f"command line on TCP 127.0.0.1:{daemon.cli_port}")
            faults = _talk(daemon, screen, options, table)
    except (DaemonFailed, NgError, TimeoutError, Unobtainable) as error:
        screen.line()
        screen.verdict(False, str(error))
        return 2
    screen.heading("Verdict")
    for fault in faults:
        screen.verdict(False, fault)
    if not faults:
        screen.verdict(True, "every byte arrived, in order, in both directions")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
