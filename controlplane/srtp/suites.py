# SPDX-License-Identifier: GPL-3.0-or-later
"""The SRTP crypto suites, in the order in which we prefer them."""
from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Cipher(IntEnum):
    """RTPE_CIPHER_* of kmod/uapi/rtpengine.h."""

    NULL = 1
    AES_CM_128 = 2
    AES_F8 = 3
    AES_CM_192 = 4
    AES_CM_256 = 5
    AES_GCM_128 = 6
    AES_GCM_256 = 7


class Hmac(IntEnum):
    """RTPE_HMAC_* of kmod/uapi/rtpengine.h."""

    NONE = 0
    SHA1 = 2


class Suite(NamedTuple):
    """One suite by its name in SDP; all lengths are bytes, ``rtp_tag`` and ``rtcp_tag`` those of the tags."""

    name: str
    cipher: Cipher
    hmac: Hmac
    key_length: int
    salt_length: int
    rtp_tag: int
    rtcp_tag: int

    @property
    def is_aead(self) -> bool:
        """True if the cipher authenticates as well (RFC 7714)."""
        return self.hmac is Hmac.NONE

    @property
    def key_text(self) -> int:
        """Characters of key and salt in base64, without padding."""
        return -(-(self.key_length + self.salt_length) * 4 // 3)


SUITES = (
    Suite("AEAD_AES_256_GCM", Cipher.AES_GCM_256, Hmac.NONE, 32, 12, 16, 16),
    Suite("AEAD_AES_128_GCM", Cipher.AES_GCM_128, Hmac.NONE, 16, 12, 16, 16),
    Suite("AES_256_CM_HMAC_SHA1_80", Cipher.AES_CM_256, Hmac.SHA1, 32, 14, 10, 10),
    Suite("AES_256_CM_HMAC_SHA1_32", Cipher.AES_CM_256, Hmac.SHA1, 32, 14, 4, 10),
    Suite("AES_192_CM_HMAC_SHA1_80", Cipher.AES_CM_192, Hmac.SHA1, 24, 14, 10, 10),
    Suite("AES_192_CM_HMAC_SHA1_32", Cipher.AES_CM_192, Hmac.SHA1, 24, 14, 4, 10),
    Suite("AES_CM_128_HMAC_SHA1_80", Cipher.AES_CM_128, Hmac.SHA1, 16, 14, 10, 10),
    Suite("AES_CM_128_HMAC_SHA1_32", Cipher.AES_CM_128, Hmac.SHA1, 16, 14, 4, 10),
    Suite("F8_128_HMAC_SHA1_80", Cipher.AES_F8, Hmac.SHA1, 16, 14, 10, 10),
    Suite("F8_128_HMAC_SHA1_32", Cipher.AES_F8, Hmac.SHA1, 16, 14, 4, 10),
    Suite("NULL_HMAC_SHA1_80", Cipher.NULL, Hmac.SHA1, 16, 14, 10, 10),
    Suite("NULL_HMAC_SHA1_32", Cipher.NULL, Hmac.SHA1, 16, 14, 4, 10),
)
"""RFC 3711 and RFC 4568 (AES_CM_128, F8), RFC 6188 (192, 256), RFC 7714 (AEAD)."""

_BY_NAME = {suite.name: suite for suite in SUITES}


def find_suite(name: str) -> Suite | None:
    """The suite called ``name`` in any case, None if there is none."""
    return _BY_NAME.get(name) or _BY_NAME.get(name.upper())
