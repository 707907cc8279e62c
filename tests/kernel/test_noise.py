# SPDX-License-Identifier: GPL-3.0-or-later
"""What the storms are made of, before they are let loose in a guest."""
import random
import struct

import pytest

from tests.kernel.debug.build import dropped
from tests.kernel.guest import abi, noise, shapes


@pytest.mark.parametrize("kind", ["right", "spoiled"])
def test_frames_that_hold(kind: str) -> None:
    """Batch and records fit together, so that what is wrong lies inside of records."""
    dice = random.Random(1)
    for _ in range(300):
        raw = noise.KINDS[kind](dice)
        magic, version, count, length, reserved = struct.unpack_from("<IHHII", raw)
        assert (magic, version, length, reserved) == (abi.MAGIC, abi.VERSION, len(raw), 0)
        assert len(noise.records_of(raw)) == count


def test_frames_that_break() -> None:
    """Most of the broken batches are not what they say, and rubbish never has two records."""
    dice = random.Random(1)
    batches = [noise.broken(dice) for _ in range(300)]
    assert sum(struct.unpack_from("<8xI", b.ljust(12, b"\0"))[0] != len(b) for b in batches) > 100
    assert len({noise.rubbish(dice) for _ in range(100)}) > 50


def test_all_commands_occur() -> None:
    """A storm tries everything that a daemon may write."""
    dice = random.Random(1)
    seen = {command for _ in range(300) for command, _ in noise.records_of(noise.right(dice))}
    assert seen == set(range(abi.ADD, abi.PACKET + 1))


def test_damage_is_seen() -> None:
    """Any changed byte of a payload, and any missing one."""
    dice = random.Random(1)
    for size in (5, 16, 172, 1472, None):
        data = shapes.payload(dice, size)
        assert shapes.intact(data) and (size is None or len(data) == size)
        for at in range(0, len(data), 7):
            assert not shapes.intact(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        assert not shapes.intact(data[:-1]) or len(data) == 5


def test_checksums() -> None:
    """The sum over a right datagram is zero (RFC 1071); IPv6's pseudo header is not IPv4's."""
    link = shapes.PLAIN
    for family in (4, 6):
        body = shapes.udp(family, link, 30000, b"odd")
        assert shapes.fold(shapes.pseudo(family, link.there(family), link.here(family), len(body)) + body) == 0
    assert shapes.fold(shapes.ip4("10.0.0.1", "10.0.0.2", b"x", options=b"\7\7")[:24]) == 0


def test_fragment_of_a_kernel_that_lacks_something() -> None:
    """Options that a configuration dropped are named; one that is off may be absent altogether."""
    fragment = "# a comment\nCONFIG_A=y\nCONFIG_B=y\n# CONFIG_C is not set\n# CONFIG_D is not set\n"
    config = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_D=y\n"
    assert dropped(fragment, config) == ["CONFIG_B=y", "# CONFIG_D is not set"]
