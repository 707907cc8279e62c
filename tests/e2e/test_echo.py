# SPDX-License-Identifier: GPL-3.0-or-later
"""What a party hears that is sent its own packets back (ng ``media echo``)."""
from __future__ import annotations

from contextlib import closing

import pytest

from tests.peers import rtcp
from tests.peers.call import Call
from tests.peers.daemon import Daemon
from tests.peers.rtp import Endpoint, pump

pytestmark = pytest.mark.e2e


def test_an_echo_comes_from_somebody_else() -> None:
    with Daemon() as daemon, daemon.client() as client, closing(Endpoint()) as a, closing(Endpoint()) as b:
        call = Call(client, a, b)
        call.offer(**{"media-echo": "both"})
        call.answer()
        for n in range(50):
            for end in (a, b):
                end.send(b"%d" % n)
            pump((a, b), 0.01)
        for end in (a, b):
            end.send_report()
        assert pump((a, b), 20.0, lambda: all(len(end.payloads()) == 50 and end.compounds for end in (a, b)))
        for end in (a, b):
            assert end.payloads() == [b"%d" % n for n in range(50)]
            (heard,) = end.sources
            assert heard != end.ssrc
            (report,) = rtcp.reports(end.compounds[0])
            assert report.ssrc == heard, "reports come from whom the media come from"
            assert [block.ssrc for block in report.blocks] == [end.ssrc], "and tell of what we sent"
