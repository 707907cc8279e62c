# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.sdp.errors import SdpError
from controlplane.sdp.lex import MAX_BODY, decimal, lines, network_address, tokens


@pytest.mark.parametrize("body, expected", [
    (b"", []),
    (b"\n", []),
    (b"\r\n", []),
    (b"x", []),
    (b"v=0", ["v=0"]),
    (b"v=0\n", ["v=0"]),
    (b"v=0\r\ns=x\r\n", ["v=0", "s=x"]),
    (b"v=0\nx", ["v=0"]),
    (b"v=0\n\r", ["v=0"]),
    (b"v=0\n\ns=x\n", ["v=0"]),
    (b"v=0\r\n\r\ngarbage", ["v=0"]),
    (b"v=0\rs=x", ["v=0\rs=x"]),
    (b"v=0\r\r\n", ["v=0\r"]),
    (b"s=\n", ["s="]),
    (b"s=a\0b\n", ["s=a\0b"]),
])
def test_lines(body, expected):
    assert lines(body) == expected


@pytest.mark.parametrize("body", [b"v\n", b"v0\n", b"v=0\nx\n", b"v=0\nxy", "é".encode(), b"--boundary\r\n"])
def test_line_without_equals_sign_is_refused(body):
    with pytest.raises(SdpError) as caught:
        lines(body)
    assert str(caught.value) == "Failed to parse SDP"
    assert "without '='" in caught.value.detail


def test_empty_line_is_refused_only_when_strict():
    assert lines(b"v=0\n\na=x\n") == ["v=0"]
    with pytest.raises(SdpError):
        lines(b"v=0\n\na=x\n", strict=True)
    assert lines(b"v=0\r\n", strict=True) == ["v=0"]


def test_oversized_body_is_refused():
    body = b"v=0\na=" + b"x" * MAX_BODY
    assert len(lines(body[:MAX_BODY])) == 2
    with pytest.raises(SdpError):
        lines(body)


def test_bytes_that_are_no_utf8_survive():
    line, = lines(b"s=\xff\xfe\xc3\xa9\n")
    assert line.encode("utf-8", "surrogateescape") == b"s=\xff\xfe\xc3\xa9"


def test_only_spaces_separate_tokens():
    assert tokens(" a  b\tc \xa0d ") == ["a", "b\tc", "\xa0d"]


@pytest.mark.parametrize("text, expected", [
    ("0", 0), ("65535", 65535), ("00080", 80), ("65536", None), ("-1", None), ("+1", None), ("", None), (" 1", None),
    ("1.0", None), ("٣", None), ("²", None), ("9" * 10000, None), ("1_0", None),
])
def test_decimal(text, expected):
    assert decimal(text, 65535) == expected


def test_network_address():
    assert network_address("IN IP4 192.0.2.1") == Address.parse("192.0.2.1")
    assert network_address("in IP6 2001:db8::1") == Address.parse("2001:db8::1")


@pytest.mark.parametrize("text", [
    "", "IN", "IN IP4", "IN IP4 host.example", "IN IP4 2001:db8::1", "IN IP6 192.0.2.1", "ATM IP4 192.0.2.1",
    "IN IP4 192.0.2.1/127", "IN IP5 192.0.2.1", "IN IP4 192.0.2.256", "IN IP4 192.0.2.1\0", "IN IP6 fe80::1%lo",
    "IN IP4 192.0.2.1" + " x" * 100,
])
def test_network_address_refused(text):
    with pytest.raises(PeerError):
        network_address(text)
