# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs, single ports, occupied ports, and the rest after a release."""
from __future__ import annotations

import errno
import random
from collections.abc import Sequence

import pytest

from controlplane.addresses import Address, Endpoint
from controlplane.errors import DataPlaneError, PeerError
from controlplane.ports.pool import QUARANTINE, PortPool

ADDRESS = Address.parse("127.0.0.1")


class Host:
    """Counts open sockets; ``occupied`` ports belong to someone else."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.occupied: set[int] = set()
        self.error = errno.EADDRINUSE
        self.attempts = 0
        self.now = 100.0

    def opener(self, endpoint: Endpoint) -> None:
        self.attempts += 1
        if endpoint.port in self.occupied:
            raise DataPlaneError(self.error, "bind")
        assert endpoint.port not in self.open
        self.open.add(endpoint.port)

    def closer(self, endpoint: Endpoint) -> None:
        self.open.remove(endpoint.port)

    def pool(self, first: int, last: int, taken: set[int] | None = None, without: tuple[int, ...] = ()) -> PortPool:
        ports = [port for port in range(first, last + 1) if port not in without]
        return PortPool(ADDRESS, ports, random.Random(1), self.opener, self.closer, lambda: self.now, taken)


def numbers(endpoints: Sequence[Endpoint]) -> list[int]:
    return [endpoint.port for endpoint in endpoints]


def test_pairs_are_even_and_next_and_in_random_order() -> None:
    host = Host()
    pool = host.pool(30000, 30099)
    pairs = [numbers(pool.allocate(2)) for _ in range(50)]
    assert all(even % 2 == 0 and odd == even + 1 for even, odd in pairs)
    assert len(host.open) == 100 == pool.used and pool.free == 0
    assert pairs != sorted(pairs)
    with pytest.raises(PeerError, match="^Ran out of ports$") as failure:
        pool.allocate(2)
    assert failure.value.detail == "100 of 100 ports of 127.0.0.1 are in use by calls"


def test_single_ports_use_up_what_pairs_leave() -> None:
    host = Host()
    pool = host.pool(30001, 30008, without=(30004,))
    assert pool.total == 7
    singles = sorted(numbers(pool.allocate(1) + pool.allocate(1) + pool.allocate(1)))
    assert singles == [30001, 30005, 30008]
    assert len({pool.allocate(1)[0].port for _ in range(4)}) == 4
    with pytest.raises(PeerError):
        pool.allocate(1)


def test_consecutive_ports() -> None:
    host = Host()
    pool = host.pool(30000, 30007)
    assert numbers(pool.allocate(6)) in ([*range(30000, 30006)], [*range(30002, 30008)])
    with pytest.raises(PeerError):
        pool.allocate(4)
    assert len(pool.allocate(2)) == 2


def test_occupied_ports_are_passed_over_and_nothing_leaks() -> None:
    host = Host()
    pool = host.pool(30000, 30005)
    host.occupied = {30001, 30002}
    assert numbers(pool.allocate(2)) == [30004, 30005]
    with pytest.raises(PeerError):
        pool.allocate(2)
    assert host.open == {30004, 30005} and pool.used == 2
    assert sorted(numbers(pool.allocate(1) + pool.allocate(1))) == [30000, 30003]
    host.occupied.clear()
    assert sorted(numbers(pool.allocate(1) + pool.allocate(1))) == [30001, 30002]


def test_other_errors_end_the_search() -> None:
    host = Host()
    pool = host.pool(30000, 30999)
    host.occupied, host.error = set(range(30000, 31000)), errno.EMFILE
    with pytest.raises(PeerError, match="^Ran out of ports$") as failure:
        pool.allocate(2)
    assert failure.value.detail == "on 127.0.0.1: bind: Too many open files"
    assert host.attempts == 1 and not host.open
    host.error = errno.EADDRINUSE
    with pytest.raises(PeerError, match="^Ran out of ports$") as failure:
        pool.allocate(2)
    assert failure.value.detail == ("0 of 1000 ports of 127.0.0.1 are in use by calls, and no 2 of the others are free "
                                    "together: other programs may have them")
    host.occupied.clear()
    assert len(pool.allocate(2)) == 2


def test_released_ports_rest() -> None:
    host = Host()
    pool = host.pool(30000, 30003)
    first = pool.allocate(2)
    for endpoint in first:
        pool.release(endpoint)
    assert not host.open and pool.free == 4
    second = pool.allocate(2)
    assert second != first
    for endpoint in second:
        pool.release(endpoint)
    host.now += QUARANTINE
    assert pool.allocate(2) == first


def test_resting_ports_are_better_than_none() -> None:
    host = Host()
    pool = host.pool(30000, 30001)
    for _ in range(3):
        for endpoint in pool.allocate(2):
            pool.release(endpoint)


def test_halves_become_pairs_again() -> None:
    host = Host()
    pool = host.pool(30000, 30003)
    for endpoint in [pool.allocate(1)[0] for _ in range(4)]:
        pool.release(endpoint)
    assert len(pool.allocate(4)) == 4


def test_overlapping_ranges_share_their_state() -> None:
    host = Host()
    taken: set[int] = set()
    one, other = host.pool(30000, 30003, taken), host.pool(30002, 30005, taken)
    for pool in (one, one, other):
        pool.allocate(2)
    assert len(host.open) == 6
    with pytest.raises(PeerError):
        other.allocate(1)
    assert host.attempts == 6


def test_many_allocations_stay_consistent() -> None:
    host, source = Host(), random.Random(3)
    pool = host.pool(30000, 30063)
    held: list[Endpoint] = []
    for _ in range(4000):
        host.now += source.random() * 5
        if held and source.random() < 0.5:
            pool.release(held.pop(source.randrange(len(held))))
            continue
        try:
            held += pool.allocate(source.choice((1, 2, 2, 4)))
        except PeerError:
            assert len(held) > 16
        assert set(numbers(held)) == host.open and pool.used == len(held) and pool.free == 64 - len(held)
    for endpoint in held:
        pool.release(endpoint)
    host.now += QUARANTINE
    assert len([pool.allocate(2) for _ in range(32)]) == 32
