# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.errors import PeerError
from controlplane.ng import bencode, json
from controlplane.ng.values import INT64_MAX, INT64_MIN, MAX_DEPTH, Dictionary


@pytest.mark.parametrize("message, pairs", [
    (b"{}", []),
    (b'{"command":"ping"}', [(b"command", b"ping")]),
    (b'{"a":1,"b":true,"c":false,"d":1.5,"e":null}', [(b"a", 1), (b"b", 1), (b"c", 0), (b"d", None), (b"e", None)]),
    (b'{"a":["x",{"y":[]}]} \n', [(b"a", [b"x", Dictionary([(b"y", [])])])]),
    (b'{"a":"1","b":0,"a":"2"}', [(b"a", b"2"), (b"b", 0)]),
    (b'{"a":18446744073709551615}', [(b"a", INT64_MAX)]),
    (b'{"a":-55555555555555555555550,"b":55555555555555555555550}', [(b"a", INT64_MIN), (b"b", INT64_MAX)]),
    ('{"ü":"ß\\u0000"}'.encode(), [("ü".encode(), "ß\0".encode())]),
])
def test_decode(message, pairs):
    assert json.decode(message).pairs == pairs


@pytest.mark.parametrize("message", [
    b"", b"{", b"{]", b'{"a":}', b'{"a":1}x', b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"[]", b"1", b'{"a":01}',
    b'{"a":' * 5000, b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"])
def test_broken_documents(message):
    with pytest.raises(PeerError):
        json.decode(message)


def test_depth_limit():
    inside = MAX_DEPTH - 1
    assert len(json.decode(b'{"a":' + b"[" * inside + b"]" * inside + b"}")) == 1


@pytest.mark.parametrize("value, encoded", [
    ({"result": "error", "error-reason": "Unknown call-id"}, b'{"result":"error","error-reason":"Unknown call-id"}'),
    ({"sdp": b"v=0\r\n", "n": 5, "l": ["a", b"b"]}, b'{"sdp":"v=0\\r\\n","n":5,"l":["a","b"]}'),
    ({"a": b"\xff", "b": "\udcff", "c": 1 << 70}, '{"a":"\ufffd","b":"\ufffd","c":9223372036854775807}'.encode()),
])
def test_encode(value, encoded):
    assert json.encode(value) == encoded


def test_both_encodings_give_the_same_form():
    value = {"command": "offer", "flags": ["a", "b"], "codec": {"strip": ["PCMU"]}, "TOS": 184}
    assert json.decode(json.encode(value)) == bencode.decode(bencode.encode(value))


def test_encode_refuses_what_ng_cannot_hold():
    with pytest.raises(TypeError):
        json.encode({"a": object()})
