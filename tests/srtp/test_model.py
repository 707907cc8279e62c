# SPDX-License-Identifier: GPL-3.0-or-later
"""Every suite of the core against the model, in both directions."""
from __future__ import annotations

import errno
from random import Random

import pytest

from tests.srtp import engine, traffic
from tests.srtp.engine import Engine, Keys
from tests.srtp.model import Model

SSRC = traffic.SSRCS[0]
# cipher, key, salt, HMAC, tags, flags
SUITES = {
    "NULL": (engine.NULL, 16, 14, engine.HMAC_SHA1, 10, 10, 0),
    "AES_CM_128_80": (engine.AES_CM_128, 16, 14, engine.HMAC_SHA1, 10, 10, 0),
    "AES_CM_128_32": (engine.AES_CM_128, 16, 14, engine.HMAC_SHA1, 4, 10, 0),
    "AES_192_CM_80": (engine.AES_CM_192, 24, 14, engine.HMAC_SHA1, 10, 10, 0),
    "AES_192_CM_32": (engine.AES_CM_192, 24, 14, engine.HMAC_SHA1, 4, 10, 0),
    "AES_256_CM_80": (engine.AES_CM_256, 32, 14, engine.HMAC_SHA1, 10, 10, 0),
    "AES_256_CM_32": (engine.AES_CM_256, 32, 14, engine.HMAC_SHA1, 4, 10, 0),
    "F8_128_80": (engine.AES_F8, 16, 14, engine.HMAC_SHA1, 10, 10, 0),
    "AES_CM_128 without HMAC": (engine.AES_CM_128, 16, 14, engine.HMAC_NULL, 0, 0, 0),
    "tags of 1 and 20": (engine.AES_CM_128, 16, 14, engine.HMAC_SHA1, 1, 20, 0),
    "UNENCRYPTED_RTP": (engine.AES_CM_128, 16, 14, engine.HMAC_SHA1, 10, 10, engine.UNENCRYPTED_RTP),
    "UNENCRYPTED_RTCP": (engine.AES_F8, 16, 14, engine.HMAC_SHA1, 10, 10, engine.UNENCRYPTED_RTCP),
    "UNAUTHENTICATED_RTP": (engine.AES_CM_256, 32, 14, engine.HMAC_SHA1, 10, 10, engine.UNAUTHENTICATED_RTP),
    "AEAD_AES_128_GCM": (engine.AES_GCM_128, 16, 12, engine.HMAC_NONE, 16, 16, 0),
    "AEAD_AES_256_GCM": (engine.AES_GCM_256, 32, 12, engine.HMAC_NULL, 16, 16, 0),
    "AEAD, UNENCRYPTED_RTCP": (engine.AES_GCM_128, 16, 12, engine.HMAC_NONE, 16, 16, engine.UNENCRYPTED_RTCP),
}
INDICES = (0, 1, 65535, 65536, 3 * 65536 + 40000, 0xFFFF_FFFF_FF00)


def _keys(suite: str, random: Random, mki: bytes) -> Keys:
    cipher, key_len, salt_len, hmac, rtp_tag, rtcp_tag, flags = SUITES[suite]
    return Keys(cipher, random.randbytes(key_len), random.randbytes(salt_len), hmac, rtp_tag, rtcp_tag, mki, flags)


def _engine(keys: Keys, top: int) -> Engine:
    made = Engine(keys)
    made.seed(SSRC, rtp_top=top, rtcp_top=top & 0x7FFFFFFF)
    return made


@pytest.mark.parametrize("mki", [b"", b"\1", bytes(range(128))], ids=["no MKI", "MKI of 1", "MKI of 128"])
@pytest.mark.parametrize("suite", SUITES)
def test_suite(suite: str, mki: bytes) -> None:
    """What the core sends is what the model makes of it, and the core takes that back to what it was."""
    random = Random(f"{suite} {len(mki)}")
    for start in INDICES:
        keys = _keys(suite, random, mki)
        model, sender, receiver = Model(keys), _engine(keys, start), _engine(keys, start)
        plain = [traffic.rtp(random, start + n, SSRC) for n in range(100)]
        sent = sender.protect(plain)
        assert sent == [model.rtp(p, start + n) for n, p in enumerate(plain)]
        assert receiver.unprotect(sent) == plain
        plain = [traffic.rtcp(random, SSRC) for _ in range(20)]
        sent = sender.protect(plain)
        assert sent == [model.rtcp(p, (start & 0x7FFFFFFF) + n) for n, p in enumerate(plain)]
        assert receiver.unprotect(sent) == plain
        assert receiver.unprotect(sent) == [-errno.EALREADY] * 20


def test_rtcp_in_the_clear_is_taken_from_who_holds_the_key() -> None:
    """The E flag says what was done, whatever was agreed (RFC 3711 section 3.4)."""
    random = Random(1)
    for suite in ("AES_CM_128_80", "AEAD_AES_128_GCM"):
        keys = _keys(suite, random, b"")
        clear = Keys(keys.cipher, keys.key, keys.salt, keys.hmac, keys.rtp_tag, keys.rtcp_tag, b"",
                     engine.UNENCRYPTED_RTCP)
        plain = traffic.rtcp(random, SSRC)
        assert _engine(keys, 0).unprotect([Model(clear).rtcp(plain, 7)]) == [plain]
        assert _engine(clear, 0).unprotect([Model(keys).rtcp(plain, 7)]) == [plain]


def test_sources_keep_indices_apart() -> None:
    """Nine sources under one key, in turns and over a roll-over each, are all sent and all understood."""
    random = Random(2)
    keys = _keys("AES_CM_128_80", random, b"")
    sources = [bytes([n]) * 4 for n in range(9)]
    plain = [traffic.rtp(random, 65500 + n, ssrc) for n in range(100) for ssrc in sources]
    sent = Engine(keys).protect(plain, range(1, len(plain) + 1))
    assert sent == [Model(keys).rtp(p, 65500 + n // len(sources)) for n, p in enumerate(plain)]
    assert Engine(keys).unprotect(sent, range(1, len(plain) + 1)) == plain
