# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports are handed out: not one whose connection has just ended, unless all are such."""
from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.peers import faulty, ports
from tests.peers.collector import wait

STREAM = socket.SOCK_STREAM


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two ports without connections, which are all there are."""
    with faulty.bound("127.0.0.1:0", STREAM) as one, faulty.bound("127.0.0.1:0", STREAM) as other:
        pair = [sock.getsockname()[1] for sock in (one, other)]
    monkeypatch.setattr(ports, "_own", lambda: pair)
    return pair


def _end_a_connection(port: int) -> None:
    """Leave the server's end of a connection in TIME_WAIT."""
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)) as client:
        server.accept()[0].close()
        assert client.recv(1) == b""

    def has_ended() -> bool:
        table = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
        return any(f"0100007F:{port:04X}" == line.split()[1] and line.split()[3] == "06" for line in table[1:])
    assert wait(has_ended)


def test_a_port_with_an_ended_connection_is_passed_over(two: list[int]) -> None:
    _end_a_connection(two[1])
    assert [ports.free_port(STREAM) for _ in range(4)] == [two[0]] * 4


def test_where_all_have_ended_connections_a_server_gets_one(two: list[int]) -> None:
    for port in two:
        _end_a_connection(port)
    port = ports.free_port(STREAM)
    assert port in two
    faulty.bound(f"127.0.0.1:{port}", STREAM).close()


def test_a_port_is_free_for_both_kinds(two: list[int]) -> None:
    with socket.create_server(("127.0.0.1", two[0])):
        assert [ports.free_port() for _ in range(4)] == [two[1]] * 4
    with faulty.bound(f"127.0.0.1:{two[1]}", socket.SOCK_DGRAM):
        assert [ports.free_port(STREAM) for _ in range(4)] == [two[0]] * 4


def test_a_port_with_a_server_is_never_handed_out(two: list[int]) -> None:
    with socket.create_server(("127.0.0.1", two[0])), socket.create_server(("127.0.0.1", two[1])), \
            pytest.raises(OSError, match="all ports"):
        ports.free_port(STREAM)
