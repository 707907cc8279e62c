# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a handshake exports to the keys of SRTP (RFC 5764 section 4.2)."""
from __future__ import annotations

from typing import NamedTuple

from controlplane.events import SrtpKeys
from controlplane.srtp.suites import Suite, find_suite

LABEL = b"EXTRACTOR-dtls_srtp"
_NAMES = {
    "SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
    "SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    "SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
    "SRTP_AES128_CM_SHA1_32": "AES_CM_128_HMAC_SHA1_32",
}
PROFILES: dict[str, Suite] = {name: suite for name, ours in _NAMES.items() if (suite := find_suite(ours)) is not None}
"""The protection profiles of RFC 5764 section 4.1.2 and RFC 7714 section 14.2 by their names in OpenSSL, best first."""


class SessionKeys(NamedTuple):
    """What both ends of an association encrypt with: ``received`` is the peer's, ``sent`` ours."""

    suite: Suite
    received: SrtpKeys
    sent: SrtpKeys


def exported_size(suite: Suite) -> int:
    """Bytes to be exported for a suite."""
    return 2 * (suite.key_length + suite.salt_length)


def split(suite: Suite, exported: bytes, is_client: bool) -> SessionKeys:
    """Client's key, server's key, client's salt, server's salt; ``is_client``: the first ones are ours."""
    keys, salts = exported[:2 * suite.key_length], exported[2 * suite.key_length:]
    client = _keys(suite, keys[:suite.key_length], salts[:suite.salt_length])
    server = _keys(suite, keys[suite.key_length:], salts[suite.salt_length:])
    return SessionKeys(suite, server, client) if is_client else SessionKeys(suite, client, server)


def _keys(suite: Suite, key: bytes, salt: bytes) -> SrtpKeys:
    return SrtpKeys(suite.cipher, suite.hmac, key, salt, suite.rtp_tag, suite.rtcp_tag)
