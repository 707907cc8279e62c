# SPDX-License-Identifier: GPL-3.0-or-later
"""The rtcp-mux table: what B is offered and what A is answered."""
from __future__ import annotations

import pytest

from tests.unit.session.calls import Daemon, port_of, sdp

NO, BOTH, ONLY = "no", "mux with a separate port", "mux only"
A, B = ("192.0.2.10", 41000), ("198.51.100.20", 42000)
MUX = "a=rtcp-mux"


def shape(body: str) -> str:
    port = port_of(body)
    if MUX not in body:
        assert f"a=rtcp:{port + 1}\n" in body
        return NO
    assert f"a=rtcp:{port}\n{MUX}\n" in body or f"a=rtcp:{port + 1}\n{MUX}\n" in body
    return ONLY if f"a=rtcp:{port}\n" in body else BOTH


TABLE = [
    # A sends mux, words, what B is offered, what A gets if B accepts, and if B declines
    (True, "", BOTH, ONLY, NO),
    (True, "accept", BOTH, ONLY, ONLY),
    (True, "reject", BOTH, NO, NO),
    (True, "demux", NO, ONLY, ONLY),
    (True, "demux reject", NO, NO, NO),
    (False, "", NO, NO, NO),
    (False, "accept", NO, NO, NO),
    (False, "offer", BOTH, NO, NO),
    (False, "offer require", ONLY, NO, NO),
    (True, "offer require", ONLY, ONLY, NO),
    (True, "offer require demux", ONLY, ONLY, NO),
]


@pytest.mark.parametrize("mux, words, offered, accepted, declined", TABLE)
def test_table(mux: bool, words: str, offered: str, accepted: str, declined: str) -> None:
    for answer, expected in ((True, accepted), (False, declined)):
        daemon = Daemon()
        assert shape(daemon.offer(sdp(*A, *[MUX] * mux), rtcp_mux=words)) == offered
        if answer and offered == NO:
            answer = False
        assert shape(daemon.answer(sdp(*B, *[MUX] * answer))) == (expected if offered != NO else declined)


def test_sockets_follow() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A, MUX))
    assert daemon.sockets.open == 4
    daemon.answer(sdp(*B, MUX))
    assert daemon.sockets.open == 2 and len(daemon.last.closed) == 2
    assert daemon.sends_to(daemon.local("A"), rtcp=True) == ["198.51.100.20:42000"]
    assert daemon.sends_to(daemon.local("A")) == ["198.51.100.20:42000"]
    assert [stream.is_rtcp for stream in daemon.party("A").medias[0].streams] == [True, True]


def test_demux_between_the_sides() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A, MUX), rtcp_mux="demux")
    daemon.answer(sdp(*B, "a=rtcp:42009"))
    assert daemon.sends_to(daemon.local("A"), rtcp=True) == ["198.51.100.20:42009"]
    assert daemon.sends_to(daemon.local("B", 1), rtcp=True) == ["192.0.2.10:41000"]


def test_a_mux_that_was_not_offered_is_not_accepted() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A))
    assert shape(daemon.answer(sdp(*B, MUX))) == NO
    assert not daemon.party("B").medias[0].mux


def test_every_branch_has_its_own_rule() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A, MUX), via_branch="z1", rtcp_mux="demux")
    daemon.offer(sdp(*A, MUX), via_branch="z2", rtcp_mux="offer")
    assert shape(daemon.answer(sdp(*B), via_branch="z1")) == ONLY


def test_reoffer_to_a_party_that_multiplexes() -> None:
    daemon = Daemon()
    daemon.offer(sdp(*A, MUX))
    daemon.answer(sdp(*B, MUX))
    assert shape(daemon.offer(sdp(*A), to_tag="B")) == ONLY
    assert shape(daemon.answer(sdp(*B, MUX))) == NO
    assert shape(daemon.offer(sdp(*B, MUX), from_tag="B", to_tag="A")) == BOTH


def test_reoffer_to_a_party_that_has_declined() -> None:
    """It is asked again, and keeps its separate port: seen with 10.5."""
    daemon = Daemon()
    daemon.offer(sdp(*A, MUX))
    assert shape(daemon.answer(sdp(*B))) == NO
    assert shape(daemon.offer(sdp(*A, MUX), to_tag="B")) == BOTH
    assert shape(daemon.offer(sdp(*A, MUX), to_tag="B")) == ONLY  # this time it has not declined


@pytest.mark.parametrize("asked, shown", [(True, ONLY), (False, NO)])
@pytest.mark.parametrize("port, lines", [(42002, (MUX,)), (0, ())])
def test_one_section_that_goes_on_to_multiplex_has_the_others_do_so(
        asked: bool, shown: str, port: int, lines: tuple[str, ...]) -> None:
    """Those that were asked to: as recorded in main:61, where the other one had been rejected; so does 10.5."""
    def two(first: str, port: int, *lines: str) -> str:
        return first + "\n".join([f"m=video {port} RTP/AVP 34", *lines, ""])

    daemon = Daemon()
    daemon.offer(two(sdp(*A, MUX), 41002, MUX))
    daemon.answer(two(sdp(*B), port, *lines))
    body = daemon.offer(two(sdp(*A, *[MUX] * asked), 41002, MUX), to_tag="B")
    head, video = body.split("m=video ")
    assert shape(head) == shown and shape("m=video " + video) == ONLY


@pytest.mark.parametrize("words", ["", "accept"])
def test_a_party_that_ceases_to_multiplex_goes_on_getting_rtcp(words: str) -> None:
    """It knows one port of ours only, from which its RTCP comes now: 10.5 sends it to the same place."""
    daemon = Daemon()
    daemon.offer(sdp(*A, MUX))
    daemon.answer(sdp(*B, MUX))
    assert shape(daemon.offer(sdp(*A, MUX), to_tag="B", rtcp_mux=words)) == ONLY
    answered = shape(daemon.answer(sdp(*B)))
    heard_on = daemon.local("A", 1 if answered == NO else 0)
    rtcp, = daemon.targets[heard_on].rtcp_outputs
    assert (rtcp.source, str(rtcp.destination)) == (daemon.local("B"), "198.51.100.20:42001")
    assert daemon.sends_to(daemon.local("B"), rtcp=True) == [f"192.0.2.10:4100{int(answered == NO)}"]
