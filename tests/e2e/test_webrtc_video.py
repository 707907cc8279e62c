# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound and pictures of WebRTC clients (aiortc) and other phones, each section on a transport of its own or bundled."""
from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from controlplane.srtp import suites
from tests.peers import rtcp, sdp
from tests.peers.talking import Call, talk
from tests.peers.videophone import Videophone
from tests.peers.webrtc import Browser

pytestmark = pytest.mark.e2e
CODECS = {"codec": {"strip": ["all"], "except": ["PCMU", "VP8"]}}
BRIGHT, DARK = 180, 70
SUITES = ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"]


def without_groups(body: str) -> str:
    return "\r\n".join(line for line in body.split("\r\n") if not line.startswith("a=group:"))


def phone(suite: str | None, luma: int) -> Videophone:
    return Videophone(luma, next(each for each in suites.SUITES if each.name == suite) if suite else None)


def keys_for(other: Videophone) -> dict[str, Any]:
    """What an offer to a phone has to ask for."""
    return {**CODECS, "transport-protocol": other.profile, "ICE": "remove", "rtcp-mux": ["demux"], "DTLS": ["off"]}


WEBRTC = {"transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "rtcp-mux": ["offer", "require"],
          "SDES": ["off"], "flags": ["generate-mid"]}


def ports(body: str) -> set[int]:
    return {each.port for each in sdp.sections(body)}


def groups(body: str) -> list[str]:
    return [line.removeprefix("a=group:BUNDLE ") for line in body.split("\r\n") if line.startswith("a=group:")]


async def until_reports(other: Videophone) -> None:
    """The browser's own RTCP has come for each m-section."""
    end = time.monotonic() + 60
    while not all(rtcp.reports(b"".join(line.reports)) for line in other.lines):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("suite", [None, *SUITES])
def test_caller(call: Call, suite: str | None) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, phone(suite, DARK) as other:
            offered = call.offer(without_groups(await browser.offer()), **keys_for(other))
            assert not any(word in offered for word in ("fingerprint", "ice-", "candidate", "rtcp-mux"))
            other.hear(offered)
            answered = call.answer(other.body())
            assert not groups(answered) and len(ports(answered)) == 2
            await browser.accept(answered)
            other.start()
            await talk(browser, other)
            assert browser.transports == 2 and browser.connection.connectionState == "connected"
            await until_reports(other)
    asyncio.run(run())


@pytest.mark.parametrize("suite", [None, SUITES[0]])
def test_callee(call: Call, suite: str | None) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, phone(suite, DARK) as other:
            offered = call.offer(other.body(), **WEBRTC)
            assert not groups(offered) and len(ports(offered)) == 2 and "a=crypto" not in offered
            answered = call.answer(without_groups(await browser.answer(offered)))
            assert not any(word in answered for word in ("fingerprint", "ice-", "candidate", "rtcp-mux"))
            other.hear(answered)
            other.start()
            await talk(browser, other)
            assert browser.transports == 2
    asyncio.run(run())


def test_a_bundle_that_is_not_accepted(call: Call) -> None:
    """Groups are ignored unless the ng command says otherwise."""
    async def run() -> None:
        async with Browser(BRIGHT) as browser, phone(None, DARK) as other:
            own = await browser.offer()
            other.hear(call.offer(own, **keys_for(other)))
            answered = call.answer(other.body())
            assert groups(own) == ["0 1"] and not groups(answered) and len(ports(answered)) == 2
            await browser.accept(answered)
            other.start()
            await talk(browser, other)
            assert browser.transports == 2
    asyncio.run(run())


@pytest.mark.parametrize("bundle, suite", [("separate", SUITES[0]), ("one", None)])
def test_bundle_of_the_caller(call: Call, bundle: str, suite: str | None) -> None:
    async def run() -> None:
        async with Browser(BRIGHT, bundle) as browser, phone(suite, DARK) as other:
            other.hear(call.offer(await browser.offer(), **keys_for(other), bundle=["accept"]))
            answered = call.answer(other.body())
            assert groups(answered) == ["0 1"] and len(ports(answered)) == 1
            await browser.accept(answered)
            other.start()
            await talk(browser, other)
            assert browser.transports == 1 and len(set(call.ports("A"))) == 1 and len(set(call.ports("B"))) == 2
            await until_reports(other)
    asyncio.run(run())


@pytest.mark.parametrize("words", [["offer"], ["require"], ["strict"]])
def test_bundle_offered_to_the_callee(call: Call, words: list[str]) -> None:
    async def run() -> None:
        async with Browser(BRIGHT) as browser, phone(None, DARK) as other:
            offered = call.offer(other.body(), **WEBRTC, bundle=words)
            assert len(groups(offered)) == 1
            assert len(ports(offered)) == (1 if words == ["require"] else 2)
            assert ("a=bundle-only" in offered) == (words != ["offer"])
            assert (0 in ports(offered)) == (words == ["strict"])
            other.hear(call.answer(await browser.answer(offered)))
            other.start()
            await talk(browser, other)
            assert browser.transports == 1 and len(set(call.ports("B"))) == 1 and len(set(call.ports("A"))) == 2
    asyncio.run(run())


def test_bundles_on_both_sides(call: Call) -> None:
    async def run() -> None:
        async with Browser(BRIGHT, "one") as browser, Browser(DARK) as other:
            offered = call.offer(await browser.offer(), **CODECS, bundle=["accept", "offer"])
            answered = call.answer(await other.answer(offered), bundle=["accept"])
            await browser.accept(answered)
            await talk(browser, other)
            assert browser.transports == other.transports == 1
            assert len(set(call.ports("A"))) == len(set(call.ports("B"))) == 1
    asyncio.run(run())
