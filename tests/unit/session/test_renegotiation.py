# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way of keying a party is offered, or chosen from, once calls are negotiated anew."""
from __future__ import annotations

import pytest

from controlplane.srtp.sdes import SdesWishes
from tests.unit.session.calls import Daemon, sdp
from tests.unit.session.test_keys import line
from tests.unit.session.test_opportunistic import FINGERPRINT, dtls_of

SAVP = "RTP/SAVP"
A, B = ("192.0.2.10", 41000), ("198.51.100.20", 42000)


@pytest.mark.parametrize("word, chosen", [("off", (False, True)), ("active", (True, False))])
def test_who_has_used_dtls_may_offer_both_later(word: str, chosen: tuple[bool, bool]) -> None:
    """As 10.5 has it: without a wish for SDES DTLS goes on, with one it is left."""
    daemon = Daemon()
    daemon.offer(sdp(*A, FINGERPRINT, "a=setup:actpass", protocol=SAVP), transport_protocol="RTP/AVP")
    assert dtls_of(daemon.answer(sdp(*B))) == (True, False)
    daemon.offer(sdp(*A, line(1), FINGERPRINT, "a=setup:actpass", protocol=SAVP), to_tag="B")
    assert dtls_of(daemon.answer(sdp(*B), dtls={word})) == chosen


def test_who_has_had_no_keys_is_offered_both() -> None:
    """As 10.5 has it: nothing was agreed on that could go on."""
    daemon = Daemon()
    daemon.offer(sdp(*A, protocol=SAVP), transport_protocol="RTP/AVP")
    assert dtls_of(daemon.answer(sdp(*B))) == (False, False)
    assert dtls_of(daemon.offer(sdp(*B), from_tag="B", to_tag="A", transport_protocol=SAVP)) == (True, True)


@pytest.mark.parametrize("first, second, shown", [
    ({"sdes": SdesWishes(frozenset(("off",)))}, {}, (True, False)), ({"dtls": {"off"}}, {}, (False, True)),
    ({}, {"sdes": SdesWishes(frozenset(("off",)))}, (True, True)), ({}, {"dtls": {"off"}}, (True, True))])
def test_what_was_offered_stays_on_offer(first: dict, second: dict, shown: tuple[bool, bool]) -> None:
    """Wishes count for a party to which nothing was offered yet; seen with 10.5."""
    daemon = Daemon()
    daemon.offer(sdp(*A, protocol=SAVP), **first)
    assert dtls_of(daemon.offer(sdp(*A, protocol=SAVP), **second)) == shown


def test_the_fingerprint_that_was_shown_stays() -> None:
    """Whatever hash is wished later; seen with 10.5."""
    daemon = Daemon()
    for wished, shown in (("sha-1", "sha-1"), ("sha-512", "sha-1")):
        body = daemon.offer(sdp(*A), to_tag="B", transport_protocol=SAVP, dtls_fingerprint=wished)
        assert f"a=fingerprint:{shown} " in body
        daemon.answer(sdp(*B, FINGERPRINT, "a=setup:active", protocol=SAVP))
    daemon.offer(sdp(*B, FINGERPRINT, "a=setup:actpass", protocol=SAVP), from_tag="B", to_tag="A")
    assert "a=fingerprint:sha-1 " in daemon.answer(sdp(*A), from_tag="B", to_tag="A")


def test_who_has_declined_opportunistic_keys_is_not_asked_again() -> None:
    daemon = Daemon()
    assert dtls_of(daemon.offer(sdp(*A), osrtp={"offer"})) == (True, True)
    daemon.answer(sdp(*B))
    assert dtls_of(daemon.offer(sdp(*A), to_tag="B")) == (False, False)
