# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.sdp import protocols
from controlplane.sdp.attributes import ATTRIBUTES, SESSION_FALLBACK, Level, is_generic
from controlplane.sdp.evaluate import READERS
from controlplane.sdp.payloads import STATIC_PAYLOADS


@pytest.mark.parametrize("name, rtp, srtp, avpf, tls", [
    ("RTP/AVP", True, False, False, False),
    ("RTP/AVPF", True, False, True, False),
    ("RTP/SAVP", True, True, False, False),
    ("RTP/SAVPF", True, True, True, False),
    ("UDP/TLS/RTP/SAVP", True, True, False, True),
    ("UDP/TLS/RTP/SAVPF", True, True, True, True),
    ("udptl", False, False, False, False),
])
def test_protocols(name, rtp, srtp, avpf, tls):
    found = protocols.lookup(name.swapcase())
    assert (found.name, found.rtp, found.srtp, found.avpf, found.tls) == (name, rtp, srtp, avpf, tls)


@pytest.mark.parametrize("name", ["", "TCP/MSRP", "RTP/AVP ", "UDP/DTLS/SCTP", "ＲＴＰ/AVP"])
def test_unknown_protocols(name):
    assert protocols.lookup(name) is None


def test_attribute_levels():
    assert len([name for name in ATTRIBUTES if name.startswith("T38")]) == 12
    assert "setup" in SESSION_FALLBACK and "rtcp" not in SESSION_FALLBACK and "group" not in SESSION_FALLBACK
    assert {name for name in READERS if ATTRIBUTES[name] is Level.SESSION} == set()


@pytest.mark.parametrize("text, generic", [
    ("rtcp-fb:* nack", True), ("rtcp-fb:96 nack", False), ("rtcp-rsize", True), ("sendrecv", False),
    ("Sendrecv", True), ("bundle-only", True), ("group:LS 1", False), ("", True),
])
def test_generic_class(text, generic):
    assert is_generic(text.partition(":")[0], text) == generic


def test_static_payloads():
    assert STATIC_PAYLOADS[0] == ("PCMU", 8000, 1, 20)
    assert STATIC_PAYLOADS[10] == ("L16", 44100, 2, 20)
    assert STATIC_PAYLOADS[4].ptime == 30
    assert STATIC_PAYLOADS[34] == ("H263", 90000, 1, 0)
    assert not set(STATIC_PAYLOADS) & {1, 2, 19, 20, 24, 27, 29, 30, 35, 96}
