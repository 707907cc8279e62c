# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that one process leaves to the next one by a file."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controlplane.handover import leave_calls, take_calls
from controlplane.persist.encoding import to_bytes
from controlplane.proxy import Proxy
from tests.unit.test_proxy import Bench


@pytest.fixture
def benches() -> Iterator[list[Bench]]:
    """Two proxies, of which the second begins when the first has ended."""
    made = [Bench(), Bench()]
    made[1].ends = made[0].ends
    yield made
    for each in made:
        each.relay.shutdown()
    for end in made[0].ends.values():
        end.close()


def test_the_next_process_goes_on(benches: list[Bench], tmp_path: Path) -> None:
    first, second = benches
    ports = first.establish()
    for sender, port in ports.items():
        first.send(sender, port, 5)
    path = tmp_path / "flows"
    assert leave_calls(first.proxy, path) == 1
    assert path.stat().st_mode & 0o777 == 0o600 and list(tmp_path.iterdir()) == [path]
    first.relay.shutdown()
    assert take_calls(second.proxy, path) == 1 and not path.exists()
    second.proxy.all_restored()
    for sender, port in ports.items():
        second.send(sender, port, 5, 5)
    reply = second.ask("query")
    assert reply["result"] == "ok" and reply["totals"]["RTP"]["packets"] == 20
    assert second.ask("delete", from_tag="a")["result"] == "ok"
    assert take_calls(second.proxy, path) == 0, "a file holds only once"


def test_what_cannot_be_read_is_left_out(benches: list[Bench], tmp_path: Path,
                                         caplog: pytest.LogCaptureFixture) -> None:
    first, second = benches
    first.establish()
    path = tmp_path / "flows"
    leave_calls(first.proxy, path)
    first.relay.shutdown()
    good = path.read_bytes()
    path.write_bytes(b"{\n" + good + good + b'{"ver": 99}\n')
    assert take_calls(second.proxy, path) == 1
    assert caplog.text.count("A call of the process before is lost") == 3
    assert "is lost, 'c': " in caplog.text
    path.mkdir()
    assert take_calls(second.proxy, path) == 0 and "are lost" in caplog.text


def test_a_fault_in_reading_one_call_ends_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    taken = []

    def restore(document: dict[str, Any]) -> None:
        if document["call_id"] == "odd":
            raise KeyError("something")
        taken.append(document["call_id"])
    path = tmp_path / "flows"
    path.write_bytes(b"".join(to_bytes({"ver": 1, "call_id": name}) + b"\n" for name in ("odd", "c1", "c2")))
    assert take_calls(cast(Proxy, SimpleNamespace(restore=restore)), path) == 2 == len(taken)
    assert "is lost, 'odd'" in caplog.text and "KeyError" in caplog.text


def test_a_call_that_cannot_be_written_ends_no_other(benches: list[Bench], tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch,
                                                     caplog: pytest.LogCaptureFixture) -> None:
    first, _ = benches
    first.establish()
    monkeypatch.setattr(first.proxy, "document", lambda call: 1 / 0)
    assert leave_calls(first.proxy, tmp_path / "flows") == 0
    assert "Call c is not handed on" in caplog.text


def test_an_older_attempt_is_no_obstacle_and_no_way_in(benches: list[Bench], tmp_path: Path) -> None:
    first, _ = benches
    first.establish()
    target = tmp_path / "other"
    (tmp_path / "flows.part").symlink_to(target)
    assert leave_calls(first.proxy, tmp_path / "flows") == 1
    assert not target.exists()
