# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.report.codecs import codec_name

from .fakes import FakeMedia, ssrc, stream


def media(*payload_types: int, codecs: dict[int, str] | None = None) -> FakeMedia:
    sources = tuple(ssrc(number, packets=10 * number + 1, last_payload_type=payload_type)
                    for number, payload_type in enumerate(payload_types))
    return FakeMedia(codecs=codecs or {}, streams=[stream("192.0.2.1:1000", sources=sources)])


def test_the_most_used_payload_type_wins() -> None:
    assert codec_name(media(0, 8)) == "PCMA/8000"


def test_names_from_the_session_come_first() -> None:
    assert codec_name(media(96, codecs={96: "opus/48000/2"})) == "opus/48000/2"


def test_nothing_received() -> None:
    assert codec_name(media()) == "unknown codec"


def test_dynamic_type_without_a_name() -> None:
    assert codec_name(media(96)) == "unknown codec"
