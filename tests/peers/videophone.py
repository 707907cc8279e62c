# SPDX-License-Identifier: GPL-3.0-or-later
"""A phone without WebRTC, with a camera: PCMU and VP8, in clear or under keys of SDES, each with sockets of its own."""
from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable

from controlplane.srtp.crypto import Crypto, crypto_text, fresh, parse_crypto
from controlplane.srtp.suites import Suite
from tests.peers import phones, picture, rtcp, sdp
from tests.peers.plain import PERIOD, RATE, SAMPLES, level_of, magnitudes
from tests.peers.rtp import Packet, bind_pair

PCMU, VP8 = 0, 97
_LOUD, _SILENT = b"\x90" * (PERIOD // 2), b"\x10" * (PERIOD // 2)
_WAVE = (_LOUD + _SILENT) * (SAMPLES // PERIOD)
_PLI = bytes((0x81, 206, 0, 2))
_ASKING = 0.3
"""Seconds between two requests for a whole picture."""


class Line:
    """One m-section: ``heard`` are the RTP packets, ``reports`` the RTCP packets that came, in clear."""

    def __init__(self, kind: str, payload_type: int, suite: Suite | None, ssrc: int, mux: bool) -> None:
        self.kind, self.payload_type, self.ssrc, self.mux = kind, payload_type, ssrc, mux
        self.rtp, self.rtcp = bind_pair("127.0.0.1", socket.socket, 0)
        for sock in (self.rtp, self.rtcp):
            sock.setblocking(False)
        self.own = fresh(1, suite, random.Random(ssrc)) if suite is not None else None
        self.seal, self.open = phones.sealing(self.own), phones.opening(None)
        self.to = self.to_rtcp = 0
        self.timestamp = 0
        self.sequences: Counter[int] = Counter()
        self.heard: list[Packet] = []
        self.reports: list[bytes] = []

    def attributes(self) -> list[str]:
        """What its section says of media and keys."""
        found = [f"rtpmap:{self.payload_type} " + ("PCMU/8000" if self.kind == "audio" else "VP8/90000")]
        if self.kind == "video":
            found.append(f"rtcp-fb:{self.payload_type} nack pli")
        if self.own is not None:
            found.append(crypto_text(self.own).removeprefix("a="))
        return found + ["rtcp-mux"] * self.mux

    def hear(self, section: sdp.Section) -> None:
        """Where the other end is, and under which key it sends; its own takes the tag of that, if it answers."""
        self.to, self.to_rtcp = section.port, section.port if self.mux else section.rtcp_port
        if self.own is None:
            return
        told = [parse_crypto(each.partition(":")[2]) for each in section.attributes if each.startswith("crypto:")]
        chosen: Crypto = next(each for each in told if each is not None and each.suite is self.own.suite)
        self.own = self.own._replace(tag=chosen.tag)
        self.open = phones.opening(chosen)

    def send(self, payload: bytes, marker: bool = False) -> None:
        self.sequences[self.ssrc] += 1
        packet = Packet(self.payload_type, self.sequences[self.ssrc], self.timestamp, self.ssrc, payload, marker)
        self.rtp.sendto(self.seal(packet.pack()), ("127.0.0.1", self.to))

    def ask_for_picture(self) -> None:
        """A PLI (RFC 4585 section 6.3.1) for what was heard last."""
        if self.heard:
            data = rtcp.Report(self.ssrc, ()).pack() + _PLI + self.ssrc.to_bytes(4, "big")
            data += self.heard[-1].ssrc.to_bytes(4, "big")
            (self.rtp if self.mux else self.rtcp).sendto(self.seal(data), ("127.0.0.1", self.to_rtcp))

    async def listen(self, sock: socket.socket, take: Callable[[Packet], None]) -> None:
        while True:
            data = self.open(await asyncio.get_running_loop().sock_recv(sock, 4096))
            if 192 <= data[1] <= 223:
                self.reports.append(data)
            else:
                self.heard.append(Packet.parse(data))
                take(self.heard[-1])

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def _missing(numbers: list[int]) -> int:
    """Sequence numbers between the first and the last that are not there; there is no order in it."""
    first = numbers[0]
    found = {(number - first + 0x8000) % 0x10000 for number in numbers}
    return max(found) - min(found) + 1 - len(found)


class Videophone:
    """``luma``: the shade of its picture, None for no video; ``levels`` and ``lumas`` as of a Browser.

    While it ``pauses`` it sends nothing.
    """

    level = level_of(magnitudes(_WAVE))

    def __init__(self, luma: int | None = None, suite: Suite | None = None, mux: bool = False,
                 profile: str | None = None) -> None:
        self.luma = luma
        self.profile = profile or ("RTP/SAVP" if suite is not None else "RTP/AVP")
        self.lines = [Line("audio", PCMU, suite, 0xA0D10, mux)]
        if luma is not None:
            self.lines.append(Line("video", VP8, suite, 0x51DE0, mux))
        self.levels: list[float] = []
        self.lumas: list[float] = []
        self.pauses = False
        self._tasks: list[asyncio.Future[None]] = []

    def body(self, direction: str = "sendrecv") -> str:
        """Its SDP."""
        found = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        for line in self.lines:
            found.append(f"m={line.kind} {line.rtp.getsockname()[1]} {self.profile} {line.payload_type}")
            found += [f"a={each}" for each in (*line.attributes(), direction)]
        return "\r\n".join([*found, ""])

    def hear(self, text: str) -> None:
        """Take the other end's SDP."""
        for line, section in zip(self.lines, sdp.sections(text), strict=True):
            assert section.protocol == self.profile and section.kind == line.kind
            line.hear(section)

    def misbehave(self, does: bool) -> None:
        """Send from other sources, as long as nobody is to get it: so nothing will be missing of its own."""
        self.pauses = False
        for line in self.lines:
            line.ssrc = line.ssrc & ~1 | does

    def sent(self) -> dict[int, int]:
        """The last sequence number of each source of its own."""
        return {line.ssrc & ~1: line.sequences[line.ssrc & ~1] for line in self.lines}

    @property
    def received(self) -> int:
        """How many RTP packets have come."""
        return sum(len(line.heard) for line in self.lines)

    def lost(self) -> list[int]:
        """How many of the packets that each line should have heard did not come."""
        return [_missing([packet.sequence for packet in line.heard]) for line in self.lines]

    async def _speak(self, line: Line) -> None:
        while True:
            if not self.pauses:
                line.send(_WAVE)
            line.timestamp += SAMPLES
            await asyncio.sleep(SAMPLES / RATE)

    async def _show(self, line: Line, luma: int) -> None:
        parts = picture.payloads(luma)
        while True:
            for number, part in enumerate([] if self.pauses else parts, 1):
                line.send(part, number == len(parts))
            line.timestamp += int(picture.INTERVAL * picture.CLOCK)
            await asyncio.sleep(picture.INTERVAL)

    async def _ask(self, line: Line) -> None:
        while not self.lumas:
            line.ask_for_picture()
            await asyncio.sleep(_ASKING)

    def start(self) -> None:
        """Send and receive from now on."""
        audio, *video = self.lines
        jobs = [self._speak(audio), *(audio.listen(sock, self._hear) for sock in (audio.rtp, audio.rtcp))]
        for line in video:
            screen = picture.Screen()
            jobs += [self._show(line, self.luma or 0), self._ask(line),
                     *(line.listen(sock, lambda packet: self.lumas.extend(screen.show(packet)))
                       for sock in (line.rtp, line.rtcp))]
        self._tasks = [asyncio.ensure_future(job) for job in jobs]

    def _hear(self, packet: Packet) -> None:
        if packet.payload_type == PCMU:
            self.levels.append(level_of(magnitudes(packet.payload)))

    async def __aenter__(self) -> Videophone:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        failures = [each for each in await asyncio.gather(*self._tasks, return_exceptions=True)
                    if not isinstance(each, asyncio.CancelledError) and each is not None]
        for line in self.lines:
            line.close()
        assert not failures, failures
