# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of the SDP as keys, flags and flag strings, and the reasons for refusing them."""
import pytest

from controlplane.errors import PeerError
from controlplane.ng import bencode, json
from controlplane.ng.frame import BENCODE, JSON
from controlplane.ng.reader import read_request
from controlplane.ng.request import Request
from controlplane.sdp.manipulate import Edits


def read(encoding=BENCODE, **keys) -> Request:
    codec = bencode if encoding is BENCODE else json
    message = {"command": "offer", **{key.replace("_", "-"): value for key, value in keys.items()}}
    return read_request("offer", codec.decode(codec.encode(message)), encoding, "192.0.2.1:9", 5.0)


@pytest.mark.parametrize("encoding", [BENCODE, JSON])
@pytest.mark.parametrize("value, expected", [
    ({}, {}),
    ({"audio": {}}, {"audio": Edits()}),
    ({"audio": {"add": ["x:1", "a=y", "x:1", ""]}}, {"audio": Edits(added=["x:1", "y", "x:1"])}),
    ({"none": {"add": "x:1,y"}, "global": {"add": "z"}}, {"none": Edits(added=["x:1", "y", "z"])}),
    ({"video": {"remove": ["Foo", "fmtp:101..0--16"]}}, {"video": Edits({"foo", "fmtp:101 0=16"})}),
    ({"text": {"substitute": [["A:1", "B:2"], ["gone", ""], ["one"], 5]}}, {"text": Edits(set(), {"a:1": "B:2"})}),
    ({"image": {"substitute": ["a..b>c--d>e"]}}, {"image": Edits(set(), {"a b": "c=d>e"})}),
    ({"message": {"substitute": "a>b,c>d"}}, {"message": Edits(set(), {"a": "b", "c": "d"})}),
    ({"application": {"add": 5, "remove": {"x": 1}}}, {"application": Edits()}),
    ({"audio": {"add": ["x\r\nm=audio 1 RTP/AVP 0"]}}, {"audio": Edits(added=["xm=audio 1 RTP/AVP 0"])}),
])
def test_values(encoding, value, expected):
    assert read(encoding, sdp_attr=value).sdp_attr == expected


@pytest.mark.parametrize("encoding", [BENCODE, JSON])
@pytest.mark.parametrize("keys, reason", [
    ({"sdp_attr": "audio"}, "wrong type used"),
    ({"sdp_attr": ["audio"]}, "wrong type used"),
    ({"sdp_attr": {"audio": "add"}}, "wrong content given"),
    ({"sdp_attr": {"other": {}}}, "unsupported sdp section"),
    ({"sdp_attr": {"Audio": {}}}, "unsupported sdp section"),
    ({"sdp_attr": {"audio": {"delete": ["x"]}}}, "unknown manipulation command"),
    ({"sdp_attr": {"audio": {"substitute": ["x"]}}}, "invalid token given"),
    ({"sdp_media_remove": "video"}, "wrong type used"),
    ({"sdp_media_remove": ["video", "smell"]}, "unsupported sdp section"),
    ({"sdp_media_remove": [5]}, "unsupported sdp section"),
    ({"flags": "sdp-attr-add-audio"}, "invalid token given"),
    ({"flags": "sdp-attr-add-smell-x"}, "unsupported sdp section"),
    ({"rtpp_flags": "sdp-attr=[audio=[delete=[x]]]"}, "unknown manipulation command"),
])
def test_refused(encoding, keys, reason):
    with pytest.raises(PeerError) as found:
        read(encoding, **keys)
    assert str(found.value) == reason


def test_flags():
    request = read(flags=["sdp-attr-add-audio-foo bar", "sdp-attr-remove-global-x-y", "sdp attr add audio z",
                          "sdp-attr-substitute-audio-a..1>b,c"])
    assert request.sdp_attr == {"audio": Edits(set(), {"a 1": "b,c"}, ["foo bar", "z"]), "none": Edits({"x-y"})}
    assert not request.unknown and not request.unsupported


def test_a_bad_flag_in_a_list_is_only_noted():
    request = read(flags=["sdp-attr-add-smell-x", "sdp-attr-substitute-audio-x", "fatal"])
    assert request.sdp_attr == {"audio": Edits()} and request.flags == {"fatal"}
    assert request.unknown == ["sdp-attr-add-smell-x: unsupported sdp section",
                               "sdp-attr-substitute-audio-x: invalid token given"]


def test_flag_string():
    request = read(rtpp_flags="SDP-attr=[audio=[remove=[test] add=[a..b c]] none=[substitute=[x>y]]]"
                              " sdp-media-remove=[video other]")
    assert request.sdp_attr == {"audio": Edits({"test"}, added=["a b", "c"]), "none": Edits(set(), {"x": "y"})}
    assert request.sdp_media_remove == {"video", "other"}


def test_keys_accumulate():
    request = read(flags=["sdp-attr-add-audio-x"], sdp_attr={"audio": {"add": ["y"]}}, sdp_media_remove=["image"])
    assert request.sdp_attr["audio"].added == ["x", "y"] and request.sdp_media_remove == {"image"}
