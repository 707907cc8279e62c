# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sequence of offers and answers with keys between three parties: nothing secret in the clear, legs agree."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.session.media import Media
from controlplane.srtp.crypto import Crypto, parse_crypto
from controlplane.srtp.sdes import NO_WISHES, SdesWishes
from tests.property.session.test_calls import check, check_keys
from tests.unit.session.calls import Daemon, sdp
from tests.unit.session.test_keys import cryptos, line

ENDS = {"A": "192.0.2.10", "B": "198.51.100.20", "C": "198.51.100.30"}
PLAIN, SECURE = ("RTP/AVP", "RTP/AVPF"), ("RTP/SAVP", "RTP/SAVPF")
LINES = [line(seed, name, tag) for seed, (name, tag) in enumerate([
    ("AES_CM_128_HMAC_SHA1_80", 1), ("AES_CM_128_HMAC_SHA1_80", 2), ("AES_CM_128_HMAC_SHA1_32", 1),
    ("AEAD_AES_128_GCM", 3), ("F8_128_HMAC_SHA1_80", 9)])]
WISHES = [NO_WISHES, NO_WISHES, SdesWishes(frozenset({"nonew"})), SdesWishes(frozenset({"off"})),
          SdesWishes(frozenset({"static"})), SdesWishes(frozenset({"unencrypted-srtcp"})),
          SdesWishes(preferred=("AEAD_AES_128_GCM",)), SdesWishes(only=frozenset({"AES_CM_128_HMAC_SHA1_80"}))]
MESSAGE = st.fixed_dictionaries({
    "profile": st.sampled_from(PLAIN + 2 * SECURE), "lines": st.lists(st.sampled_from(LINES), max_size=3, unique=True),
    "wish": st.sampled_from(WISHES), "moved": st.sampled_from([0, 0, 0, 10]),
    "osrtp": st.sampled_from([set(), set(), {"offer"}, {"accept"}]),
    "mux": st.booleans()})
ROUNDS = st.lists(st.tuples(st.sampled_from(["AB", "AB", "AB", "BA", "AC"]), MESSAGE, MESSAGE, st.sampled_from(
    [None, None, *PLAIN, *SECURE, *SECURE]), st.booleans()), min_size=1, max_size=5)


def body(tag: str, message: dict, lines: list[str]) -> str:  # type: ignore[type-arg]
    return sdp(ENDS[tag], 41000 + message["moved"], *lines, *["a=rtcp-mux"] * message["mux"],
               protocol=message["profile"])


def fitting(message: dict, offered: str) -> list[str]:  # type: ignore[type-arg]
    """Of the lines those that answer what was offered, under its tag."""
    tags = {crypto.suite.name: crypto.tag for crypto in reversed(cryptos(offered))}
    parsed = [parse_crypto(each[9:]) for each in message["lines"]]
    return [f"a=crypto:{tags[crypto.suite.name]} " + each.partition(" ")[2]
            for each, crypto in zip(message["lines"], parsed) if crypto and crypto.suite.name in tags]


def material(crypto: Crypto) -> bytes:
    return crypto.key + crypto.salt


def check_answered(media: Media, printed: list[Crypto]) -> None:
    """The offerer knows under which key it will get its packets."""
    if media.keys is None:
        assert not printed
        return
    used = media.keys.sent_under(1)
    assert [(each.key, each.salt) for each in printed] == ([(used.key, used.salt)] if used else [])


@settings(max_examples=120, deadline=None)
@given(ROUNDS)
def test_any_negotiation(rounds: list) -> None:  # type: ignore[type-arg]
    daemon = Daemon()
    for parties, offered, answered, protocol, with_answer in rounds:
        one, other = parties
        known = {party.tag for party in daemon.call.parties} if "c1" in daemon.calls.calls else set()
        text = daemon.offer(body(one, offered, offered["lines"]), from_tag=one,
                            to_tag=other if other in known else None,
                            via_branch=None if other in known else f"to-{other}", transport_protocol=protocol,
                            sdes=offered["wish"], osrtp=offered["osrtp"])
        offer = cryptos(text)
        assert len({material(each) for each in offer}) == len(offer)
        check(daemon)
        check_keys(daemon)
        if not with_answer:
            continue
        text = daemon.answer(body(other, answered, fitting(answered, text)), from_tag=one, to_tag=other,
                             via_branch=f"to-{other}", sdes=answered["wish"], osrtp=answered["osrtp"])
        check(daemon)
        check_keys(daemon)
        check_answered(daemon.call.tags[one].medias[0], cryptos(text))
