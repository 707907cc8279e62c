# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that a data base has, and those among them that make trouble."""
from __future__ import annotations

from typing import Any

import pytest

from controlplane.errors import PeerError
from controlplane.persist.encoding import to_bytes
from controlplane.session.call import Call
from controlplane.store.reader import Reader


class Node:
    """Restores all calls but those that are called otherwise."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}

    def all_calls(self) -> dict[str, Call]:
        return self.calls

    def document(self, call: Call) -> dict[str, Any]:
        return {"ver": 1, "call_id": call.call_id}

    def restore(self, document: Any, foreign: bool = False) -> Call:
        call_id = document["call_id"]
        if call_id == "refused":
            raise PeerError("Port 192.0.2.1 30000 is not to be had")
        if call_id == "odd":
            raise KeyError("something")
        call = self.calls[call_id] = Call(call_id, 1.0, "127.0.0.1:9", 1.0, 0)
        call.foreign = foreign
        return call

    def end(self, calls: list[Call]) -> None:
        for call in calls:
            del self.calls[call.call_id]


@pytest.mark.parametrize("foreign", [False, True])
def test_a_call_that_makes_trouble_ends_no_other(foreign: bool, caplog: pytest.LogCaptureFixture) -> None:
    node, restored = Node(), []
    reader = Reader(node, restored.append)
    for call_id in ("c1", "refused", "odd", "c2"):
        reader.take(call_id, to_bytes({"ver": 1, "call_id": call_id}), 3, foreign=foreign)
    reader.take("other", to_bytes({"ver": 1, "call_id": "c1"}), 3, foreign=foreign)
    reader.take("nonsense", b"\x00", 3, foreign=foreign)
    assert list(node.calls) == [call.call_id for call in restored] == ["c1", "c2"] and reader.failed == 4
    assert [(call.foreign, call.hosted_db) for call in restored] == [(foreign, 3)] * 2
    assert "'refused' of data base 3 cannot be restored: Port 192.0.2.1 30000 is not to be had" in caplog.text
    assert "'odd' of data base 3 cannot be restored\n" in caplog.text and "KeyError" in caplog.text
