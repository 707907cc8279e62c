# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebRTC client made of aiortc, on loopback: it sends a tone and a grey picture, and keeps what it hears and sees."""
from __future__ import annotations

import array
import asyncio
import math
import time
from fractions import Fraction
from typing import Any

import aioice
import aiortc
import av

from tests.peers import ice, picture
from tests.peers.plain import RATE, SAMPLES, level_of

TONE, AMPLITUDE = 440.0, 12000
_FRAMES = 5
"""So many frames hold whole waves."""
_BUNDLES = {"separate": aiortc.RTCBundlePolicy.BALANCED, "one": aiortc.RTCBundlePolicy.MAX_BUNDLE}


class Tone(aiortc.MediaStreamTrack):
    """A sine wave in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._begin: float | None = None
        self._at = 0
        self._frames = [b"".join(
            int(AMPLITUDE * math.sin(2 * math.pi * TONE * (number * SAMPLES + n) / RATE)).to_bytes(
                2, "little", signed=True) for n in range(SAMPLES)) for number in range(_FRAMES)]

    async def recv(self) -> av.AudioFrame:
        if self._begin is None:
            self._begin = time.monotonic()
        await asyncio.sleep(max(0.0, self._begin + self._at / RATE - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(self._frames[self._at // SAMPLES % _FRAMES])
        frame.pts, frame.sample_rate, frame.time_base = self._at, RATE, Fraction(1, RATE)
        self._at += SAMPLES
        return frame


class Picture(aiortc.MediaStreamTrack):
    """A grey picture in real time."""

    kind = "video"

    def __init__(self, luma: int) -> None:
        super().__init__()
        self.luma = luma
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        if self._number:
            await asyncio.sleep(picture.INTERVAL)
        frame = picture.grey(self.luma)
        frame.pts, frame.time_base = int(self._number * picture.INTERVAL * picture.CLOCK), Fraction(1, picture.CLOCK)
        self._number += 1
        return frame


class Browser:
    """``luma``: the shade of its picture, None for no video. ``bundle``: transports "separate" until an answer bundles
    them, or "one" in any case.

    ``levels`` and ``lumas`` are of the frames it has received, ``received`` is the number of RTP packets, ``last`` the
    sequence number of the last one of each source.
    """

    level = AMPLITUDE / math.sqrt(2)

    def __init__(self, luma: int | None = None, bundle: str = "separate") -> None:
        self.luma = luma
        self.levels: list[float] = []
        self.lumas: list[float] = []
        self.received = 0
        self.last: dict[int, int] = {}
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(
            iceServers=[], bundlePolicy=_BUNDLES[bundle]))
        self.connection.on("track", self._on_track)
        self._tasks: list[asyncio.Future[None]] = []
        for track in [Tone(), *([Picture(luma)] if luma is not None else [])]:
            self.connection.addTrack(track)
        for transport in self._transports():
            self._count(transport)

    def _transports(self) -> list[aiortc.RTCDtlsTransport]:
        found = [each.receiver.transport for each in self.connection.getTransceivers()]
        return list({id(each): each for each in found}.values())

    @property
    def transports(self) -> int:
        """How many it uses."""
        return len(self._transports())

    @property
    def is_secure(self) -> bool:
        """True while all of them have the keys of the one handshake that they make."""
        return all(each.state == "connected" for each in self._transports())

    def _count(self, transport: aiortc.RTCDtlsTransport) -> None:
        handle = transport._handle_rtp_data

        async def counted(data: bytes, **more: Any) -> None:
            self.received += 1
            self.last[int.from_bytes(data[8:12], "big")] = int.from_bytes(data[2:4], "big")
            await handle(data, **more)
        transport._handle_rtp_data = counted

    def _on_track(self, track: aiortc.MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._receive(track)))

    async def _receive(self, track: aiortc.MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            if track.kind == "video":
                self.lumas.append(picture.luma_of(frame))
            else:
                self.levels.append(level_of(array.array("h", bytes(frame.planes[0]))))

    # --- signalling ---

    async def _described(self, description: aiortc.RTCSessionDescription) -> str:
        with ice.on_loopback():
            await self.connection.setLocalDescription(description)
        text: str = self.connection.localDescription.sdp
        return text

    async def offer(self, direction: str | None = None) -> str:
        """What it offers, with another direction from now on if one is given."""
        if direction is not None:
            for each in self.connection.getTransceivers():
                each.direction = direction
        return await self._described(await self.connection.createOffer())

    async def answer(self, offered: str) -> str:
        """What it answers."""
        await self.connection.setRemoteDescription(aiortc.RTCSessionDescription(offered, "offer"))
        return await self._described(await self.connection.createAnswer())

    async def accept(self, answered: str) -> None:
        """Take an answer to its offer."""
        await self.connection.setRemoteDescription(aiortc.RTCSessionDescription(answered, "answer"))

    async def trickle(self, mid: str, line: str | None) -> None:
        """Take a candidate of a section that came later; None: there are no more."""
        if line is None:
            await self.connection.addIceCandidate(None)
            return
        candidate = aiortc.sdp.candidate_from_sdp(line)
        candidate.sdpMid = mid
        await self.connection.addIceCandidate(candidate)

    # --- restart of ICE, which aiortc itself does not have ---

    async def restart(self) -> str:
        """An offer with other credentials and sockets; until it is accepted everything goes on as before."""
        self._former = [(each.transport, each.transport._connection) for each in self._transports()]
        for transport, former in self._former:
            fresh = aioice.Connection(ice_controlling=former.ice_controlling)
            transport.iceGatherer._connection = fresh
            transport.iceGatherer._remote_candidates_end = False
            with ice.on_loopback():
                await fresh.gather_candidates()
        return await self.offer()

    async def restarted(self, answered: str) -> None:
        """Take the answer, and use the new paths as soon as they have been checked."""
        sections = [part.splitlines() for part in answered.split("\r\nm=")[1:]]
        for transport, _ in self._former:
            transport._connection = transport.iceGatherer._connection
        await self.accept(answered)
        for (transport, former), lines in zip(self._former, sections):
            fresh = transport._connection
            fresh.remote_username, fresh.remote_password = (
                next(line for line in lines if line.startswith(name)).partition(":")[2]
                for name in ("a=ice-ufrag:", "a=ice-pwd:"))
            await fresh.connect()
            transport._recv, transport._send = fresh.recv, fresh.send
            former._queue.put_nowait((b"\0", 1))     # whoever waits there goes on to wait at the new one
            await asyncio.sleep(0.05)
            await former.close()

    # --- from the beginning to the end ---

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self.connection.close()
