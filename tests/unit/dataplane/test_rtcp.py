# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of RTCP: everything that comes is read once, and forwarded once."""
from __future__ import annotations

import pytest

from controlplane.dataplane.interception import Interception, name_of
from controlplane.dataplane.ledger import Addition, Ledger
from controlplane.dataplane.rtcp import CALL, Arrival, RtcpTap
from controlplane.errors import DataPlaneError
from controlplane.events import WantedTarget
from tests.unit.dataplane.rig import Rig, rtcp, rtp, to, wait


@pytest.mark.parametrize("family", [4, 6])
def test_copies(family: int) -> None:
    with Rig() as rig:
        tap = RtcpTap(rig.relay)
        ledger = Ledger(rig.relay, tap.index)
        a, b = rig.peer(family), rig.peer(family)
        forwarding, consuming, opaque, silent, far = (rig.local(family) for _ in range(5))
        assert not ledger.add([
            Addition(WantedTarget(forwarding, to(far, b), to(far, b))), Addition(WantedTarget(consuming, to(far, b))),
            Addition(WantedTarget(opaque, to(far, b), is_rtp=False)), Addition(WantedTarget(silent, discard=True))])
        for local in (silent, forwarding, consuming, opaque):
            a.send(rtp(1), local)
            a.send(rtcp(200), local)
            a.send(rtcp(206), local)
        assert len(b.receive(7)) == 7 and not b.receive(1, 0.1)
        found: list[Arrival] = []
        assert wait(lambda: bool(found.extend(tap.read(100)) or len(found) >= 4))
        assert sorted(found) == sorted(
            Arrival(local, rtcp(kind), a.endpoint) for local in (forwarding, consuming) for kind in (200, 206))
        assert not tap.ended


def test_limit_and_end() -> None:
    with Rig() as rig:
        tap = RtcpTap(rig.relay)
        local = rig.local()
        Ledger(rig.relay, tap.index).add([Addition(WantedTarget(local))])
        a = rig.peer()
        for _ in range(5):
            a.send(rtcp(), local)
        assert wait(lambda: rig.counters(local).packets == 5)
        assert [len(list(tap.read(most))) for most in (2, 2, 2, 2)] == [2, 2, 1, 0]
        tap.close()
        tap.close()


def test_one_that_a_killed_process_left_is_no_obstacle() -> None:
    with Rig() as rig:
        taps = [RtcpTap(rig.relay) for _ in range(3)]
        assert len({tap.index for tap in taps}) == 3
        for tap in taps:
            tap.close()
        assert Interception(rig.relay).add_call(CALL) is None, "its name is still taken"


def test_too_many_left() -> None:
    with Rig() as rig:
        with pytest.raises(DataPlaneError, match=CALL):
            for _ in range(100):
                RtcpTap(rig.relay)


def test_no_call_has_its_name() -> None:
    assert name_of(CALL) != CALL
