# SPDX-License-Identifier: GPL-3.0-or-later
"""Reserved ports: what others have reserved stays, and the kernel takes what is written."""
from __future__ import annotations

import logging
from pathlib import Path

import pytest

from controlplane.ports.reserved import PATH, reserve
from tests.peers.netns import Namespace, available

MEDIA = [(30000, 39999)]


@pytest.mark.parametrize("present, wanted, after", [
    ("\n", MEDIA, "30000-39999"), ("5,60000-60010\n", MEDIA, "5,30000-39999,60000-60010"),
    ("8080,29999,35000-45000\n", MEDIA, "8080,29999-45000"), ("30000-39999\n", MEDIA, None), ("1-65535\n", MEDIA, None),
    ("\n", [(50000, 50999), (40000, 40000), (40000, 40000), (50500, 51000)], "40000,50000-51000"),
    ("1,2,3,30000-39999\n", [(40000, 40001)], "1-3,30000-40001"), ("7,8\n", [], None)])
def test_added_to_what_is_there(tmp_path: Path, present: str, wanted: list[tuple[int, int]], after: str | None) -> None:
    path = tmp_path / "ports"
    path.write_text(present)
    reserve(wanted, str(path))
    assert path.read_text() == (present if after is None else after)


def test_one_that_is_not_to_be_written_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reserve(MEDIA, str(tmp_path / "absent"))
    full = tmp_path / "full"
    full.write_text(",".join(str(port) for port in range(1, 3000, 2)))
    before = full.read_text()
    reserve(MEDIA, str(full))
    assert full.read_text() == before, "what the kernel would take in two steps is left alone"
    assert [(record.levelno, record.getMessage().partition(": ")[0]) for record in caplog.records] == [
        (logging.WARNING, "Cannot reserve ports 30000-39999")] * 2


@pytest.mark.skipif(bool(available()), reason=available())
def test_the_kernel_takes_it() -> None:
    with Namespace("reserved") as namespace:
        def inside() -> str:
            Path(PATH).write_text("8080,8090-8099,50000")
            reserve(MEDIA)
            reserve([(40000, 40009)])
            return Path(PATH).read_text()
        assert namespace.inside(inside) == "8080,8090-8099,30000-40009,50000\n"
