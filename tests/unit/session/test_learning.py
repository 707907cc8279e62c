# SPDX-License-Identifier: GPL-3.0-or-later
"""The learning state machine by itself, then in a call."""
from __future__ import annotations

import pytest

from controlplane.events import NO_RANK, Mismatch, SourceSeen
from controlplane.session.learning import observe, rank
from controlplane.session.media import Handling
from controlplane.session.stream import Stream
from tests.unit.session.calls import Daemon, ep, established, sdp

SDP, PORT, ADDRESS, BOTH = "192.0.2.10:41000", "192.0.2.10:50000", "198.51.100.9:41000", "198.51.100.9:5000"


def stream() -> Stream:
    found = Stream(1, 0.0)
    found.local = ep("203.0.113.5:30000")
    found.public = True
    found.fill(ep(SDP), 0.0)
    return found


@pytest.mark.parametrize("source, expected", [(SDP, 0), (PORT, 1), (ADDRESS, 2), (BOTH, 3)])
def test_rank(source: str, expected: int) -> None:
    assert rank(ep(SDP), ep(source)) == expected


def walk(handling: Handling, *steps: tuple[float, str]) -> list[tuple[str, bool]]:
    """Endpoint and confirmation after each packet (seconds since the signal, source)."""
    subject, seen = stream(), []
    for at, source in steps:
        observe(subject, handling, ep(source), at, 0.0)
        seen.append((str(subject.endpoint), subject.confirmed))
    return seen


WORKED = ((0.1, BOTH), (0.4, PORT), (2.0, BOTH), (3.05, BOTH))


def test_heuristic_takes_the_best_and_confirms_it_late() -> None:
    assert walk(Handling(), *WORKED) == [(BOTH, False), (PORT, False), (PORT, False), (PORT, True)]


def test_heuristic_with_strict_source_needs_a_packet_as_good_as_the_best() -> None:
    strict = Handling(strict_source=True)
    assert walk(strict, *WORKED)[-1] == (PORT, False)
    assert walk(strict, *WORKED, (3.2, PORT))[-1] == (PORT, True)


def test_heuristic_confirms_an_exact_match_at_once() -> None:
    assert walk(Handling(), (0.1, BOTH), (0.2, SDP), (0.3, BOTH)) == [(BOTH, False), (SDP, True), (SDP, True)]


def test_heuristic_without_an_advertised_port_is_delayed() -> None:
    subject = stream()
    subject.fill(ep("192.0.2.10:0"), 0.0)
    assert observe(subject, Handling(), ep(PORT), 0.5, 0.0)
    assert observe(subject, Handling(), ep(BOTH), 0.6, 0.0)
    assert str(subject.endpoint) == BOTH and not subject.confirmed


def test_delayed_follows_every_packet_until_the_window_ends() -> None:
    assert walk(Handling("delayed"), (0.1, BOTH), (0.2, SDP), (0.3, PORT), (3.0, ADDRESS), (4.0, SDP)) == [
        (BOTH, False), (SDP, False), (PORT, False), (ADDRESS, True), (ADDRESS, True)]


def test_immediate_takes_the_first_packet() -> None:
    assert walk(Handling("immediate"), (0.1, BOTH), (0.2, SDP)) == [(BOTH, True), (BOTH, True)]


def test_off_keeps_the_sdp_address() -> None:
    assert walk(Handling("off"), (0.1, BOTH)) == [(SDP, True)]


def test_asymmetric_only_notes_the_source() -> None:
    subject = stream()
    observe(subject, Handling("immediate", asymmetric=True), ep(BOTH), 0.1, 0.0)
    assert (str(subject.endpoint), str(subject.learned), subject.confirmed) == (SDP, BOTH, True)


def test_handover_moves_and_learns_again() -> None:
    handling = Handling(media_handover=True)
    assert walk(handling, (0.1, SDP), (9.0, BOTH), (9.02, BOTH)) == [(SDP, True), (BOTH, False), (BOTH, True)]


def test_nothing_is_learned_before_the_sdp_and_before_our_port_is_known() -> None:
    for missing in ("filled", "public"):
        subject = stream()
        setattr(subject, missing, False)
        assert not observe(subject, Handling(), ep(BOTH), 0.1, 0.0)
        assert str(subject.endpoint) == SDP


def test_worked_example_in_a_call() -> None:
    daemon = established()
    a, b = daemon.local("A"), daemon.local("B")
    daemon.packet(b, "198.51.100.20:42000")
    assert daemon.sends_to(b) == [SDP]
    daemon.packet(a, BOTH, 0.1)
    assert daemon.sends_to(b) == [BOTH]
    daemon.packet(a, PORT, 0.3)
    daemon.packet(a, BOTH, 1.6)
    assert daemon.sends_to(b) == [PORT]
    assert daemon.targets[a].learning and not daemon.targets[a].offload
    daemon.pass_time(1.2)
    daemon.packet(a, BOTH)
    assert daemon.sends_to(b) == [PORT]
    assert not daemon.targets[a].learning and daemon.targets[a].offload
    assert daemon.targets[a].expected_source is None and daemon.targets[a].mismatch is Mismatch.IGNORE


def test_sources_are_reported_anew_when_the_window_ends() -> None:
    daemon = established()
    a = daemon.local("A")
    daemon.packet(a, BOTH, 0.5)
    assert a not in daemon.apply().wanted
    deadline = daemon.calls.deadline()
    assert deadline is not None
    daemon.now = deadline
    daemon.calls.on_deadline(deadline)
    assert a in daemon.apply().wanted


def test_a_new_signal_has_sources_reported_anew() -> None:
    daemon = established()
    daemon.packet(daemon.local("A"), SDP, 0.1)
    assert not daemon.targets[daemon.local("A")].learning
    daemon.answer(sdp("198.51.100.20", 42000))
    assert daemon.local("A") in daemon.last.wanted and daemon.local("B") in daemon.last.wanted
    assert daemon.targets[daemon.local("A")].learning


@pytest.mark.parametrize("flag, mismatch", [("strict-source", Mismatch.DROP), ("media-handover", Mismatch.PROPAGATE)])
def test_expected_source(flag: str, mismatch: Mismatch) -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags=flag)
    daemon.answer(sdp("198.51.100.20", 42000))
    a = daemon.local("A")
    daemon.packet(a, SDP, 0.1)
    assert (daemon.targets[a].expected_source, daemon.targets[a].mismatch) == (ep(SDP), mismatch)


def test_without_learning_a_strict_source_holds_from_the_first_packet() -> None:
    daemon = Daemon()
    words = {"flags": "strict-source", "endpoint_learning": "off"}
    daemon.offer(sdp(), **words)
    daemon.answer(sdp("198.51.100.20", 42000), **words)
    target = daemon.targets[daemon.local("A")]
    assert (target.expected_source, target.mismatch) == (ep(SDP), Mismatch.DROP)
    assert daemon.targets[daemon.local("B")].expected_source == ep("198.51.100.20:42000")


@pytest.mark.parametrize("flag, mismatch", [("strict-source", Mismatch.DROP), ("media-handover", Mismatch.IGNORE)])
def test_the_relay_ranks_sources_like_the_session(flag: str, mismatch: Mismatch) -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags=flag)
    daemon.answer(sdp("198.51.100.20", 42000))
    a, b = daemon.local("A"), daemon.local("B")
    for source, best in ((None, NO_RANK), (BOTH, 3), (PORT, 1)):
        if source:
            daemon.packet(a, source, 0.1)
        target = daemon.targets[a]
        assert (target.expected_source, target.mismatch, target.best_rank) == (ep(SDP), mismatch, best)
        assert daemon.targets[b].rtp_outputs[0].follow and not daemon.targets[b].rtcp_outputs[0].follow
    daemon.packet(a, SDP, 0.1)
    assert daemon.targets[a].best_rank is None and not daemon.targets[b].rtp_outputs[0].follow


def test_what_follows_a_source_that_is_still_learned_stays_in_the_relay() -> None:
    daemon = established()
    a, b = daemon.local("A"), daemon.local("B")
    daemon.packet(a, SDP, 0.1)
    assert daemon.targets[a].rtp_outputs[0].follow and not daemon.targets[a].offload
    daemon.packet(b, "198.51.100.20:42000")
    assert daemon.targets[a].offload and daemon.targets[b].offload


@pytest.mark.parametrize("flags, learning", [("asymmetric", "heuristic"), ("", "immediate"), ("", "off")])
def test_nothing_follows_where_the_first_or_no_packet_decides(flags: str, learning: str) -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags=flags, endpoint_learning=learning)
    daemon.answer(sdp("198.51.100.20", 42000))
    assert not daemon.targets[daemon.local("B")].rtp_outputs[0].follow


def test_handover_in_a_call() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="media-handover")
    daemon.answer(sdp("198.51.100.20", 42000))
    a, b = daemon.local("A"), daemon.local("B")
    daemon.packet(a, SDP, 0.1)
    daemon.packet(b, "198.51.100.20:42000")
    assert daemon.targets[a].offload and daemon.targets[b].offload
    daemon.packet(a, BOTH, 9)
    assert daemon.sends_to(b) == [BOTH]
    assert not daemon.targets[a].offload and daemon.targets[b].learning
    daemon.packet(a, BOTH, 0.02)
    daemon.packet(b, "198.51.100.20:42000")
    assert daemon.targets[a].offload


def test_rtcp_on_the_rtp_port_teaches_nothing() -> None:
    daemon = established()
    a = daemon.local("A")
    daemon.calls.on_source(SourceSeen(a, ep(BOTH), daemon.now, is_rtcp=True))
    assert str(daemon.party("A").medias[0].streams[0].endpoint) == SDP


def test_rtp_and_rtcp_learn_apart() -> None:
    daemon = established()
    daemon.packet(daemon.local("A", 1), "198.51.100.9:6000", 0.1)
    assert daemon.sends_to(daemon.local("B", 1), rtcp=True) == ["198.51.100.9:6000"]
    assert daemon.sends_to(daemon.local("B")) == [SDP]


def test_unidirectional_confirms_the_silent_side() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="unidirectional")
    daemon.answer(sdp("198.51.100.20", 42000))
    daemon.packet(daemon.local("A"), SDP, 0.1)
    assert daemon.targets[daemon.local("B")].offload


def test_a_shared_port_learns_from_rtp_alone() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=rtcp-mux"))
    daemon.answer(sdp("198.51.100.20", 42000, "a=rtcp-mux"))
    a = daemon.local("A")
    stream = daemon.party("A").medias[0].streams[0]
    assert stream.is_rtp and stream.is_rtcp
    daemon.calls.on_source(SourceSeen(a, ep(BOTH), daemon.now, is_rtcp=True))
    assert (str(stream.endpoint), stream.best_rank, stream.confirmed) == (SDP, None, False)
    daemon.calls.on_source(SourceSeen(a, ep(BOTH), daemon.now))
    assert str(stream.endpoint) == BOTH


def test_an_rtcp_port_learns_from_rtcp() -> None:
    daemon = established()
    daemon.calls.on_source(SourceSeen(daemon.local("A", 1), ep("198.51.100.9:6000"), daemon.now, is_rtcp=True))
    assert str(daemon.party("A").medias[0].streams[1].endpoint) == "198.51.100.9:6000"


def test_reset_forgets_what_was_learned() -> None:
    daemon = established()
    daemon.packet(daemon.local("A"), BOTH, 4)
    assert daemon.sends_to(daemon.local("B")) == [BOTH]
    daemon.offer(sdp(), to_tag="B")
    assert daemon.sends_to(daemon.local("B")) == [BOTH]
    daemon.offer(sdp("198.51.100.20", 42000), from_tag="B", to_tag="A", flags="reset")
    assert daemon.sends_to(daemon.local("B")) == [SDP]
    daemon.packet(daemon.local("A"), BOTH, 4)
    assert daemon.sends_to(daemon.local("B")) == [BOTH]


def test_what_was_reported_late_of_the_time_before_a_new_sdp_moves_nothing() -> None:
    daemon = established()
    local = daemon.local("B")
    daemon.packet(local, "198.51.100.20:42000", after=1)
    before, daemon.now = daemon.now, daemon.now + 1
    daemon.offer(sdp(version=2), to_tag="B")
    daemon.answer(sdp("198.51.100.20", 43000))
    late = SourceSeen(local, ep("198.51.100.20:42000"), before)
    daemon.calls.on_source(late)
    assert str(daemon.party("B").medias[0].streams[0].endpoint) == "198.51.100.20:43000"
    daemon.calls.on_source(SourceSeen(local, ep("198.51.100.20:42000"), daemon.now))
    assert str(daemon.party("B").medias[0].streams[0].endpoint) == "198.51.100.20:42000"
