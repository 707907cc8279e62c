# SPDX-License-Identifier: GPL-3.0-or-later
"""What Graphite gets, and that nobody waits for it."""
from __future__ import annotations

import asyncio
import socket
import time

from controlplane.events import Counters
from controlplane.exports import graphite
from controlplane.exports.outlet import Outlet
from controlplane.exports.reporter import Reporter
from controlplane.report.interval import Interval
from tests.peers.collector import Collector, wait
from tests.peers.ports import free_port
from tests.unit.report.fakes import NOW, FakePorts
from tests.unit.report.test_totals import snapshot


def values(text: str) -> dict[str, str]:
    return {line.split()[0]: line.split()[1] for line in text.splitlines()}


def test_an_interval() -> None:
    state = snapshot()
    state.sessions.own, state.sessions.begun = 2, 2 * NOW - 30  # 10 s and 20 s old
    before = graphite.totals(state)
    state.now += 5
    state.statistics.traffic.kernel += Counters(50, 8600, 1)
    state.statistics.ended["FORCED"] += 2
    state.statistics.managed += 2
    for seconds in (1.0, 3.0):
        state.statistics.duration.add(seconds)
    interval = Interval()
    interval.request("start recording", 0.002)
    interval.look(7, 1.0)
    text = "".join(graphite.lines(state, before, interval.take(), "a.b_"))
    found = values(text)
    assert {name: found["a.b_" + name] for name in (
        "call_dur", "average_call_dur", "forced_term_sess", "managed_sess", "managed_sess_max", "relayed_packets_user",
        "relayed_packets_kernel", "relayed_packets", "relayed_errors", "start_recording_time_max",
        "start_recordings_ps_max", "offer_time_min", "offer_count", "ports_free_pub_192.0.2.10")} == {
        "call_dur": "14.000000", "average_call_dur": "2.000000", "forced_term_sess": "2", "managed_sess": "2",
        "managed_sess_max": "7", "relayed_packets_user": "0", "relayed_packets_kernel": "50", "relayed_packets": "50",
        "relayed_errors": "1", "start_recording_time_max": "0.002000", "start_recordings_ps_max": "1",
        "offer_time_min": "0.000000", "offer_count": "512", "ports_free_pub_192.0.2.10": "9932"}
    assert {line.split()[2] for line in text.splitlines()} == {str(int(NOW) + 5)}


def test_no_name_breaks_a_line() -> None:
    state = snapshot()
    state.interfaces[0].ports = FakePorts("a b\nc 1 2")
    lines = list(graphite.lines(state, graphite.totals(state), Interval().take(), ""))
    assert all(line.count("\n") == 1 and line.count(" ") == 2 for line in lines)


def reporter(port: int, seconds: float, patience: float = 20.0) -> Reporter:
    state = snapshot()
    return Reporter(Outlet("Graphite", "127.0.0.1", port, patience=patience), lambda: state, seconds, "x.",
                    time.monotonic)


def test_a_collector_that_comes_back_gets_the_next_reports() -> None:
    async def main() -> None:
        with Collector(free_port(socket.SOCK_STREAM)) as first:
            port = first.port
            running = asyncio.create_task(reporter(port, 0.05).run())
            assert await asyncio.to_thread(wait, lambda: b"x.reject_sess" in first.data)
        await asyncio.sleep(0.2)
        with Collector(port) as second:
            assert await asyncio.to_thread(wait, lambda: b"x.reject_sess" in second.data)
            assert second.data.startswith(b"x.ping_time_min "), "no half report"
        running.cancel()
    asyncio.run(main())


def test_a_collector_that_stops_reading_delays_nothing_and_is_given_up() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            server.setblocking(False)
            outlet = Outlet("Graphite", *server.getsockname(), patience=0.3)
            sending = asyncio.create_task(outlet.send(b"x" * 50_000_000))
            longest = begun = 0.0
            while not sending.done():
                begun = time.thread_time()
                await asyncio.sleep(0.005)
                longest = max(longest, time.thread_time() - begun)
            assert not sending.result() and longest < 0.5
            connection, _ = server.accept()
            assert await outlet.send(b"again\n"), "a new connection"
            connection.close()
            outlet.close()
    asyncio.run(main())
