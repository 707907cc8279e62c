# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress

import pytest

from controlplane.addresses import Endpoint
from controlplane.exports.ngcapture import Answer, NgCapture
from controlplane.ng.later import Later
from tests.peers import hep
from tests.peers.ngclient import encode

V4, V6 = Endpoint.parse("192.0.2.1:2223"), Endpoint.parse("[2001:db8::1]:2223")
QUERY = b"5_7 " + encode({"command": "query", "call-id": "c1", "sdp": "7:command4:ping"})


class Homer:
    """What it is told of: both addresses, the time, the call-ID and the message, of each packet."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int, str, bytes]] = []
        self.capture = NgCapture(self._put, 61, 7, lambda: 20.0)

    def _put(self, packet: bytes) -> None:
        data = {kind: value for _, kind, value in hep.chunks(packet)}
        assert data[11] == b"\x3d" and int.from_bytes(data[12], "big") == 7
        addresses = [ipaddress.ip_address(data[kind]) for kind in ((3, 4) if 3 in data else (5, 6))]
        source, destination = (f"{address} {int.from_bytes(data[port], 'big')}"
                               for address, port in zip(addresses, (7, 8)))
        self.told.append((source, destination, int.from_bytes(data[9], "big"), data[17].decode(), data[15]))

    def ask(self, message: bytes, answer: Answer, source: str = "192.0.2.9:5060") -> Answer:
        return self.capture.around(lambda *_: answer, [V4, V6])(message, source, 10.0)


def test_a_request_and_its_reply() -> None:
    homer = Homer()
    assert homer.ask(QUERY, b"5_7 de") == b"5_7 de"
    assert homer.told == [("192.0.2.9 5060", "192.0.2.1 2223", 10, "c1", QUERY),
                          ("192.0.2.1 2223", "192.0.2.9 5060", 20, "c1", b"5_7 de")]


def test_a_reply_that_comes_later() -> None:
    homer, later = Homer(), Later[bytes]()
    assert homer.ask(QUERY, later) is later
    assert len(homer.told) == 1
    later.finish(b"5_7 de")
    assert homer.told[1][1:] == ("192.0.2.9 5060", 20, "c1", b"5_7 de")


@pytest.mark.parametrize("source, client, here", [
    ("[2001:db8::9]:4", "2001:db8::9 4", "2001:db8::1 2223"), ("unix-0:3", "127.0.0.1 0", "192.0.2.1 2223")])
def test_addresses(source: str, client: str, here: str) -> None:
    homer = Homer()
    homer.ask(QUERY, b"x", source)
    assert [told[:2] for told in homer.told] == [(client, here), (here, client)]


@pytest.mark.parametrize("message", [
    b"1 d7:command4:pinge", b'1 {"command":"ping"}', b"nocookie",
    b"1 " + encode({"command": "query", "x": "y" * 65_000})])
def test_what_homer_is_not_told(message: bytes) -> None:
    homer = Homer()
    assert homer.ask(message, None) is None
    assert homer.told == []


@pytest.mark.parametrize("message, call_id", [
    (b"1 garbage", ""), (b"1 de", ""), (b"1 " + encode({"command": "list"}), ""),
    (b"1 " + encode({"command": "delete", "call-ID": "c2"}), "c2"),
    (b'1 {"command":"query","call-id":"\xc3\xa4"}', "ä")])
def test_call_ids(message: bytes, call_id: str) -> None:
    homer = Homer()
    homer.ask(message, b"reply")
    assert [told[3:] for told in homer.told] == [(call_id, message), (call_id, b"reply")]
