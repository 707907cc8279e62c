# SPDX-License-Identifier: GPL-3.0-or-later
"""Any call written and restored is the same, whatever has happened in it; no document does any harm."""
from __future__ import annotations

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.errors import PeerError
from controlplane.events import KeyIndex
from controlplane.persist.document import read_call, write_call
from controlplane.persist.encoding import BENCODE, JSON, from_bytes, to_bytes
from tests.property.session.test_calls import STEPS, check, perform
from tests.unit.persist.daemons import around, restored
from tests.unit.session.calls import Daemon, spec
from tests.unit.targets import changed

MOST = int(os.environ.get("RTPENGINE_PERSIST_EXAMPLES", "60"))
INDICES = st.lists(st.builds(KeyIndex, st.booleans(), st.binary(min_size=1, max_size=46), st.integers(0, 2**32 - 1),
                             st.integers(0, 2**48), st.integers(0, 2**31)), max_size=3).map(tuple)
JUNK = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3))


def run(daemon: Daemon, steps: list[Any]) -> None:
    for step in steps:
        perform(daemon, step)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two documents differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [found for key in {**one, **other}
                for found in differences(one.get(key), other.get(key), f"{path}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for n, pair in enumerate(zip(one, other)) for found in differences(*pair, f"{path}/{n}")]
    return [] if one == other else [f"{path}: {one!r} or {other!r}"]


def other_daemon(daemon: Daemon) -> Daemon:
    other = Daemon(*daemon.specs)
    other.now = daemon.now
    return other


@settings(max_examples=MOST, deadline=None)
@given(STEPS, INDICES, st.sampled_from([JSON, BENCODE]))
def test_restored_calls_are_the_same(steps, indices, format):
    daemon = Daemon(spec("default", "203.0.113.5"), spec("default", "2001:db8:7::5"), spec("second", "203.0.113.6"))
    run(daemon, steps)
    other = other_daemon(daemon)
    for call_id, call in daemon.calls.calls.items():
        document = write_call(call, indices)
        data = to_bytes(document, format)
        assert from_bytes(data) == document
        found = read_call(from_bytes(data), around(other))
        assert not differences(write_call(found.call, found.indices), document)
        found.call.close()
        for local in found.call.released:
            other.sockets.release(local)
    assert other.sockets.open == 0
    for call in daemon.calls.calls.values():
        restored(to_bytes(write_call(call, indices), format), other)
    check(other)
    wanted = {local: target for local, target in daemon.targets.items() if not target.discard}
    assert {local: changed(target, offload=False, learning=False, best_rank=None) for local, target in
            other.targets.items() if local in wanted} == {
        local: changed(target, offload=False, learning=False, best_rank=None) for local, target in wanted.items()}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in items for found in _places(each, (*path, key)))]


@settings(max_examples=MOST, deadline=None)
@given(STEPS, st.data())
def test_no_document_does_harm(steps, data):
    """What is wrong is a PeerError, and no socket stays open for it; what makes sense can be served."""
    daemon = Daemon()
    run(daemon, steps)
    for call in daemon.calls.calls.values():
        document = from_bytes(to_bytes(write_call(call)))
        path = data.draw(st.sampled_from(_places(document)[1:]))
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = data.draw(JUNK)
        other = other_daemon(daemon)
        try:
            restored(to_bytes(document), other)
        except PeerError:
            assert other.sockets.open == 0
        else:
            other.pass_time(100.0)


@given(st.binary(max_size=64) | JUNK.map(lambda value: repr(value).encode()))
def test_bytes_that_are_no_document(data):
    try:
        assert isinstance(from_bytes(data), dict)
    except PeerError:
        pass
