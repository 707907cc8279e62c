# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.sdp.manipulate import Edits, stages


@pytest.mark.parametrize("text, expected", [
    ("sendrecv", ["sendrecv"]),
    ("foo:bar baz", ["foo", "foo:bar baz"]),
    ("rtpmap:8 PCMA/8000", ["rtpmap", "rtpmap:8", "rtpmap:8 PCMA/8000"]),
    ("rtcp-fb:96 nack pli", ["rtcp-fb", "rtcp-fb:96", "rtcp-fb:96 nack pli"]),
    ("crypto:1 AES inline:k", ["crypto", "crypto:1", "crypto:1 AES", "crypto:1 AES inline:k"]),
    ("candidate:f 1 UDP", ["candidate", "candidate:f", "candidate:f 1", "candidate:f 1 UDP"]),
    ("rtpmap:8", ["rtpmap", "rtpmap:8"]),
])
def test_stages(text, expected):
    assert list(stages(text)) == expected


@pytest.mark.parametrize("removed, substituted, text, expected", [
    ({"rtpmap:8"}, {}, "rtpmap:8 PCMA/8000", None),
    ({"rtpmap:8"}, {}, "rtpmap:80 PCMA/8000", "rtpmap:80 PCMA/8000"),
    ({"foo"}, {}, "Foo:Bar", None),
    ({"foo:bar"}, {}, "foo:bar baz", "foo:bar baz"),
    ({"foo:bar baz"}, {}, "foo:BAR baz", None),
    (set(), {"foo": "x:Y"}, "FOO:1", "x:Y"),
    ({"foo"}, {"foo": "x"}, "foo", None),
    ({"foo:1"}, {"foo": "x"}, "foo:1", "x"),
    (set(), {}, "foo", "foo"),
])
def test_edits(removed, substituted, text, expected):
    assert Edits(removed, substituted).apply(text) == expected
