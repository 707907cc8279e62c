# SPDX-License-Identifier: GPL-3.0-or-later
"""T5, T9, T10 at ten times the rate at which packets of ICE and DTLS are handed up: calls come about all the same."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest

from controlplane.dtls.records import hello_verify
from tests.attack.forged import (alerts_and_others, checks_without_password, client_hello, handshake_messages, record)
from tests.attack.ground import PACKETS, PATIENCE, Ground
from tests.attack.parties import WebParty
from tests.attack.secure import SecureScene, secure_scene
from tests.peers.rtp import Endpoint

pytestmark = pytest.mark.netns
N = PACKETS
RATE = 2000
"""Packets a second. Of what proves itself, and of what proves nothing, 200 and 100 are let up."""


def hellos(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """Without and with cookies that are not ours, each of another client."""
    for _ in range(200):
        yield client_hello(0xC02B, 0xC02F, 0xCCA9)
        yield client_hello(body=b"\xfe\xfd" + os.urandom(32) + b"\0\x10" + os.urandom(16) + b"\0\2\xc0\x2b\1\0")


def certificates(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """Of somebody else, with all that comes with it."""
    for number in range(50):
        body = (506).to_bytes(3, "big") + (503).to_bytes(3, "big") + os.urandom(503)
        yield record(22, b"\x0b" + len(body).to_bytes(3, "big") + (number % 4).to_bytes(2, "big") + bytes(3)
                     + len(body).to_bytes(3, "big") + body, sequence=number)
        yield from list(handshake_messages(scene, end))[:40]


def requests_for_cookies(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    for _ in range(100):
        yield hello_verify(os.urandom(16))


def noise(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """What begins like DTLS or STUN, and is nothing."""
    for number in range(200):
        yield bytes((20 + number % 44,)) + os.urandom(60)
        yield bytes((number % 4,)) + os.urandom(59)


FLOODS = (hellos, certificates, requests_for_cookies, alerts_and_others, checks_without_password, noise)


@contextmanager
def flood(scene: SecureScene, sender: Endpoint, forger: Callable[[SecureScene, Endpoint], Iterator[bytes]]) -> Iterator[
        list[int]]:
    """From this party's socket to the port that faces Alice, until it is left; how many were sent."""
    packets, ended, sent = cycle(list(forger(scene, scene.alice))), threading.Event(), [0]
    to = scene.alice.destination
    assert to

    def run() -> None:
        begun = time.monotonic()
        while not ended.wait(0.001):
            while sent[0] < RATE * (time.monotonic() - begun):
                sender.rtp.sendto(next(packets), to)
                sent[0] += 1
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("forger", FLOODS, ids=lambda forger: forger.__name__)
@pytest.mark.parametrize("kind", ["dtls", "dtls begun by us", "ice", "ice and dtls", "ice and dtls begun by her"])
@pytest.mark.parametrize("under", [False, True], ids=["from elsewhere", "under the name of the party"])
def test_a_flood_holds_up_no_handshake(ground: Ground, family: int, kind: str, under: bool,
                                       forger: Callable[[SecureScene, Endpoint], Iterator[bytes]]) -> None:
    """It begins a thousand packets before the party does, so that no credit is left."""
    with secure_scene(ground, family, kind) as scene:
        scene.offer()
        scene.answer()
        assert isinstance(scene.alice, WebParty)
        with flood(scene, scene.alice if under else scene.mallory, forger) as sent:
            deadline = time.monotonic() + PATIENCE
            while sent[0] < RATE // 2:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            began = time.monotonic()
            scene.prepare()
            print(f"established after {time.monotonic() - began:.2f} s, amid {sent[0]} packets")
        scene.settle()
        scene.forget()
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)
