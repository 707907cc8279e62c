# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted calls: which keys the engines get for which direction, and what parties are shown of them."""
from __future__ import annotations

import itertools
import random

import pytest

from controlplane.addresses import Endpoint
from controlplane.events import NO_RANK, SrtpKeys
from controlplane.session.learning import NEAR, WINDOW
from controlplane.srtp.crypto import Crypto, crypto_text, fresh, parse_crypto
from controlplane.srtp.sdes import SdesWishes
from controlplane.srtp.suites import SUITES, find_suite
from tests.unit.session.calls import V4, Daemon, ep, sdp, spec

CM_80, CM_32, GCM = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"
A, B = "192.0.2.10:41000", "198.51.100.20:42000"
PROFILES = ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF")


def crypto(seed: int, name: str = CM_80, tag: int = 1) -> Crypto:
    suite = find_suite(name)
    assert suite is not None
    return fresh(tag, suite, random.Random(seed))


def line(seed: int, name: str = CM_80, tag: int = 1) -> str:
    return "a=" + crypto_text(crypto(seed, name, tag))


KA, KB = crypto(1), crypto(2)


def caller(*lines: str, protocol: str = "RTP/SAVP", **more: object) -> str:
    return sdp("192.0.2.10", 41000, *lines, protocol=protocol, **more)  # type: ignore[arg-type]


def callee(*lines: str, protocol: str = "RTP/SAVP", port: int = 42000) -> str:
    return sdp("198.51.100.20", port, *lines, protocol=protocol)


def cryptos(body: str) -> list[Crypto]:
    found = [parse_crypto(text[9:]) for text in body.splitlines() if text.startswith("a=crypto:")]
    assert None not in found
    return [each for each in found if each is not None]


def profile(body: str) -> str:
    return [text.split()[2] for text in body.splitlines() if text.startswith("m=")][0]


def encrypted(daemon: Daemon, local: Endpoint) -> set[SrtpKeys | None]:
    """The keys of all outputs of a target."""
    target = daemon.targets[local]
    return {output.encrypt for output in (*target.rtp_outputs, *target.rtcp_outputs)}


def ways(daemon: Daemon) -> tuple[set[SrtpKeys | None], ...]:
    """Keys of what A sends, B gets, B sends, A gets; the same for RTP and RTCP."""
    found: list[set[SrtpKeys | None]] = []
    for tag in ("A", "B"):
        locals_ = [daemon.local(tag, 0), daemon.local(tag, 1)]
        found.append({daemon.targets[local].decrypt for local in locals_})
        found.append(set().union(*[encrypted(daemon, local) for local in locals_]))
    return tuple(found)


def call(offered: str, answered: str, **flags: object) -> tuple[Daemon, str, str]:
    daemon = Daemon()
    return daemon, daemon.offer(offered, **flags), daemon.answer(answered)


def test_both_legs_with_the_keys_of_the_parties() -> None:
    daemon, to_b, to_a = call(caller(line(1)), callee(line(2)))
    assert profile(to_b) == profile(to_a) == "RTP/SAVP" and cryptos(to_b)[0] == KA and cryptos(to_a) == [KB]
    assert ways(daemon) == ({KA.keys}, {KA.keys}, {KB.keys}, {KB.keys})


def test_encrypted_towards_plain() -> None:
    daemon, to_b, to_a = call(caller(line(1)), callee(protocol="RTP/AVP"), transport_protocol="RTP/AVP")
    assert profile(to_b) == "RTP/AVP" and not cryptos(to_b) and profile(to_a) == "RTP/SAVP"
    (own,) = cryptos(to_a)
    assert own not in (KA, KB) and ways(daemon) == ({KA.keys}, {None}, {None}, {own.keys})


def test_plain_towards_encrypted() -> None:
    daemon, to_b, to_a = call(caller(protocol="RTP/AVP"), callee(line(2, CM_32, 8)), transport_protocol="RTP/SAVP")
    offered = cryptos(to_b)
    assert [each.suite.name for each in offered] == [suite.name for suite in SUITES]
    own = next(each for each in offered if each.suite.name == CM_32)
    assert profile(to_a) == "RTP/AVP" and not cryptos(to_a)
    assert ways(daemon) == ({None}, {own.keys}, {crypto(2, CM_32).keys}, {None})


def test_two_suites() -> None:
    daemon, to_b, to_a = call(caller(line(1)), callee(line(2, GCM, 3)))
    (own,) = cryptos(to_a)
    other = next(each for each in cryptos(to_b) if each.suite.name == GCM)
    assert own.suite.name == CM_80
    assert ways(daemon) == ({KA.keys}, {other.keys}, {crypto(2, GCM).keys}, {own.keys})


@pytest.mark.parametrize("one, other", list(itertools.product(PROFILES, PROFILES)))
def test_every_pair_of_profiles(one: str, other: str) -> None:
    secure = ["S" in one[4:], "S" in other[4:]]
    daemon, to_b, to_a = call(caller(*[line(1)] * secure[0], protocol=one),
                              callee(*[line(2)] * secure[1], protocol=other), transport_protocol=other)
    assert (profile(to_b), profile(to_a)) == (other, one)
    assert (bool(cryptos(to_b)), bool(cryptos(to_a))) == (secure[1], secure[0])
    from_a, to_b_keys, from_b, to_a_keys = ways(daemon)
    assert [from_a != {None}, to_b_keys != {None}] == [from_b != {None}, to_a_keys != {None}][::-1] == secure
    for tag, sender, receiver in (("A", one, other), ("B", other, one)):
        outputs = daemon.targets[daemon.local(tag, 1)].rtcp_outputs
        assert [output.strip_feedback for output in outputs] == [sender.endswith("F") and not receiver.endswith("F")]


@pytest.mark.parametrize("one, other", [("RTP/SAVP", "RTP/AVP"), ("RTP/AVP", "RTP/SAVP"), ("RTP/SAVP", "RTP/SAVP")])
def test_where_there_are_keys_rtcp_comes_through_its_own_port_alone(one: str, other: str) -> None:
    """Under one key, what was taken on one port could be sent to the other once more; and each would count indices."""
    daemon, _, _ = call(caller(*[line(1)] * ("S" in one[4:]), protocol=one),
                        callee(*[line(2)] * ("S" in other[4:]), protocol=other), transport_protocol=other)
    for tag in "AB":
        assert not daemon.targets[daemon.local(tag, 0)].rtcp_outputs
        assert len(daemon.targets[daemon.local(tag, 1)].rtcp_outputs) == 1


def test_nothing_goes_in_clear_while_keys_are_missing() -> None:
    daemon = Daemon()
    daemon.offer(caller(line(1)), transport_protocol="RTP/SAVPF")
    assert daemon.party("A").medias[0].srtp_state == "without keys yet"
    for stream in (0, 1):
        assert daemon.local("A", stream) not in daemon.targets, "which A has not been told of yet"
        target = daemon.targets[daemon.local(None, stream)]
        assert target.discard and not target.learning and not target.offload
        assert not target.rtp_outputs and not target.rtcp_outputs
    daemon.answer(callee("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ=", protocol="RTP/SAVPF"))
    target = daemon.targets[daemon.local("A", 0)]
    assert target.decrypt == KA.keys and not target.rtp_outputs, "the answerer has no keys"
    assert daemon.targets[daemon.local("B", 0)].discard


def test_encrypted_streams_are_learned_and_taken_over_like_others() -> None:
    daemon, _, _ = call(caller(line(1)), callee(line(2)))
    local = daemon.local("A")
    assert daemon.targets[local].learning
    daemon.packet(local, "192.0.2.10:7", after=1)
    assert daemon.party("A").medias[0].streams[0].endpoint == ep("192.0.2.10:7")
    daemon.packet(local, A, after=1)
    daemon.packet(daemon.local("B"), B)
    target = daemon.targets[local]
    assert target.offload and not target.learning and target.decrypt == KA.keys
    assert encrypted(daemon, daemon.local("B")) == {KB.keys}


ELSEWHERE = "192.0.2.99:7"


def test_a_key_holds_a_party_to_its_address_for_a_while() -> None:
    """What it has sent may have been heard, and sent again by others."""
    daemon, _, _ = call(caller(line(1)), callee(line(2)))
    local = daemon.local("A")
    assert daemon.targets[local].best_rank == NEAR
    daemon.packet(local, ELSEWHERE, after=1)
    assert daemon.sends_to(daemon.local("B")) == [A] and daemon.targets[local].learning
    daemon.pass_time(WINDOW)
    assert daemon.targets[local].best_rank == NO_RANK
    daemon.packet(local, ELSEWHERE)
    assert daemon.sends_to(daemon.local("B")) == [ELSEWHERE] and not daemon.targets[local].learning
    daemon.offer(caller(line(1), version=2), to_tag="B")
    daemon.answer(callee(line(2)))
    assert daemon.targets[local].best_rank == NO_RANK, "there it is known to be"
    daemon.packet(local, ELSEWHERE, after=1)
    assert daemon.sends_to(daemon.local("B")) == [ELSEWHERE]


@pytest.mark.parametrize("announced, ours, held", [
    ("192.0.2.10", V4, True), ("10.1.2.3", V4, False), ("10.1.2.3", "10.9.9.9", True),
    ("10.1.2.3", "192.168.1.1", False), ("192.0.2.10", "10.9.9.9", True)])
def test_parties_behind_a_nat_are_not_held(announced: str, ours: str, held: bool) -> None:
    daemon = Daemon(spec("default", ours))
    daemon.offer(sdp(announced, 41000, line(1), protocol="RTP/SAVP"))
    daemon.answer(callee(line(2)))
    daemon.packet(daemon.local("A"), ELSEWHERE, after=1)
    assert daemon.sends_to(daemon.local("B")) == ([f"{announced}:41000"] if held else [ELSEWHERE])


@pytest.mark.parametrize("words, protocol", [({"endpoint_learning": "immediate"}, "RTP/SAVP"),
                                             ({"endpoint_learning": "delayed"}, "RTP/SAVP"), ({}, "RTP/AVP")])
def test_neither_are_those_without_keys_or_with_another_way_to_learn(words: dict[str, str], protocol: str) -> None:
    lines = [line(1)] * (protocol == "RTP/SAVP")
    daemon = Daemon()
    daemon.offer(caller(*lines, protocol=protocol), **words)
    daemon.answer(callee(line(2), protocol=protocol), **words)
    daemon.packet(daemon.local("A"), ELSEWHERE, after=1)
    assert daemon.sends_to(daemon.local("B")) == [ELSEWHERE]


def test_a_reoffer_with_the_same_keys_changes_nothing() -> None:
    daemon, _, to_a = call(caller(line(1)), callee(line(2)))
    before, answered = ways(daemon), cryptos(to_a)
    assert cryptos(daemon.offer(caller(line(1), version=2), to_tag="B"))[0] == KA
    assert ways(daemon) == before
    assert cryptos(daemon.answer(callee(line(2)))) == answered and ways(daemon) == before


def test_new_keys_in_a_reoffer_count_from_the_answer_on() -> None:
    daemon, _, _ = call(caller(line(1)), callee(line(2)))
    before = ways(daemon)
    daemon.offer(caller(line(11)), to_tag="B")
    assert ways(daemon) == before
    daemon.answer(callee(line(12)))
    new = crypto(11).keys, crypto(12).keys
    assert ways(daemon) == ({new[0]}, {new[0]}, {new[1]}, {new[1]})


def test_a_reoffer_from_the_other_side() -> None:
    daemon, _, _ = call(caller(line(1)), callee(line(2, tag=1)))
    offered = daemon.offer(callee(line(22, GCM, 7), line(23, CM_80, 8)), from_tag="B", to_tag="A")
    assert [(each.tag, each.suite.name) for each in cryptos(offered)[:2]] == [(7, GCM), (8, CM_80)]
    daemon.answer(caller(line(21, GCM, 7)), from_tag="B", to_tag="A")
    a, b = crypto(21, GCM).keys, crypto(22, GCM).keys
    assert ways(daemon) == ({a}, {a}, {b}, {b})


def test_the_second_of_two_answers_counts() -> None:
    daemon = Daemon()
    daemon.offer(caller(line(1), line(3, GCM, 2)))
    daemon.answer(callee(line(2)))
    assert cryptos(daemon.answer(callee(line(4, GCM, 2)))) == [crypto(4, GCM, 2)]
    a, b = crypto(3, GCM).keys, crypto(4, GCM).keys
    assert ways(daemon) == ({a}, {a}, {b}, {b})


def test_a_call_that_turns_plain_and_back() -> None:
    daemon, _, _ = call(caller(line(1)), callee(line(2)))
    assert not cryptos(daemon.offer(caller(protocol="RTP/AVP"), to_tag="B"))
    assert ways(daemon)[0] == {KA.keys}, "until the answer"
    assert not cryptos(daemon.answer(callee(protocol="RTP/AVP")))
    assert ways(daemon) == ({None},) * 4
    daemon.offer(caller(line(31)), to_tag="B")
    assert ways(daemon) == ({None},) * 4
    daemon.answer(callee(line(32)))
    a, b = crypto(31).keys, crypto(32).keys
    assert ways(daemon) == ({a}, {a}, {b}, {b})


def test_forks_have_keys_of_their_own() -> None:
    daemon = Daemon()
    bodies = [daemon.offer(caller(line(1)), via_branch=branch) for branch in ("b1", "b2")]
    keys = [{(each.key, each.salt) for each in cryptos(body)} for body in bodies]
    assert keys[0] & keys[1] == {(KA.key, KA.salt)}
    daemon.answer(callee(line(2)), to_tag="B1", via_branch="b1")
    assert encrypted(daemon, daemon.local("A")) == {KA.keys}
    assert cryptos(daemon.answer(callee(line(5), port=43000), to_tag="B2", via_branch="b2")) == [crypto(5)]
    assert encrypted(daemon, daemon.local("A")) == {KA.keys} and daemon.gets("A") == ["B2"]
    assert encrypted(daemon, daemon.local("B2")) == {crypto(5).keys}


def test_an_answerer_that_was_not_offered_keys(caplog: pytest.LogCaptureFixture) -> None:
    daemon, to_b, to_a = call(caller(protocol="RTP/AVP"), callee(line(2)))
    assert profile(to_a) == "RTP/AVP" and not cryptos(to_b) + cryptos(to_a) and ways(daemon) == ({None},) * 4
    assert "without having been offered any" in caplog.text and line(2)[40:] not in caplog.text


def test_several_keys_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The first one counts, and whoever sends under another one cannot be heard: somebody has to be told."""
    both = line(1) + "|1:1;" + line(3).partition(" ")[2].partition(" ")[2] + "|2:1"
    daemon, _, _ = call(caller(line(1)), callee(line(2)))
    assert not caplog.text
    daemon, to_b, to_a = call(caller(both), callee(line(2)))
    assert ways(daemon)[0] == {KA.keys._replace(mki=b"\1")}
    assert "several keys in one crypto attribute" in caplog.text and line(3)[40:] not in caplog.text


def test_rejected_sections_need_no_keys() -> None:
    daemon = Daemon()
    body = daemon.offer(caller(line(1), "m=video 0 RTP/SAVP 97"))
    assert body.count("m=") == 2 and "m=video 0 RTP/SAVP 97" in body
    assert len(cryptos(body)) == 12


def test_a_medium_handed_on_as_it_is_keeps_its_lines() -> None:
    daemon = Daemon()
    assert cryptos(daemon.offer(caller(line(1)), passthrough=True)) == [KA]
    assert cryptos(daemon.answer(callee(line(2)))) == [KB]
    assert ways(daemon) == ({None},) * 4


def test_wishes_reach_the_lines() -> None:
    daemon = Daemon()
    wish = SdesWishes(frozenset({"pad", "lifetime"}), only=frozenset({"AES_256_CM_HMAC_SHA1_80"}))
    (shown,) = [text for text in daemon.offer(caller(protocol="RTP/AVP"), transport_protocol="RTP/SAVP",
                                              sdes=wish).splitlines() if "crypto" in text]
    assert shown.endswith("==|2^31") and "AES_256_CM_HMAC_SHA1_80" in shown


# Opportunistic SRTP (RFC 8643)

def opportunistic(*answered: str, offered: dict[str, object] | None = None,
                  **answering: object) -> tuple[Daemon, str, str]:
    daemon = Daemon()
    to_b = daemon.offer(caller(line(1), protocol="RTP/AVP"), **(offered or {}))
    return daemon, to_b, daemon.answer(callee(*answered, protocol="RTP/AVP"), **answering)


def test_opportunistic_keys_accepted() -> None:
    daemon, to_b, to_a = opportunistic(line(2))
    assert profile(to_b) == profile(to_a) == "RTP/AVP" and cryptos(to_b)[0] == KA and cryptos(to_a) == [KB]
    assert ways(daemon) == ({KA.keys}, {KA.keys}, {KB.keys}, {KB.keys})


def test_opportunistic_keys_declined() -> None:
    daemon, _, to_a = opportunistic()
    assert not cryptos(to_a) and ways(daemon) == ({None},) * 4


@pytest.mark.parametrize("word", ["accept", "accept-rfc"])
def test_opportunistic_keys_accepted_for_the_answerer(word: str) -> None:
    daemon, _, to_a = opportunistic(osrtp={word})
    (own,) = cryptos(to_a)
    assert own.suite.name == CM_80 and ways(daemon) == ({KA.keys}, {None}, {None}, {own.keys})


def test_opportunistic_keys_that_are_not_offered_on_are_accepted() -> None:
    daemon, to_b, to_a = opportunistic(offered={"transport_protocol": "RTP/AVP"})
    assert not cryptos(to_b)
    (own,) = cryptos(to_a)
    assert ways(daemon) == ({KA.keys}, {None}, {None}, {own.keys})


@pytest.mark.parametrize("accepted", [True, False])
def test_opportunistic_keys_of_our_own(accepted: bool) -> None:
    daemon = Daemon()
    to_b = daemon.offer(caller(protocol="RTP/AVPF"), osrtp={"offer"})
    assert profile(to_b) == "RTP/AVPF" and len(cryptos(to_b)) == 12
    to_a = daemon.answer(callee(*[line(2, tag=7)] * accepted, protocol="RTP/AVPF"))
    own = cryptos(to_b)[6].keys
    assert not cryptos(to_a)
    assert ways(daemon) == (({None}, {own}, {KB.keys}, {None}) if accepted else ({None},) * 4)


def test_a_party_that_speaks_opportunistic_srtp_is_offered_its_keys_again() -> None:
    daemon, _, to_a = opportunistic(osrtp={"accept"})
    (own,) = cryptos(to_a)
    to_a = daemon.offer(callee(protocol="RTP/AVP"), from_tag="B", to_tag="A")
    assert cryptos(to_a)[0] == own and len(cryptos(to_a)) == 12
    assert not cryptos(daemon.answer(caller(line(1), protocol="RTP/AVP"), from_tag="B", to_tag="A"))
    assert ways(daemon) == ({KA.keys}, {None}, {None}, {own.keys})


# One-sided media

def test_publishers_and_subscribers() -> None:
    daemon = Daemon()
    body = daemon.body("publish", sdp=caller(line(1, CM_32, 4), line(3, CM_80, 6)), from_tag="A")
    (own,) = cryptos(body)
    assert (own.tag, own.suite.name, profile(body)) == (4, CM_32, "RTP/SAVP")
    assert daemon.targets[daemon.local("A")].decrypt == crypto(1, CM_32).keys
    body = daemon.body("subscribe request", from_tag="A", to_tag="S", from_tags=["A"])
    assert [each.tag for each in cryptos(body)] == [4, 6, *range(7, 17)]
    daemon.send("subscribe answer", sdp=callee(line(2, CM_80, 6), "a=recvonly"), to_tag="S")
    assert encrypted(daemon, daemon.local("A")) == {crypto(3).keys}
    body = daemon.body("subscribe request", from_tag="A", to_tag="P", from_tags=["A"], transport_protocol="RTP/AVP")
    assert not cryptos(body) and profile(body) == "RTP/AVP"
    daemon.send("subscribe answer", sdp=callee("a=recvonly", protocol="RTP/AVP", port=44000), to_tag="P")
    assert encrypted(daemon, daemon.local("A")) == {crypto(3).keys, None}


def test_created_media() -> None:
    daemon = Daemon()
    body = daemon.body("create", from_tag="A", transport_protocol="RTP/SAVP")
    own = cryptos(body)[7]
    assert len(cryptos(body)) == 12 and daemon.targets[daemon.local("A")].discard
    daemon.send("create answer", sdp=callee(line(2, CM_32, 8)), from_tag="A")
    assert own.suite.name == CM_32
    media = daemon.party("A").medias[0]
    assert media.keys is not None and media.keys.sent_under(1) == own.keys
    assert daemon.targets[daemon.local("A")].decrypt == crypto(2, CM_32).keys


def test_what_an_operator_sees() -> None:
    daemon, _, _ = call(caller(line(1)), callee(line(2, GCM, 3)))
    reply = daemon.send("query")
    media = {tag: each["medias"][0] for tag, each in reply["tags"].items()}
    assert all("SDES" in each["flags"] for each in media.values())
    assert [daemon.party(tag).medias[0].srtp_state for tag in "AB"] == [f"with {CM_80}", f"with {GCM}"]
    assert [{stream["crypto suite"] for stream in media[tag]["streams"]} for tag in "AB"] == [{CM_80}, {GCM}]
    for text in (repr(reply), repr(daemon.targets), repr(daemon.call)):
        for key in (KA, crypto(2, GCM)):
            assert crypto_text(key).partition("inline:")[2] not in text and repr(key.key)[2:10] not in text
    plain, _, _ = call(caller(protocol="RTP/AVP"), callee(protocol="RTP/AVP"))
    (first, _) = plain.send("query")["tags"].values()
    assert "SDES" not in first["medias"][0]["flags"] and "crypto suite" not in first["medias"][0]["streams"][0]
