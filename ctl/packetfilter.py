# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter for the host's kernel (classic BPF) that lets through the UDP packets of some sockets, and nothing else.

It sees packets from their IP header on. Fragments behind the first have no ports: those to and from the same addresses
come along, and fragments.py sorts them out.
"""
from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from itertools import count
from typing import Union

Local = tuple[Union[IPv4Address, IPv6Address], int]
"""Address and UDP port of a socket."""
MAX_INSTRUCTIONS = 4096
_ATTACH = 26  # SO_ATTACH_FILTER
_WHOLE = 0x40000
_INSTRUCTION = struct.Struct("=HBBI")

# linux/bpf_common.h: loads of 4, 2 and 1 octets at an offset, of 2 behind X; X from a number, and from an IPv4 header
_LD_W, _LD_H, _LD_B, _LD_H_X, _LDX, _LDX_HEADER = 0x20, 0x28, 0x30, 0x48, 0x01, 0xb1
_AND, _JEQ, _JA, _RET = 0x54, 0x15, 0x05, 0x06
# linux/filter.h: offsets of what is in no packet
_PROTOCOL, _PACKET_TYPE, _DEVICE = 0xfffff000, 0xfffff004, 0xfffff008
_IPV4, _IPV6, _UDP, _FRAGMENT, _OUTGOING = 0x0800, 0x86dd, 17, 44, 4

Item = Union[str, tuple[int, int], tuple[int, int, str, str]]
"""A label; an instruction with its operand; one with two labels to go to, of which the empty one is the next line."""


class TooManyPorts(Exception):
    """No filter can hold so many."""


def program(locals_: Iterable[Local], loopback: int | None = None) -> list[bytes]:
    """The instructions. Packets on the device ``loopback`` are seen twice, and count as they arrive. TooManyPorts."""
    every = sorted(set(locals_), key=str)
    items: list[Item] = []
    if loopback is not None:
        items += [(_LD_W, _DEVICE), (_JEQ, loopback, "", "once"),
                  (_LD_W, _PACKET_TYPE), (_JEQ, _OUTGOING, "drop", "once")]
    items += ["once", (_LD_W, _PROTOCOL), (_JEQ, _IPV4, "ipv4", ""), (_JEQ, _IPV6, "go on", "drop"),
              "drop", (_RET, 0), "go on", (_JA, 0, "ipv6", ""),
              *_ipv4([local for local in every if local[0].version == 4]),
              *_ipv6([local for local in every if local[0].version == 6])]
    lines = _assembled(items)
    if len(lines) > MAX_INSTRUCTIONS:
        raise TooManyPorts(f"{len(every)} ports are more than a filter can hold")
    return lines


def attach(sock: socket.socket, lines: list[bytes]) -> None:
    """Have ``sock`` receive only what the program takes, from now on. OSError."""
    code = ctypes.create_string_buffer(b"".join(lines))
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH, struct.pack("@HP", len(lines), ctypes.addressof(code)))


def _ipv4(locals_: list[Local]) -> Iterator[Item]:
    """RFC 791: fragment offset in octet 6, protocol in 9, addresses in 12 and 16."""
    yield from ("ipv4", (_LD_B, 9), (_JEQ, _UDP, "", "drop 4"), (_LD_H, 6), (_AND, 0x1fff), (_JEQ, 0, "ports 4", ""),
                (_JA, 0, "rest 4", ""), "drop 4", (_RET, 0), "ports 4", (_LDX_HEADER, 0))
    yield from _matching(locals_, "rest 4", 12, 16)


def _ipv6(locals_: list[Local]) -> Iterator[Item]:
    """RFC 8200: next header in octet 6, addresses in 8 and 24; a fragment header (8 octets) is the only one known."""
    yield from ("ipv6", (_LD_B, 6), (_JEQ, _UDP, "whole", ""), (_JEQ, _FRAGMENT, "", "drop 6"),
                (_LD_B, 40), (_JEQ, _UDP, "", "drop 6"), (_LD_H, 42), (_AND, 0xfff8), (_JEQ, 0, "first", ""),
                (_JA, 0, "rest 6", ""), "drop 6", (_RET, 0),
                "first", (_LDX, 48), (_JA, 0, "ports 6", ""), "whole", (_LDX, 40), "ports 6")
    yield from _matching(locals_, "rest 6", 8, 24)


def _matching(locals_: list[Local], rest: str, source: int, destination: int) -> Iterator[Item]:
    """Take what comes from one of the sockets or goes there; from the label ``rest`` on by the address alone."""
    labels = count()
    for address, port in locals_:
        for at, behind in ((source, 0), (destination, 2)):
            other = f"{rest} {next(labels)}"
            yield from _comparing(address, at, other)
            yield from ((_LD_H_X, behind), (_JEQ, port, "", other), (_RET, _WHOLE), other)
    yield from ((_RET, 0), rest)
    for address in sorted({local[0] for local in locals_}, key=str):
        for at in (source, destination):
            other = f"{rest} {next(labels)}"
            yield from _comparing(address, at, other)
            yield from ((_RET, _WHOLE), other)
    yield (_RET, 0)


def _comparing(address: IPv4Address | IPv6Address, at: int, other: str) -> Iterator[Item]:
    for number in range(0, len(address.packed), 4):
        yield (_LD_W, at + number)
        yield (_JEQ, int.from_bytes(address.packed[number:number + 4], "big"), "", other)


def _assembled(items: Iterable[Item]) -> list[bytes]:
    places: dict[str, int] = {"": 0}
    lines: list[tuple[int, int, str, str]] = []
    for item in items:
        if isinstance(item, str):
            places[item] = len(lines)
        else:
            lines.append((*item, "", "") if len(item) == 2 else item)
    found = []
    for here, (code, operand, yes, no) in enumerate(lines, 1):
        then, otherwise = (places[label] - here if label else 0 for label in (yes, no))
        found.append(_INSTRUCTION.pack(code, 0, 0, then) if code == _JA else
                     _INSTRUCTION.pack(code, then, otherwise, operand))
    return found
