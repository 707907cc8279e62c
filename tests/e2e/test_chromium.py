# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium and a plain phone talk through a running daemon, in a namespace: ICE, DTLS-SRTP, sound both ways."""
from __future__ import annotations

import asyncio
import math
import struct
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.peers import chromium, netns, sdp
from tests.peers.chromium import Chromium
from tests.peers.daemon import Daemon
from tests.peers.netns import Namespace
from tests.peers.ngclient import NgClient
from tests.peers.plain import PERIOD, RATE, Plain, level_of, magnitudes
from tests.peers.rtp import Packet

pytestmark = pytest.mark.e2e
ADDRESS = "10.78.0.1"  # browsers have no ICE candidates on 127.0.0.1
WANTED = 60
"""Packets that have to arrive: more than a second of audio."""
AMPLITUDE = 12000
PAGE = Path(__file__).with_name("chromium.html").read_text()


@dataclass(frozen=True, slots=True)
class Setting:
    """A daemon in a namespace, and the sound of the microphones there."""

    home: Namespace
    daemon: Daemon
    sound: Path

    def browser(self, microphone: bool = True) -> Chromium:
        return Chromium(PAGE, self.sound if microphone else None, self.home)

    def plain(self) -> Plain:
        return Plain(ADDRESS, self.home.socket)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    if reason := chromium.missing() or netns.available():
        pytest.skip(reason)
    sound = tmp_path_factory.mktemp("chromium") / "tone.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", round(AMPLITUDE * math.sin(2 * math.pi * 440 * n / 48000)))
                                  for n in range(48000)))
    with Namespace("chromium") as home:
        netns.veth(home, "lan", home, "wire")  # nobody is at its other end
        home.add_address(f"{ADDRESS}/24", "lan")
        home.ip("route", "add", "default", "dev", "lan")  # which address is a browser's, it asks the routes
        with Daemon(interfaces=(ADDRESS,), namespace=home) as daemon:
            yield Setting(home, daemon, sound)


def clear(levels: dict[str, Any], since: dict[str, Any]) -> bool:
    """Whether the browser hears the phone's tone now, and has lost no packet since then, as it does when it is late."""
    return bool(levels.get("packets", 0) >= since.get("packets", 0) + WANTED and levels.get("level", 0) > 0.1
                and levels["rms"] > 0.1 and abs(levels["frequency"] - RATE / PERIOD) < 20)


def heard_well(media: list[Packet]) -> bool:
    """Whether the last packets are the browser's tone, as loud as it was sent; its microphone may have been late."""
    heard = level_of(magnitudes(b"".join(packet.payload for packet in media[-WANTED // 2:])))
    return len(media) >= WANTED and 0.7 * AMPLITUDE < heard * math.sqrt(2) < 1.3 * AMPLITUDE


async def talk(plain: Plain, browser: Chromium) -> None:
    """Each hears the other's tone."""
    tasks = [asyncio.ensure_future(plain.speak()), asyncio.ensure_future(plain.listen())]
    levels: dict[str, Any] = {}
    since: dict[str, Any] = {}
    media: list[Packet] = []
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (media and heard_well(media) and clear(levels, since)):
            await asyncio.sleep(0.1)
            levels = await asyncio.to_thread(browser.call, "heard")
            since = since if levels.get("lost") == since.get("lost") else levels
            media = [packet for packet in plain.heard if packet.payload_type == 0]
    finally:
        for task in tasks:
            task.cancel()
    assert media and heard_well(media) and clear(levels, since), (len(media), levels, since)
    numbers = [packet.sequence for packet in media[-WANTED:]]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(WANTED)], "nothing lost, nothing twice"
    assert levels["state"] == "connected", levels


def negotiate(client: NgClient, call: dict[str, str], own: str, plain: Plain) -> str:
    """The browser's offer goes to the phone, and back comes the answer."""
    offered = client.request("offer", **call, sdp=own, **{
        "transport-protocol": "RTP/AVP", "ICE": "remove", "rtcp-mux": ["demux"],
        "codec": {"strip": ["all"], "except": ["PCMU"]}})["sdp"]
    assert "fingerprint" not in offered and "ice-" not in offered and "candidate" not in offered
    plain.peer = (ADDRESS, sdp.sections(offered)[0].port)
    return str(client.request("answer", **call, **{"to-tag": "B", "sdp": plain.sdp, "ICE": "force"})["sdp"])


def call_plain(setting: Setting, call_id: str, microphone: bool) -> str:
    """The browser calls; returns what it offered."""
    call = {"call-id": call_id, "from-tag": "A"}
    plain = setting.plain()
    with setting.daemon.client() as client, setting.browser(microphone) as browser:
        browser.call("speak", microphone)
        own = str(browser.call("offer"))
        browser.call("accept", negotiate(client, call, own, plain))
        asyncio.run(talk(plain, browser))
        if microphone:
            restart(client, call, browser, plain)
        client.request("delete", **call)
    return own


def restart(client: NgClient, call: dict[str, str], browser: Chromium, plain: Plain) -> None:
    """The browser begins ICE anew, with other sockets; keys stay."""
    def stream() -> dict[str, Any]:
        found: dict[str, Any] = client.request("query", **call)["tags"]["A"]["medias"][0]["streams"][0]
        return found
    former = stream()["endpoint"]
    browser.call("accept", negotiate(client, call, str(browser.call("restart")), plain))
    end = time.monotonic() + 60
    while stream()["endpoint"] == former:
        assert time.monotonic() < end
        time.sleep(0.05)
    plain.heard.clear()
    asyncio.run(talk(plain, browser))
    assert "DTLS fingerprint verified" in stream()["flags"]


def test_caller(setting: Setting) -> None:
    assert f" {ADDRESS} " in call_plain(setting, "chromium-caller", True)


def test_hidden_address(setting: Setting) -> None:
    """Without leave to use the microphone, candidates are names that only mDNS resolves (RFC 8828)."""
    candidates = [line for line in call_plain(setting, "chromium-hidden", False).splitlines()
                  if line.startswith("a=candidate:")]
    assert candidates and all(line.split()[4].endswith(".local") for line in candidates)


def test_callee(setting: Setting) -> None:
    call = {"call-id": "chromium-callee", "from-tag": "A"}
    plain = setting.plain()
    with setting.daemon.client() as client, setting.browser() as browser:
        browser.call("speak", True)
        offered = client.request("offer", **call, sdp=plain.sdp, **{
            "transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "rtcp-mux": ["offer"],
            "SDES": ["off"], "flags": ["generate-mid"]})["sdp"]
        own = browser.call("answer", offered)
        answered = client.request("answer", **call, **{"to-tag": "B", "sdp": own, "ICE": "remove"})["sdp"]
        assert "fingerprint" not in answered
        plain.peer = (ADDRESS, sdp.sections(answered)[0].port)
        asyncio.run(talk(plain, browser))
        client.request("delete", **call)
