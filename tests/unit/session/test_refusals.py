# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections and whole bodies that one message refuses and a later one accepts."""
from __future__ import annotations

import pytest

from controlplane.ng.reply import RequestFailed
from tests.unit.session.calls import Daemon, port_of, sdp
from tests.unit.session.ice_peers import IceNetwork, IceParty, admitted

VIDEO = ("m=video {} RTP/AVP 97", "a=rtpmap:97 H264/90000")


def both(address: str, audio: int, video: int, *lines: str) -> str:
    return sdp(address, audio, *lines, *[line.format(video) for line in VIDEO])


def ways(daemon: Daemon, section: int) -> tuple[list[str], list[str]]:
    """Where RTP goes that A and B send to the section."""
    return tuple([daemon.sends_to(daemon.local(tag, media=section)) for tag in "AB"])  # type: ignore[return-value]


A, B, C = "192.0.2.10", "198.51.100.20", "198.51.100.30"


def test_another_branch_accepts_what_one_has_refused() -> None:
    daemon = Daemon()
    for branch in ("z1", "z2"):
        daemon.offer(both(A, 41000, 41002), via_branch=branch)
    assert port_of(daemon.answer(both(B, 42000, 0), via_branch="z1"), 1) == 0
    assert port_of(daemon.answer(both(C, 43000, 43002), to_tag="C", via_branch="z2"), 1)
    assert daemon.gets("A") == daemon.gets("A", 1) == ["C"] and daemon.gets("C") == daemon.gets("C", 1) == ["A"]
    for stream, port in ((0, 41002), (1, 41003)):
        assert daemon.sends_to(daemon.local("C", stream, 1), stream == 1) == [f"{A}:{port}"]


def test_the_same_branch_accepts_what_it_has_refused() -> None:
    daemon = Daemon()
    told = port_of(daemon.offer(both(A, 41000, 41002)), 1)
    daemon.answer(both(B, 42000, 42002))
    moved = port_of(daemon.offer(both(A, 41010, 41012), to_tag="B"), 1)
    assert moved != told
    daemon.answer(both(B, 42000, 0))
    assert port_of(daemon.answer(both(B, 42000, 42002)), 1)
    assert daemon.local("B", media=1).port == moved
    assert ways(daemon, 1) == ([f"{B}:42002"], [f"{A}:41012"])


def test_everything_is_refused_before_it_is_accepted() -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    with pytest.raises(RequestFailed, match="Error rewriting SDP"):
        daemon.answer(sdp(B, 0))
    daemon.answer(sdp(B, 42000))
    assert ways(daemon, 0) == ([f"{B}:42000"], [f"{A}:41000"])


def test_what_was_refused_begins_anew_with_the_next_offer() -> None:
    daemon = Daemon()
    daemon.offer(both(A, 41000, 41002))
    daemon.answer(both(B, 42000, 42002))
    daemon.offer(both(A, 41000, 41002), to_tag="B")
    daemon.answer(both(B, 42000, 0))
    assert all(daemon.targets[local].discard for tag in "AB" for media in daemon.party(tag).medias[1:]
               for mapping in media.mappings for local in mapping.sockets)
    daemon.offer(both(B, 42000, 42012), from_tag="B", to_tag="A")
    assert daemon.party("A").medias[1].streams[0].advertised is None
    daemon.answer(both(A, 41000, 41012), from_tag="B", to_tag="A")
    assert ways(daemon, 1) == ([f"{B}:42012"], [f"{A}:41012"])


def test_ice_rests_while_the_section_is_refused() -> None:
    daemon = Daemon()
    caller = IceParty(f"{A}:41000", seed=1, controlling=True)
    daemon.offer(caller.sdp(), ice="remove", via_branch="z1")
    daemon.offer(caller.sdp(), ice="remove", via_branch="z2")
    with pytest.raises(RequestFailed):
        daemon.answer(sdp(B, 0), via_branch="z1")
    network = IceNetwork(daemon, caller)
    network.run(1)
    assert not network.delivered
    caller.hear(daemon.answer(sdp(C, 43000), to_tag="C", via_branch="z2"), daemon.now)
    network.run(1)
    assert admitted(daemon, daemon.local("A")) == f"{A}:41000" and daemon.gets("A") == ["C"]


def test_an_answer_has_no_more_sections_than_the_offer() -> None:
    """An offer with video fails (488); the next one is about audio alone."""
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.answer(sdp(B, 42000))
    daemon.offer(both(A, 41000, 41002), to_tag="B")
    told = daemon.offer(sdp(A, 41000, "a=sendonly"), to_tag="B")
    answered = daemon.answer(both(B, 42000, 42002, "a=recvonly") if "m=video" in told else sdp(B, 42000, "a=recvonly"))
    assert answered.count("m=") == 1
    daemon.offer(both(B, 42000, 42002), from_tag="B", to_tag="A")
    assert daemon.answer(both(A, 41000, 41002), from_tag="B", to_tag="A").count("m=") == 2
    assert ways(daemon, 1) == ([f"{B}:42002"], [f"{A}:41002"])
