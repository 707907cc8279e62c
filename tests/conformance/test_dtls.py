# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded handshakes, made anew with certificates of ours."""
from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.dtls import DtlsDouble, programs
from tests.peers.dtls import DtlsPeer

DAEMON = DtlsPeer(active=True)
RECORDED = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
BODY = f"v=0\r\nm=audio 3000 RTP/SAVP 0\r\na=setup:actpass\r\n{RECORDED}\r\n"
RTP = "80" + "00" * 19


def step(op: str, socket: str, payload: bytes | str) -> dict[str, Any]:
    text = payload if isinstance(payload, str) else payload.hex()
    return {"op": op, "from_socket" if op == "send" else "on_socket": socket, "payload_hex": text}


HELLO = DtlsPeer(active=True).receive()[0]
STEPS = ({"op": "socket", "id": "s0", "port": 3000}, {"op": "socket", "id": "s1", "late": True},
         step("recv", "s0", HELLO), step("send", "s1", HELLO))


class Daemon:
    """The active end, as far as it has got."""

    def __init__(self, peer: DtlsPeer | None) -> None:
        self.peer = peer
        self.says = peer.receive() if peer is not None else []

    def take(self, name: str, seconds: float) -> bytes | None:
        return self.says.pop(0) if self.says else None

    def send(self, data: bytes) -> None:
        assert self.peer is not None
        self.says += self.peer.receive(data)


def test_programs_are_the_ends_of_what_is_handed_on() -> None:
    assert programs(STEPS) == {"s1"}
    assert not programs([*STEPS, step("send", "s1", RTP)])


def test_certificates_are_those_of_the_double() -> None:
    double = DtlsDouble(STEPS)
    body = double.said(BODY)
    assert body != BODY and body == double.said(BODY) and body.replace("\r\n", "").endswith(
        double._by_port[3000].fingerprint())
    assert DtlsDouble(STEPS[:2]).said(BODY) == BODY, "nobody shakes hands there"


@pytest.mark.parametrize("told, why", [
    (DAEMON, ""), (DtlsPeer(active=True), "another certificate than the one that was announced")])
def test_a_handshake_is_made_once(told: DtlsPeer, why: str) -> None:
    double, daemon = DtlsDouble(STEPS), Daemon(DtlsPeer(active=True, certificate=DAEMON.own))
    double.said(BODY)
    double.heard("\r\n".join(told.lines("active")))
    assert double.play(STEPS[2], daemon.take, daemon.send) == why
    assert daemon.peer is not None and daemon.peer.done
    assert daemon.peer.peer_fingerprint == double._by_port[3000].fingerprint()
    for each in STEPS[2:]:
        assert double.play(each, daemon.take, daemon.send) == ""


def test_a_handshake_that_does_not_begin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.dtls.PATIENCE", 0.01)
    daemon = Daemon(None)
    assert DtlsDouble(STEPS).play(STEPS[2], daemon.take, daemon.send) == "nothing arrived"
