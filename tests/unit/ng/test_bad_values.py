# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of every key that make no sense: each is named, in the reply and in the log, and the request goes on."""
from __future__ import annotations

import pytest

from controlplane.errors import PeerError
from controlplane.ng.frame import BENCODE, JSON
from controlplane.ng.keys import IMPLEMENTED
from controlplane.ng.reader import read_request
from controlplane.ng.request import Request
from controlplane.ng.values import INT64_MAX, Dictionary, Value
from tests.unit.requests import content

KEYS = [row.split("|")[0].encode() for row in IMPLEMENTED] + [b"template", b"rtpp-flags"]
VALUES: dict[str, Value] = {
    "negative": -7, "number": 5, "huge": INT64_MAX, "empty": b"", "text": b"nonsense", "not UTF-8": b"\xff\xfe",
    "no text": b"\x00\r\n", "empty list": [], "list of numbers": [5], "list of lists": [[b"x"]],
    "list of nothing": [None], "empty dictionary": Dictionary(), "dictionary": Dictionary([(b"x", 5)]), "null": None}
NOTHING_ASKED = {
    "empty": {b"bundle", b"DTLS", b"OSRTP", b"SDES", b"ICE", b"replace", b"rtcp-mux", b"supports", b"endpoint-learning",
              b"flags", b"from-tags", b"rtpp-flags"},
    "empty list": {b"bundle", b"calls", b"direction", b"DTLS", b"flags", b"from-tags", b"ICE", b"media", b"OSRTP",
                   b"endpoint-learning", b"replace", b"rtcp-mux", b"SDES", b"sdp-media-remove", b"supports", b"tags"},
    "empty dictionary": {b"codec", b"extmap", b"sdp-attr"},
    "negative": {b"delete-delay"},  # the configured one
}
"""What is empty asks for nothing."""


def read(key: bytes, value: Value, command: str = "offer", encoding=BENCODE) -> Request:
    return read_request(command, Dictionary([(key, value)]), encoding, "192.0.2.1:9", 0.0)


@pytest.mark.parametrize("encoding", [BENCODE, JSON])
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("key", KEYS, ids=bytes.decode)
def test_no_value_is_passed_over_in_silence(key, kind, encoding):
    try:
        request = read(key, VALUES[kind], encoding=encoding)
    except PeerError as error:
        assert str(error)
        return
    notes = request.unknown + request.ignored + request.unsupported
    request.unknown, request.ignored, request.unsupported = [], [], []
    blank = Request("offer", "192.0.2.1:9", 0.0)
    blank.flag_string = request.flag_string
    told = bool(notes) or content(request) != content(blank)
    assert told is (key not in NOTHING_ASKED.get(kind, ()))


@pytest.mark.parametrize("key, value, command, note", [
    (b"TOS", b"abc", "offer", "TOS: 'abc' is not an integer"), (b"tos", 300, "offer", "tos: 300 is more than 255"),
    (b"TOS", [1], "offer", "TOS: a list is not an integer"),
    (b"delete delay", b"1.5", "delete", "delete delay: '1.5' is not an integer"),
    (b"delete-delay", None, "delete", "delete-delay: null or a fraction is not an integer"),
    (b"SIP-code", 1000, "answer", "SIP-code: 1000 is more than 699"),
    (b"limit", b"x", "list", "limit: 'x' is not an integer"), (b"limit", [], "list", "limit: a list is not an integer"),
    (b"limit", None, "list", "limit: null or a fraction is not an integer"),
    (b"call-id", 5, "query", "call-id: 5 is not text"),
    (b"supports", 5, "ping", "supports: 5 is neither a list nor text"),
    (b"call-id", 5, "offer", "call-id: 5 is not text"), (b"sdp", [b"v=0"], "offer", "sdp: a list is not text"),
    (b"flags", [5], "offer", "flags: 5 is not text"),
    (b"flags", Dictionary(), "offer", "flags: a dictionary is neither a list nor text"),
    (b"direction", b"int", "offer", "direction: 'int' is not a list"),
    (b"direction", [b"a", b"b", b"c"], "offer", "direction: 'c' is one too many"),
    (b"media-address", 5, "offer", "media-address: 5 is no address"),
    (b"DTMF-log-dest", b"::1:9", "offer", "DTMF-log-dest: '::1:9' is no address with a port"),
    (b"codec", [b"PCMA"], "offer", "codec: a list is not a dictionary"),
    (b"codec", Dictionary([(b"strip", 8)]), "offer", "codec: 8 is neither a list nor text"),
    (b"extmap", b"strip", "offer", "extmap: 'strip' is not a dictionary"),
    (b"extmap", Dictionary([(b"mask", 1)]), "answer", "extmap: 1 is neither a list nor text"),
    (b"medias", b"audio", "create", "medias: 'audio' is not a list"),
    (b"medias", [b"audio"], "create", "medias: 'audio' is not a dictionary"),
    (b"medias", [Dictionary([(b"type", 1)])], "create", "medias: 1 for 'type' is not text"),
    (b"medias", [Dictionary([(b"codecs", b"PCMA")])], "create", "medias: 'PCMA' for 'codecs' is not a list"),
    (b"media", [Dictionary([(b"codec", [Dictionary()])])], "transform",
     "media: a dictionary for 'codec' lacks input or output"),
    (b"media", [Dictionary([(b"codec", [Dictionary([(b"input", Dictionary([(b"clock-rate", b"x")])),
                                                   (b"output", Dictionary())])])])], "transform",
     "media: 'x' for 'clock-rate' is not an integer"),
    (b"media", [Dictionary([(b"destination", Dictionary([(b"family", b"IP4"), (b"address", b"::1"), (b"port", 1)]))])],
     "transform", "media: a dictionary for 'destination' has no family with an address of it"),
    (b"media", [Dictionary([(b"destination", Dictionary([(b"family", b"IP4"), (b"address", b"192.0.2.1"),
                                                        (b"port", 70000)]))])],
     "transform", "media: 70000 for 'destination' is no port"),
    (b"tags", [Dictionary([(b"from", 1), (b"to", [b"x", 2])])], "mesh", "tags: 1 for 'from' is not text"),
    (b"calls", Dictionary(), "mesh", "calls: a dictionary is neither a list nor text"),
    (b"template", 5, "offer", "template: 5 is not text"),
    (b"rtpp-flags", [], "offer", "rtpp-flags: a list is not text"),
    (b"rtpp-flags", b"TOS=x", "offer", "TOS: 'x' is not an integer"),
    (b"sdp-attr", Dictionary([(b"audio", Dictionary([(b"add", 5)]))]), "offer",
     "sdp-attr: 5 is neither a list nor text"),
    (b"sdp-attr", Dictionary([(b"audio", Dictionary([(b"substitute", [[b"x"]])]))]), "offer",
     "sdp-attr: a list is no pair of texts"),
    (b"metadata", b"x" * 9999, "offer", None), (b"TOS", b"7" * 9999, "offer", f"TOS: {INT64_MAX} is more than 255"),
    (b"TOS", b"x" * 9999, "offer", f"TOS: '{'x' * 40}' is not an integer"),
])
def test_what_is_wrong_is_told(key, value, command, note):
    assert read(key, value, command).ignored[:1] == ([] if note is None else [note])


def test_in_json_numbers_may_be_texts_that_begin_with_one():
    assert read(b"TOS", b"0xb8 and more", encoding=JSON).tos == 184
    assert read(b"TOS", b"", encoding=JSON).ignored == ["TOS: '' is not an integer"]


def test_an_absent_key_is_no_wrong_one():
    for command in ("ping", "list", "query", "statistics", "offer"):
        assert not read_request(command, Dictionary([(b"command", command.encode())]), BENCODE, "", 0.0).ignored
