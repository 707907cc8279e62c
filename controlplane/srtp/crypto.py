# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``a=crypto`` line (RFC 4568 section 9): parser, printer, new keys."""
from __future__ import annotations

import binascii
import re
from base64 import b64encode
from typing import NamedTuple, Protocol

from controlplane.events import SrtpKeys
from controlplane.srtp.suites import Suite, find_suite

MAX_TAG = 999_999_999
MAX_MKI_LENGTH = 128
_MAX_LIFETIME = 1 << 48
_MAX_EXPONENT = 48
_MAX_KEYS = 16
_LIFETIME = 31
"""Exponent of the lifetime that is printed if one is asked for: the packets of SRTCP that one key is good for."""

UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP = 1, 2, 4
"""RTPE_SRTP_* of kmod/uapi/rtpengine.h."""
PARAMETERS = {"UNENCRYPTED_SRTP": UNENCRYPTED_SRTP, "UNENCRYPTED_SRTCP": UNENCRYPTED_SRTCP,
              "UNAUTHENTICATED_SRTP": UNAUTHENTICATED_SRTP}
"""Session parameters (section 6.3) by their names, in the order in which they are printed."""
_NOT_WITH_AEAD = UNENCRYPTED_SRTP | UNAUTHENTICATED_SRTP
_HARMLESS = re.compile(r"KDR=0|WSH=[0-9]{1,9}|FEC_ORDER=FEC_SRTP|-[!-~]+")
"""What changes nothing for whoever cannot do more: the default, a hint, and what may be ignored by its minus."""
_TAG = re.compile(r"[0-9]{1,9}")
_KEY = re.compile(r"[A-Za-z0-9+/]+")
_NUMBER = re.compile(r"[0-9]{1,20}")
_MKI = re.compile(r"([0-9]{1,310}):([0-9]{1,3})")


class RandomBits(Protocol):
    """As ``random.SystemRandom``."""

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` random bits."""


class Crypto(NamedTuple):
    """One offered or accepted suite with its master key; ``flags`` are the values of PARAMETERS."""

    tag: int
    suite: Suite
    key: bytes
    salt: bytes
    mki: bytes = b""
    flags: int = 0

    def __repr__(self) -> str:
        return f"Crypto(tag={self.tag}, suite={self.suite.name})"

    @property
    def keys(self) -> SrtpKeys:
        """The same as the forwarding engines take it."""
        suite = self.suite
        return SrtpKeys(int(suite.cipher), int(suite.hmac), self.key, self.salt, suite.rtp_tag, suite.rtcp_tag,
                        self.mki, self.flags)


def parse_crypto(value: str) -> Crypto | None:
    """What ``1 AES_CM_128_HMAC_SHA1_80 inline:...`` says; None if it makes no sense or asks for what we cannot do.

    Of several keys the first one counts, with which a sender begins. A lifetime is checked and forgotten.
    """
    words = value.rstrip(" ").split(" ")
    if len(words) < 3 or not _TAG.fullmatch(words[0]):
        return None
    suite = find_suite(words[1])
    if suite is None:
        return None
    flags = _flags(suite, words[3:])
    keys = words[2].split(";", _MAX_KEYS)
    found = [_inline(suite, key) for key in keys[:_MAX_KEYS]]
    first = found[0]
    if flags is None or first is None or None in found or len(keys) > _MAX_KEYS:
        return None
    if len(found) > 1 and not _distinct([mki for entry in found if entry is not None for mki in entry[1:]]):
        return None
    material, mki = first
    return Crypto(int(words[0]), suite, material[:suite.key_length], material[suite.key_length:], mki, flags)


def has_spare_keys(value: str) -> bool:
    """True for a line with more than one key, of which a sender may use any (section 6.1)."""
    return ";" in value.partition(" inline:")[2].partition(" ")[0]


def _distinct(mkis: list[bytes]) -> bool:
    """True if each of several keys can be told by its MKI (section 6.1)."""
    return all(mkis) and len(set(mkis)) == len(mkis) and len(set(map(len, mkis))) == 1


def _inline(suite: Suite, text: str) -> tuple[bytes, bytes] | None:
    """Key with salt, and MKI, of ``inline:KEY|2^20|1:4``."""
    method, _, rest = text.partition(":")
    encoded, *more = rest.split("|")
    if method.lower() != "inline" or len(more) > 2:
        return None
    encoded = encoded.rstrip("=")
    if len(encoded) != suite.key_text or not _KEY.fullmatch(encoded):
        return None
    if more and ":" not in more[0]:
        if not _is_lifetime(more.pop(0)):
            return None
    mki = _mki(more[0]) if more else b""
    if mki is None or len(more) > 1:
        return None
    return binascii.a2b_base64(encoded + "=" * (-len(encoded) % 4)), mki


def _is_lifetime(text: str) -> bool:
    """True for a number of packets from 1 to 2^48, which may be written as 2^N."""
    base, power, exponent = text.partition("^")
    if power:
        return base == "2" and bool(_TAG.fullmatch(exponent)) and int(exponent) <= _MAX_EXPONENT
    return bool(_NUMBER.fullmatch(text)) and 1 <= int(text) <= _MAX_LIFETIME


def _mki(text: str) -> bytes | None:
    """The bytes of ``VALUE:LENGTH``."""
    found = _MKI.fullmatch(text)
    if found is None:
        return None
    number, length = int(found[1]), int(found[2])
    if not 1 <= length <= MAX_MKI_LENGTH or number >> 8 * length:
        return None
    return number.to_bytes(length, "big")


def _flags(suite: Suite, words: list[str]) -> int | None:
    """The session parameters; None if they ask for what is not there, or not to be had with the suite."""
    flags = 0
    for word in words:
        word = word.upper()
        if word in PARAMETERS:
            flags |= PARAMETERS[word]
        elif word and not _HARMLESS.fullmatch(word):
            return None
    return None if suite.is_aead and flags & _NOT_WITH_AEAD else flags


def crypto_text(crypto: Crypto, *, pad: bool = False, lifetime: bool = False) -> str:
    """The attribute, without ``a=``. ``pad``: with the padding of base64, ``lifetime``: with a lifetime."""
    encoded = b64encode(crypto.key + crypto.salt).decode("ascii")
    parts = [encoded if pad else encoded.rstrip("=")]
    if lifetime:
        parts.append(f"2^{_LIFETIME}")
    if crypto.mki:
        parts.append(f"{int.from_bytes(crypto.mki, 'big')}:{len(crypto.mki)}")
    words = [f"crypto:{crypto.tag} {crypto.suite.name} inline:" + "|".join(parts)]
    words += [name for name, flag in PARAMETERS.items() if crypto.flags & flag]
    return " ".join(words)


def fresh(tag: int, suite: Suite, random: RandomBits) -> Crypto:
    """A key that nobody has used before."""
    length = suite.key_length + suite.salt_length
    material = random.getrandbits(8 * length).to_bytes(length, "big")
    return Crypto(tag, suite, material[:suite.key_length], material[suite.key_length:])


def with_parameters(crypto: Crypto, on: int, off: int) -> Crypto:
    """The same with session parameters set and cleared; what its suite cannot do without stays as it is."""
    if crypto.suite.is_aead:
        on &= ~_NOT_WITH_AEAD
    flags = crypto.flags & ~off | on
    return crypto if flags == crypto.flags else crypto._replace(flags=flags)
