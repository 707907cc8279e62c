# SPDX-License-Identifier: GPL-3.0-or-later
"""Kamailio and SIPp place calls whose media go through the daemon."""
from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo import speech
from tests.peers import debian, sdp
from tests.peers.daemon import Daemon, free_port
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, pump
from tests.peers.sip import Kamailio, Sipp, kamailio

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
PORTS = range(31000, 33000)


@dataclass(slots=True)
class Setting:
    """What every test here needs: a daemon, a proxy in front of it, the port where callees listen."""

    daemon: Daemon
    proxy: Kamailio
    callee_port: int
    directory: Path

    def caller(self, scenario: str, **more: object) -> Sipp:
        return Sipp(HERE / scenario, self.directory, target=self.proxy.port, **more)  # type: ignore[arg-type]

    def callee(self, **more: object) -> Sipp:
        return Sipp(HERE / "callee.xml", self.directory, port=self.callee_port, **more)  # type: ignore[arg-type]


@pytest.fixture
def transport() -> str:
    """How the proxy talks to the daemon."""
    return "udp"


@pytest.fixture
def setting(tmp_path: Path, transport: str) -> Iterator[Setting]:
    try:
        kamailio(transport == "ws")
        debian.program("sip-tester", "/usr/bin/sipp")
    except debian.Unobtainable as reason:
        pytest.skip(f"Kamailio or SIPp cannot be had: {reason}")
    callee_port, http_port = free_port(), free_port(socket.SOCK_STREAM)
    options = [f"--port-min={PORTS.start}", f"--port-max={PORTS.stop - 1}", "--delete-delay=0",
               f"--listen-http=127.0.0.1:{http_port}"]
    with Daemon(options=options) as daemon:
        ng = f"udp:127.0.0.1:{daemon.ng_port}" if transport == "udp" else f"ws://127.0.0.1:{http_port}/"
        with Kamailio(HERE / "kamailio.cfg", tmp_path, ng, callee_port) as proxy:
            yield Setting(daemon, proxy, callee_port, tmp_path)
        assert ("New WebSocket connection" in daemon.log_text()) == (transport == "ws")


def _until(setting: Setting, condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            paths = *setting.directory.glob("*.messages"), setting.proxy.log
            logs = "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in paths)
            pytest.fail(f"{what} did not happen within {seconds} s\n{logs}\n{setting.daemon.log_tail()}")
        time.sleep(0.05)


def _check_rewritten(section: sdp.Section, own_ports: set[int], direction: str) -> None:
    assert section.address == "127.0.0.1"
    assert section.port in PORTS and section.port not in own_ports
    assert section.rtcp_port == section.port + 1
    assert section.formats == ["8"] and section.protocol == "RTP/AVP"
    assert section.direction == direction


def _exchange(pairs: list[tuple[Endpoint, Endpoint]], packets: int, mark: bytes, both: bool = True) -> None:
    for number in range(packets):
        for index, (caller, callee) in enumerate(pairs):
            caller.send(mark + b"a%03d%03d" % (index, number) * 22)
            if both:
                callee.send(mark + b"b%03d%03d" % (index, number) * 22)
        pump([end for pair in pairs for end in pair], 0.02)
    ends = [end for pair in pairs for end in pair]
    wanted = {end: len(other.sent) for pair in pairs for end, other in (pair, pair[::-1])}
    pump(ends, 20.0, lambda: all(len(end.arrivals) >= wanted[end] for end in ends))


@pytest.mark.parametrize("count, transport", [(1, "udp"), (10, "udp"), (5, "ws")])
def test_calls_with_hold(setting: Setting, count: int) -> None:
    pairs = [(Endpoint(), Endpoint()) for _ in range(count)]
    by_port = {end.port: end for pair in pairs for end in pair}
    with setting.callee(calls=count, ports=[callee.port for _, callee in pairs]) as callees, \
            setting.caller("caller.xml", calls=count, ports=[caller.port for caller, _ in pairs]) as callers:
        _until(setting, lambda: len(callers.find("SIP/2.0 200", "1 INVITE", False)) == count, 60,
               "the answer of every call")
        offers, answers = callees.find("INVITE", "1 INVITE", False), callers.find("SIP/2.0 200", "1 INVITE", False)
        own_callers = callers.find("INVITE", "1 INVITE", True)
        own_callees = callees.find("SIP/2.0 200", "1 INVITE", True)
        joined = []
        for call_id, answer in answers.items():
            caller, callee = by_port[own_callers[call_id].media.port], by_port[own_callees[call_id].media.port]
            _check_rewritten(answer.media, set(by_port), "sendrecv")
            _check_rewritten(offers[call_id].media, set(by_port), "sendrecv")
            assert answer.media.port != offers[call_id].media.port
            caller.connect(answer.media.address, answer.media.port, answer.media.rtcp_port)
            callee.connect(offers[call_id].media.address, offers[call_id].media.port, offers[call_id].media.rtcp_port)
            joined.append((caller, callee))
        assert f"total: {count}\n" in setting.daemon.cli("list numsessions")
        _exchange(joined, 50, b"talk")
        for caller, callee in joined:
            caller.send_report()
        for caller, callee in joined:
            assert callee.payloads() == caller.sent
            assert caller.payloads() == callee.sent
        pump([end for pair in joined for end in pair], 20.0, lambda: all(callee.compounds for _, callee in joined))
        assert all(callee.compounds for _, callee in joined)

        callers.go_on()
        _until(setting, lambda: len(callers.find("SIP/2.0 200", "2 INVITE", False)) == count, 60, "hold of every call")
        held, agreed = callees.find("INVITE", "2 INVITE", False), callers.find("SIP/2.0 200", "2 INVITE", False)
        for call_id in answers:
            _check_rewritten(held[call_id].media, set(by_port), "sendonly")
            _check_rewritten(agreed[call_id].media, set(by_port), "recvonly")
            assert held[call_id].media.port == offers[call_id].media.port
            assert agreed[call_id].media.port == answers[call_id].media.port
        _exchange(joined, 20, b"hold", both=False)
        for caller, callee in joined:
            assert callee.payloads() == caller.sent

        callers.go_on()
        callers.wait()
        callees.wait()
    assert "total: 0\n" in setting.daemon.cli("list numsessions")
    with setting.daemon.client() as client:
        assert client.call("list")["calls"] == []
    for caller, callee in joined:
        caller.arrivals.clear()
        callee.send(b"after the end" * 10)
    rest(setting.daemon.pid)
    pump([end for pair in joined for end in pair], 0.1)
    assert all(not caller.arrivals for caller, _ in joined)


def test_media_played_by_sipp(setting: Setting) -> None:
    recording = speech.load()
    listener = Endpoint()
    with setting.callee(calls=1, ports=[listener.port]) as callee, \
            setting.caller("caller_plays.xml", calls=1, options=["-mi", "127.0.0.1", "-mp", str(_even_port())],
                           words={"capture": str(recording.path)}) as caller:
        _until(setting, lambda: len(caller.find("SIP/2.0 200", "1 INVITE", False)) == 1, 60, "the answer")
        offer, = callee.find("INVITE", "1 INVITE", False).values()
        listener.connect(offer.media.address, offer.media.port, offer.media.rtcp_port)
        call_id = offer.call_id
        echoed = 0
        deadline = time.monotonic() + 60
        while len(listener.arrivals) < len(recording.frames) and time.monotonic() < deadline:
            pump([listener], 0.02)
            for payload in listener.payloads()[echoed:]:
                listener.send(payload, recording.samples)
                echoed += 1
        assert listener.payloads() == list(recording.frames)
        rest(setting.daemon.pid)
        assert not pump([listener], 0.1, lambda: len(listener.arrivals) > len(recording.frames))
        with setting.daemon.client() as client:
            tags = client.call("query", call_id=call_id)["tags"]
        counts = sorted(party["medias"][0]["streams"][0]["stats"]["packets"] for party in tags.values())
        assert counts == [len(recording.frames)] * 2
        caller.go_on()
        _until(setting, lambda: len(caller.find("SIP/2.0 200", "2 INVITE", False)) == 1, 60, "hold")
        caller.go_on()
        caller.wait()
        callee.wait()
    assert "total: 0\n" in setting.daemon.cli("list numsessions")


def _even_port() -> int:
    """With two behind it that are free as well."""
    ports = [free_port() for _ in range(4)]
    return next(port for port in ports[:2] if port % 2 == 0)
