# SPDX-License-Identifier: GPL-3.0-or-later
"""The free ports of one local address, and the opening of sockets on them."""
from __future__ import annotations

import errno
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from controlplane.addresses import Address, Endpoint
from controlplane.errors import DataPlaneError, PeerError

_FREE = object()
NO_PORTS = "Ran out of ports"
_OCCUPIED = frozenset((errno.EADDRINUSE, errno.EACCES))
"""Errors that concern one port only; after any other the next port would fail as well."""
_log = logging.getLogger("rtpengine.core")
QUARANTINE = 10.0
"""Seconds for which a released port is not given out again, so that late packets do not reach another call."""


class Shuffler(Protocol):
    """As ``random.SystemRandom``."""

    def shuffle(self, x: Any, /) -> None:
        """Bring the list ``x`` into a random order."""


class PortPool:
    """Ports of ``address``, in random order; every operation but ``consecutive`` takes constant time.

    ``opener`` binds a socket or raises DataPlaneError, ``closer`` closes it. Released ports rest for QUARANTINE
    seconds by ``clock``, or until there are no others. ``taken`` is shared by pools of the same address whose
    ranges overlap.
    """

    def __init__(self, address: Address, ports: Iterable[int], random: Shuffler, opener: Callable[[Endpoint], None],
                 closer: Callable[[Endpoint], None], clock: Callable[[], float], taken: set[int] | None = None):
        self.address = address
        self._open = opener
        self._close = closer
        self._clock = clock
        self._taken = taken if taken is not None else set()
        self._all = frozenset(ports)
        self._used: set[int] = set()
        self._resting: deque[tuple[float, int]] = deque()
        order = sorted(self._all)
        random.shuffle(order)
        self._pairs: OrderedDict[int, None] = OrderedDict()
        self._singles: OrderedDict[int, None] = OrderedDict()
        for port in order:
            if port ^ 1 not in self._all:
                self._singles[port] = None
            elif port % 2 == 0:
                self._pairs[port] = None

    @property
    def total(self) -> int:
        """Number of ports in the range."""
        return len(self._all)

    @property
    def used(self) -> int:
        """Number of ports that are open."""
        return len(self._used)

    @property
    def free(self) -> int:
        """Number of ports that can be opened, the resting ones included."""
        return len(self._all) - len(self._used)

    def __contains__(self, port: int) -> bool:
        return port in self._used

    def allocate(self, count: int) -> tuple[Endpoint, ...]:
        """Open one port, or an even number of consecutive ones from an even port on.

        PeerError ``Ran out of ports`` if every free port was tried.
        """
        self._wake(self._clock() - QUARANTINE)
        opened = self._attempt(count)
        if opened is None and self._resting:
            self._wake(None)
            opened = self._attempt(count)
        if opened is None:
            raise PeerError(NO_PORTS, self._shortage(count))
        return opened

    def _shortage(self, count: int) -> str:
        """Why ``count`` of them are not to be had."""
        used = f"{self.used} of {self.total} ports of {self.address} are in use by calls"
        if self.free < count:
            return used
        return f"{used}, and no {count} of the others are free together: other programs may have them"

    def claim(self, ports: Sequence[int]) -> tuple[Endpoint, ...]:
        """Open just these. PeerError if one is not of this pool, or not free."""
        free = all([port in self._all and port not in self._taken for port in ports])
        opened = self._open_all(ports) if free else None
        if opened is None:
            raise PeerError(f"Port {self.address} {', '.join(map(str, ports))} is not to be had")
        self._resting = deque([(at, port) for at, port in self._resting if port not in ports])
        for port in ports:
            if self._singles.pop(port, _FREE) is _FREE and port & ~1 in self._pairs:
                del self._pairs[port & ~1]
                if port ^ 1 not in ports:
                    self._singles[port ^ 1] = None
        return opened

    def release(self, endpoint: Endpoint) -> None:
        """Close a socket and let its port rest."""
        port = endpoint.port
        self._used.discard(port)
        self._taken.discard(port)
        self._resting.append((self._clock(), port))
        self._close(endpoint)

    def _wake(self, released_before: float | None) -> None:
        """Put rested ports at the end of the free lists; all of them for None."""
        while self._resting and (released_before is None or self._resting[0][0] <= released_before):
            self._put_back(self._resting.popleft()[1])

    def _put_back(self, port: int) -> None:
        sibling = port ^ 1
        if sibling in self._singles:
            del self._singles[sibling]
            self._pairs[port & ~1] = None
        else:
            self._singles[port] = None

    def _attempt(self, count: int) -> tuple[Endpoint, ...] | None:
        if count == 1:
            return self._single()
        if count == 2:
            return self._pair()
        return self._consecutive(count)

    def _single(self) -> tuple[Endpoint, ...] | None:
        """A port whose sibling is of no use if there is one, else half of a pair."""
        for _ in range(len(self._singles)):
            port = next(iter(self._singles))
            opened = self._open_all((port,))
            if opened is not None:
                del self._singles[port]
                return opened
            self._singles.move_to_end(port)
        for _ in range(len(self._pairs)):
            port = next(iter(self._pairs))
            for half in (port, port + 1):
                opened = self._open_all((half,))
                if opened is not None:
                    del self._pairs[port]
                    self._singles[half ^ 1] = None
                    return opened
            self._pairs.move_to_end(port)
        return None

    def _pair(self) -> tuple[Endpoint, ...] | None:
        for _ in range(len(self._pairs)):
            port = next(iter(self._pairs))
            opened = self._open_all((port, port + 1))
            if opened is not None:
                del self._pairs[port]
                return opened
            self._pairs.move_to_end(port)
        return None

    def _consecutive(self, count: int) -> tuple[Endpoint, ...] | None:
        for first in list(self._pairs):
            evens = range(first, first + count, 2)
            opened = None
            if all(even in self._pairs for even in evens):
                opened = self._open_all(range(first, first + count))
            if opened is not None:
                for even in evens:
                    del self._pairs[even]
                return opened
        return None

    def _open_all(self, ports: Sequence[int]) -> tuple[Endpoint, ...] | None:
        """Open all of ``ports`` or, if one of them is occupied, none. PeerError if no port can be opened at all."""
        opened: list[Endpoint] = []
        try:
            for port in ports:
                if port in self._taken:
                    break
                endpoint = Endpoint(self.address, port)
                self._open(endpoint)
                opened.append(endpoint)
            else:
                self._used.update(ports)
                self._taken.update(ports)
                return tuple(opened)
        except DataPlaneError as error:
            if error.errno not in _OCCUPIED:
                self._close_all(opened)
                _log.error("media socket on %s: %s", self.address, error)
                raise PeerError(NO_PORTS, f"on {self.address}: {error}") from error
        self._close_all(opened)
        return None

    def _close_all(self, endpoints: Iterable[Endpoint]) -> None:
        for endpoint in endpoints:
            self._close(endpoint)
