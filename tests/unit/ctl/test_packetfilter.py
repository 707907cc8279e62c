# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter of a capture lets through, by an interpreter of its own; tests/netns has the kernel's."""
from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.fragments import MOST, Fragments
from ctl.packetfilter import MAX_INSTRUCTIONS, Local, TooManyPorts, program

OURS = frozenset([(ip_address("192.0.2.1"), 30000), (ip_address("192.0.2.1"), 30001), (ip_address("192.0.2.2"), 30000),
                  (ip_address("2001:db8::1"), 40000), (ip_address("2001:db8::2"), 40001)])
LOOPBACK = 1
Address = IPv4Address | IPv6Address


def runs(lines: list[bytes], packet: bytes, protocol: int, kind: int = 0, device: int = 2) -> bool:
    """Whether the packet is let through; one that is too short for a load is not."""
    beside = {0xfffff000: protocol, 0xfffff004: kind, 0xfffff008: device}
    here = accumulator = index = 0
    sizes = {0x20: 4, 0x28: 2, 0x30: 1, 0x48: 2}
    while True:
        code, yes, no, operand = struct.unpack("=HBBI", lines[here])
        here += 1
        if code in sizes:
            at = operand + (index if code == 0x48 else 0)
            if operand not in beside and at + sizes[code] > len(packet):
                return False
            accumulator = beside[operand] if operand in beside else int.from_bytes(packet[at:at + sizes[code]], "big")
        elif code == 0x01:
            index = operand
        elif code == 0xb1:
            index = 4 * (packet[operand] & 15)
        elif code == 0x54:
            accumulator &= operand
        elif code == 0x15:
            here += yes if accumulator == operand else no
        elif code == 0x05:
            here += operand
        else:
            assert code == 0x06
            return operand > 0


def packet_of(source: Local, destination: Local, *, protocol: int = 17, offset: int = 0, more: bool = False,
              options: int = 0, payload: bytes = b"x" * 20) -> tuple[bytes, int]:
    """An IP packet and its Ethernet type; ``offset`` in units of 8 octets, ``options`` in words."""
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    if source[0].version == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45 + options, 0, 20 + 4 * options + len(udp), 7, offset | more << 13, 64,
                           protocol, 0, source[0].packed, destination[0].packed) + bytes(4 * options)
        return head + udp, 0x0800
    fragment = struct.pack("!BBHI", protocol, 0, offset << 3 | more, 7) if offset or more else b""
    head = struct.pack("!IHBB16s16s", 6 << 28, len(fragment) + len(udp), 44 if fragment else protocol, 64,
                       source[0].packed, destination[0].packed)
    return head + fragment + udp, 0x86dd


ADDRESSES = st.sampled_from([ip_address(f"192.0.2.{n}") for n in range(1, 4)])
ADDRESSES6 = st.sampled_from([ip_address(f"2001:db8::{n}") for n in range(1, 4)])
PORTS = st.sampled_from([30000, 30001, 40000, 40001, 5060])
PAIRS = st.one_of(st.tuples(ADDRESSES, PORTS, ADDRESSES, PORTS), st.tuples(ADDRESSES6, PORTS, ADDRESSES6, PORTS))


@given(pair=PAIRS, protocol=st.sampled_from([17, 17, 6, 132]), offset=st.sampled_from([0, 0, 1, 185]),
       more=st.booleans(), options=st.integers(0, 10))
def test_what_is_ours_is_let_through_and_nothing_else(pair: tuple[Address, int, Address, int], protocol: int,
                                                      offset: int, more: bool, options: int) -> None:
    source, destination = pair[:2], pair[2:]
    packet, kind = packet_of(source, destination, protocol=protocol, offset=offset, more=more,
                             options=options)
    by_port = source in OURS or destination in OURS
    addresses = {address for address, _ in OURS}
    by_address = source[0] in addresses or destination[0] in addresses
    expected = protocol == 17 and (by_address if offset else by_port)
    assert runs(program(OURS, LOOPBACK), packet, kind) == expected


def test_one_family_needs_nothing_of_the_other() -> None:
    (four,) = [local for local in OURS if local == (ip_address("192.0.2.2"), 30000)]
    (six,) = [local for local in OURS if local == (ip_address("2001:db8::1"), 40000)]
    for only, local, other in ((four, four, six), (six, six, four)):
        lines = program([only])
        assert runs(lines, *packet_of(local, local)) and not runs(lines, *packet_of(other, other))
    assert not runs(program([]), *packet_of(four, four))


def test_no_other_protocol_and_no_piece_of_a_packet() -> None:
    local = (ip_address("192.0.2.1"), 30000)
    packet, kind = packet_of(local, local)
    lines = program(OURS)
    assert not runs(lines, packet, 0x0806) and not runs(lines, packet, 0x8100)
    assert not any([runs(lines, packet[:length], kind) for length in range(22)])


def test_loopback_counts_as_packets_arrive() -> None:
    local = (ip_address("192.0.2.1"), 30000)
    packet, kind = packet_of(local, local)
    lines = program(OURS, LOOPBACK)
    assert [runs(lines, packet, kind, outgoing, device) for device in (LOOPBACK, 2) for outgoing in (0, 4)] == [
        True, False, True, True]


def test_as_many_ports_as_a_filter_can_hold() -> None:
    with pytest.raises(TooManyPorts, match="1000 ports are more than a filter can hold"):
        program([(ip_address("192.0.2.1"), port) for port in range(1000)])
    lines = program([(ip_address("192.0.2.1"), port) for port in range(400)])
    assert len(lines) <= MAX_INSTRUCTIONS
    for port in (0, 399):
        local = (ip_address("192.0.2.1"), port)
        assert runs(lines, *packet_of(local, (ip_address("192.0.2.9"), 9)))
    assert not runs(lines, *packet_of((ip_address("192.0.2.1"), 400), (ip_address("192.0.2.9"), 9)))


@pytest.mark.parametrize("one, other", [(("192.0.2.1", 30000), ("192.0.2.9", 9)),
                                        (("2001:db8::1", 40000), ("2001:db8::9", 9))])
def test_fragments_follow_their_first(one: tuple[str, int], other: tuple[str, int]) -> None:
    source, destination = ((ip_address(address), port) for address, port in (one, other))
    fragments = Fragments()

    def belongs(back: bool = False, **keys: int) -> bool:
        ends = (destination, source) if back else (source, destination)
        return fragments.belongs(memoryview(packet_of(*ends, **keys)[0]))  # type: ignore[arg-type]
    assert belongs() and not belongs(offset=1, more=True) and fragments.early == 1
    assert belongs(more=True) and belongs(offset=1, more=True) and belongs(offset=185)
    assert not belongs(back=True, offset=185) and fragments.early == 2


def test_fragments_are_forgotten() -> None:
    fragments = Fragments()
    for number in range(MOST + 1):
        source = (ip_address("10.0.0.0") + number, 9)
        assert fragments.belongs(memoryview(packet_of(source, source, more=True)[0]))
    for number, known in ((0, False), (1, True), (MOST, True)):
        source = (ip_address("10.0.0.0") + number, 9)
        assert fragments.belongs(memoryview(packet_of(source, source, offset=9)[0])) == known
