# SPDX-License-Identifier: GPL-3.0-or-later
"""The SRTP of the tests against published vectors and libsrtp."""
from __future__ import annotations

import struct

import pytest
from pylibsrtp import Error, Policy, Session

from tests.peers.aes import Aes, f8, gcm
from tests.peers.srtp import CIPHERS, Keys, Refused, Sender, open_rtp, seal_rtcp, seal_rtp, suite

PROFILES = {
    "AES_CM_128": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 10),
    "AES_CM_128/32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 4),
    "AES_GCM_128": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16),
    "AES_GCM_256": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 16),
}


def rtp(seq: int, size: int = 50, first: int = 0x80, more: bytes = b"") -> bytes:
    return struct.pack("!BBHII", first, 0, seq, seq * 160, 0xCAFEBABE) + more + bytes(range(size))


def test_aes_vectors() -> None:
    """FIPS 197 appendix C."""
    plain = bytes.fromhex("00112233445566778899aabbccddeeff")
    for size, expected in ((16, "69c4e0d86a7b0430d8cdb78070b4c55a"), (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
                           (32, "8ea2b7ca516745bfeafc49904b496089")):
        assert Aes(bytes(range(size))).block(plain).hex() == expected


def test_f8_vector() -> None:
    """RFC 3711 appendix B.3."""
    key, salt = bytes.fromhex("234829008467be186c3de14aae72d62c"), bytes.fromhex("32f2870d")
    iv = bytes.fromhex("006e5cba50681de55c621599d462564a")
    plain = b"pseudorandomness is the next best thing"
    assert f8(key, salt, iv, plain).hex() == (
        "019ce7a26e7854014a6366aa95d4eefd1ad4172a14f9faf455b7f1d4b62bd08f562c0eef7c4802")


def test_gcm_vector() -> None:
    """Test case 4 of the mode's specification."""
    key, iv = bytes.fromhex("feffe9928665731c6d6a8f9467308308"), bytes.fromhex("cafebabefacedbaddecaf888")
    plain = bytes.fromhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
                          "a6b525b16aedf5aa0de657ba637b39")
    text, tag = gcm(key, iv, bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), plain)
    assert text.hex().startswith("42831ec2217774244b7221b784d0d49c") and tag.hex() == "5bc94fbc3221a5db94fae95ae7121a47"


def keys_of(name: str) -> tuple[Keys, int]:
    profile, tag = PROFILES[name]
    keys = suite(name.split("/")[0], 5)
    return keys.with_(rtp_tag=tag), profile


@pytest.mark.parametrize("name", PROFILES)
def test_libsrtp_understands_and_is_understood(name: str) -> None:
    keys, profile = keys_of(name)
    policy = Policy(key=keys.key + keys.salt, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
    theirs, sender = Session(policy=policy), Sender(keys)
    out = Session(policy=Policy(key=keys.key + keys.salt, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    headers = ((0x80, b""), (0x83, bytes(12)), (0x90, b"\xbe\xde\0\1\x10A\0\0"))
    for n in range(200):
        packet = rtp((65400 + n) % 65536, n % 60, *headers[n % 3])
        wire = sender.protect(packet)
        assert wire == out.protect(packet)
        assert theirs.unprotect(wire) == packet == open_rtp(keys, wire, (65400 + n) >> 16)
    report = struct.pack("!BBHI5I", 0x80, 200, 6, 0xCAFEBABE, 1, 2, 3, 4, 5)
    assert [seal_rtcp(keys, report, n) for n in (1, 2, 3)] == [out.protect_rtcp(report) for _ in range(3)]
    with pytest.raises(Error):
        theirs.unprotect(sender.protect(rtp(1))[:-1] + b"\0\1")


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("mki", [b"", b"\1\2\3\4"])
@pytest.mark.parametrize("flags", range(8))
def test_there_and_back(cipher: str, mki: bytes, flags: int) -> None:
    keys = suite(cipher, 3, mki=mki, flags=flags & 2 if "GCM" in cipher else flags)
    for size in (0, 1, 16, 33):
        wire = seal_rtp(keys, rtp(7, size), 3)
        assert open_rtp(keys, wire, 3) == rtp(7, size)
        if keys.aead or not flags & 4:
            with pytest.raises(Refused):
                open_rtp(keys, wire, 4)
