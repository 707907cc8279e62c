# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebRTC client (aiortc) and another phone put each other on hold and come back (RFC 3264 section 8.4)."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from controlplane.srtp.suites import SUITES
from tests.peers import sdp
from tests.peers.talking import PATIENCE, Call, hears, quiet, talk
from tests.peers.videophone import Videophone
from tests.peers.webrtc import Browser

pytestmark = pytest.mark.e2e
BRIGHT, DARK = 180, 70
TO_PHONE = {"ICE": "remove", "rtcp-mux": ["demux"], "DTLS": ["off"],
            "codec": {"strip": ["all"], "except": ["PCMU", "VP8"]}}
TO_BROWSER = {"transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "rtcp-mux": ["offer", "require"],
              "SDES": ["off"], "flags": ["generate-mid"]}
BACK = {"sendrecv": "sendrecv", "sendonly": "recvonly", "inactive": "inactive"}


def directions(body: str) -> set[str]:
    return {each.direction for each in sdp.sections(body)}


async def offer_of(browser: Browser, other: Videophone, call: Call, direction: str) -> None:
    """The browser offers a direction, and the phone agrees."""
    offered = call.offer(await browser.offer(direction), **TO_PHONE,
                         **{"transport-protocol": other.profile, "bundle": ["accept"]})
    assert directions(offered) == {direction}
    other.hear(offered)
    answered = call.answer(other.body(BACK[direction]))
    assert directions(answered) == {BACK[direction]}
    await browser.accept(answered)


async def offer_of_phone(browser: Browser, other: Videophone, call: Call, caller: str, direction: str) -> None:
    """The other way round."""
    offered = call.offer(other.body(direction), caller, **TO_BROWSER, bundle=["offer"])
    assert directions(offered) == {direction}
    answered = call.answer(await browser.answer(offered), caller)
    assert directions(answered) == {BACK[direction]}
    other.hear(answered)


async def held(browser: Browser, other: Videophone) -> None:
    """What the phone has sent of its own has come, and what follows is from other sources.

    The browser drops what comes in after it has agreed to a hold, and waits for it before it shows the next picture.
    """
    other.misbehave(True)
    end = time.monotonic() + PATIENCE
    while not other.sent().items() <= browser.last.items():
        assert time.monotonic() < end, (other.sent(), browser.last)
        await asyncio.sleep(0.02)


async def resumed(browser: Browser, other: Videophone, offer: Callable[[], Awaitable[None]]) -> None:
    """The phone is silent until both have agreed to talk."""
    other.pauses = True
    await quiet(browser)
    await offer()
    other.misbehave(False)
    await talk(browser, other)
    assert browser.connection.connectionState == "connected"


def test_the_browser_holds(call: Call) -> None:
    """The phone, which has SDES, goes on sending, as some do, and is not heard."""
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK, SUITES[0]) as other:
            await offer_of(browser, other, call, "sendrecv")
            other.start()
            await talk(browser, other)
            await held(browser, other)
            await offer_of(browser, other, call, "sendonly")
            await asyncio.gather(quiet(browser), hears(other, browser))
            await offer_of(browser, other, call, "inactive")
            await asyncio.gather(quiet(browser), quiet(other))
            await resumed(browser, other, lambda: offer_of(browser, other, call, "sendrecv"))
    asyncio.run(run())


@pytest.mark.parametrize("caller", ["A", "B"])
def test_the_phone_holds(call: Call, caller: str) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            if caller == "A":
                await offer_of_phone(browser, other, call, caller, "sendrecv")
            else:
                await offer_of(browser, other, call, "sendrecv")
            other.start()
            await talk(browser, other)
            await offer_of_phone(browser, other, call, caller, "sendonly")
            await asyncio.gather(quiet(other), hears(browser, other))
            await held(browser, other)
            await offer_of_phone(browser, other, call, caller, "inactive")
            await asyncio.gather(quiet(browser), quiet(other))
            await resumed(browser, other, lambda: offer_of_phone(browser, other, call, caller, "sendrecv"))
    asyncio.run(run())
