# SPDX-License-Identifier: GPL-3.0-or-later
"""Which codecs of an offer and of an answer the other side is shown."""
from __future__ import annotations

import pytest

from controlplane.sdp.evaluate import payload_type
from controlplane.session.codecs import Codecs, choose_answered, choose_offered, matches, reordered, sent_by_both
from tests.unit.session.calls import Daemon, sdp

MAPS = {96: "opus/48000/2", 101: "telephone-event/8000", 102: "telephone-event/48000", 97: "speex/16000",
        103: "red/8000", 104: "CN/48000"}


def codecs(*numbers: int) -> Codecs:
    return tuple(payload_type(number, MAPS.get(number, "")) for number in numbers)


def numbers(chosen: Codecs) -> list[int]:
    return [codec.number for codec in chosen]


@pytest.mark.parametrize("offered, rules, expected, missing", [
    ((8, 0), {}, [8, 0], ()),
    ((8, 0), {"strip": ["pcma"]}, [0], ()),
    ((8, 0, 96), {"strip": ["opus/48000"], "mask": ["PCMU/8000/1"]}, [8], ()),
    ((8, 0), {"strip": ["G722", "PCMA/16000"]}, [8, 0], ()),
    ((8, 0), {"strip": ["all"]}, [8, 0], ()),
    ((8, 0), {"strip": ["all"], "except": ["PCMU"]}, [0], ()),
    ((8, 0), {"strip": ["PCMU"], "except": ["PCMU"]}, [8, 0], ()),
    ((8, 0, 101), {"strip": ["all"], "offer": ["PCMU", "telephone-event"]}, [0, 101], ()),
    ((8, 0, 101), {"strip": ["all"], "offer": ["telephone-event", "PCMU", "PCMA"]}, [0, 8, 101], ()),
    ((8, 0), {"offer": ["PCMU"]}, [8, 0], ()),
    ((8, 0), {"offer": ["opus"]}, [8, 0], ()),
    ((8, 0), {"mask": ["all"], "transcode": ["PCMU"]}, [0], ()),
    ((8, 0), {"strip": ["full"], "transcode": ["PCMU"]}, [8, 0], ("PCMU",)),
    ((8, 0), {"strip": ["PCMU"], "transcode": ["PCMU"]}, [8], ("PCMU",)),
    ((8, 0), {"transcode": ["PCMU", "opus/48000/2/24000"]}, [8, 0], ("opus/48000/2/24000",)),
    ((8,), {"transcode": ["G729/8000////annexb=no"]}, [8], ("G729/8000////annexb=no",)),
    ((8, 96, 101, 102), {"strip": ["opus"]}, [8, 101], ()),
    ((8, 96, 101, 102), {"strip": ["PCMA"]}, [96, 102], ()),
    ((8, 0, 96, 101, 102), {"strip": ["PCMU"]}, [8, 96, 101, 102], ()),
    ((8, 101, 102), {"strip": ["opus"]}, [8, 101, 102], ()),
    ((8, 101, 102), {"strip": ["PCMU"]}, [8, 101, 102], ()),
    ((8, 96, 101, 102), {"strip": ["all"], "except": ["PCMA", "telephone-event"]}, [8, 101], ()),
    ((8, 96, 101, 102), {"mask": ["all"], "transcode": ["opus", "PCMA", "telephone-event"]}, [96, 8, 102, 101], ()),
    ((8, 101), {"mask": ["telephone-event"]}, [8], ()),
    ((8, 13, 101), {"strip": ["CN"]}, [8, 101], ()),
    ((8, 103, 101), {"strip": ["PCMA"], "offer": ["PCMA"]}, [8, 103, 101], ()),
])
def test_offers(offered: tuple[int, ...], rules: dict[str, list[str]], expected: list[int],
                missing: tuple[str, ...]) -> None:
    chosen = choose_offered(codecs(*offered), rules)
    assert (numbers(chosen.codecs), chosen.missing) == (expected, missing)


def test_nothing_may_be_left_if_that_is_wanted() -> None:
    assert choose_offered(codecs(8, 0), {"strip": ["all"]}, allow_none=True).codecs == ()


@pytest.mark.parametrize("answered, told, rules, single, expected", [
    ((0, 8), (8, 0), {}, False, [0, 8]),
    ((0, 96), (8, 0), {}, False, [0]),
    ((96,), (8, 0), {}, False, [96]),
    ((0, 8, 101), (0, 8, 101), {"strip": ["PCMU"]}, False, [8, 101]),
    ((0,), (0,), {"strip": ["PCMU"]}, False, [0]),
    ((101, 0), (0, 101), {"strip": ["PCMU"]}, False, [101, 0]),
    ((101, 0, 8, 102), (0, 8, 101, 102), {"strip": ["PCMA"]}, False, [0, 102, 101]),
    ((13, 0, 101), (0, 13, 101), {"strip": ["telephone-event"]}, False, [0, 13]),
    ((0, 8), (0, 8), {"strip": ["all"], "offer": ["PCMA", "PCMU"]}, False, [8, 0]),
    ((0, 8, 101, 102), (0, 8, 101, 102), {}, True, [0, 101]),
    ((101, 0, 8), (0, 8, 101), {}, True, [101, 0]),
    ((101,), (0, 101), {}, True, [101]),
])
def test_answers(answered: tuple[int, ...], told: tuple[int, ...], rules: dict[str, list[str]], single: bool,
                 expected: list[int]) -> None:
    assert numbers(choose_answered(codecs(*answered), codecs(*told), rules, single=single)) == expected


def test_other_numbers_count_only_if_allowed() -> None:
    told, answered = codecs(96, 8), (payload_type(118, "opus/48000/2"), *codecs(8))
    assert numbers(choose_answered(answered, told, {})) == [8]
    accepted = choose_answered(answered, told, {}, any_number=True)
    assert numbers(accepted) == [118, 8]
    assert numbers(sent_by_both(told, accepted)) == [96, 8]


def test_names() -> None:
    opus = codecs(96)[0]
    assert all(matches(opus, spec) for spec in ("opus", "OPUS/48000", "opus/48000/2", "opus/48000/2/32000", "opus///1"))
    assert not any(matches(opus, spec) for spec in ("opus/8000", "opus/48000/1", "opu", "all", ""))


def test_earlier_order() -> None:
    assert numbers(reordered(codecs(0, 8), codecs(8, 96, 0))) == [0, 8, 96]
    assert numbers(reordered((), codecs(8, 0))) == [8, 0]


def test_what_would_need_a_conversion_is_reported() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp(formats="8 0"), codecs={"strip": ["PCMA"], "transcode": ["opus"], "accept": ["PCMU"]})
    assert "RTP/AVP 0\n" in body
    assert daemon.warnings == ["codec-transcode=opus", "codec-accept"]
    assert "RTP/AVP 0\n" in daemon.answer(sdp("198.51.100.20", 42000, formats="0 8"))
    assert not daemon.warnings


def test_later_offers_follow_the_flags() -> None:
    daemon = Daemon()
    daemon.offer(sdp(formats="8 0"))
    daemon.answer(sdp("198.51.100.20", 42000, formats="0"))
    assert "RTP/AVP 0\n" in daemon.offer(sdp(formats="9 8"), to_tag="B", flags="static-codecs")
    assert "RTP/AVP 0 9 8\n" in daemon.offer(sdp(formats="9 8 0"), to_tag="B", flags="no-codec-renegotiation")
    assert "RTP/AVP 8 0 9\n" in daemon.offer(sdp(formats="8 0 9"), to_tag="B")


def test_a_section_without_codecs_is_rejected_if_allowed() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp(formats="8"), codecs={"strip": ["all"]}, flags="allow-no-codec-media")
    assert "m=audio 0 RTP/AVP 8\nc=IN IP4 0.0.0.0\n" in body and "rtpmap" not in body
