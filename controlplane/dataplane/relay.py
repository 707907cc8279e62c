# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay: C threads that own every media socket and forward what the other engines leave to them."""
from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.native import NativeEngine, c_address, check
from controlplane.errors import DataPlaneError
from controlplane.events import Expected, PacketHanded, SocketFailed, SourceSeen
from controlplane.relay._native import ffi, lib

_EVENTS_AT_ONCE = 256
_PACKETS_AT_ONCE = 32
_BLOCK = 64         # bytes of SHA-1
_DRAINING = 0.05    # seconds at most until queues are empty


@dataclass(frozen=True, slots=True)
class RelayCounters:
    """What no target counts: packets for a socket without target, events held back or lost, sockets that failed."""

    strays: int
    suppressed: int
    overflows: int
    failures: int


class Relay(NativeEngine):
    """Sockets and packet threads; ``threads`` 0 means one per CPU, at most four. DataPlaneError if it cannot start.

    All methods may be called from any thread. After shutdown() sockets cannot be opened, counters still read.
    """

    def __init__(self, threads: int = 0):
        handle = lib.rtpe_relay_new(threads)
        if handle == ffi.NULL:
            raise DataPlaneError(ffi.errno, "relay")
        self._handle = ffi.gc(handle, lib.rtpe_relay_free)
        self._packets = ffi.new("struct rtpe_handed[]", _PACKETS_AT_ONCE)
        self._events = ffi.new("struct rtpe_event[]", _EVENTS_AT_ONCE)
        super().__init__(lib.rtpe_relay_engine(self._handle), self._handle, "relay")

    @property
    def handle(self) -> Any:
        """For engines that send from our sockets; must be kept as long as they are used."""
        return self._handle

    def open(self, local: Endpoint, tos: int = 0) -> None:
        """Bind a UDP socket and serve it; ``tos`` is the IP TOS octet of what it sends by itself.

        DataPlaneError: EADDRINUSE, EADDRNOTAVAIL, EMFILE ...
        """
        check(lib.rtpe_relay_open(self._handle, c_address(abi.pack_address(local)), tos), "socket", local)

    def close(self, local: Endpoint) -> None:
        """Give the port back at once, whatever is under way. DataPlaneError ENOENT: it was not open."""
        check(lib.rtpe_relay_close(self._handle, c_address(abi.pack_address(local))), "socket", local)

    def set_tos(self, local: Endpoint, tos: int) -> None:
        """Change the TOS octet (0 to 255) of an open socket."""
        check(lib.rtpe_relay_set_tos(self._handle, c_address(abi.pack_address(local)), tos), "socket", local)

    def send(self, local: Endpoint, destination: Endpoint, data: bytes) -> None:
        """Send one datagram from an open socket. DataPlaneError if it could not be sent."""
        result = lib.rtpe_relay_send(self._handle, c_address(abi.pack_address(local)),
                                     c_address(abi.pack_address(destination)), data, len(data))
        if result < 0:
            raise DataPlaneError(-result, f"{local} to {destination}")

    def expect(self, local: Endpoint, expected: Expected) -> None:
        """Let a flood not hold up the packets of ICE and DTLS that are known by this. A socket that is gone is left."""
        c = ffi.new("struct rtpe_expected *")
        for secrets, values in ((c.passwords, [_hmac_key(each) for each in expected.passwords]),
                                (c.fingerprints, expected.fingerprints)):
            for secret, value in zip(secrets, values):
                _fill(secret, value)
        _fill(c.cookies, expected.cookies)
        result = lib.rtpe_relay_expect(self._handle, c_address(abi.pack_address(local)), c)
        if result not in (0, -errno.ENOENT):
            raise DataPlaneError(-result, f"what {local} expects")

    def drain(self, locals_: Iterable[Endpoint]) -> None:
        """Wait until what has come to these sockets is dealt with; not for ever, should more and more come."""
        until = int((time.time() + _DRAINING) * 1e6)
        for local in locals_:
            lib.rtpe_relay_drain(self._handle, c_address(abi.pack_address(local)), until)
        lib.rtpe_relay_settle(self._handle)

    def fileno(self) -> int:
        """A descriptor that is readable while events() has something to return."""
        return int(lib.rtpe_relay_eventfd(self._handle))

    def events(self) -> list[SourceSeen | SocketFailed]:
        """What happened since the last call, in order; call again while fileno() is readable."""
        count = lib.rtpe_relay_events(self._handle, self._events, _EVENTS_AT_ONCE)
        return [_event(self._events[i]) for i in range(count)]

    def packets_fileno(self) -> int:
        """A descriptor that is readable while packets() has something to return."""
        return int(lib.rtpe_relay_handedfd(self._handle))

    def packets(self) -> list[PacketHanded]:
        """Packets that targets handed up, in order; call again while packets_fileno() is readable."""
        count = lib.rtpe_relay_handed(self._handle, self._packets, _PACKETS_AT_ONCE)
        return [_packet(self._packets[i]) for i in range(count)]

    def counters(self) -> RelayCounters:
        """What happened outside any target's counters since the start."""
        c = ffi.new("struct rtpe_relay_counters *")
        lib.rtpe_relay_count(self._handle, c)
        return RelayCounters(c.strays, c.suppressed, c.overflows, c.failures)

    def shutdown(self) -> None:
        """End the threads and close all sockets. More than once does no harm."""
        lib.rtpe_relay_stop(self._handle)


def _hmac_key(password: str) -> bytes:
    """RFC 2104 section 2: keys that are longer than a block are hashed."""
    key = password.encode("utf-8", "surrogateescape")
    return key if len(key) <= _BLOCK else hashlib.sha1(key).digest()


def _fill(secret: Any, value: bytes) -> None:
    secret.len = len(value)
    ffi.memmove(secret.data, value, len(value))


def _packet(c: Any) -> PacketHanded:
    return PacketHanded(abi.read_address(c.local), abi.read_address(c.src), c.now_us / 1e6,
                        bytes(ffi.buffer(c.data, c.len)))


def _event(c: Any) -> SourceSeen | SocketFailed:
    if c.type == lib.RTPE_EVENT_SOCKET:
        return SocketFailed(abi.read_address(c.local), c.error)
    return SourceSeen(abi.read_address(c.local), abi.read_address(c.src), c.now_us / 1e6, bool(c.is_rtcp))
