# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of aioice agents through a running daemon, over loopback: RTP both ways, and nothing from anybody else."""
from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator

import aioice
import pytest

from tests.peers import ice, sdp
from tests.peers.daemon import Daemon
from tests.peers.rtp import Packet

PATIENCE = 30.0
pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(interfaces=("127.0.0.1", "::1")) as running:
        yield running


def rtp(sequence: int, ssrc: int) -> bytes:
    return Packet(8, sequence, 160 * sequence, ssrc, bytes([sequence & 255]) * 160).pack()


def body(port: int, *lines: str) -> str:
    return "\r\n".join(["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
                        f"m=audio {port} RTP/AVP 8", "a=rtcp-mux", *(f"a={line}" for line in lines), ""])


def attributes_of(text: str) -> list[str]:
    return [line[2:] for line in text.split("\r\n") if line.startswith("a=")]


class Plain:
    """A party without ICE."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.peer = ("127.0.0.1", 0)

    @property
    def sdp(self) -> str:
        return body(self.socket.getsockname()[1])

    async def connect(self, text: str) -> None:
        self.peer = ("127.0.0.1", sdp.sections(text)[0].port)

    async def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.peer)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.socket, 2048)

    async def close(self) -> None:
        self.socket.close()


class Ice:
    """A party with ICE."""

    def __init__(self, connection: aioice.Connection):
        self.connection = connection

    @classmethod
    async def open(cls, controlling: bool, families: tuple[int, ...] = (4,)) -> Ice:
        return cls(await ice.gathered(families, ice_controlling=controlling, components=1))

    @property
    def sdp(self) -> str:
        default = self.connection.get_default_candidate(1)
        return body(default.port if default else 9, *ice.attributes(self.connection))

    async def connect(self, text: str) -> None:
        await ice.learn(self.connection, attributes_of(text))
        await asyncio.wait_for(self.connection.connect(), PATIENCE)

    async def send(self, data: bytes) -> None:
        await self.connection.send(data)

    async def receive(self) -> bytes:
        return await self.connection.recv()

    async def close(self) -> None:
        await self.connection.close()


async def exchange(one: Plain | Ice, other: Plain | Ice) -> None:
    """RTP in both directions, each packet as it was sent; what is sent before the path is known may be lost."""
    for source, sink, ssrc in ((one, other, 1), (other, one, 2)):
        received: list[bytes] = []
        task = asyncio.ensure_future(_collect(sink, received))
        sent = [rtp(number, ssrc) for number in range(50)]
        for packet in sent:
            await source.send(packet)
            await asyncio.sleep(0.005)
        deadline = time.monotonic() + PATIENCE
        while sent[-1] not in received and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        task.cancel()
        assert received == sent


async def _collect(party: Plain | Ice, received: list[bytes]) -> None:
    while True:
        received.append(await party.receive())


async def play(daemon: Daemon, call_id: str, one: Plain | Ice, other: Plain | Ice, **keys: object) -> tuple[str, str]:
    """Set a call up and talk; the SDP that each has got."""
    with daemon.client() as client:
        offered = client.call("offer", call_id=call_id, from_tag="A", sdp=one.sdp, **keys)["sdp"]
        answered = client.call("answer", call_id=call_id, from_tag="A", to_tag="B", sdp=other.sdp)["sdp"]
        await asyncio.gather(one.connect(answered), other.connect(offered))
        await settled(daemon, call_id)
        await exchange(one, other)
    return offered, answered


async def settled(daemon: Daemon, call_id: str) -> None:
    """Wait until every agent of ours has a nominated pair."""
    deadline = time.monotonic() + PATIENCE
    while states(daemon, call_id) - {"a pair is nominated"}:
        assert time.monotonic() < deadline, states(daemon, call_id)
        await asyncio.sleep(0.02)


def medias(daemon: Daemon, call_id: str) -> dict[str, dict]:
    with daemon.client() as client:
        return {tag: party["medias"][0] for tag, party in client.call("query", call_id=call_id)["tags"].items()}


def states(daemon: Daemon, call_id: str) -> set[str]:
    return set(re.findall(r"-------- ICE (.*)", daemon.cli(f"list sessions {call_id}")))


def test_a_plain_caller_and_a_callee_with_ice(daemon: Daemon) -> None:
    async def run() -> None:
        one, other = Plain(), await Ice.open(False)
        offered, answered = await play(daemon, "plain-ice", one, other, ICE="force")
        assert "a=ice-ufrag" in offered and "a=ice" not in answered
        flags = {tag: media["flags"] for tag, media in medias(daemon, "plain-ice").items()}
        assert "ICE" in flags["B"] and "ICE" not in flags["A"]
        assert states(daemon, "plain-ice") == {"a pair is nominated"}
        await one.close()
        await other.close()
    asyncio.run(run())


def test_a_caller_with_ice_and_a_plain_callee(daemon: Daemon) -> None:
    async def run() -> None:
        one, other = await Ice.open(True), Plain()
        offered, answered = await play(daemon, "ice-plain", one, other, ICE="remove")
        assert "a=ice" not in offered and "a=ice-ufrag" in answered
        await one.close()
        await other.close()
    asyncio.run(run())


@pytest.mark.parametrize("families", [(4,), (6,), (6, 4)])
@pytest.mark.parametrize("lite", ["off", "both"])
def test_both_with_ice(daemon: Daemon, families: tuple[int, ...], lite: str) -> None:
    async def run() -> None:
        call_id = f"ice-ice-{families}-{lite}"
        one, other = await Ice.open(True, families), await Ice.open(lite == "both", families)
        offered, answered = await play(daemon, call_id, one, other, ICE_lite=lite)
        assert "a=ice-ufrag" in offered and "a=ice-ufrag" in answered
        assert ("a=ice-lite" in offered) == ("a=ice-lite" in answered) == (lite == "both")
        await one.close()
        await other.close()
    asyncio.run(run())


def test_two_agents_in_the_same_role(daemon: Daemon) -> None:
    async def run() -> None:
        one, other = await Ice.open(False), await Ice.open(True)
        await play(daemon, "conflicts", one, other)
        assert one.connection.ice_controlling != (
            "ICE controlling" in medias(daemon, "conflicts")["A"]["flags"])
        await one.close()
        await other.close()
    asyncio.run(run())


def test_trickled_candidates(daemon: Daemon) -> None:
    async def run() -> None:
        one, other = Plain(), await Ice.open(False)
        silent = [line for line in ice.attributes(other.connection) if not line.startswith("candidate")]
        with daemon.client() as client:
            offered = client.call("offer", call_id="trickle", from_tag="A", sdp=one.sdp,
                                  ICE=["force", "trickle"])["sdp"]
            assert "a=ice-options:trickle\r\n" in offered and "a=end-of-candidates" in offered
            answered = client.call("answer", call_id="trickle", from_tag="A", to_tag="B",
                                   sdp=body(9, *silent, "ice-options:trickle"))["sdp"]
            await one.connect(answered)
            connecting = asyncio.ensure_future(other.connect(offered))
            rest = [f"a={line}" for line in ice.attributes(other.connection) if not line.startswith("ice-pwd")]
            fragment = "\r\n".join(["m=audio 9 RTP/AVP 8", *rest, "a=end-of-candidates", ""])
            assert client.call("offer", call_id="trickle", from_tag="B", sdp=fragment, flags=["fragment"]) == {
                "result": "ok"}
        await connecting
        await settled(daemon, "trickle")
        await exchange(one, other)
        await one.close()
        await other.close()
    asyncio.run(run())


def test_a_restart_moves_the_media(daemon: Daemon) -> None:
    async def run() -> None:
        one, other, later = Plain(), await Ice.open(False), await Ice.open(True)
        await play(daemon, "restart", one, other, ICE="force")
        await other.close()
        with daemon.client() as client:
            offered = client.call("offer", call_id="restart", from_tag="B", to_tag="A", sdp=later.sdp,
                                  ICE="remove")["sdp"]
            answered = client.call("answer", call_id="restart", from_tag="B", to_tag="A", sdp=one.sdp)["sdp"]
        await asyncio.gather(one.connect(offered), later.connect(answered))
        await settled(daemon, "restart")
        await exchange(one, later)
        await one.close()
        await later.close()
    asyncio.run(run())


def test_strangers_get_nothing_in(daemon: Daemon) -> None:
    async def run() -> None:
        one, other, stranger = Plain(), await Ice.open(False), Plain()
        offered, _ = await play(daemon, "strangers", one, other, ICE="force")
        local = medias(daemon, "strangers")["B"]["streams"][0]["local port"]
        garbage = bytes.fromhex("000100002112a442") + bytes(12)
        for number in range(200):
            stranger.socket.sendto(rtp(number, 99), ("127.0.0.1", local))
            stranger.socket.sendto(garbage, ("127.0.0.1", local))
        await asyncio.sleep(0.2)
        with pytest.raises(BlockingIOError):
            one.socket.recv(2048)
        await exchange(one, other)
        await one.close()
        await other.close()
    asyncio.run(run())


def test_two_passes_through_the_daemon_check_each_other(daemon: Daemon) -> None:
    """What one call offers is the offer of another: agents of ours at both ends of the path between them."""
    async def run() -> None:
        one, other = Plain(), Plain()
        with daemon.client() as client:
            middle = client.call("offer", call_id="first", from_tag="A", sdp=one.sdp, ICE="force",
                                 rtcp_mux=["require"])["sdp"]
            offered = client.call("offer", call_id="second", from_tag="A", sdp=middle, ICE="remove")["sdp"]
            back = client.call("answer", call_id="second", from_tag="A", to_tag="B", sdp=other.sdp)["sdp"]
            answered = client.call("answer", call_id="first", from_tag="A", to_tag="B", sdp=back)["sdp"]
        assert "a=ice-ufrag" in middle and "a=ice-ufrag" in back and "a=ice" not in offered + answered
        await asyncio.gather(one.connect(answered), other.connect(offered))
        await settled(daemon, "first")
        await settled(daemon, "second")
        await exchange(one, other)
        await one.close()
        await other.close()
    asyncio.run(run())
