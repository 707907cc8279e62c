# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets of all interfaces, as the sessions ask for them and as the reports count them."""
from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controlplane.addresses import Address, Endpoint
from controlplane.config.interfaces import InterfaceSpec
from controlplane.ports.interfaces import Interfaces, place_of
from controlplane.ports.pool import PortPool, Shuffler
from controlplane.errors import PeerError
from controlplane.session.sockets import Place


_ANY_PORT = 9


@dataclass(frozen=True, slots=True)
class PortUsage:
    """How many ports of one address of a logical interface are open; the range includes both ends."""

    name: str
    address: Address
    port_min: int
    port_max: int
    used: int
    free: int
    total: int


class Sockets:
    """All local media sockets; implements session.sockets.SocketPool.

    ``opener`` binds a socket (DataPlaneError if it cannot), ``closer`` closes one. ConfigError as Interfaces.
    """

    def __init__(self, specs: Sequence[InterfaceSpec], aliases: Mapping[str, str], random: Shuffler,
                 opener: Callable[[Endpoint], None], closer: Callable[[Endpoint], None],
                 clock: Callable[[], float] = time.monotonic):
        taken: dict[Address, set[int]] = {}
        self._pools: dict[InterfaceSpec, PortPool] = {}
        self._by_place: dict[tuple[str, Address], PortPool] = {}
        self._owners: dict[Endpoint, PortPool] = {}
        shared: dict[tuple[Address, int, int, frozenset[int]], PortPool] = {}
        for spec in specs:
            key = (spec.address, spec.port_min, spec.port_max, spec.exclude_ports)
            if key not in shared:
                ports = [port for port in range(spec.port_min, spec.port_max + 1) if port not in spec.exclude_ports]
                shared[key] = PortPool(spec.address, ports, random, opener, closer, clock,
                                       taken.setdefault(spec.address, set()))
            self._pools[spec] = shared[key]
            self._by_place.setdefault((spec.name, spec.address), shared[key])
        self._interfaces = Interfaces(specs, aliases, lambda spec: self._pools[spec].free > 0)
        self._places = {id(spec): place_of(spec) for spec in specs}

    def knows(self, name: str) -> bool:
        """Whether an interface can be asked for by this name."""
        return self._interfaces.knows(name)

    def select(self, name: str | None, family: int, current: str | None) -> Place:
        """The address to use, see Interfaces.select."""
        return self._places[id(self._interfaces.select(name, family, current))]

    def places(self, interface: str) -> list[Place]:
        """The addresses of an interface in the order of the configuration."""
        return [self._places[id(spec)] for spec in self._pools if spec.name == interface]

    def facing(self, peer: Address) -> str | None:
        """The first interface with the address that the host would send to ``peer`` from; None without a route."""
        family = socket.AF_INET if peer.family == 4 else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((str(peer), _ANY_PORT))  # sends nothing, but looks for a route
                local = Address.parse(probe.getsockname()[0])
        except OSError:
            return None
        return next((spec.name for spec in self._pools if spec.address == local), None)

    def allocate(self, place: Place, count: int) -> tuple[Endpoint, ...]:
        """Open one socket at ``place``, or an even number from an even port on. PeerError if there are none."""
        pool = self._by_place[place.interface, place.address]
        opened = pool.allocate(count)
        for endpoint in opened:
            self._owners[endpoint] = pool
        return opened

    def claim(self, interface: str, address: Address, ports: tuple[int, ...]) -> tuple[Place, tuple[Endpoint, ...]]:
        """Open just these ports, see persist.sockets.Claims."""
        places = [place for place in self.places(interface) if place.address.family == address.family]
        place = next((each for each in places if each.address == address), places[0] if places else None)
        if place is None:
            raise PeerError(f"No interface {interface[:64]!r} has an address such as {address}")
        pool = self._by_place[place.interface, place.address]
        opened = pool.claim(ports)
        for endpoint in opened:
            self._owners[endpoint] = pool
        return place, opened

    def release(self, endpoint: Endpoint) -> None:
        """Close a socket that no engine needs any more; one that is not open is ignored."""
        pool = self._owners.pop(endpoint, None)
        if pool is not None:
            pool.release(endpoint)

    @property
    def open(self) -> int:
        """Number of open sockets."""
        return len(self._owners)

    def usage(self) -> list[PortUsage]:
        """The addresses in the order of the configuration."""
        return [PortUsage(spec.name, spec.address, spec.port_min, spec.port_max, pool.used, pool.free, pool.total)
                for spec, pool in self._pools.items()]
