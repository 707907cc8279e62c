# SPDX-License-Identifier: GPL-3.0-or-later
"""ng messages at Homer (option homer-enable-ng), over whatever transport they came."""
from __future__ import annotations

import socket

import pytest

from tests.peers import hep
from tests.peers.daemon import Daemon, free_port
from tests.peers.ngclient import encode

pytestmark = pytest.mark.e2e
QUERY = encode({"command": "query", "call-id": "c1"})


def test_requests_and_replies() -> None:
    tcp = free_port(socket.SOCK_STREAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer:
        homer.bind(("127.0.0.1", 0))
        homer.settimeout(30)
        with Daemon(options=[f"--homer=127.0.0.1:{homer.getsockname()[1]}", "--homer-disable-rtcp-stats",
                             "--homer-enable-ng", "--homer-ng-capture-proto=62", f"--listen-tcp-ng=127.0.0.1:{tcp}",
                             ]) as daemon, daemon.client() as client:
            assert client.call("ping")["result"] == "pong"
            reply = client.exchange(b"u1", QUERY)
            ends = [client.socket.getsockname(), ("127.0.0.1", daemon.ng_port)]
            for source, destination, message in ((*ends, b"u1 " + QUERY), (*reversed(ends), b"u1 " + reply)):
                data = {kind: value for _, kind, value in hep.chunks(homer.recv(65536))}
                assert (data[15], data[17], data[11], data[2]) == (message, b"c1", bytes([62]), bytes([17]))
                for (address, port), kinds in ((source, (3, 7)), (destination, (4, 8))):
                    assert data[kinds[0]] == socket.inet_aton(address)
                    assert int.from_bytes(data[kinds[1]], "big") == port
            with socket.create_connection(("127.0.0.1", tcp)) as stream:
                stream.sendall(b"t1 " + QUERY)
                assert stream.recv(65536) == b"t1 " + reply
                here = stream.getsockname()[1]
            for message, kind in ((b"t1 " + QUERY, 7), (b"t1 " + reply, 8)):
                data = {kind: value for _, kind, value in hep.chunks(homer.recv(65536))}
                assert data[15] == message and int.from_bytes(data[kind], "big") == here
            client.exchange(b"u2", encode({"command": "query", "call-id": "c1", "x": "y" * 65_100}))
            client.exchange(b"u3", QUERY)
            messages = [dict((kind, value) for _, kind, value in hep.chunks(homer.recv(65536)))[15] for _ in "123"]
            assert [message[:2] for message in messages] == [b"u2", b"u3", b"u3"], "what no packet holds is left out"
