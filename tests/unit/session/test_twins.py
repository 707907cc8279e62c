# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of sections, plain and encrypted: taken for one medium, offered for one medium, never both in use."""
from __future__ import annotations

import pytest

from tests.unit.session.calls import Daemon, sdp
from tests.unit.session.test_keys import KA, KB, callee, caller, cryptos, line, ways

FOLD = {"accept-legacy"}


def medias(body: str) -> list[tuple[str, bool]]:
    """Profile of each section, and whether it has a port."""
    words = [text.split() for text in body.splitlines() if text.startswith("m=")]
    return [(word[2], word[1] != "0") for word in words]


def pair(first: str, port: int, *lines: str, address: str = "192.0.2.10", ports: tuple[int, int] = (1, 1)) -> str:
    """Two sections, the plain one in front or behind; ``ports``: 0 rejects plain or encrypted."""
    sections = [f"m=audio {port * ports[0]} RTP/AVP 8 0\n",
                f"m=audio {(port + 2) * ports[1]} RTP/SAVP 8 0\n" + "".join(f"{each}\n" for each in lines)]
    head = sdp(address, port).rpartition("m=")[0]
    return head + "".join(sections if first == "plain" else sections[::-1])


@pytest.mark.parametrize("first", ["plain", "encrypted"])
@pytest.mark.parametrize("word", ["accept", "accept-legacy"])
def test_a_pair_is_one_encrypted_medium(first: str, word: str) -> None:
    daemon = Daemon()
    body = daemon.offer(pair(first, 41000, line(1)), osrtp={word}, transport_protocol="RTP/AVP")
    assert medias(body) == [("RTP/AVP", True)] and len(daemon.party("A").medias) == 1
    answered = daemon.answer(callee(protocol="RTP/AVP"))
    expected = [("RTP/AVP", False), ("RTP/SAVP", True)]
    assert medias(answered) == (expected if first == "plain" else expected[::-1])
    assert "m=audio 0 RTP/AVP 8 0\n" + ("m=" if first == "plain" else "") in answered
    (own,) = cryptos(answered)
    assert ways(daemon) == ({KA.keys}, {None}, {None}, {own.keys})
    flag = "legacy OSRTP" if first == "plain" else "reverse legacy OSRTP"
    assert flag in daemon.send("query")["tags"]["A"]["medias"][0]["flags"]


def test_without_the_word_they_are_two() -> None:
    daemon = Daemon()
    assert medias(daemon.offer(pair("plain", 41000, line(1)))) == [("RTP/AVP", True), ("RTP/SAVP", True)]


def test_a_rejected_encrypted_twin_leaves_the_plain_one() -> None:
    daemon = Daemon()
    body = daemon.offer(pair("plain", 41000, line(1), ports=(1, 0)), osrtp=FOLD)
    assert medias(body) == [("RTP/AVP", True)]
    answered = daemon.answer(callee(protocol="RTP/AVP"))
    assert medias(answered) == [("RTP/AVP", True), ("RTP/SAVP", False)] and not cryptos(answered)
    assert ways(daemon) == ({None},) * 4


def test_only_neighbours_of_one_type_are_twins() -> None:
    body = pair("plain", 41000, line(1)) + "m=audio 5000 RTP/AVP 0\n" + "".join(
        f"m=video {port} RTP/SAVP 97\n" for port in (5002, 5004))
    assert medias(Daemon().offer(body, osrtp=FOLD)) == [
        ("RTP/SAVP", True), ("RTP/AVP", True), ("RTP/SAVP", True), ("RTP/SAVP", True)]


def test_a_party_with_twins_keeps_its_two_sections_in_reoffers() -> None:
    daemon = Daemon()
    daemon.offer(pair("encrypted", 41000, line(1)), osrtp=FOLD, transport_protocol="RTP/AVP")
    (own,) = cryptos(daemon.answer(callee(protocol="RTP/AVP")))
    body = daemon.offer(callee(protocol="RTP/AVP"), from_tag="B", to_tag="A")
    assert medias(body) == [("RTP/SAVP", True), ("RTP/AVP", False)] and cryptos(body)[0] == own
    body = daemon.answer(pair("encrypted", 41000, line(1), ports=(0, 1)), from_tag="B", to_tag="A")
    assert medias(body) == [("RTP/AVP", True)] and len(daemon.party("A").medias) == 1
    assert ways(daemon) == ({KA.keys}, {None}, {None}, {own.keys})


@pytest.mark.parametrize("ports, keys", [((0, 1), True), ((1, 0), False), ((1, 1), True)])
def test_twins_of_our_own(ports: tuple[int, int], keys: bool) -> None:
    daemon = Daemon()
    body = daemon.offer(caller(protocol="RTP/AVP"), transport_protocol="RTP/SAVP", osrtp={"offer-legacy"})
    assert medias(body) == [("RTP/AVP", True), ("RTP/SAVP", True)]
    plain, encrypted = body.split("m=")[1:]
    secured = ("a=crypto", "a=setup", "a=fingerprint", "a=tls-id")
    assert plain.splitlines()[1:] == [text for text in encrypted.splitlines()[1:] if not text.startswith(secured)]
    assert plain.split()[1] == encrypted.split()[1], "one port for both"
    own = cryptos(body)[6]
    answered = daemon.answer(pair("plain", 42000, line(2, tag=7), address="198.51.100.20", ports=ports))
    assert medias(answered) == [("RTP/AVP", True)] and len(daemon.party("B").medias) == 1
    assert ways(daemon) == (({None}, {own.keys}, {KB.keys}, {None}) if keys else ({None},) * 4)


def test_twins_of_our_own_for_a_caller_with_keys() -> None:
    daemon = Daemon()
    body = daemon.offer(caller(line(1), protocol="RTP/SAVPF"), transport_protocol="RTP/SAVPF", osrtp={"offer-legacy"})
    assert medias(body) == [("RTP/AVPF", True), ("RTP/SAVPF", True)] and cryptos(body)[0] == KA
    answered = daemon.answer(pair("plain", 42000, line(2), address="198.51.100.20", ports=(0, 1)))
    assert medias(answered) == [("RTP/SAVPF", True)] and cryptos(answered) == [KB]
