# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebRTC client (aiortc) begins ICE anew (RFC 8839 section 4.4.1), or comes back as another one, and media go on."""
from __future__ import annotations

import asyncio
import re

import pytest

from tests.peers.talking import Call, talk
from tests.peers.videophone import Videophone
from tests.peers.webrtc import Browser

pytestmark = pytest.mark.e2e
BRIGHT, DARK = 180, 70
TO_PHONE = {"ICE": "remove", "rtcp-mux": ["demux"], "transport-protocol": "RTP/AVP",
            "codec": {"strip": ["all"], "except": ["PCMU", "VP8"]}}
TO_BROWSER = {"transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "rtcp-mux": ["offer", "require"],
              "SDES": ["off"], "flags": ["generate-mid"]}


def credentials(body: str) -> list[str]:
    return re.findall(r"^a=ice-(?:ufrag|pwd):(\S+)", body, re.M)


async def begin(call: Call, browser: Browser, other: Videophone, *bundle: str) -> str:
    """The browser calls; what it was answered."""
    other.hear(call.offer(await browser.offer(), **TO_PHONE, bundle=bundle))
    answered = call.answer(other.body())
    await browser.accept(answered)
    other.start()
    await talk(browser, other)
    return answered


@pytest.mark.parametrize("bundle", [(), ("accept",)], ids=["separate", "bundled"])
def test_restart(call: Call, bundle: tuple[str, ...]) -> None:
    """Nothing is lost: the former paths are used until the new ones have been checked. Keys stay.

    It knows no names of connections (tls-id), so ours might begin anew (RFC 8842): it takes no notice of that.
    """
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            before = credentials(await begin(call, browser, other, *bundle))
            other.hear(call.offer(await browser.restart(), **TO_PHONE, bundle=bundle))
            answered = call.answer(other.body())
            assert not set(before) & set(credentials(answered)) and len(credentials(answered)) == len(before)
            await talk(browser, other)
            await browser.restarted(answered)
            await talk(browser, other)
            assert all("DTLS fingerprint verified" in flags for flags in call.flags("A")[:1])
            assert other.lost() == [0, 0] and browser.is_secure
    asyncio.run(run())


def test_restart_by_the_callee(call: Call) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            other.hear(call.answer(await browser.answer(call.offer(other.body(), **TO_BROWSER))))
            other.start()
            await talk(browser, other)
            other.hear(call.offer(await browser.restart(), "B", **TO_PHONE))
            await browser.restarted(call.answer(other.body(), "B"))
            await talk(browser, other)
            assert other.lost() == [0, 0]
    asyncio.run(run())


def test_a_new_offer_without_restart(call: Call) -> None:
    """Credentials and paths are the same."""
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Videophone(DARK) as other:
            before = credentials(await begin(call, browser, other))
            other.hear(call.offer(await browser.offer(), **TO_PHONE))
            answered = call.answer(other.body())
            assert credentials(answered) == before
            await browser.accept(answered)
            await talk(browser, other)
            assert other.lost() == [0, 0]
    asyncio.run(run())


def test_the_page_is_loaded_again(call: Call) -> None:
    """Another client in the place of the first: other credentials, another certificate, other sources."""
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Browser(BRIGHT) as later, Videophone(DARK) as other:
            await begin(call, browser, other)
            await browser.connection.close()
            other.hear(call.offer(await later.offer(), **TO_PHONE))
            answered = call.answer(other.body())
            await later.accept(answered)
            await talk(later, other)
            assert later.connection.connectionState == "connected"
    asyncio.run(run())


def test_both_restart(call: Call) -> None:
    """Two of them, one after the other, and each on its own side of the daemon."""
    async def run() -> None:
        async with Browser(BRIGHT) as browser, Browser(DARK) as other:
            keys = {"codec": TO_PHONE["codec"]}
            await browser.accept(call.answer(await other.answer(call.offer(await browser.offer(), **keys))))
            await talk(browser, other)
            for one, two, caller in ((browser, other, "A"), (other, browser, "B")):
                offered = call.offer(await one.restart(), caller, **keys)
                await one.restarted(call.answer(await two.answer(offered), caller))
                await talk(browser, other)
    asyncio.run(run())
