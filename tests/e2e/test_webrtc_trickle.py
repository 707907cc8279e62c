# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates of a WebRTC client (aiortc) that come after its SDP (RFC 8838, 8840), and ours that it is told later.

It is not told ours until media run, so that nothing but its own candidates says where it is.
"""
from __future__ import annotations

import asyncio
import re
import time

import pytest

from tests.peers.talking import Call, talk
from tests.peers.videophone import Videophone
from tests.peers.webrtc import Browser

pytestmark = pytest.mark.e2e
BRIGHT, DARK = 180, 70
TO_PHONE = {"ICE": "remove", "rtcp-mux": ["demux"], "transport-protocol": "RTP/AVP",
            "codec": {"strip": ["all"], "except": ["PCMU", "VP8"]}}
TO_BROWSER = {"transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": ["force", "trickle"], "rtcp-mux": ["offer", "require"],
              "SDES": ["off"], "flags": ["generate-mid"]}
_LATE = re.compile(r"^a=(?:candidate:.*|end-of-candidates)\r\n", re.M)


class Trickled:
    """A body without its candidates, and the fragments that bring them."""

    def __init__(self, body: str) -> None:
        early = re.sub(r"^m=(\w+) \d+", r"m=\1 9", _LATE.sub("", body), flags=re.M)
        self.early = re.sub(r"^c=.*$", "c=IN IP4 0.0.0.0\r", early, flags=re.M).replace(
            "a=mid:", "a=ice-options:trickle\r\na=mid:")
        _, *self.sections = re.split(r"^(?=m=)", body, flags=re.M)

    def fragment(self, number: int, *, candidates: bool = True, end: bool = True) -> str:
        """Of one section."""
        section = self.sections[number]
        lines = [next(line for line in section.splitlines() if line.startswith(f"a={name}:"))
                 for name in ("ice-ufrag", "ice-pwd", "mid")]
        found = [*lines[:2], re.sub(r"^m=(\w+) \d+", r"m=\1 9", section.splitlines()[0]), lines[2]]
        found += self.candidates(number) * candidates + ["a=end-of-candidates"] * end
        return "\r\n".join([*found, ""])

    def candidates(self, number: int) -> list[str]:
        return [line for line in self.sections[number].splitlines() if line.startswith("a=candidate:")]


async def connected(call: Call, tag: str) -> None:
    """The daemon knows where the party is."""
    end = time.monotonic() + 60
    while not all("DTLS fingerprint verified" in flags for flags in call.flags(tag)):
        assert time.monotonic() < end, call.flags(tag)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("when", ["before the offer", "before the answer", "after the answer"])
def test_caller(call: Call, when: str) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            own = Trickled(await browser.offer())

            def trickle(now: str) -> None:
                if now == when:
                    call.trickle(own.fragment(1))
                    call.trickle(own.fragment(0))
            trickle("before the offer")
            other.hear(call.offer(own.early, **TO_PHONE))
            trickle("before the answer")
            answered = Trickled(call.answer(other.body(), ICE=["trickle"]))
            assert all("a=ice-options:trickle" in section for section in answered.sections)
            await browser.accept(answered.early)
            if when == "after the answer":
                await asyncio.sleep(0.2)
                assert not any("DTLS fingerprint verified" in flags for flags in call.flags("A"))
            trickle("after the answer")
            other.start()
            await connected(call, "A")
            await talk(browser, other)
    asyncio.run(run())


def test_one_by_one(call: Call) -> None:
    """Each candidate and the end of them in fragments of their own, in both directions."""
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            own = Trickled(await browser.offer())
            other.hear(call.offer(own.early, **TO_PHONE))
            answered = Trickled(call.answer(other.body(), ICE=["trickle"]))
            await browser.accept(answered.early)
            for candidates, end in ((True, False), (False, True)):
                for number in (0, 1):
                    call.trickle(own.fragment(number, candidates=candidates, end=end))
            other.start()
            await connected(call, "A")
            for number in (0, 1):
                for line in answered.candidates(number):
                    await browser.trickle(str(number), line.removeprefix("a=candidate:"))
            await browser.trickle("", None)
            await talk(browser, other)
    asyncio.run(run())


def test_bundled(call: Call) -> None:
    """Only the first of them has candidates."""
    async def run() -> None:
        async with Browser(BRIGHT, "one") as browser, Videophone(DARK) as other:
            own = Trickled(await browser.offer())
            other.hear(call.offer(own.early, **TO_PHONE, bundle=["accept"]))
            await browser.accept(Trickled(call.answer(other.body(), ICE=["trickle"])).early)
            call.trickle(own.fragment(0))
            other.start()
            await talk(browser, other)
            assert browser.transports == 1
    asyncio.run(run())


def test_callee(call: Call) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            offered = Trickled(call.offer(other.body(), **TO_BROWSER))
            assert all("a=ice-options:trickle" in section for section in offered.sections)
            own = Trickled(await browser.answer(offered.early))
            other.hear(call.answer(own.early))
            for number in (0, 1):
                call.trickle(own.fragment(number), "B")
            other.start()
            await connected(call, "B")
            await talk(browser, other)
    asyncio.run(run())


def test_candidates_of_a_former_generation_say_nothing(call: Call) -> None:
    async def run() -> None:
        async with Browser() as browser, Browser() as former, Videophone() as other:
            own, old = Trickled(await browser.offer()), Trickled(await former.offer())
            other.hear(call.offer(own.early, **TO_PHONE))
            answered = call.answer(other.body(), ICE=["trickle"])
            await browser.accept(Trickled(answered).early)
            call.trickle(re.sub("^a=candidate.*\r\n", "", old.fragment(0), flags=re.M)
                         + "\r\n".join([*own.candidates(0), ""]))
            await asyncio.sleep(0.4)
            assert not any("DTLS fingerprint verified" in flags for flags in call.flags("A"))
            call.trickle(own.fragment(0))
            other.start()
            await talk(browser, other)
    asyncio.run(run())
