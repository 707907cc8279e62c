# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebRTC client (aiortc) and a plain phone talk through a running daemon: ICE, DTLS-SRTP, audio both ways."""
from __future__ import annotations

import array
import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiortc
import pytest

from tests.peers import ice, sdp
from tests.peers.daemon import Daemon
from tests.peers.plain import Plain, level_of, magnitudes
from tests.peers.webrtc import Tone

pytestmark = pytest.mark.e2e
WANTED = 60
"""Packets, or frames, that have to arrive: more than a second of audio."""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(interfaces=("127.0.0.1",)) as running:
        yield running


@asynccontextmanager
async def browser() -> AsyncIterator[tuple[aiortc.RTCPeerConnection, list[float]]]:
    """A connection with a tone to send, and the levels of the frames that it hears."""
    connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    levels: list[float] = []
    tasks = []

    async def hear(track: aiortc.MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            assert frame.format.name == "s16"
            levels.append(level_of(array.array("h", bytes(frame.planes[0]))))

    connection.on("track", lambda track: tasks.append(asyncio.ensure_future(hear(track))))
    connection.addTrack(Tone())
    try:
        yield connection, levels
    finally:
        for task in tasks:
            task.cancel()
        await connection.close()


async def talk(plain: Plain, levels: list[float]) -> None:
    """Both hear the other at a level that is neither silence nor noise."""
    tasks = [asyncio.ensure_future(plain.speak()), asyncio.ensure_future(plain.listen())]
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and (
                len(plain.heard) < WANTED or sum(level > 2000 for level in levels) < WANTED):
            await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
    media = [packet for packet in plain.heard if packet.payload_type == 0]
    assert len(media) >= WANTED and sum(level > 2000 for level in levels) >= WANTED, (len(plain.heard), levels[-5:])
    numbers = [packet.sequence for packet in media[-WANTED:]]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(WANTED)], "nothing lost, nothing twice"
    assert 6000 < level_of(magnitudes(b"".join(packet.payload for packet in media[-WANTED:]))) < 11000
    assert 2000 < sorted(levels)[-10] < 33000


def test_caller(daemon: Daemon) -> None:
    async def run() -> None:
        plain = Plain()
        with daemon.client() as client:
            async with browser() as (connection, levels):
                with ice.on_loopback():
                    await connection.setLocalDescription(await connection.createOffer())
                offered = client.request("offer", **CALLER, sdp=connection.localDescription.sdp, **{
                    "transport-protocol": "RTP/AVP", "ICE": "remove", "rtcp-mux": ["demux"],
                    "codec": {"strip": ["all"], "except": ["PCMU"]}})["sdp"]
                assert "fingerprint" not in offered and "ice-" not in offered
                plain.peer = ("127.0.0.1", sdp.sections(offered)[0].port)
                answered = client.request("answer", **CALLER, **{"to-tag": "B", "sdp": plain.sdp, "ICE": "force"})
                await connection.setRemoteDescription(aiortc.RTCSessionDescription(answered["sdp"], "answer"))
                await talk(plain, levels)
                assert connection.connectionState == "connected"
            client.request("delete", **CALLER)

    CALLER = {"call-id": "webrtc-caller", "from-tag": "A"}
    asyncio.run(run())


def test_callee(daemon: Daemon) -> None:
    async def run() -> None:
        plain = Plain()
        with daemon.client() as client:
            async with browser() as (connection, levels):
                offered = client.request("offer", **CALLEE, sdp=plain.sdp, **{
                    "transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "rtcp-mux": ["offer"],
                    "SDES": ["off"], "flags": ["generate-mid"]})["sdp"]
                await connection.setRemoteDescription(aiortc.RTCSessionDescription(offered, "offer"))
                with ice.on_loopback():
                    await connection.setLocalDescription(await connection.createAnswer())
                answered = client.request("answer", **CALLEE, **{
                    "to-tag": "B", "sdp": connection.localDescription.sdp, "ICE": "remove"})["sdp"]
                assert "fingerprint" not in answered
                plain.peer = ("127.0.0.1", sdp.sections(answered)[0].port)
                await talk(plain, levels)
            client.request("delete", **CALLEE)

    CALLEE = {"call-id": "webrtc-callee", "from-tag": "A"}
    asyncio.run(run())
