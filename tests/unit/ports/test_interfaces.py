# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the local address."""
from __future__ import annotations

import pytest

from controlplane.errors import ConfigError
from controlplane.ports.interfaces import Interfaces, place_of
from tests.unit.session.calls import spec

INT4, INT6 = spec("int", "10.0.0.1"), spec("int", "2001:db8::1")
EXT4, EXT4B, EXT6 = spec("ext", "192.0.2.1"), spec("ext", "192.0.2.2"), spec("ext", "2001:db8::2")


def interfaces(*specs, aliases=None, full=()):  # type: ignore[no-untyped-def]
    return Interfaces(specs or (INT4, INT6, EXT4, EXT4B, EXT6), aliases or {}, lambda each: each not in full)


@pytest.mark.parametrize("name, family, current, expected", [
    (None, 4, None, INT4), (None, 6, None, INT6), ("ext", 4, None, EXT4), ("ext", 6, None, EXT6),
    (None, 4, "ext", EXT4), ("int", 4, "ext", INT4), ("public", 4, None, EXT4), ("nobody", 4, None, INT4),
    ("nobody", 4, "ext", EXT4), ("internal", 6, None, INT4), ("external", 4, None, INT6), (None, 4, "gone", INT4),
])
def test_select(name: str | None, family: int, current: str | None, expected: object) -> None:
    assert interfaces(aliases={"public": "ext"}).select(name, family, current) == expected


def test_missing_family() -> None:
    assert interfaces(INT4, EXT6).select(None, 6, None) == EXT6
    assert interfaces(INT4, EXT6).select(None, 6, "int") == EXT6
    assert interfaces(INT4, EXT6).select("int", 6, None) == INT4
    assert interfaces(INT4, EXT4).select("ext", 6, None) == EXT4


def test_round_robin() -> None:
    members = [spec(f"g:{number}", f"10.0.0.{number}") for number in range(3)]
    group = interfaces(*members)
    assert [group.select("g", 4, None) for _ in range(4)] == [*members, members[0]]
    assert group.select(None, 4, None) == members[1]
    assert group.select("g", 4, "g:2") == members[2]
    assert group.select("g:0", 4, "g:2") == members[0]
    assert interfaces(*members, full=members[:2]).select("g", 4, None) == members[2]
    assert interfaces(*members, full=members).select("g", 4, None) == members[0]


def test_configuration_errors() -> None:
    with pytest.raises(ConfigError, match="without any configured interfaces"):
        Interfaces([], {}, lambda each: True)
    with pytest.raises(ConfigError, match="alias"):
        interfaces(aliases={"a": "nowhere"})


def test_advertised_address() -> None:
    place = place_of(spec("x", "10.0.0.1", "203.0.113.9"))
    assert (place.interface, str(place.address), str(place.advertised)) == ("x", "10.0.0.1", "203.0.113.9")
