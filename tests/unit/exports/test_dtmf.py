# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from controlplane.addresses import Endpoint
from controlplane.exports.dtmf import Events, line, message
from controlplane.ng.bencode import decode
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.party import Party

FROM, TO = Endpoint.parse("192.0.2.9:4000"), Endpoint.parse("192.0.2.1:30000")
NOW = 1_700_000_000.5


def heard(payload: bytes, began: int = 7, source: int = 1, extension: bool = False) -> bytes:
    """A packet of telephone-event; ``extension``: with a contributing source and a header extension."""
    head = bytes([0x91 if extension else 0x80, 101, 0, 1]) + began.to_bytes(4, "big") + source.to_bytes(4, "big")
    more = b"CSRC\xbe\xde\0\1EXTN" if extension else b""
    return head + more + payload


def lines(*packets: bytes) -> list[dict[str, object]]:
    """What is told of these, which come one after the other."""
    events, call, media = Events(), Call("c1", 1.0), Media(1, "audio")
    return [json.loads(line(told)) for packet in packets if (told := events.heard(call, media, packet, FROM, TO, NOW))]


def test_only_the_end_is_told_and_once() -> None:
    going_on, end = heard(b"\x05\x0a\x01\x40"), heard(b"\x05\x8a\x02\x80")
    (told,) = lines(going_on, going_on, end, end, end)
    assert (told["event"], told["duration"], told["volume"], told["timestamp"], told["source_ip"]) == (
        5, 80, 10, 1_700_000_000, "192.0.2.9")


def test_each_event_of_each_source() -> None:
    end = b"\x05\x8a\x02\x80"
    assert len(lines(heard(end), heard(end, began=8), heard(end, source=2), heard(end, began=8))) == 3
    assert lines(heard(end, extension=True)) == lines(heard(end))


def test_who_sent_it() -> None:
    call, media = Call("c\"1", 1.0), Media(1, "audio")
    for tag, label in (("a", 'x"y'), ("b", None)):
        party = Party(1.0)
        party.tag, party.label = tag, label
        call.parties.append(party)
    call.parties[0].medias.append(media)
    told = Events().heard(call, media, heard(b"\x0b\x80\0\0"), FROM, TO, NOW)
    assert told is not None and json.loads(line(told)) == told
    assert (told["callid"], told["source_tag"], told["source_label"], told["tags"]) == ("c\"1", "a", 'x"y', ["b", "a"])


def test_what_ng_clients_are_told() -> None:
    call, media = Call("c1", 1.0), Media(1, "audio")
    told = Events().heard(call, media, heard(b"\x0b\x8a\0\x50"), FROM, TO, NOW)
    assert told is not None
    cookie, _, body = message(told).partition(b" ")
    assert len(bytes.fromhex(cookie.decode())) == 8 and message(told)[:16] != cookie
    data = decode(body).first(b"data")
    assert decode(body).first(b"notify") == b"onDTMF"
    assert [key for key, _ in data.items()] == [b"callid", b"source_tag", b"tags", b"type", b"timestamp", b"source_ip",
                                                b"event", b"duration", b"volume"]
    assert data.first(b"duration") == 10


@given(st.binary(max_size=40))
def test_any_packet(data: bytes) -> None:
    Events().heard(Call("c1", 1.0), Media(1, "audio"), data, FROM, TO, NOW)
