# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison lets pass what a daemon may choose, and nothing else."""
from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.conformance.packets import NotComparable, PacketComparison, kind
from tests.conformance.secure import Decryption
from tests.conformance.tokens import Comparison, Mapping
from tests.peers import rtcp, srtp
from tests.peers.rtp import Packet

_LINES = ["v=0", "o=rtpe 11 22 IN IP4 203.0.113.1", "s=rtpengine-26-3", "t=0 0", "m=audio 30100 RTP/AVP 0 8",
          "c=IN IP4 203.0.113.1", "a=rtpmap:0 PCMU/8000", "a=sendrecv", "a=rtcp:30101", "a=ice-ufrag:AAAABBBB",
          "a=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a=tls-id:00112233445566778899aabbccddeeff",
          "a=candidate:ABCDEFGHIJKLMNOP 1 UDP 2130706431 203.0.113.1 30100 typ host",
          "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40,
          "m=video 30102 RTP/AVP 96", "c=IN IP4 203.0.113.1", "a=rtcp:30103", ""]
_BODY = "\r\n".join(_LINES)
_CHOICES = (("30100", "35010"), ("30101", "35011"), ("30102", "36000"), ("30103", "36001"), ("11 22", "98 99"),
            ("rtpengine-26-3", "rtpengine-0.1"), ("AAAABBBB", "CCCCDDDD"),
            ("ABCDEFGHIJKLMNOPQRS", "ZYXWVUTSRQPONMLKJIH"),
            ("00112233", "aabbccdd"), ("ABCDEFGHIJKLMNOP 1", "ABCDEFGHIJKLMNOZ 1"), ("A" * 40, "B" * 40))


def _chosen(body: str = _BODY) -> str:
    for recorded, ours in _CHOICES:
        assert recorded in body
        body = body.replace(recorded, ours)
    return body


def test_chosen_values_may_differ() -> None:
    comparison = Comparison()
    assert comparison.sdp(_BODY, _chosen()) == ""
    assert comparison.sdp(_BODY, _chosen()) == ""


@pytest.mark.parametrize("number", range(len(_LINES) - 1))
def test_a_missing_line_is_found(number: int) -> None:
    lines = _chosen().split("\r\n")
    assert Comparison().sdp(_BODY, "\r\n".join(lines[:number] + lines[number + 1:])) != ""


@pytest.mark.parametrize("recorded, ours", [
    ("a=rtcp:36001", "a=rtcp:35011"), ("m=video 36000", "m=video 35010"), ("m=video 36000", "m=video 0"),
    ("RTP/AVP 0 8", "RTP/AVP 8 0"), ("2130706431", "2130706430"), ("UDP", "udp"),
    ("c=IN IP4 203.0.113.1\r\na=rtpmap", ""),
    ("B" * 40, "B" * 38), ("CCCCDDDD", "CCCCDDD"), ("a=sendrecv", "a=sendonly"), ("rtpe 98", "else 98")])
def test_other_differences_are_found(recorded: str, ours: str) -> None:
    body = _chosen()
    assert recorded in body
    assert Comparison().sdp(_BODY, body.replace(recorded, ours)) != ""


def test_a_value_stands_for_the_same_one_throughout_the_call() -> None:
    comparison = Comparison()
    assert comparison.sdp(_BODY, _chosen()) == ""
    assert comparison.sdp(_BODY, _chosen().replace("35010", "35110")) != ""


def test_ports_of_the_request_are_not_chosen() -> None:
    comparison = Comparison()
    comparison.heard({"sdp": "m=audio 4000 RTP/AVP 0\n"})
    assert not comparison.port(4000, 4002)
    assert comparison.port(4000, 4000)
    assert not comparison.port(0, 30000)


def test_trees() -> None:
    recorded = {"result": "ok", "created": 5, "tags": {"gen": {"tag": "gen", "flags": ["a", "b"], "local port": 30000}}}
    ours = {"result": "ok", "created": 9, "tags": {"own": {"tag": "own", "flags": ["b", "a"], "local port": 31000}}}
    assert Comparison().tree(recorded, ours) == ""
    said = Comparison()
    said.heard({"from-tag": "gen"})
    assert said.tree(recorded, ours) != ""
    changes: list[dict[str, Any]] = [
        {"result": "error"}, {"warning": "x"}, {"created": "9"}, {"tags": {}},
        {"tags": {"own": {"tag": "other", "flags": ["a", "b"], "local port": 31000}}},
        {"tags": {"own": {"tag": "own", "flags": ["a"], "local port": 31000}}}]
    for change in changes:
        assert Comparison().tree(recorded, {**ours, **change}) != "", change


def _rtp(payload: bytes = b"x" * 20, sequence: int = 7, timestamp: int = 160, ssrc: int = 1) -> bytes:
    return Packet(0, sequence, timestamp, ssrc, payload).pack()


def test_relayed_packets_must_be_equal() -> None:
    packets = PacketComparison([_rtp()], codec=False)
    assert packets.compare(_rtp(), _rtp()) == ""
    for other in (_rtp(b"y" * 20), _rtp(sequence=8), _rtp(timestamp=0), _rtp(ssrc=2), b"x", rtcp.bye([1])):
        assert packets.compare(_rtp(), other) != ""


def test_generated_packets_keep_step() -> None:
    packets = PacketComparison([], codec=False)
    assert packets.compare(_rtp(), _rtp(ssrc=9, sequence=107, timestamp=1160)) == ""
    assert packets.compare(_rtp(sequence=8, timestamp=320), _rtp(ssrc=9, sequence=108, timestamp=1320)) == ""
    assert packets.compare(_rtp(sequence=9, timestamp=480), _rtp(ssrc=9, sequence=110, timestamp=1480)) != ""
    assert packets.compare(_rtp(), _rtp(ssrc=8, sequence=107, timestamp=1160)) != ""


_KEYS = [srtp.suite("AES_CM_128", seed) for seed in (1, 2)]
_INLINE = [base64.b64encode(keys.key + keys.salt).decode() for keys in _KEYS]


def _decryption() -> Decryption:
    """The recorded daemon has told the first key, ours the second in its place."""
    mapping = Mapping()
    assert mapping.bind("key", *_INLINE)
    known = Decryption(mapping, lambda packet: kind(packet) == "rtcp")
    known.heard(f"v=0\r\na=crypto:9 NULL_HMAC_SHA1_80 inline:{_INLINE[1]}\r\n"
                f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{_INLINE[0]}\r\na=crypto:junk\r\n")
    return known


@pytest.mark.parametrize("packet", [_rtp(), rtcp.Report(1).pack() + rtcp.sdes(1, "x")])
def test_encrypted_packets_are_compared_by_what_is_in_them(packet: bytes) -> None:
    recorded, ours = (srtp.Sender(keys).protect(packet) for keys in _KEYS)
    packets = PacketComparison([packet], False, _decryption().open)
    assert packets.compare(recorded, ours) == "" and packets.compare(packet, packet) == ""
    changed = packet[:-1] + b"?"
    assert packets.compare(recorded, srtp.Sender(_KEYS[1]).protect(changed)) != ""
    for other in (ours[:-1] + b"?", srtp.Sender(srtp.suite("AES_CM_128", 3)).protect(packet), packet, b"", b"x"):
        assert packets.compare(recorded, other) != ""
        assert packets.compare(other, ours) != ""


def test_generated_reports_are_compared_by_what_lasts() -> None:
    def report(lost: int = 3, ntp: int = 9, jitter: int = 1, packets: int = 5) -> bytes:
        return rtcp.Report(1, (rtcp.Block(2, 6, lost, 40, jitter, 0, 0),), ntp, 160, packets, 860).pack()
    packets = PacketComparison([_rtp()], codec=False)
    assert packets.compare(report(), report(ntp=77, jitter=2)) == ""
    for other in (report(lost=4), report(packets=6), report() + rtcp.bye([1]), report()[:-4]):
        assert packets.compare(report(), other) != ""
    assert PacketComparison([report()], codec=False).compare(report(), report(ntp=77)) != "", "that is forwarded"


def test_what_cannot_be_compared_says_so() -> None:
    stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
    with pytest.raises(NotComparable):
        PacketComparison([], codec=False).compare(stun, stun[:-1] + b"x")
