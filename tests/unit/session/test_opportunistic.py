# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain profiles that come with a certificate for DTLS (RFC 8643)."""
from __future__ import annotations

from typing import Any

import pytest

from controlplane.srtp.sdes import SdesWishes
from tests.unit.session.calls import Daemon, sdp

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
A = ("192.0.2.10", 41000, FINGERPRINT, "a=setup:actpass")
B = ("198.51.100.20", 42000)
SUITE = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40


def dtls_of(body: str) -> tuple[bool, bool]:
    """Whether there are a certificate and suites."""
    return "a=fingerprint:" in body, "a=crypto:" in body


@pytest.mark.parametrize("protocol", ["RTP/AVP", "RTP/AVPF"])
@pytest.mark.parametrize("setup", [True, False])
def test_a_certificate_is_offered_on(protocol: str, setup: bool) -> None:
    """As 10.5 does: with suites besides, and even if nothing tells who is to begin."""
    body = Daemon().offer(sdp(*A[:3 + setup], protocol=protocol))
    assert f" {protocol} " in body and "a=setup:actpass\n" in body and dtls_of(body) == (True, True)


def test_a_certificate_accepted() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A))
    body = daemon.answer(sdp(*B, FINGERPRINT, "a=setup:active"))
    assert dtls_of(body) == (True, False) and "a=setup:active\n" in body
    assert all(daemon.party(tag).medias[0].keys is daemon.party(tag).medias[0].dtls for tag in "AB")


def test_a_certificate_declined() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A))
    assert dtls_of(daemon.answer(sdp(*B))) == (False, False)
    assert all(daemon.party(tag).medias[0].keys is None for tag in "AB")


def test_a_certificate_that_is_not_offered_on_is_accepted() -> None:
    daemon = Daemon()
    assert dtls_of(daemon.offer(sdp(*A), transport_protocol="RTP/AVP")) == (False, False)
    assert dtls_of(daemon.answer(sdp(*B))) == (True, False)


def test_the_role_alone_means_nothing() -> None:
    assert dtls_of(Daemon().offer(sdp(*A[:2], "a=setup:actpass"))) == (False, False)


@pytest.mark.parametrize("keys", [A[2:], (SUITE,)])
def test_who_was_answered_without_is_not_offered_any_by_the_other(keys: tuple[str, ...]) -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A[:2], *keys))
    assert dtls_of(daemon.answer(sdp(*B))) == (False, False)
    assert dtls_of(daemon.offer(sdp(*B), from_tag="B", to_tag="A")) == (False, False)


@pytest.mark.parametrize("fields, again", [
    ({}, (False, False)), ({"dtls": {"off"}}, (False, True)), ({"flags": "reset"}, (True, True)),
    ({"sdes": SdesWishes(frozenset(("off",)))}, (True, False))])
def test_who_has_taken_neither_way_is_not_asked_again(fields: dict[str, Any], again: tuple[bool, bool]) -> None:
    """As 10.5 does: but one that had no choice is, and so is everybody after a reset."""
    daemon = Daemon()
    daemon.offer(sdp(*A[:2], SUITE), **fields)
    daemon.answer(sdp(*B))
    assert dtls_of(daemon.offer(sdp(*A[:2], SUITE), to_tag="B", **fields)) == again
