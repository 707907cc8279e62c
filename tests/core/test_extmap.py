# SPDX-License-Identifier: GPL-3.0-or-later
"""Header extensions of all kinds, edited by the core and by a second implementation that knows no memory."""
from __future__ import annotations

import random
import struct
import subprocess
from dataclasses import dataclass

from tests.core import build

CASES = 30000
ONE_BYTE, TWO_BYTE = 0xBEDE, 0x1000


@dataclass(frozen=True)
class Case:
    """A packet, the ids that may stay (None: all), the MID to be put in (None: none), the room behind the packet."""

    packet: bytes
    allowed: frozenset[int] | None
    mid: tuple[int, bytes] | None
    room: int

    def pack(self) -> bytes:
        """As edit.c reads it."""
        bits = sum(1 << number for number in self.allowed or ())
        number, text = self.mid or (0, b"")
        return (struct.pack("!H?", self.room, self.allowed is not None) + bits.to_bytes(32, "little")
                + bytes((number, len(text))) + text + struct.pack("!H", len(self.packet)) + self.packet)


def elements(profile: int, data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """The elements (section 4.2, 4.3), and whether all of data is accounted for."""
    found = []
    while data := data.lstrip(b"\0"):
        if profile == ONE_BYTE:
            number, length, data = data[0] >> 4, (data[0] & 15) + 1, data[1:]
            if number in (0, 15):
                return found, False
        else:
            if len(data) < 2:
                return found, False
            number, length, data = data[0], data[1], data[2:]
        if length > len(data):
            return found, False
        found.append((number, data[:length]))
        data = data[length:]
    return found, True


def write(profile: int, wanted: list[tuple[int, bytes]]) -> bytes:
    """An extension header with these elements; nothing if there are none."""
    if not wanted:
        return b""
    if profile == ONE_BYTE:
        data = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in wanted)
    else:
        data = b"".join(bytes((number, len(value))) + value for number, value in wanted)
    data += bytes(-len(data) % 4)
    return struct.pack("!HH", profile, len(data) // 4) + data


def edited(case: Case) -> bytes | None:
    """What the packet becomes; None: there is no room."""
    packet = case.packet
    start = 12 + 4 * (packet[0] & 15)
    profile, end = ONE_BYTE, start
    found: list[tuple[int, bytes]] = []
    whole = True
    if packet[0] & 16:
        profile, words = struct.unpack_from("!HH", packet, start)
        end = start + 4 + 4 * words
        if profile != ONE_BYTE and profile & 0xFFF0 != TWO_BYTE:
            return packet
        found, whole = elements(profile, packet[start + 4:end])
    kept = [each for each in found if (case.allowed is None or each[0] in case.allowed)
            and (case.mid is None or each[0] != case.mid[0])]
    if case.mid is None and whole and kept == found and (kept or end == start):
        return packet
    if case.mid is not None:
        kept.insert(0, case.mid)
        if profile == ONE_BYTE and (case.mid[0] > 14 or len(case.mid[1]) > 16):
            profile = TWO_BYTE
    header = write(profile, kept)
    first = packet[0] & ~16 | (16 if header else 0)
    result = bytes((first,)) + packet[1:start] + header + packet[end:]
    return result if len(result) <= len(packet) + case.room else None


def some_data(dice: random.Random, two_byte: bool) -> bytes:
    """The inside of an extension: elements, padding, and now and then nonsense."""
    data = b""
    for _ in range(dice.choice((0, 1, 2, 3, 5, 9))):
        if dice.random() < 0.1:
            data += dice.choice((b"\0", b"\0\0\0", b"\xf0", b"\x05", dice.randbytes(3)))
        number = dice.choice((1, 2, 3, 4, 14, *((15, 16, 200, 255) if two_byte else ())))
        length = dice.choice((1, 2, 4, 16, *((0, 17, 60) if two_byte else ())))
        head = bytes((number, length)) if two_byte else bytes((number << 4 | length - 1,))
        data += head + dice.randbytes(length)
    if dice.random() < 0.15:
        data = data[:dice.randrange(len(data) + 1)]
    return data if dice.random() < 0.95 else dice.randbytes(len(data))


def some_case(dice: random.Random) -> Case:
    sources = dice.choice((0, 0, 0, 1, 15))
    first, extension = 0x80 | sources, b""
    if dice.random() < 0.9:
        profile = dice.choice((ONE_BYTE, ONE_BYTE, TWO_BYTE, TWO_BYTE | dice.randrange(16), 0xC0DE, 0x1234))
        data = some_data(dice, profile & 0xFFF0 == TWO_BYTE)
        data += bytes(-len(data) % 4)
        first |= 16
        extension = struct.pack("!HH", profile, len(data) // 4) + data
    packet = (struct.pack("!BBHII", first, 96, 1, 2, 3) + dice.randbytes(4 * sources) + extension
              + dice.randbytes(dice.choice((0, 1, 20, 160))))
    allowed = frozenset(dice.sample((1, 2, 3, 4, 14, 15, 16, 200, 255), dice.randrange(10)))
    mid = (dice.choice((1, 4, 14, 16, 255)), dice.randbytes(dice.choice((1, 2, 16, 17, 255))))
    return Case(packet, allowed if dice.random() < 0.7 else None, mid if dice.random() < 0.7 else None,
                dice.choice((0, 3, 8, 24, 300, 600)))


def test_edits_agree() -> None:
    """Tens of thousands of headers come out the same, byte for byte."""
    dice = random.Random(8285)
    cases = [some_case(dice) for _ in range(CASES)]
    binary = build.compiled("edit", [build.HERE / "edit.c", *build.SUPPORT], build.MEMORY_CHECKED)
    run = subprocess.run([binary], input=b"".join(case.pack() for case in cases), capture_output=True, timeout=400)
    assert run.returncode == 0, run.stderr.decode()
    at = 0
    kinds = {"unchanged": 0, "no room": 0, "shorter": 0, "longer": 0}
    for case in cases:
        (length,) = struct.unpack_from("!H", run.stdout, at)
        at += 2
        got = None if length == 65535 else run.stdout[at:at + length]
        at += 0 if got is None else length
        assert got == edited(case), case
        kinds["no room" if got is None else "unchanged" if got == case.packet else
              "shorter" if len(got) < len(case.packet) else "longer"] += 1
    assert at == len(run.stdout)
    assert min(kinds.values()) > CASES // 50, kinds
