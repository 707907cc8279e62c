# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest

from controlplane.errors import PeerError
from controlplane.events import Mismatch
from controlplane.ng import bencode
from controlplane.ng.values import INT64_MAX, INT64_MIN, MAX_DEPTH, MAX_SIZE, Dictionary
from tests.unit.ng.messages import OFFER, PROXY_OFFER, PROXY_SDP, SDP


def pairs(message: bytes):
    return bencode.decode(message).pairs


def test_reads_an_offer():
    assert pairs(OFFER) == [
        (b"command", b"offer"), (b"call-id", b"c-9001"), (b"from-tag", b"A1"),
        (b"flags", [b"trust address", b"symmetric"]), (b"replace", [b"origin"]), (b"ICE", b"remove"), (b"sdp", SDP)]


def test_reads_what_a_proxy_sends_and_writes_the_same_bytes():
    offer = bencode.decode(PROXY_OFFER)
    assert offer.first(b"sdp") == PROXY_SDP
    assert bencode.encode(offer) == PROXY_OFFER


@pytest.mark.parametrize("message, value", [
    (b"de", []),
    (b"d1:b0:1:a0:e", [(b"b", b""), (b"a", b"")]),          # unsorted
    (b"d1:ai1e1:ai2ee", [(b"a", 1), (b"a", 2)]),            # repeated
    (b"d0:i0ee", [(b"", 0)]),
    (b"d1:ai-0ee", [(b"a", 0)]),
    (b"d1:ai-17ee", [(b"a", -17)]),
    (b"d1:ai99999999999999999999ee", [(b"a", INT64_MAX)]),
    (b"d1:ai-99999999999999999999ee", [(b"a", INT64_MIN)]),
    (b"d1:ai9223372036854775808ee", [(b"a", INT64_MAX)]),
    (b"d1:adee", [(b"a", Dictionary())]),
    (b"d1:alld1:bl1:ceeee1:d1:ee", [(b"a", [[Dictionary([(b"b", [b"c"])])]]), (b"d", b"e")]),
    (b"d1000:" + b"x" * 1000 + b"10000:" + b"y" * 10000 + b"e", [(b"x" * 1000, b"y" * 10000)]),
])
def test_values(message, value):
    assert pairs(message) == value


@pytest.mark.parametrize("message, value", [
    (b"d", []), (b"d1:a1:b", [(b"a", b"b")]), (b"d1:al", [(b"a", [])]), (b"d1:al1:b", [(b"a", [b"b"])]),
    (b"d1:ald1:bi1e", [(b"a", [Dictionary([(b"b", 1)])])])])
def test_a_cut_between_two_items_closes_what_is_open(message, value):
    assert pairs(message) == value


@pytest.mark.parametrize("rest", [b"e", b"garbage", b"\n", b"d1:a1:be"])
def test_what_follows_is_ignored(rest):
    assert pairs(b"d1:a1:be" + rest) == [(b"a", b"b")]


@pytest.mark.parametrize("message", [
    b"", b"l1:ae", b"i1e", b"3:abc", b"x",                   # no dictionary
    b"d1:a", b"d1:a1:b1:c", b"d1:ad1:be", b"d1:ae",          # key without a value
    b"di1e1:ae", b"dl1:aee", b"dde1:ae",                     # key that is no string
    b"d1:ai01ee", b"d1:aiee", b"d1:ai1x2ee", b"d1:ai-ee", b"d1:ai-01ee", b"d1:ai5", b"d1:ai", b"d1:ai+1ee",
    b"d1:ai 1ee", b"d1:ai1_0ee", b"d03:abc1:ae", b"d00:1:ae", b"d1_0:abcdefghij1:ae", b"d-1:1:ae", b"d:1:ae",
    b"d7:comm", b"d99999999999:", b"d12345", b"d1:a99999:be", b"d1", b"d1:a2:b", b"d 1:a1:be", b"d1 :a1:be",
    b"d1:a" + b"9" * 100_000 + b":", b"d1:axe", b"\x00" * 100])
def test_broken_messages(message):
    with pytest.raises(PeerError):
        bencode.decode(message)


def test_every_prefix_is_accepted_or_refused():
    for end in range(len(PROXY_OFFER)):
        try:
            bencode.decode(PROXY_OFFER[:end])
        except PeerError:
            pass


@pytest.mark.parametrize("opening, closing", [(b"l", b"e"), (b"d1:a", b"e")])
def test_depth_limit(opening, closing):
    deepest = MAX_DEPTH - 1
    assert pairs(b"d1:k" + opening * deepest + b"0:" + closing * deepest + b"e")
    assert pairs(b"d1:k" + b"l" * deepest)[0][0] == b"k"
    for depth in (MAX_DEPTH, 2000, 1_000_000):
        with pytest.raises(PeerError):
            bencode.decode(b"d1:k" + opening * depth + closing * depth + b"e")


def test_size_limit():
    with pytest.raises(PeerError):
        bencode.decode(b"d1:a%d:" % MAX_SIZE + b"x" * MAX_SIZE + b"e")


@pytest.mark.parametrize("message", [
    b"d1:a" + b"i" + b"9" * 1_000_000 + b"ee",
    b"d1:al" + (b"9999:" + b"x" * 9999) * 100 + b"ee",
    b"d1:al" + b"10000:" + b"x" * 10000 + b"ee" + b":" * 1_000_000,
    b"d" + b"1:a0:" * 200_000 + b"e",
    b"d1:al" + b"le" * 300_000,
], ids=["digits", "strings", "trailing", "pairs", "lists"])
def test_cost_is_linear(message):
    def cost():
        started = time.process_time()
        bencode.decode(message)
        return time.process_time() - started
    assert any(cost() < 2.0 for _ in range(5)), "not even when nobody else is at work on this processor"


ENCODERS = pytest.mark.parametrize("encode", [bencode.encode, bencode.encode_in_python], ids=["used", "python"])


@ENCODERS
@pytest.mark.parametrize("value, encoded", [
    ({"result": "pong"}, b"d6:result4:ponge"),
    ({"sdp": b"v=0\r\n", "result": "ok"}, b"d3:sdp5:v=0\r\n6:result2:oke"),
    ({"calls": ["c-9001", "c-9002"], "n": -3}, b"d5:callsl6:c-90016:c-9002e1:ni-3ee"),
    ({"z": {}, "a": [], "t": (1, 2)}, b"d1:zde1:ale1:tli1ei2eee"),
    ({"ü": "\udcff", "b": True}, b"d2:\xc3\xbc1:\xff1:bi1ee"),
    ("\ud800", b"1:?"),
    ([INT64_MIN, INT64_MAX, 1 << 63, Mismatch.DROP], b"li%dei%dei%dei1ee" % (INT64_MIN, INT64_MAX, 1 << 63)),
    ({"long": "x" * 5000}, b"d4:long5000:" + b"x" * 5000 + b"e"),
    (Dictionary([(b"\0", 1), (b"\0", Dictionary())]), b"d1:\0i1e1:\0dee"),
])
def test_encode_keeps_the_order(encode, value, encoded):
    assert encode(value) == encoded


@ENCODERS
@pytest.mark.parametrize("value", [None, 1.5, {"a": None}, {"a": [object()]}, {"a": Dictionary([(b"b", None)])}])
def test_encode_refuses_what_bencode_cannot_hold(encode, value):
    with pytest.raises(TypeError):
        encode(value)
