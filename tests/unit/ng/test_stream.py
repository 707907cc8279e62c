# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest

from controlplane.errors import PeerError
from controlplane.ng.bencode import decode
from controlplane.ng.frame import split_cookie
from controlplane.ng.stream import MessageStream
from tests.unit.ng.messages import OFFER, PROXY_OFFER

PING = b"1 d7:command4:pinge"


def cut(*pieces: bytes, limit: int = 100_000) -> list[bytes]:
    stream = MessageStream(limit)
    return [message for piece in pieces for message in stream.feed(piece)]


@pytest.mark.parametrize("message", [
    PING, b"a " + OFFER, b"b " + PROXY_OFFER, b"c de", b"d le", b"e i-5e",
    b"f d1:ai0e1:bi-12ee", b"\n2 de", b"\t\xff de", b"k 4:ping", b"l 0:",
    b"g d03:abc0:e", b"h d" + b"l" * 500 + b"e" * 501, b"i d1:a5:d7:eee", b"j d5: e \ndi1ee",
])
def test_a_message_in_any_pieces(message):
    assert cut(message) == [message]
    assert cut(*(bytes([byte]) for byte in message)) == [message]
    for at in range(len(message)):
        assert cut(message[:at], message[at:] + PING + message) == [message, PING, message]
        assert cut(message[:at]) == []


def test_what_lies_between_messages_belongs_to_the_next_cookie():
    assert cut(PING + b"\n" + PING) == [PING, b"\n" + PING]


@pytest.mark.parametrize("garbage", [
    b" de", b'1 {"command":"ping"}', b"1 -4:ping", b"1 e", b"1  de", b"1 x", b"1 di01ee", b"1 di-0ee", b"1 di-e",
    b"1 die",
    b"1 dx", b"1 d1x", b"1 d-1:a", b"1 d" + b"0" * 21, b"1 d i5ee", b"1 di" + b"9" * 2000,
])
def test_what_can_never_become_a_message(garbage):
    stream = MessageStream(100_000)
    messages = []
    with pytest.raises(PeerError):
        for piece in (PING + garbage, b"ee"):
            for message in stream.feed(piece):
                messages.append(message)
    assert messages == [PING]


@pytest.mark.parametrize("pieces", [[b"1 d99999:"], [b"1" * 1001], [b"1 d", b"2:ab" * 300], [b"1" * 900, b"1" * 200]])
def test_messages_are_bounded(pieces):
    stream = MessageStream(1000)
    with pytest.raises(PeerError, match="more than 1000 bytes"):
        for piece in pieces:
            list(stream.feed(piece))


def test_what_waits_is_counted():
    stream = MessageStream(1000)
    assert list(stream.feed(PING + b"2 d3:a")) == [PING] and stream.pending == 6
    assert list(stream.feed(b"bce" + PING)) == [b"2 d3:abce", PING] and stream.pending == 0


def test_a_message_that_trickles_in_takes_no_more_time_than_its_length_deserves():
    message = b"1 d" + b"1:a" * 100_000 + b"100000:" + bytes(100_000) + b"e"
    stream = MessageStream(1 << 20)
    started = time.process_time()
    found = [done for at in range(0, len(message), 7) for done in stream.feed(message[at:at + 7])]
    assert found == [message]
    assert time.process_time() - started < 10  # looking at all of it again for every piece takes minutes


def test_what_is_cut_out_is_what_the_decoder_reads():
    for message in cut(PING + b"a " + OFFER + b"b " + PROXY_OFFER):
        assert decode(split_cookie(message)[1])
