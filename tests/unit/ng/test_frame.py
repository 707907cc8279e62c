# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.errors import PeerError
from controlplane.ng.frame import BENCODE, JSON, decode, detect, split_cookie, too_long


@pytest.mark.parametrize("datagram, framed", [
    (b"81_a d7:command4:pinge", (b"81_a", b"d7:command4:pinge")),
    (b"a  d", (b"a", b" d")),
    (b"a ", (b"a", b"")),
    (b"\t\n\xff d", (b"\t\n\xff", b"d")),
    (b"", None), (b"cookie", None), (b" d1:a1:be", None), (b" ", None),
])
def test_split_cookie(datagram, framed):
    assert split_cookie(datagram) == framed


@pytest.mark.parametrize("payload, encoding", [(b"de", BENCODE), (b"d", BENCODE), (b"{}", JSON), (b"{", JSON)])
def test_detect(payload, encoding):
    assert detect(payload) is encoding


@pytest.mark.parametrize("payload, reason", [
    (b"", "Invalid data (no payload)"), (b" {}", "Invalid NG data format"), (b"le", "Invalid NG data format"),
    (b"[]", "Invalid NG data format"), (b"\x00", "Invalid NG data format")])
def test_detect_nothing(payload, reason):
    with pytest.raises(PeerError, match="^" + reason.replace("(", r"\(").replace(")", r"\)") + "$"):
        detect(payload)


@pytest.mark.parametrize("payload, reason", [
    (b"d7:comm", "Could not decode bencode dictionary"), (b"{,}", "Failed to parse JSON document")])
def test_broken_payload(payload, reason):
    with pytest.raises(PeerError, match=f"^{reason}$") as caught:
        decode(detect(payload), payload)
    assert caught.value.detail


@pytest.mark.parametrize("reply, instead", [
    (b"1 d3:sdp5:abcdee", b"1 d6:result5:error12:error-reason"),
    (b'1 {"sdp":""}', b'1 {"result":"error","error-reason":"')])
def test_a_reply_too_long_becomes_an_error_of_its_encoding(reply, instead):
    assert too_long(reply).startswith(instead)
    assert b"does not fit into a datagram, ask over TCP or HTTP" in too_long(reply)
