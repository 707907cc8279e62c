# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls with encrypted or checked legs, and what is won from them."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.attack.ground import ALICE, BOB, PACKETS, PATIENCE, Ground, Scene, Toll
from tests.attack.parties import SDES, MakeParty, Roamer, WebParty, plain, web
from tests.peers.rtp import Endpoint, pump


class Kind(NamedTuple):
    """A call: who its parties are, and the words of its offers and answers. ``keyed``: Alice's media have keys."""

    alice: MakeParty
    bob: MakeParty
    offer: dict[str, Any]
    answer: dict[str, Any]
    keyed: bool = True


_SDES = {"DTLS": "off"}
_PLAIN = {"transport-protocol": "RTP/AVP"}
_WEB = {**_PLAIN, "rtcp-mux": ["demux"]}
_ICE = {"ICE": "default"}
KINDS = {
    "sdes": Kind(SDES, plain, {**_SDES, **_PLAIN}, _SDES),
    "sdes as it is": Kind(SDES, SDES, _SDES, _SDES),
    "dtls": Kind(web(True, False), plain, _WEB, {}),
    "dtls begun by us": Kind(web(False, False), plain, _WEB, {}),
    "ice": Kind(web(None, True), plain, _WEB, _ICE, False),
    "ice and dtls": Kind(web(False, True), plain, _WEB, _ICE),
}
OTHERS = {"ice and dtls begun by her": Kind(web(True, True), plain, _WEB, _ICE)}
ROAMING = Kind(Roamer, plain, _WEB, _ICE, False)


class SecureScene(Scene):
    """A scene of some kind; everything else is as with plain calls."""

    def __init__(self, ground: Ground, family: int, kind: Kind, keys: dict[str, Any]):
        self.kind = kind
        super().__init__(ground, family, keys)

    def offer(self, **keys: Any) -> None:
        super().offer(**{**self.kind.offer, **keys})

    def answer(self, **keys: Any) -> None:
        super().answer(**{**self.kind.answer, **keys})

    def cast(self, family: int) -> tuple[Endpoint, Endpoint]:
        make = self.ground.net.socket
        return self.kind.alice(ALICE[family], make), self.kind.bob(BOB[family], make)

    def connect(self) -> None:
        """Offer and answer, and what follows until the parties could speak."""
        self.offer()
        self.answer()
        self.prepare()

    def prepare(self) -> None:
        """Handshakes and checks."""
        alice = self.alice
        if isinstance(alice, WebParty):
            deadline = time.monotonic() + PATIENCE
            while alice.agent and not alice.agent.selection and time.monotonic() < deadline:
                pump(self.ends, 0.01)
            if alice.dtls and alice.dtls.active:
                alice.greet()
            while not (alice.ready and self.verified()) and time.monotonic() < deadline:
                pump(self.ends, 0.01)
            assert alice.ready and self.verified()

    def establish(self) -> None:
        """A call in which both have spoken, and reported; what accelerates has taken it over."""
        self.connect()
        deadline = time.monotonic() + PATIENCE
        while True:
            self.exchange()
            if self.ground.has_taken(self):
                break
            assert time.monotonic() < deadline, "not taken over"
        for end in (self.alice, self.bob):
            end.send_report()
        assert pump(self.ends, PATIENCE, lambda: bool(self.alice.compounds and self.bob.compounds))
        self.forget()

    def stream(self) -> dict[str, Any]:
        """What a query says of Alice's RTP."""
        stream: dict[str, Any] = self.call.query()["tags"][self.call.from_tag]["medias"][0]["streams"][0]
        return stream

    def verified(self) -> bool:
        """Whether we, too, have what Alice has."""
        alice = self.alice
        if not isinstance(alice, WebParty) or not alice.dtls:
            return True
        return "DTLS fingerprint verified" in self.stream()["flags"]

    def exchange(self) -> tuple[int, int]:
        """Each party speaks; how much of it the other has heard."""
        for one in (self.alice, self.bob):
            for _ in range(PACKETS):
                one.send(b"party " * 20)
            self.settle()
        return self.heard(self.alice), self.heard(self.bob)

    @staticmethod
    def heard(end: Endpoint) -> int:
        return sum(payload.startswith(b"party") for payload in end.payloads())

    def toll(self) -> Toll:
        """Injected is everything that comes to a party and is not from the other, whether it opens or not."""
        self.ground.confirm(self)
        injected = sum(len(end.payloads()) - self.heard(end) + len(end.strays) + len(end.compounds)
                       for end in (self.alice, self.bob))
        media = [arrival for arrival in self.mallory.arrivals]
        return Toll(len(media) + len(self.mallory.compounds), injected)


@contextmanager
def secure_scene(ground: Ground, family: int, kind: str | Kind, **keys: Any) -> Iterator[SecureScene]:
    """A call of this kind that is not yet offered, gone at the end."""
    made = SecureScene(ground, family, (KINDS | OTHERS)[kind] if isinstance(kind, str) else kind, keys)
    try:
        yield made
    finally:
        made.close()
