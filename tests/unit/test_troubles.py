# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that fail, each in a way of its own, and what operators and clients are told about the reason."""
from __future__ import annotations

import re
from typing import Any

import pytest

from controlplane.dataplane.abi import NO_SEEDS, TargetState
from controlplane.dataplane.look import Look
from controlplane.events import NOTHING, PacketHanded
from controlplane.ice.evidence import DOUBTFUL
from controlplane.report import detail
from controlplane.report.model import State
from controlplane.standing import states
from tests.peers.dtls import DtlsPeer
from tests.unit.session.calls import Daemon, ep, established, sdp
from tests.unit.session.ice_peers import IceNetwork, IceParty
from tests.unit.session.test_dtls import callee, caller, converse
from tests.unit.session.test_ice import a_party
from tests.unit.test_chronicle import told

A = "192.0.2.10:41000"
NOT_AUTHENTIC, ELSEWHERE, PAYLOAD = 1, 0, 4


def standing(daemon: Daemon, drops: tuple[int, ...] = (0,) * 8) -> State:
    """That of the caller's RTP."""
    def look(local: Any) -> Look:
        there = TargetState(local, 0, NOTHING, 0, drops, (), NO_SEEDS, ())
        return Look(daemon.targets.get(local), there, None, False, "")
    return states(daemon.call, look)[daemon.local("A")]


def with_ice(says: str, hears: str, seconds: float) -> tuple[Daemon, IceParty]:
    """A call whose caller does ICE: which of "pwd" and "ufrag" is another one in its SDP, and in ours as it hears."""
    def spoilt(body: str, which: str) -> str:
        return re.sub(f"^(a=ice-{which}:)....", r"\1none", body, flags=re.MULTILINE)
    daemon, party = Daemon(), a_party()
    daemon.offer(spoilt(party.sdp(), says))
    party.hear(spoilt(daemon.answer(sdp("198.51.100.20", 42000)), hears), daemon.now)
    net = IceNetwork(daemon, party)
    net.run(seconds)
    return daemon, party


def ice_of(daemon: Daemon) -> str:
    return re.sub("^(checks candidate pairs|a pair has succeeded, none is nominated): ", "",
                  daemon.party("A").medias[0].ice_state)


def test_a_party_with_the_wrong_password_for_us() -> None:
    daemon, _ = with_ice("", "pwd", 1.0)
    count, _, rest = ice_of(daemon).partition(" ")
    assert int(count) > 1 and rest == f"checks with a wrong MESSAGE-INTEGRITY from {A}"
    state = "a pair has succeeded, none is nominated"
    assert daemon.send("query")["tags"]["A"]["medias"][0]["ICE"] == {"state": state, "reason": ice_of(daemon)}
    assert f"-------- ICE {state}: {ice_of(daemon)}\n" in detail.block(daemon.call, daemon.now)


def test_a_party_with_the_wrong_ufrag_for_us() -> None:
    daemon, _ = with_ice("", "ufrag", 1.0)
    assert ice_of(daemon).partition(" ")[2] == f"checks for another ufrag than ours from {A}"


@pytest.mark.parametrize("says", ["pwd", "ufrag"])
def test_a_party_that_does_not_take_our_checks(says: str) -> None:
    daemon, party = with_ice(says, "", 1.0)
    assert f"refusals of our checks (error 401) from {A}" in ice_of(daemon)
    assert standing(daemon)[:2] == ("checking", f"ICE checks candidate pairs: {ice_of(daemon)}")


def test_a_party_that_cannot_be_reached() -> None:
    daemon = Daemon()
    daemon.offer(a_party().sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    net = IceNetwork(daemon)
    net.run(DOUBTFUL - 1)
    assert ice_of(daemon) == "checks candidate pairs", "that is too early to be sure of"
    net.run(2)
    assert ice_of(daemon) == f"no answer to our checks from {A}, no checks of its own have come"
    assert told(daemon)[-1] == (f"+{DOUBTFUL:.3f}  ICE of medium 1 of 'A': checks candidate pairs: no answer to our "
                                f"checks from {A}, no checks of its own have come")
    net.run(60)
    assert ice_of(daemon).startswith("has failed: no candidate pair works; no answer to our checks from")
    assert standing(daemon)[:2] == ("unreachable", "ICE has found no way: no candidate pair works; no answer to our "
                                    f"checks from {A}, no checks of its own have come")


def test_candidates_that_fit_none_of_ours() -> None:
    daemon, party = Daemon(), a_party()
    daemon.offer(party.sdp().replace(" UDP ", " TCP "))
    daemon.answer(sdp("198.51.100.20", 42000))
    IceNetwork(daemon).run(DOUBTFUL + 1)
    assert ice_of(daemon) == "the peer has named no candidate that fits one of ours, no checks of its own have come"


def test_the_events_tell_of_it_once_and_soon() -> None:
    daemon, _ = with_ice("", "pwd", 20.0)
    lines = [text for text in told(daemon) if "ICE of medium" in text]
    assert len(lines) == 3 and lines[2].startswith(f"+{DOUBTFUL:.3f}  ")
    assert f"checks with a wrong MESSAGE-INTEGRITY from {A}" in lines[2]


def test_what_was_wrong_is_forgotten_once_there_is_a_path() -> None:
    daemon, _ = with_ice("", "", 5.0)
    assert ice_of(daemon) == "a pair is nominated" and "ICE" not in daemon.send("query")["tags"]["A"]["medias"][0]


# --- DTLS ---

def with_dtls(setup: str) -> Daemon:
    daemon = Daemon()
    daemon.offer(caller(DtlsPeer(active=setup == "active"), setup, "a=rtcp-mux"), transport_protocol="RTP/AVP",
                 rtcp_mux="demux")
    daemon.answer(callee())
    return daemon


@pytest.mark.parametrize("setup, reason", [
    ("active", "no ClientHello has come"), ("passive", f"{A} has not answered our ClientHello")])
def test_a_handshake_that_never_begins(setup: str, reason: str) -> None:
    daemon = with_dtls(setup)
    assert daemon.party("A").medias[0].dtls_state == f"shakes hands: {reason}"
    assert daemon.send("query")["tags"]["A"]["medias"][0]["DTLS"] == {"state": "shakes hands", "reason": reason}
    daemon.pass_time(45.0)
    assert daemon.party("A").medias[0].dtls_state == f"failed: no handshake within 30 seconds: {reason}"


def test_a_client_that_never_shows_our_cookie() -> None:
    daemon, peer = with_dtls("active"), DtlsPeer(active=True)
    for data in peer.receive():
        daemon.calls.on_packet(PacketHanded(daemon.local("A"), ep("192.0.2.99:1"), daemon.now, data))
    assert daemon.party("A").medias[0].dtls_state == (
        "shakes hands: no ClientHello has come with the cookie that we ask for")


def test_another_certificate() -> None:
    daemon, other = with_dtls("active"), DtlsPeer(active=True)
    converse(daemon, other, daemon.local("A"), begin=other.receive())
    assert daemon.party("A").medias[0].dtls_state == (
        "shakes hands: the peer's certificate is not the one whose fingerprint was signalled")


# --- media ---

@pytest.mark.parametrize("reason, words", [
    (NOT_AUTHENTIC, "12 not authentic"), (ELSEWHERE, "12 from elsewhere"), (PAYLOAD, "12 of an unknown payload type")])
def test_nothing_is_let_in(reason: int, words: str) -> None:
    drops = tuple([12 * (number == reason) for number in range(8)])
    assert standing(established(), drops).reason == f"the SDP says so; nothing was let in: {words}"


def test_nothing_comes() -> None:
    daemon = established()
    stream = daemon.party("A").medias[0].streams[0]
    stream.stats = stream.stats._replace(user_out=stream.stats.user_out._replace(packets=50))
    assert standing(daemon).reason == "the SDP says so; nothing has come from it, and 50 packets went there"
