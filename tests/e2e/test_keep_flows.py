# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that ends leaves its calls to the next one (what the kernel does meanwhile: tests/kernel)."""
from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.peers import sdp
from tests.peers.daemon import Daemon, DaemonFailed

pytestmark = pytest.mark.e2e


def _phone() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(5)
    return made


def _talk(phones: list[socket.socket], ports: list[int], start: int) -> None:
    for seq in range(start, start + 10):
        for side in (0, 1):
            packet = bytes((0x80, 8, 0, seq)) + bytes(7) + bytes((side,)) + b"x" * 160
            phones[side].sendto(packet, ("127.0.0.1", ports[side]))
            assert phones[1 - side].recv(2048) == packet


def test_calls_go_on(tmp_path: Path) -> None:
    path, phones = tmp_path / "flows", [_phone(), _phone()]
    keep = f"--keep-flows={path}"
    bodies = [sdp.body("127.0.0.1", each.getsockname()[1]) for each in phones]
    with Daemon(options=(keep,)) as first, first.client() as client:
        call = {"call-id": "kept", "from-tag": "a"}
        told_b = client.request("offer", **call, sdp=bodies[0])["sdp"]
        told_a = client.request("answer", **call, sdp=bodies[1], **{"to-tag": "b"})["sdp"]
        ports = [sdp.sections(body)[0].port for body in (told_a, told_b)]
        _talk(phones, ports, 0)
        assert first.stop() == 0
    kept = path.read_bytes()
    with pytest.raises(DaemonFailed), Daemon(options=(keep, "--listen-cli=192.0.2.1:9")):
        pass
    assert b"kept" in kept and b"kept" in path.read_bytes(), "a start that fails leaves them to the next"
    with Daemon(options=(keep,)) as second, second.client() as client:
        assert not path.exists()
        _talk(phones, ports, 10)
        reply = client.request("query", **{"call-id": "kept"})
        assert reply["totals"]["RTP"]["packets"] == 40
        client.request("delete", **call)
    with Daemon() as last, last.client() as client:
        assert client.request("list")["calls"] == []
    for each in phones:
        each.close()
