# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of certificates in SDP (RFC 8122 section 5)."""
from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple

HASHES = {"sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
"""Names in SDP to those of hashlib. MD5 and MD2 say nothing about a certificate any more."""


class Fingerprint(NamedTuple):
    """``hash`` is a key of HASHES, ``digest`` what it makes of a certificate in DER."""

    hash: str
    digest: bytes

    def __str__(self) -> str:
        return f"{self.hash} {self.digest.hex(':').upper()}"


def parse_fingerprint(text: str) -> Fingerprint | None:
    """The value of ``a=fingerprint``; None if its hash is not known or the digest not one of that hash."""
    name, _, digits = text.strip().partition(" ")
    name = name.lower()
    if name not in HASHES:
        return None
    try:
        digest = bytes.fromhex(digits.replace(":", " "))
    except ValueError:
        return None
    return Fingerprint(name, digest) if len(digest) == hashlib.new(HASHES[name]).digest_size else None


def fingerprint_of(certificate: bytes, name: str) -> Fingerprint:
    """Of a certificate in DER; ``name`` is a key of HASHES."""
    return Fingerprint(name, hashlib.new(HASHES[name], certificate).digest())


def is_one_of(certificate: bytes, fingerprints: Iterable[Fingerprint]) -> bool:
    """True if the certificate (DER) is what at least one of them announced."""
    return any(hmac.compare_digest(fingerprint_of(certificate, one.hash).digest, one.digest) for one in fingerprints)
