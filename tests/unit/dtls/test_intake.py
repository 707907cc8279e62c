# SPDX-License-Identifier: GPL-3.0-or-later
"""Handshakes into which somebody else speaks under the peer's address; nothing of it may change what comes out."""
from __future__ import annotations

import os
import time

import pytest

from controlplane.dtls.association import COOKIE_DELAY, COOKIE_PATIENCE
from controlplane.dtls.intake import MAX_HELD
from controlplane.dtls.records import HEADER, hello_verify, records
from controlplane.events import Datagram
from tests.unit.dtls.net import OURS, THEIRS, identity, pair
from tests.unit.dtls.test_association import OTHER, established

ONE, THIRD, RSA = identity(), identity(), identity(cipher="RSA", mtu=400)


def record(kind: int, body: bytes, number: int = 0, epoch: int = 0) -> bytes:
    return bytes((kind, 0xFE, 0xFD)) + epoch.to_bytes(2, "big") + number.to_bytes(6, "big") + \
        len(body).to_bytes(2, "big") + body


def message(kind: int, number: int, body: bytes = b"", *, size: int = 0, at: int = 0, sequence: int = 0) -> bytes:
    body = body or os.urandom(40)
    head = bytes((kind,)) + (size or len(body)).to_bytes(3, "big") + number.to_bytes(2, "big")
    return record(22, head + at.to_bytes(3, "big") + len(body).to_bytes(3, "big") + body, sequence)


SERVER_HELLO = b"\xfe\xfd" + bytes(32) + b"\0\xc0\x2b\0"
FORGERIES = {
    "every message": [message(kind, number) for kind in range(25) for number in range(4) if kind != 3],
    "a ServerHello": [message(2, 0, SERVER_HELLO), message(2, 1, SERVER_HELLO)],
    "a request for a cookie": [hello_verify(b"x" * 16), hello_verify(b"")],
    "another certificate": [message(11, number, (len(THIRD.certificate) + 3).to_bytes(3, "big")
                                    + len(THIRD.certificate).to_bytes(3, "big") + THIRD.certificate)
                            for number in range(4)],
    "beginnings": [message(kind, number, size=4000, at=at) for kind in (2, 11, 12, 14) for number in range(3)
                   for at in (0, 40)],
    "high numbers": [record(20, b"\1", 1 << 47), record(23, b"x", 1 << 47), message(14, 9, sequence=1 << 47)],
    "encrypted": [record(kind, os.urandom(60), 5, 1) for kind in (20, 21, 22, 23)],
    "changes of cipher": [record(20, b"\1", number) for number in range(5)],
    "more than is held": [message(11, 1, size=100 + n) for n in range(3 * MAX_HELD)],
}


def _amid(packet: Datagram, forgeries: list[bytes]) -> list[Datagram]:
    """Before and behind a packet come the forgeries, under the peer's address."""
    forged = [packet._replace(data=each) for each in forgeries]
    return [*forged, packet, *forged]


@pytest.mark.parametrize("forgeries", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("active", [True, False], ids=["the active side", "the passive side"])
@pytest.mark.parametrize("checked", [True, False], ids=["with ICE", "without"])
def test_forgeries_change_nothing(active: bool, checked: bool, forgeries: list[bytes]) -> None:
    if forgeries is FORGERIES["a request for a cookie"] and active and not checked:
        pytest.skip("the peer makes such requests itself, and nobody can tell which of them are its own")
    victim = THEIRS if active else OURS
    network, server, client = pair(ONE, OTHER, arriving=lambda packet: _amid(
        packet, forgeries if packet.destination == victim else []))
    server.set_path(OURS, THEIRS, time.time(), checked=checked)
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("amid", ["nothing", "high numbers", "changes of cipher"])
def test_certificates_in_pieces_whatever_their_order(order: int, amid: str) -> None:
    """Each record in a datagram of its own, the last one first, and something between them."""
    def pieces(packet: Datagram) -> list[Datagram]:
        return [each for record in (records(packet.data) or [])[::order]
                for each in _amid(packet._replace(data=record), FORGERIES.get(amid, []))]

    network, server, client = pair(RSA, RSA, arriving=pieces)
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_a_request_for_a_cookie_is_believed_if_nothing_else_comes() -> None:
    network, server, client = pair(ONE, OTHER)
    server.receive(client.take_datagrams()[0].data, THEIRS, time.time())
    (request,) = server.take_datagrams()
    client.receive(request.data, OURS, time.time())
    (plain,) = client.take_datagrams()
    assert request.data[-16:] not in plain.data and client.next_at <= time.time() + COOKIE_DELAY
    client.on_time(time.time() + COOKIE_DELAY)
    (hello,) = client.take_datagrams()
    assert request.data[-16:] in hello.data and hello.data[HEADER] == 1
    server.receive(hello.data, THEIRS, time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


@pytest.mark.parametrize("count", [1, 50])
def test_forged_requests_for_cookies_cost_nothing(count: int) -> None:
    """A peer that wants none, and gets nothing that was sent before it listened."""
    network, server, client = pair(ONE, OTHER)
    server.set_path(OURS, THEIRS, time.time(), checked=True)
    for number in range(count):
        client.receive(hello_verify(os.urandom(16)), OURS, time.time())
    client.on_time(time.time() + COOKIE_DELAY)
    assert len(client.take_datagrams()) == (3 if count == 1 else 2), "two without a cookie; one with, to an answer"
    client.receive(hello_verify(os.urandom(16)), OURS, time.time())
    assert not client.take_datagrams()
    client.on_time(client.next_at)
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_a_request_for_a_cookie_from_which_nothing_comes_is_forgotten() -> None:
    _, _, client = pair(ONE, OTHER)
    for turn in range(3):
        client.receive(hello_verify(b"x" * 16), OURS, time.time())
        now = time.time() + turn * (COOKIE_PATIENCE + COOKIE_DELAY)
        client.on_time(now + COOKIE_DELAY)
        assert len(client._handshakes) == 2
        client.on_time(now + COOKIE_DELAY + COOKIE_PATIENCE)
        assert len(client._handshakes) == 1 and not client.reason
