# SPDX-License-Identifier: GPL-3.0-or-later
"""``rtpengine-ctl capture``: the packets of one call into a file."""
from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Optional

import typer

from ctl import capture, client, replies
from ctl.capture import CaptureError, Limits, Outcome, Tap
from ctl.packetfilter import Local
from ctl.pcap import Writer

OK, USAGE, UNREACHABLE, NO_REPLY, FAILED = range(5)
INTRODUCTION = """\
Write the packets of a call, in both directions, to a file in the format of tcpdump, until the call ends or you press
Ctrl-C. They are taken where they pass the network devices of this host, so it makes no difference whether the daemon
or the kernel module forwards them. A packet that passes several devices, such as a bridge and its port, is there as
often. Ports that a later offer or answer brings are followed within a second. It takes root or CAP_NET_RAW, in the
network namespace of the daemon."""
OPTIONS = {"file": "new file for the packets, which only its owner can read; - is the standard output",
           "seconds": "stop after this time", "packets": "stop after so many packets",
           "interface": "network device; all of them if not given"}


@dataclass(slots=True)
class Asked:
    """Where the daemon is; ``status`` is that of the program, once the command line was understood."""

    host: str
    port: int
    status: int | None = None


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=INTRODUCTION, epilog="Exit status: 0 captured, 1 bad usage, 2 the daemon cannot be reached, 3 it "
             "does not answer, 4 anything else.")
def take(context: typer.Context, call_id: Annotated[str, typer.Argument(metavar="CALLID")],
         file: Annotated[str, typer.Option(help=OPTIONS["file"])],
         seconds: Annotated[Optional[float], typer.Option(min=0, help=OPTIONS["seconds"])] = None,
         packets: Annotated[Optional[int], typer.Option(min=1, help=OPTIONS["packets"])] = None,
         interface: Annotated[Optional[str], typer.Option(help=OPTIONS["interface"])] = None) -> None:
    """Do what the command line says; the status goes to where it was asked for."""
    asked: Asked = context.obj
    try:
        asked.status = _capture(lambda: _ports(asked.host, asked.port, call_id), file, Limits(seconds, packets),
                                interface)
    except client.Unreachable as error:
        asked.status, text = UNREACHABLE, str(error)
    except client.NoReply as error:
        asked.status, text = NO_REPLY, str(error)
    except CaptureError as error:
        asked.status, text = FAILED, str(error)
    else:
        return
    _say(text)


def _capture(ports: Callable[[], frozenset[Local] | None], path: str, limits: Limits, device: str | None) -> int:
    """Unreachable, NoReply, CaptureError."""
    locals_ = ports()
    if locals_ is None:
        raise CaptureError("There is no such call")
    tap = Tap(locals_, device)
    try:
        file = sys.stdout.buffer if path == "-" else capture.create(path)
        try:
            with _interrupts() as stop:
                _say(f"Capturing on {len(locals_)} ports; Ctrl-C ends it")
                outcome = capture.run(tap, Writer(file), ports, limits, stop)
        finally:
            file.close()
    except OSError as error:
        raise CaptureError(f"Cannot write {path}: {error.strerror}") from None
    finally:
        tap.close()
    for line in _summary(outcome, path):
        _say(line)
    return OK


def _summary(outcome: Outcome, path: str) -> Iterator[str]:
    yield f"{outcome.packets} packets in {path}: {outcome.why}"
    if outcome.lost:
        yield f"{outcome.lost} more came faster than they could be written"
    if outcome.early:
        yield f"{outcome.early} more fragments came before the first of their datagrams, and are left out"


def _ports(host: str, port: int, call_id: str) -> frozenset[Local] | None:
    """The sockets of the call; None if there is none. Unreachable, NoReply, CaptureError."""
    reply = b"".join(client.ask(host, port, f"ports {call_id}")).decode("utf-8", "replace")
    if reply.startswith("\nCall ID not found"):
        return None
    if replies.is_failure(reply):
        raise CaptureError(f"The daemon says: {reply.strip()}")
    found = []
    for line in reply.splitlines():
        address, _, number = line.rpartition(":")
        found.append((ip_address(address.strip("[]")), int(number)))
    return frozenset(found)


@contextmanager
def _interrupts() -> Iterator[int]:
    """A descriptor that is readable once the program is to end."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(former)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def run_capture(arguments: list[str], host: str, port: int) -> int:
    """Run the command, with the daemon there, and return the exit status."""
    asked = Asked(host, port)
    try:
        app(arguments, prog_name="rtpengine-ctl capture", obj=asked)
    except SystemExit as end:
        if asked.status is None:  # typer's own status for bad usage is that of a daemon out of reach
            return USAGE if end.code else OK
    return FAILED if asked.status is None else asked.status
