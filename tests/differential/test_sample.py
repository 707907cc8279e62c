# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixed sample of random calls on both daemons; ``python -m tests.differential`` plays more of them."""
from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.differential.dialogues import Dialogue, dialogues
from tests.differential.explained import explain
from tests.differential.keys import fitting_keys, keyed
from tests.differential.secure import secured
from tests.differential.side_by_side import SideBySide, fitting
from tests.peers.debian import Unobtainable

PLAIN = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8 0\r\nc=IN IP4 127.0.0.1\r\na=x\r\n"


@pytest.fixture(scope="module")
def both() -> Iterator[SideBySide]:
    try:
        daemons = SideBySide()
    except Unobtainable as reason:
        pytest.skip(f"no rtpengine-daemon to compare with: {reason}")
    with daemons:
        yield daemons


@pytest.mark.parametrize("kind, count", [(dialogues, 250), (keyed, 250), (secured, 60)],
                         ids=["plain", "with keys", "secured"])
def test_sample(both: SideBySide, kind: Callable[[], SearchStrategy[Dialogue]], count: int) -> None:
    @settings(max_examples=count, deadline=None, database=None, derandomize=True,
              phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
    @given(kind())
    def play(dialogue: Dialogue) -> None:
        difference = both.compare(dialogue)
        assert difference is None, difference.text

    play()


@pytest.mark.parametrize("ours", [
    PLAIN.replace("a=x", "a=y"), PLAIN.replace("8 0", "0 8"), PLAIN.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
    PLAIN.replace("s=-", "s=x"), PLAIN.replace("m=audio 30000", "m=video 30000"), PLAIN + "a=sendonly\r\n"])
def test_what_differs_is_not_explained_away(ours: str) -> None:
    message = {"command": "offer", "sdp": PLAIN}
    reference, other = explain(message, {"sdp": PLAIN}, {"sdp": ours})
    assert reference["sdp"] != other["sdp"]


def test_answers_fit_what_was_offered() -> None:
    answer = PLAIN.replace("8 0", "9 0 96").replace("a=x", "a=rtpmap:96 opus/48000/2\r\na=x")
    assert fitting(answer, PLAIN) == PLAIN.replace("8 0", "0")
    assert fitting(PLAIN.replace("8 0", "9"), PLAIN) == PLAIN
    assert fitting(PLAIN, PLAIN.replace("30000", "0")) == PLAIN


def test_keys_fit_what_was_offered() -> None:
    line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
    offered = PLAIN + line.replace(":1 ", ":7 ") + "\r\n"
    assert fitting_keys(PLAIN + f"a=crypto:2 X inline:y\r\n{line}\r\n{line}\r\n", offered) == offered
    assert fitting_keys(PLAIN + f"{line}\r\n", PLAIN) == PLAIN
