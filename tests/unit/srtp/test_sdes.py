# SPDX-License-Identifier: GPL-3.0-or-later
"""The negotiation of keys between two legs: what is offered on, what is answered, what lasts."""
from __future__ import annotations

import base64
import random

import pytest

from controlplane.srtp.crypto import Crypto, crypto_text, fresh
from controlplane.srtp.sdes import MAX_LINES, NO_WISHES, Sdes, SdesWishes, ranked, read
from controlplane.srtp.suites import SUITES, find_suite

NAMES = [suite.name for suite in SUITES]
CM_80, CM_32, GCM_128, CM_256 = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM",
                                 "AES_256_CM_HMAC_SHA1_80")
RANDOM = random.Random(3)


def line(tag: int, name: str, tail: str = "", seed: int = 0) -> str:
    """The value of a crypto attribute with a key of its own."""
    suite = find_suite(name)
    assert suite is not None
    return crypto_text(fresh(tag, suite, random.Random(1000 * tag + seed))).partition(":")[2] + tail


def wishes(*words: str, **more: object) -> SdesWishes:
    return SdesWishes(frozenset(words), **more)     # type: ignore[arg-type]


def offer(*lines: str, wish: SdesWishes = NO_WISHES, a: Sdes | None = None, b: Sdes | None = None) -> tuple[Sdes, Sdes]:
    """A and B, to whom A's offer was passed on."""
    a, b = a or Sdes(), b or Sdes()
    a.read_offer(lines, wish)
    b.make_offer(a, wish, RANDOM)
    return a, b


def answer(a: Sdes, b: Sdes | None, *lines: str, wish: SdesWishes = NO_WISHES) -> None:
    if b is not None:
        b.read_answer(lines)
    a.make_answer(b, wish, RANDOM)


def shown(cryptos: list[Crypto]) -> list[tuple[int, str]]:
    return [(crypto.tag, crypto.suite.name) for crypto in cryptos]


def material(value: str) -> bytes:
    (crypto,) = read([value])
    return crypto.key + crypto.salt


def key(crypto: Crypto | None) -> bytes:
    assert crypto is not None
    return crypto.key + crypto.salt


def test_offers_without_keys_get_every_suite_in_order() -> None:
    _, b = offer()
    assert shown(b.sent) == list(enumerate(NAMES, 1))
    assert len({key(crypto) for crypto in b.sent}) == 12


def test_received_suites_go_on_with_their_keys_and_tags_and_the_rest_follows() -> None:
    first, second = line(123, CM_80, "|1:4"), line(5, GCM_128)
    _, b = offer(first, "junk", second)
    assert shown(b.sent)[:3] == [(123, CM_80), (5, GCM_128), (124, NAMES[0])]
    assert [tag for tag, _ in shown(b.sent)[2:]] == list(range(124, 134)) and len(b.sent) == 12
    assert key(b.sent[0]) == material(first) and b.sent[0].mki == b"\0\0\0\1" and key(b.sent[1]) == material(second)


@pytest.mark.parametrize("wish, expected", [
    (wishes("nonew"), [(1, CM_80), (2, CM_32)]),
    (wishes("nonew", without=frozenset((CM_80,)), only=frozenset((GCM_128,))), [(1, CM_80), (2, CM_32)]),
    (wishes(only=frozenset((CM_80,))), [(1, CM_80)]),
    (wishes(only=frozenset((CM_80,)), without=frozenset((CM_80,))), [(1, CM_80)]),
    (wishes(only=frozenset((GCM_128,))), [(1, GCM_128)]),
    (wishes(only=frozenset((NAMES[0], GCM_128))), [(1, NAMES[0]), (2, GCM_128)]),
    (wishes(only=frozenset(("UNKNOWN",))), []),
    (wishes(without=frozenset(("UNKNOWN", *NAMES[2:6], *NAMES[8:]))),
     [(1, CM_80), (2, CM_32), (3, NAMES[0]), (4, GCM_128)]),
    (wishes(without=frozenset((CM_80, *NAMES[2:6], *NAMES[8:]))), [(2, CM_32), (3, NAMES[0]), (4, GCM_128)]),
    (wishes("nonew", order=(CM_32,)), [(2, CM_32), (1, CM_80)]),
    (wishes("nonew", order=(GCM_128, CM_32, CM_32)), [(2, CM_32), (1, CM_80)]),
    (wishes("nonew", preferred=(CM_32,)), [(1, CM_80), (2, CM_32)]),
    (wishes("off"), []),
])
def test_which_suites_are_offered(wish: SdesWishes, expected: list[tuple[int, str]]) -> None:
    _, b = offer(line(1, CM_80), line(2, CM_32), wish=wish)
    assert shown(b.sent) == expected


def test_order_moves_lines_and_keeps_tags() -> None:
    _, b = offer(wish=wishes(order=(CM_80, "NULL_HMAC_SHA1_80")))
    assert [crypto.tag for crypto in b.sent] == [7, 11, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12]


def test_the_answerers_key_goes_on_if_the_offerer_has_its_suite() -> None:
    lines = line(1, CM_80), line(2, CM_256)
    a, b = offer(*lines)
    accepted = line(2, CM_256, seed=9)
    answer(a, b, accepted)
    assert shown(a.sent) == [(2, CM_256)] == shown(b.sent)
    assert key(a.outgoing) == key(b.incoming) == material(accepted)
    assert key(a.incoming) == key(b.outgoing) == material(lines[1])


def test_else_the_first_suite_is_accepted_with_a_key_of_our_own() -> None:
    a, b = offer(line(1, CM_80), line(2, CM_256))
    number = next(crypto.tag for crypto in b.sent if crypto.suite.name == CM_32)
    offered = next(crypto for crypto in b.sent if crypto.suite.name == CM_32)
    accepted = line(number, CM_32, seed=9)
    answer(a, b, accepted)
    assert shown(a.sent) == [(1, CM_80)] and shown(b.sent) == [(number, CM_32)]
    assert key(a.outgoing) not in (material(accepted), key(a.incoming))
    assert key(b.outgoing) == key(offered) and key(b.incoming) == material(accepted)


def test_a_plain_answer_leaves_the_offerer_its_first_suite() -> None:
    a, _ = offer(line(4, CM_32), line(1, CM_80))
    answer(a, None)
    assert shown(a.sent) == [(4, CM_32)] and key(a.incoming) == material(line(4, CM_32))


@pytest.mark.parametrize("preferred, accepted, expected, copied", [
    ((CM_256, CM_32), CM_80, CM_256, False), ((CM_256,), CM_256, CM_256, True), ((GCM_128,), CM_80, CM_80, True),
    ((GCM_128,), CM_256, CM_80, False)])
def test_preferences_of_the_offerer(preferred: tuple[str, ...], accepted: str, expected: str, copied: bool) -> None:
    lines = {CM_80: line(1, CM_80), CM_256: line(2, CM_256)}
    a, b = offer(*lines.values(), wish=wishes(preferred=preferred))
    own = line(1 if accepted == CM_80 else 2, accepted, seed=8)
    answer(a, b, own)
    assert shown(a.sent)[0][1] == expected and (key(a.outgoing) == material(own)) is copied


def test_a_suite_that_is_not_wanted_is_kept_if_there_is_no_other() -> None:
    a, b = offer(line(5, CM_80), wish=wishes(without=frozenset((CM_80,))))
    assert CM_80 not in [name for _, name in shown(b.sent)]
    answer(a, None)
    assert shown(a.sent) == [(5, CM_80)]


@pytest.mark.parametrize("said", [
    line(9, CM_80), line(1, CM_80), "9 X inline:y\0", line(9, GCM_128)])
def test_answers_by_tag_or_by_name(said: str) -> None:
    a, b = offer(line(1, CM_80), wish=wishes("nonew"))
    b.read_answer([said])
    works = CM_80 in said
    assert (b.incoming is not None) is (b.outgoing is not None) is works
    assert (b.received_under(1) is None) is (b.sent_under(1) is None) is (not works)


def test_a_second_answer_may_choose_anew() -> None:
    a, b = offer(line(1, CM_80), line(2, CM_256))
    for tag, name, seed in ((1, CM_80, 1), (2, CM_256, 2), (1, CM_80, 3), (1, CM_80, 3)):
        said = line(tag, name, seed=seed)
        answer(a, b, said)
        assert key(a.outgoing) == key(b.incoming) == material(said) and shown(a.sent) == [(tag, name)]


def test_static_keeps_what_the_offerer_has() -> None:
    lines = line(1, CM_80), line(2, CM_256)
    a, b = offer(*lines)
    first = line(1, CM_80, seed=9)
    answer(a, b, first)
    offer(*lines, a=a, b=b)
    answer(a, b, line(2, CM_256, seed=9), wish=wishes("static"))
    assert shown(a.sent) == [(1, CM_80)] and key(a.outgoing) == material(first)
    assert shown(b.sent) == [(2, CM_256)]
    offer(lines[1], a=a, b=b)
    answer(a, b, line(2, CM_256, seed=9), wish=wishes("static"))
    assert shown(a.sent) == [(2, CM_256)]


def test_keys_of_our_own_last_as_long_as_the_suite_is_offered_again() -> None:
    a, b = offer(line(1, CM_80))
    answer(a, None)
    own = key(a.outgoing)
    for seed in (0, 1):
        offer(line(1, CM_80, seed=seed), a=a, b=b)
        answer(a, None)
        assert key(a.outgoing) == own and key(a.incoming) == material(line(1, CM_80, seed=seed))
    offer(line(2, CM_32), a=a, b=b)
    answer(a, None)
    assert key(a.outgoing)[:16] != own[:16] and shown(a.sent) == [(2, CM_32)]


def test_an_offer_repeats_what_was_offered_before() -> None:
    a, b = offer(line(1, CM_80))
    first = list(b.sent)
    offer(line(1, CM_80), a=a, b=b)
    assert b.sent == first
    offer(line(3, GCM_128), a=a, b=b)
    assert shown(b.sent)[:3] == [(3, GCM_128), (4, CM_80), (5, NAMES[0])]
    assert {key(crypto) for crypto in first if crypto.suite.name != GCM_128} < {key(crypto) for crypto in b.sent}
    offer(line(3, GCM_128), a=a, b=b, wish=wishes("nonew"))
    assert len(b.sent) == 12
    offer(line(9, CM_32), a=a, b=b, wish=wishes("unencrypted-srtcp", only=frozenset((CM_80, CM_32))))
    assert shown(b.sent)[:3] == [(9, CM_32), (10, GCM_128), (11, CM_80)]
    assert [crypto.flags for crypto in b.sent[:3]] == [2, 0, 0]


def test_off_counts_until_the_party_has_keys() -> None:
    _, b = offer(wish=wishes("off"))
    assert not b.sent
    offer(b=b)
    offer(b=b, wish=wishes("off"))
    assert len(b.sent) == 12


def test_an_offer_without_usable_keys_ends_what_was_offered() -> None:
    a, b = offer(line(1, CM_80))
    answer(a, b, line(1, CM_80, seed=4))
    before = b.incoming, b.outgoing
    b.read_offer(["junk"], NO_WISHES)
    assert not b.sent and not b.received and (b.incoming, b.outgoing) == before


def test_the_answerer_is_offered_its_suite_first_when_the_other_side_has_none() -> None:
    a, b = offer(line(1, CM_80))
    answer(a, None)
    own = key(a.outgoing)
    a.make_offer(b, NO_WISHES, RANDOM)
    assert shown(a.sent)[:2] == [(1, CM_80), (2, NAMES[0])] and key(a.sent[0]) == own


def test_what_is_in_force_lasts_until_the_answer() -> None:
    a, b = offer(line(1, CM_80))
    answer(a, b, line(1, CM_80, seed=4))
    before = a.incoming, a.outgoing, b.incoming, b.outgoing
    offer(line(1, CM_256, seed=2), a=a, b=b)
    assert (a.incoming, a.outgoing, b.incoming, b.outgoing) == before
    answer(a, b, line(1, CM_256, seed=5))
    assert key(a.incoming) == material(line(1, CM_256, seed=2)) and key(b.incoming) == material(line(1, CM_256, seed=5))


@pytest.mark.parametrize("tags", [(999_999_999,), (999_999_999, 1, 2), (999_999_990,), (0,)])
def test_tags_stay_writable_and_different(tags: tuple[int, ...]) -> None:
    _, b = offer(*[line(tag, name) for tag, name in zip(tags, (CM_80, CM_32, GCM_128))])
    found = [crypto.tag for crypto in b.sent]
    assert len(set(found)) == 12 and all(0 <= tag <= 999_999_999 for tag in found)
    assert tuple(found[:len(tags)]) == tags
    for crypto in b.sent:
        assert read([crypto_text(crypto).partition(":")[2]]) == [crypto]


def test_session_parameters() -> None:
    a, b = offer(line(1, CM_80, " UNENCRYPTED_SRTP"), wish=wishes("unencrypted-srtcp", "encrypted-srtp"))
    assert {crypto.flags for crypto in b.sent} == {2}
    answer(a, b, line(1, CM_80, " UNENCRYPTED_SRTCP", 5))
    assert a.sent[0].flags == 1, "the offerer has what it asked for"
    assert b.incoming is not None and b.outgoing is not None and (b.incoming.flags, b.outgoing.flags) == (2, 2)
    assert a.incoming is not None and a.incoming.flags == 1


def test_no_more_lines_are_read_than_anybody_has() -> None:
    assert len(read([line(tag, CM_80) for tag in range(1, 300)])) == MAX_LINES


def test_keys_are_shown_nowhere() -> None:
    a, b = offer(line(1, CM_80))
    answer(a, b, line(1, CM_80, seed=3))
    for crypto in (*b.offered, *a.received, *b.received):
        for text in (repr(a), repr(b)):
            assert base64.b64encode(key(crypto)).decode() not in text and repr(crypto.key)[2:12] not in text


def test_ranked_is_stable() -> None:
    found = read([line(1, CM_80), line(2, CM_32), line(3, CM_80), line(4, GCM_128)])
    assert [crypto.tag for crypto in ranked(found, [GCM_128, CM_80])] == [4, 1, 3, 2]
