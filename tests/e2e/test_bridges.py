# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls between phones with each way to agree on keys, through a running daemon: every pair of profiles, every role."""
from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from controlplane.srtp.suites import find_suite
from tests.peers import dtls
from tests.peers.daemon import Daemon
from tests.peers.ngclient import NgClient
from tests.peers.phones import PATIENCE, Phone, feedback, report
from tests.peers.tlsphone import TlsPhone

pytestmark = pytest.mark.e2e
CM_80 = find_suite("AES_CM_128_HMAC_SHA1_80")
_seeds = itertools.count(1)
PHONES: dict[str, tuple[Callable[[], Phone], dict[str, object]]] = {
    "RTP/AVP": (lambda: Phone("RTP/AVP", None, next(_seeds)), {}),
    "RTP/AVPF": (lambda: Phone("RTP/AVPF", None, next(_seeds)), {}),
    "RTP/SAVP": (lambda: Phone("RTP/SAVP", CM_80, next(_seeds)), {"DTLS": "off"}),
    "RTP/SAVPF": (lambda: Phone("RTP/SAVPF", CM_80, next(_seeds)), {"DTLS": "off"}),
    "OSRTP": (lambda: Phone("RTP/AVP", CM_80, next(_seeds)), {"DTLS": "off", "OSRTP": "offer"}),
    "OSRTP with feedback": (lambda: Phone("RTP/AVPF", CM_80, next(_seeds)), {"DTLS": "off", "OSRTP": "offer"}),
    "UDP/TLS/RTP/SAVP": (lambda: TlsPhone("UDP/TLS/RTP/SAVP", next(_seeds), mux=False), {"SDES": ["off"]}),
    "UDP/TLS/RTP/SAVPF": (lambda: TlsPhone("UDP/TLS/RTP/SAVPF", next(_seeds), active=False), {"SDES": ["off"]}),
    "RTP/SAVPF by DTLS": (lambda: TlsPhone("RTP/SAVPF", next(_seeds)), {"SDES": ["off"]}),
}
"""Each with what an offer to it says besides its profile."""
PAIRS = [(one, other) for one, other in itertools.product(PHONES, PHONES)
         if not {one, other} <= {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"}]
"""The rest is in test_sdes.py."""
_numbers = itertools.count(1)


class Bridge:
    """A call between A and B, either of which may offer anew."""

    def __init__(self, client: NgClient, one: str, other: str):
        self.client = client
        self.call_id = f"bridge-{next(_numbers)}"
        self.kinds = one, other
        self.ends = PHONES[one][0](), PHONES[other][0]()

    def negotiate(self, caller: int = 0, setup: str = "") -> None:
        """The caller offers, the other one answers; whoever has to shakes hands."""
        one, other = self.ends[caller], self.ends[1 - caller]
        words = PHONES[self.kinds[1 - caller]][1]
        tags = {"from_tag": "AB"[caller], "to_tag": "BA"[caller]}
        body = one.body(one.own) if not isinstance(one, TlsPhone) else one.body(setup=setup)
        offered = other.hear(self.client.call(
            "offer", call_id=self.call_id, sdp=body, **(tags if caller or other.to[0] else {"from_tag": "A"}), **words,
            ICE="remove", **{"transport-protocol": other.profile,
                             "rtcp-mux": ["offer" if other.mux else "demux", "accept"]})["sdp"])
        chosen = None
        if other.own is not None:
            chosen = next(each for each in offered if each.suite is CM_80)
            other.own = other.own._replace(tag=chosen.tag)
        accepted = one.hear(self.client.call(
            "answer", call_id=self.call_id, **tags, sdp=other.body(other.own), ICE="remove")["sdp"])
        for phone, theirs in ((other, chosen), (one, accepted[0] if accepted else None)):
            if not isinstance(phone, TlsPhone):
                assert (theirs is None) == (phone.own is None)
                phone.encrypt(phone.own, theirs)

    def shake_hands(self) -> None:
        for tag, phone in zip("AB", self.ends):
            if isinstance(phone, TlsPhone):
                phone.shake_hands()
                self._until_taken_over(tag, phone)

    def _until_taken_over(self, tag: str, phone: TlsPhone) -> None:
        """The daemon may take a moment longer than the phone: it hears what was said under the new keys."""
        end = time.monotonic() + PATIENCE
        while True:
            streams = self.client.call("query", call_id=self.call_id)["tags"][tag]["medias"][0]["streams"]
            if all("DTLS fingerprint verified" in each["flags"] for each in streams[:len(phone.peers)]):
                return
            assert time.monotonic() < end, streams
            time.sleep(0.01)

    def talk(self) -> None:
        """RTP, and RTCP, of whose feedback goes on only what the other's profile has."""
        for one, other in (self.ends, self.ends[::-1]):
            for _ in range(3):
                sent = one.speak()
                assert other.heard() == sent
            stripped = one.profile.endswith("F") and not other.profile.endswith("F")
            for packet, expected in ((report(one.ssrc), report(one.ssrc)),
                                     (feedback(one.ssrc), feedback(one.ssrc)[:8 if stripped else None])):
                one.send(packet)
                assert other.heard(True) == expected

    def end(self) -> None:
        self.client.call("delete", call_id=self.call_id, **{"delete-delay": 0})
        for phone in self.ends:
            phone.close()


def until_heard(one: Phone, other: Phone) -> None:
    """The daemon may take a moment longer than a phone to take its new keys; what was sent by then is lost."""
    end = time.monotonic() + PATIENCE
    while True:
        sent = one.speak()
        try:
            heard = other.heard(patience=0.2)
            break
        except TimeoutError:
            assert time.monotonic() < end
    while heard != sent:
        heard = other.heard()


@pytest.fixture(scope="module")
def client() -> Iterator[NgClient]:
    with Daemon() as daemon, daemon.client() as made:
        yield made


@pytest.mark.parametrize("one, other", PAIRS)
def test_every_pair(client: NgClient, one: str, other: str) -> None:
    made = Bridge(client, one, other)
    try:
        made.negotiate()
        made.shake_hands()
        made.talk()
    finally:
        made.end()


@pytest.mark.parametrize("protection", dtls.SIZES)
@pytest.mark.parametrize("active", [True, False])
def test_every_protection_profile(client: NgClient, monkeypatch: pytest.MonkeyPatch, protection: str,
                                  active: bool) -> None:
    monkeypatch.setitem(PHONES, "DTLS", (lambda: TlsPhone(
        "UDP/TLS/RTP/SAVPF", next(_seeds), active=active, protection=protection), {"SDES": ["off"]}))
    test_every_pair(client, "DTLS", "RTP/AVP")


@pytest.mark.parametrize("caller", [0, 1])
@pytest.mark.parametrize("other", ["RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVP"])
@pytest.mark.parametrize("active", [True, False])
def test_roles_that_change_in_a_later_offer(client: NgClient, other: str, active: bool, caller: int) -> None:
    """Of either side: who began before waits now, with the same certificate (RFC 8842 section 3.1)."""
    made = Bridge(client, "UDP/TLS/RTP/SAVPF", other)
    phone = made.ends[0]
    assert isinstance(phone, TlsPhone)
    try:
        phone.begin(active)
        made.negotiate()
        made.shake_hands()
        made.talk()
        phone.begin(not active)
        made.negotiate(caller)
        made.talk()
        phone.shake_hands()
        until_heard(*made.ends)
        made.talk()
    finally:
        made.end()


@pytest.mark.parametrize("one, other", [("RTP/SAVP", "UDP/TLS/RTP/SAVPF"), ("UDP/TLS/RTP/SAVPF", "RTP/SAVP"),
                                        ("OSRTP", "UDP/TLS/RTP/SAVPF")])
@pytest.mark.parametrize("caller", [0, 1])
def test_new_keys_on_one_side_leave_the_handshake_on_the_other(client: NgClient, one: str, other: str,
                                                               caller: int) -> None:
    """A later offer, of either party, in which the phone with SDES has another key."""
    made = Bridge(client, one, other)
    try:
        made.negotiate()
        made.shake_hands()
        made.talk()
        for phone in made.ends:
            if phone.own is not None:
                assert CM_80 is not None
                phone.renew(CM_80, next(_seeds))
        made.negotiate(caller, setup="actpass")
        made.talk()
    finally:
        made.end()
