# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports read real calls."""
from __future__ import annotations

from controlplane.events import Counters, StreamStats
from controlplane.report import census, counters, detail, model

from controlplane.session.call import Call
from tests.unit.session.calls import START, Daemon, sdp


def as_reported(call: Call) -> model.Call:
    return call


def test_block_and_counts() -> None:
    daemon = Daemon()
    statistics = counters.Statistics(START)
    daemon.calls.observer = statistics
    daemon.offer(sdp(), label="alice")
    daemon.answer(sdp("198.51.100.20", 42000))
    local = daemon.local("A")
    daemon.calls.update_stats({local: StreamStats(user_in=Counters(10, 1720, 0, START + 1))}, START + 1)
    text = detail.block(as_reported(daemon.call), START + 2)
    assert "--- Tag 'A', type: FROM_TAG, label 'alice'" in text
    assert "subscribed to media with monologue tag 'B' (index: 1)" in text
    assert "------ Media #1 (audio over RTP/AVP)" in text and f"{V4_PORT.format(local)} <>" in text
    gauges = census.count_sessions(daemon.calls.calls.values(), START + 2)
    assert (gauges.own, gauges.ipv4, gauges.user_streams) == (1, 1, 1)
    daemon.send("delete", delete_delay=0)
    assert statistics.ended["REGULAR"] == 1 and statistics.one_way == 1


def test_duration_counts_from_the_last_message_of_the_party() -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    daemon.now += 10
    daemon.offer(sdp(), to_tag="B")
    daemon.now += 5
    for tag, duration in (("A", 5), ("B", 15)):
        assert f"callduration {duration}.000000\n" in detail.party_block(
            as_reported(daemon.call), daemon.party(tag), daemon.now)


V4_PORT = "{0.address!s:>15}:{0.port:<5}"
