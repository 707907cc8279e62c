# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of one call as they pass this host's devices, whichever engine forwards them, into a capture file."""
from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from ctl import packetfilter
from ctl.fragments import Fragments
from ctl.packetfilter import Local
from ctl.pcap import LONGEST, Writer

POLL = 1.0
"""Seconds after which the call's ports are asked for again."""
_EVERYTHING = 3  # ETH_P_ALL
_BUFFER = 8 << 20
_RECEIVE_FORCE, _TIMESTAMP, _PACKET, _STATISTICS = 33, 35, 263, 6  # SO_RCVBUFFORCE, SO_TIMESTAMPNS, SOL_PACKET
_STAMP = struct.Struct("@ll")
_AT_ONCE = 256
LOOPBACK = "lo"


class CaptureError(Exception):
    """The capture cannot be made; the text says why."""


class Outcome(NamedTuple):
    """What was written; ``lost``: what the host had to drop, ``early``: fragments that came before their first."""

    packets: int
    lost: int
    early: int
    why: str


class Limits(NamedTuple):
    """When to stop at the latest; None: when the call ends."""

    seconds: float | None = None
    packets: int | None = None


class Tap:
    """A socket that gets the packets of some sockets of this host, on all devices, or on one. CaptureError."""

    def __init__(self, locals_: frozenset[Local], device: str | None = None) -> None:
        self.locals: frozenset[Local] = frozenset()
        self._numbers: dict[str, int] = {}
        self._lost = 0
        try:
            protocol = socket.htons(_EVERYTHING) if device is None else 0  # nothing comes before it is bound
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, protocol)
        except PermissionError:
            raise CaptureError("No permission to capture packets: this takes root, or CAP_NET_RAW") from None
        try:
            self._loopback = _device_number(LOOPBACK)
            self.follow(locals_)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
            self._enlarge()
            if device is not None:
                self._socket.bind((device, _EVERYTHING))
            self._drain()
        except OSError as error:
            self._socket.close()
            what = f"device {device}" if device and error.errno == errno.ENODEV else "packet socket"
            raise CaptureError(f"Cannot capture: {what}: {error.strerror}") from None
        except BaseException:
            self._socket.close()
            raise
        self._data = bytearray(LONGEST)

    def _enlarge(self) -> None:
        """Room for what comes while nobody reads; without CAP_NET_ADMIN as much as everybody may have."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _RECEIVE_FORCE, _BUFFER)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)

    def _drain(self) -> None:
        """What came before there was a filter."""
        while True:
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return

    def follow(self, locals_: frozenset[Local]) -> None:
        """Get the packets of these sockets from now on. CaptureError if they are too many."""
        if locals_ == self.locals:
            return
        try:
            packetfilter.attach(self._socket, packetfilter.program(locals_, self._loopback))
        except packetfilter.TooManyPorts as error:
            raise CaptureError(f"Cannot capture: {error}") from None
        self.locals = locals_

    def fileno(self) -> int:
        """A descriptor that is readable while there are packets."""
        return self._socket.fileno()

    def read(self, writer: Writer, fragments: Fragments, most: int) -> int:
        """Write what has come, at most so many packets; how many that were."""
        written = 0
        for _ in range(_AT_ONCE):
            if written >= most:
                break
            try:
                length, ancillary, _, address = self._socket.recvmsg_into([self._data], 128, socket.MSG_TRUNC)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # one of the devices is gone: the others go on
                    raise
                continue
            data = memoryview(self._data)[:min(length, LONGEST)]
            if fragments.belongs(data):
                name, protocol, kind, hardware, link = address
                writer.packet(_stamp(ancillary), self._number(name), (protocol, kind, hardware, link), data, length)
                written += 1
        return written

    def _number(self, device: str) -> int:
        """The kernel tells names, the file has numbers."""
        if device not in self._numbers:
            self._numbers[device] = _device_number(device) or 0
        return self._numbers[device]

    def lost(self) -> int:
        """Packets that found no room so far."""
        _, lost = struct.unpack("=II", self._socket.getsockopt(_PACKET, _STATISTICS, 8))  # since the last time
        self._lost += lost
        return self._lost

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def _device_number(name: str) -> int | None:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> int:
    """When the kernel saw the packet, in nanoseconds of Unix time."""
    for _, kind, data in ancillary:
        if kind == _TIMESTAMP and len(data) >= _STAMP.size:
            seconds, rest = _STAMP.unpack_from(data)
            return int(seconds * 10**9 + rest)
    return time.time_ns()


def create(path: str) -> BinaryIO:
    """A new file that only its owner can read. CaptureError."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    except FileExistsError:
        raise CaptureError(f"{path} is there already") from None
    except OSError as error:
        raise CaptureError(f"Cannot write {path}: {error.strerror}") from None


def run(tap: Tap, writer: Writer, ports: Callable[[], frozenset[Local] | None], limits: Limits, stop: int) -> Outcome:
    """Capture until a limit is reached, the descriptor ``stop`` is readable, or ``ports`` knows of no call any more.

    OSError if the file cannot be written.
    """
    fragments, packets, why = Fragments(), 0, ""
    begun = time.monotonic()
    ask_at = begun + POLL
    end_at = begun + limits.seconds if limits.seconds is not None else None
    most = limits.packets if limits.packets is not None else 1 << 62
    while not why:
        until = ask_at if end_at is None else min(ask_at, end_at)
        ready = select.select([tap.fileno(), stop], [], [], max(0.0, until - time.monotonic()))[0]
        if tap.fileno() in ready:
            packets += tap.read(writer, fragments, most - packets)
        else:
            writer.flush()
        now = time.monotonic()
        if now >= ask_at:
            ask_at = now + POLL
            found = ports()
            if found is None:
                why = "the call has ended"
            else:
                tap.follow(found)
        if packets >= most:
            why = "these are all that were asked for"
        elif end_at is not None and now >= end_at:
            why = "the time is over"
        elif stop in ready:
            why = "interrupted"
    while packets < most and (more := tap.read(writer, fragments, most - packets)):  # what came before the end
        packets += more
    writer.flush()
    return Outcome(packets, tap.lost(), fragments.early, why)
