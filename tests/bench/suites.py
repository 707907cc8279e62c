# SPDX-License-Identifier: GPL-3.0-or-later
"""The crypto suites that are measured, as SDES names them (RFC 4568, RFC 7714)."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """Cipher and HMAC as constants of kmod/uapi/rtpengine.h; bytes of master key, salt and tag."""

    cipher: str
    hmac: str
    key_len: int
    salt_len: int
    tag: int


AES_CM = "AES_CM_128_HMAC_SHA1_80"
AES_GCM = "AEAD_AES_128_GCM"
SUITES = {
    AES_CM: Suite("RTPE_CIPHER_AES_CM_128", "RTPE_HMAC_SHA1", 16, 14, 10),
    AES_GCM: Suite("RTPE_CIPHER_AES_GCM_128", "RTPE_HMAC_NONE", 16, 12, 16),
}
