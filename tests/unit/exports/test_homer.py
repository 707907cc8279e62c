# SPDX-License-Identifier: GPL-3.0-or-later
"""HEP messages, and the ways they go."""
from __future__ import annotations

import asyncio
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.addresses import Endpoint
from controlplane.exports import hep as ours
from controlplane.exports.homer import MOST, Homer
from controlplane.rtcp.packet import Description, Report, Sender, parse
from tests.peers import hep, rtcp
from tests.peers.collector import Collector, wait
from tests.peers.ports import free_port


@pytest.mark.parametrize("source, destination, family, kinds", [
    ("192.0.2.1:4001", "192.0.2.2:30001", 2, (3, 4)), ("[2001:db8::1]:4001", "[2001:db8::2]:30001", 10, (5, 6))])
def test_a_message(source: str, destination: str, family: int, kinds: tuple[int, int]) -> None:
    message = ours.packet(Endpoint.parse(source), Endpoint.parse(destination), 1_700_000_000.25, 5, 2001, "c1", b"{}")
    found = hep.chunks(message)
    assert [kind for _, kind, _ in found] == [1, 2, 7, 8, 9, 10, 11, 12, *kinds, 17, 15]
    data = {kind: value for _, kind, value in found}
    assert data[1] == bytes([family]) and data[kinds[0]] == Endpoint.parse(source).address.packed
    assert [int.from_bytes(data[kind], "big") for kind in (7, 8, 9, 10, 12)] == [
        4001, 30001, 1_700_000_000, 250_000, 2001]
    assert (data[11], data[15], data[17]) == (b"\x05", b"{}", b"c1")


@given(st.binary(max_size=60), st.integers(0, 2**64 - 1))
def test_the_payload_is_json_whatever_a_description_says(name: bytes, ntp: int) -> None:
    text = ours.rtcp_json([Report(1, Sender(ntp, 2, 3, 4)), Description(1, ((1, name),))])
    said = json.loads(text or b"")
    assert said["sender_information"]["ntp_timestamp_sec"] == ntp >> 32
    assert said["sdes_information"] == [{"sdes_chunk_ssrc": 1, "type": 1, "text": name.decode("utf-8", "replace")}]


def test_without_a_report_nothing_is_sent() -> None:
    assert ours.rtcp_json(parse(rtcp.sdes(1, "a"))) is None


def test_over_tcp_in_order_and_again_after_a_failure() -> None:
    async def main() -> None:
        with Collector(free_port(socket.SOCK_STREAM)) as first:
            port = first.port
            homer = Homer("127.0.0.1", port, tcp=True, rest=0.05)
            running = asyncio.create_task(homer.run())
            ends = Endpoint.parse("192.0.2.1:1"), Endpoint.parse("192.0.2.2:2")
            messages = [ours.packet(*ends, 1.0, 5, 1, str(number), b"{}") for number in range(50)]
            for message in messages:
                homer.put(message)
            assert await asyncio.to_thread(wait, lambda: len(hep.split(first.data)) == 50)
            assert hep.split(first.data) == messages
        homer.put(messages[0])
        await asyncio.sleep(0.2)
        with Collector(port) as second:
            def arrived() -> bool:
                return messages[1] in hep.split(second.data)
            for _ in range(1000):
                homer.put(messages[1])
                await asyncio.sleep(0.02)
                if arrived():
                    break
            assert arrived()
        running.cancel()
    asyncio.run(main())


def test_what_nobody_takes_is_dropped_beyond_a_limit() -> None:
    homer = Homer("127.0.0.1", 9, tcp=True)
    for _ in range(MOST + 50):
        homer.put(b"x")
    assert homer.dropped == 50


def test_a_closed_udp_port_is_told_of_and_costs_nothing() -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        homer = Homer("127.0.0.1", port, tcp=False)
        running = asyncio.create_task(homer.run())
        for _ in range(2000):
            homer.put(b"x")
            await asyncio.sleep(0.01)
            if homer.dropped:
                break
        assert homer.dropped and not running.done()
        running.cancel()
    asyncio.run(main())
