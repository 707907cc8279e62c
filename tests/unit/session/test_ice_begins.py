# SPDX-License-Identifier: GPL-3.0-or-later
"""ICE that begins, ends or pauses while a call goes on: which sockets it has, and under which name it is known."""
from __future__ import annotations

from tests.unit.session.calls import V4, V6, Daemon, port_of, sdp
from tests.unit.session.ice_peers import ice_values

ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv",
       "a=candidate:1 1 UDP 2130706431 192.0.2.10 41000 typ host")
A, B = ("192.0.2.10", 41000), ("198.51.100.20", 42000)


def ports(body: str) -> list[str]:
    """Address and port of each of our candidates."""
    return [" ".join(candidate.split()[4:6]) for candidate in ice_values(body)["candidate"]]


def name_of(body: str) -> str:
    return ice_values(body)["ice-ufrag"][0]


def answered(daemon: Daemon, body: str, answer: str, **fields: str) -> tuple[str, str]:
    """What both are told; A has offered ``body``."""
    to_b = daemon.offer(body, **({"to_tag": "B"} if daemon.calls.calls else {}), **fields)
    return to_b, daemon.answer(answer)


def test_each_time_it_begins_it_has_sockets_of_its_own_which_then_stay() -> None:
    daemon = Daemon()
    plain, _ = answered(daemon, sdp(*A), sdp(*B))
    first, _ = answered(daemon, sdp(*A), sdp(*B, *ICE), ice="force")
    without, _ = answered(daemon, sdp(*A), sdp(*B), ice="remove")
    second, _ = answered(daemon, sdp(*A), sdp(*B, *ICE), ice="force")
    again, _ = answered(daemon, sdp("192.0.2.10", 41008), sdp(*B, *ICE), ice="force")
    assert port_of(plain) != port_of(first) == port_of(without)
    assert not set(ports(first)) & set(ports(second)) and again.count("candidate") == second.count("candidate") == 4
    assert ports(again) == ports(second)
    back, _ = answered(daemon, sdp(*A), sdp(*B), ice="remove")
    assert port_of(back) == port_of(second)  # the latest made for this peer


def test_it_begins_with_who_offers_it() -> None:
    daemon = Daemon()
    _, plain = answered(daemon, sdp(*A), sdp(*B))
    _, first = answered(daemon, sdp(*A, *ICE), sdp(*B))
    _, without = answered(daemon, sdp(*A), sdp(*B))
    _, second = answered(daemon, sdp(*A, *ICE), sdp(*B))
    assert port_of(plain) != port_of(first) == port_of(without) != port_of(second)
    assert not set(ports(first)) & set(ports(second)) and len(ports(second)) == 4


def test_whoever_begins_it_keeps_the_family() -> None:
    daemon = Daemon()
    answered(daemon, sdp(*A), sdp(*B))
    daemon.offer(sdp("2001:db8::20", 42000, *ICE), from_tag="B", to_tag="A")
    body = daemon.answer(sdp(*A), from_tag="B", to_tag="A")
    assert f"c=IN IP4 {V4}" in body and ports(body)[1].startswith(V6)


def test_it_goes_on_after_the_section_was_rejected() -> None:
    daemon = Daemon()
    to_b, to_a = answered(daemon, sdp(*A, *ICE), sdp(*B, *ICE))
    daemon.offer(sdp("192.0.2.10", 0) + sdp("192.0.2.10", 41100).partition("t=0 0\n")[2], to_tag="B")
    assert not daemon.party("B").medias[0].ice_state
    again = answered(daemon, sdp("192.0.2.10", 41010, *ICE), sdp(*B, *ICE))
    assert [name_of(body) for body in again] == [name_of(to_b), name_of(to_a)]
    assert [ports(body) for body in again] == [ports(to_b), ports(to_a)]


def test_what_is_forced_for_a_rejected_section_holds_when_it_comes_back() -> None:
    daemon = Daemon()
    second = sdp("192.0.2.10", 41100).partition("t=0 0\n")[2]
    answered(daemon, sdp("192.0.2.10", 0) + second, sdp("198.51.100.20", 0) + second, ice="force")
    body = daemon.offer(sdp(*A) + second, to_tag="B")
    assert body.partition("m=audio")[2].partition("m=audio")[0].count("ice-ufrag") == 1


def test_ice_rejected_in_an_answer_lasts_until_the_next_offer() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A, *ICE))
    daemon.answer(sdp(*B, *ICE), flags="ice-reject")
    assert daemon.party("B").medias[0].ice is not None  # which it was offered, and may count on
    assert "a=ice" not in daemon.offer(sdp(*A, *ICE), to_tag="B")


def test_ice_rejected_in_an_answer_may_be_offered_again() -> None:
    daemon = Daemon()
    first = daemon.offer(sdp(*A, *ICE))
    daemon.answer(sdp(*B, *ICE), flags="ice-reject")
    daemon.offer(sdp(*B, *ICE), from_tag="B", to_tag="A")
    assert ports(daemon.answer(sdp(*A, *ICE), from_tag="B", to_tag="A")) == ports(first)


def test_a_reset_restarts_both_sides() -> None:
    daemon = Daemon()
    before = answered(daemon, sdp(*A, *ICE), sdp(*B, *ICE))
    after = answered(daemon, sdp(*A, *ICE), sdp(*B, *ICE), flags="reset")
    assert [ports(body) for body in after] == [ports(body) for body in before]
    assert all(name_of(one) != name_of(other) for one, other in zip(before, after))
