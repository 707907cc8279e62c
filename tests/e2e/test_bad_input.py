# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that cannot be served get the error that says so, and the next call works."""
from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers import ngclient, sdp
from tests.peers.call import Call
from tests.peers.daemon import Daemon
from tests.peers.rtp import Endpoint, pump

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(
    os.environ.get("RTPENGINE_COMMAND") == "reference", reason="the reference's release differs in its texts")]
_PORTS = ("--port-min=29400", "--port-max=29419")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(options=_PORTS) as running:
        yield running


@pytest.fixture(autouse=True)
def next_call_works(daemon: Daemon) -> Iterator[None]:
    yield
    a, b = Endpoint(), Endpoint()
    with daemon.client() as client:
        call = Call(client, a, b)
        call.offer()
        call.answer()
        a.send(b"still here" * 16)
        b.send(b"me too" * 20)
        assert pump([a, b], 20.0, lambda: bool(a.arrivals and b.arrivals))
        call.delete()
    a.close()
    b.close()


def _raw(daemon: Daemon, body: bytes) -> dict[str, Any]:
    with daemon.client() as client:
        answer = ngclient.decode(client.exchange(b"bad%d" % time.monotonic_ns(), body))
    assert isinstance(answer, dict)
    return answer


def _reason(answer: dict[str, Any]) -> str:
    assert answer["result"] == "error", answer
    return str(answer["error-reason"])


@pytest.mark.parametrize("body, reason", [
    (b"d7:comm", "Could not decode bencode dictionary"),
    (b"d" * 3000, "Could not decode bencode dictionary"),
    (b"d7:command" + b"l" * 5000 + b"e" * 5001, "Could not decode bencode dictionary"),
    (b"d7:command99999999999999999999:offere", "Could not decode bencode dictionary"),
    (b"l4:pinge", "Invalid NG data format"),
    (b"\xff\xfe\x00binary", "Invalid NG data format"),
    (b"", "Invalid data (no payload)"),
    (b"de", 'Dictionary contains no key "command"'),
    (b"d7:command4:drope", "Unrecognized command"),
    (b"d7:command5:offere", "No SDP body in message"),
])
def test_messages_that_say_nothing(daemon: Daemon, body: bytes, reason: str) -> None:
    assert _reason(_raw(daemon, body)) == reason


def test_text_that_is_not_utf8(daemon: Daemon) -> None:
    answer = _raw(daemon, ngclient.encode({"command": "query", "call-id": b"\xff\xfe\x80"}))
    assert _reason(answer) == "Unknown call-id"


@pytest.mark.parametrize("change, reason", [
    ({"call-id": None}, "No call-id in message"),
    ({"from-tag": None}, "No from-tag in message"),
    ({"sdp": None}, "No SDP body in message"),
    ({"sdp": "not a session"}, "Failed to parse SDP"),
    ({"sdp": sdp.body("127.0.0.1", 4000).replace("m=audio 4000", "m=audio 70000")}, "Failed to parse SDP"),
    ({"sdp": sdp.body("127.0.0.1", 4000).replace("c=IN IP4 127.0.0.1", "c=IN IP4 no.such")}, "Failed to parse SDP"),
    ({"sdp": sdp.body("127.0.0.1", 4000).replace("o=peer 4711", "o=peer")}, "Failed to parse SDP"),
])
def test_offers_that_lack_something(daemon: Daemon, change: dict[str, Any], reason: str) -> None:
    message = {"command": "offer", "call-id": f"lacks-{time.monotonic_ns()}", "from-tag": "a",
               "sdp": sdp.body("127.0.0.1", 4000), **change}
    with daemon.client() as client:
        answer = client.send({key: value for key, value in message.items() if value is not None})
        assert _reason(answer) == reason
        client.request("delete", call_id=message["call-id"] or "none")


def test_a_body_of_ten_thousand_lines(daemon: Daemon) -> None:
    body = sdp.body("127.0.0.1", 4000) + "a=x\r\n" * 10000
    with daemon.client(timeout=10) as client:
        answer = client.request("offer", call_id="long", from_tag="a", sdp=body)
        assert answer["result"] == "ok" and answer["sdp"].count("a=x\r\n") == 10000
        client.call("delete", call_id="long", from_tag="a", **{"delete-delay": 0})


def test_an_unknown_call(daemon: Daemon) -> None:
    with daemon.client() as client:
        body = sdp.body("127.0.0.1", 4000)
        answer = client.request("answer", call_id="nowhere", from_tag="a", to_tag="b", sdp=body)
        assert _reason(answer) == "Unknown call-id"
        assert _reason(client.request("query", call_id="nowhere")) == "Unknown call-id"
        answer = client.request("delete", call_id="nowhere", from_tag="a")
        assert answer["warning"] == "Call-ID not found or tags didn't match"


def test_a_port_range_that_is_used_up(daemon: Daemon) -> None:
    with daemon.client() as client:
        for number in range(20):
            answer = client.request("offer", call_id=f"many-{number}", from_tag="a", sdp=sdp.body("127.0.0.1", 4000))
            if answer["result"] != "ok":
                break
        assert _reason(answer) == "Ran out of ports"
        assert number >= 4
        assert f"many-{number}" not in client.call("list")["calls"]
        for each in range(number):
            client.call("delete", call_id=f"many-{each}", from_tag="a", **{"delete-delay": 0})


def test_the_largest_datagram(daemon: Daemon) -> None:
    with daemon.client() as client:
        body = ngclient.encode({"command": "query", "call-id": "x" * 65000})
        assert _reason(ngclient.decode(client.exchange(b"large", body))) == "Unknown call-id"


def test_no_cookie_no_answer(daemon: Daemon) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", daemon.ng_port))
        sock.settimeout(0.3)
        for data in (b"d7:command4:pinge", b" d7:command4:pinge", b""):
            sock.send(data)
            with pytest.raises(TimeoutError):
                sock.recv(65536)
