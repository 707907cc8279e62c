# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded STUN messages, translated to what our daemon has made up."""
from __future__ import annotations

import pytest

from controlplane.addresses import Endpoint
from controlplane.ice import stun
from controlplane.ice.stun import Kind, Type
from tests.conformance.stun import StunDouble
from tests.conformance.tokens import Mapping

SOURCE = ("203.0.113.5", 30000)


@pytest.fixture
def double() -> StunDouble:
    mapping = Mapping()
    assert mapping.bind("ufrag", "oldfrag1", "newfrag1") and mapping.bind("pwd", "old password", "new password")
    found = StunDouble(mapping)
    found.heard(["a=ice-pwd:old password\r\n", "a=ice-pwd:their password\r\n"])
    return found


def message(kind: Kind, username: str | None, password: str, *more: tuple[int, bytes], transaction: bytes = b"a" * 12):
    attributes = [stun.text(Type.USERNAME, username)] if username is not None else []
    return stun.build(kind, transaction, [*attributes, *more], password)


def test_requests_to_the_daemon_are_signed_anew(double: StunDouble) -> None:
    sent = stun.parse(double.sent(message(Kind.REQUEST, "oldfrag1:them", "old password", stun.priority(5))))
    assert (sent.username, sent.priority) == ("newfrag1:them", 5) and sent.is_authentic("new password")


def test_responses_go_to_the_daemons_own_request(double: StunDouble) -> None:
    recorded = message(Kind.REQUEST, "them:oldfrag1", "their password", stun.priority(5))
    ours = message(Kind.REQUEST, "them:newfrag1", "their password", stun.priority(5), transaction=b"b" * 12)
    assert double.received(recorded, ours, SOURCE) == ""
    mapped = stun.mapped_address(Endpoint.parse("203.0.113.1:31000"), b"a" * 12)
    sent = stun.parse(double.sent(message(Kind.SUCCESS, None, "their password", mapped)))
    assert (sent.transaction, str(sent.mapped)) == (b"b" * 12, "203.0.113.5:30000")
    assert sent.is_authentic("their password")


@pytest.mark.parametrize("ours, why", [
    (message(Kind.INDICATION, "them:newfrag1", "their password", stun.priority(5)), "INDICATION instead of REQUEST"),
    (message(Kind.REQUEST, "them:newfrag1", "their password", stun.priority(6)), "with 6 instead of"),
    (message(Kind.REQUEST, "them:other", "their password", stun.priority(5)), "request of them:other"),
    (message(Kind.REQUEST, "them:newfrag1", "their password"), "STUN attributes"),
    (message(Kind.REQUEST, "them:newfrag1", "another", stun.priority(5)), "wrong password")])
def test_differences_are_named(double: StunDouble, ours: bytes, why: str) -> None:
    recorded = message(Kind.REQUEST, "them:oldfrag1", "their password", stun.priority(5))
    assert why in double.received(recorded, ours, SOURCE)
