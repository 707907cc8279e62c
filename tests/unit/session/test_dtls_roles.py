# SPDX-License-Identifier: GPL-3.0-or-later
"""Parties that are to begin the next handshake, or to wait for it, where it was the other way round (RFC 8842)."""
from __future__ import annotations

import pytest

from tests.peers.dtls import Certificate, DtlsPeer
from tests.unit.session.calls import Daemon, sdp
from tests.unit.session.test_dtls import (A, B, MUX, TLS, attributes, callee, caller, converse, received, sent, state)


def keys(daemon: Daemon, tag: str) -> tuple[bytes | None, set[bytes | None]]:
    return received(daemon, tag), sent(daemon, tag)


def of(peer: DtlsPeer) -> tuple[bytes, set[bytes]]:
    return peer.keys[0], {peer.keys[1]}


def both_ways(active: bool) -> tuple[DtlsPeer, DtlsPeer]:
    """One phone before and after it has changed roles."""
    own = Certificate()
    return DtlsPeer(active=active, certificate=own), DtlsPeer(active=not active, certificate=own)


def role(peer: DtlsPeer) -> str:
    return "active" if peer.active else "passive"


def agreed(phone: DtlsPeer) -> tuple[Daemon, str]:
    """A call of ``phone`` whose keys are there, and what it was answered."""
    daemon = Daemon()
    daemon.offer(caller(phone, role(phone), MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    converse(daemon, phone, daemon.local("A"))
    answered = daemon.answer(callee())
    converse(daemon, phone, daemon.local("A"), begin=phone.receive() if phone.active else None)
    assert keys(daemon, "A") == of(phone)
    return daemon, answered


@pytest.mark.parametrize("active", [True, False])
def test_the_offerer_changes_roles(active: bool) -> None:
    """The keys last until the other handshake is over."""
    before, after = both_ways(active)
    daemon, first = agreed(before)
    daemon.offer(caller(after, role(after), MUX), transport_protocol="RTP/AVP", rtcp_mux="demux", to_tag="B")
    waiting = list(daemon.last.datagrams)
    answered = daemon.answer(callee())
    assert attributes(answered, "setup") == [role(before)]
    assert attributes(answered, "tls-id") != attributes(first, "tls-id")
    assert keys(daemon, "A") == of(before)
    daemon.last.datagrams.extend(waiting)
    converse(daemon, after, daemon.local("A"), begin=after.receive() if after.active else None)
    assert after.done and keys(daemon, "A") == of(after)


@pytest.mark.parametrize("active", [True, False])
def test_the_answerer_changes_roles(active: bool) -> None:
    """Whoever is offered the choice may take the other role than before, and some always take the same one."""
    daemon = Daemon()
    before, after = both_ways(active)
    for peer in (before, after):
        tags = {"to_tag": "B"} if peer is after else {}
        offered = daemon.offer(sdp(), transport_protocol=TLS, rtcp_mux="offer", **tags)
        assert attributes(offered, "setup") == ["actpass"]
        daemon.answer(sdp("198.51.100.20", 42000, *peer.lines(role(peer)), MUX, protocol=TLS))
        assert peer is before or keys(daemon, "B") == of(before)
        converse(daemon, peer, daemon.local("B"), B, peer.receive() if peer.active else None)
        assert peer.done and keys(daemon, "B") == of(peer)


@pytest.mark.parametrize("active", [True, False])
def test_the_answerer_of_the_first_offer_offers_the_choice(active: bool) -> None:
    """We stay in our role: nothing is to be agreed on anew."""
    daemon = Daemon()
    peer, _ = both_ways(active)
    daemon.offer(sdp(), transport_protocol=TLS, rtcp_mux="offer")
    daemon.answer(sdp("198.51.100.20", 42000, *peer.lines(role(peer)), MUX, protocol=TLS))
    converse(daemon, peer, daemon.local("B"), B, peer.receive() if active else None)
    tls_id = state(daemon, "B").tls_id
    again = sdp("198.51.100.20", 42000, *peer.lines("actpass"), MUX, protocol=TLS)
    daemon.offer(again, from_tag="B", to_tag="A", transport_protocol="RTP/AVP", rtcp_mux="demux")
    answered = daemon.answer(sdp(), from_tag="B", to_tag="A")
    assert attributes(answered, "setup") == ["passive" if active else "active"]
    assert attributes(answered, "tls-id") == [tls_id] and not daemon.last.datagrams and keys(daemon, "B") == of(peer)


@pytest.mark.parametrize("active", [True, False])
def test_who_says_so_and_shakes_no_hands_goes_on_as_before(active: bool) -> None:
    before, after = both_ways(active)
    daemon, _ = agreed(before)
    daemon.offer(caller(after, role(after), MUX), transport_protocol="RTP/AVP", rtcp_mux="demux", to_tag="B")
    daemon.answer(callee())
    daemon.pass_time(40)
    assert keys(daemon, "A") == of(before) and state(daemon, "A").state == "established"
    assert daemon.sends_to(daemon.local("B")) == [A] and not state(daemon, "A").reason
