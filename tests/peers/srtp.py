# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP and SRTCP by the book: RFC 3711, 6188 (AES-192 and AES-256), 7714 (AES-GCM), with MKI and session parameters.

What libsrtp has is checked against it in test_srtp.py; the rest is here because libsrtp has it not.
"""
from __future__ import annotations

import functools
import hmac
import struct
from collections import defaultdict
from dataclasses import dataclass, field, replace

from tests.peers.aes import Aes, f8, gcm

CIPHERS = {"NULL": (1, 16, 14), "AES_CM_128": (2, 16, 14), "AES_F8": (3, 16, 14), "AES_CM_192": (4, 24, 14),
           "AES_CM_256": (5, 32, 14), "AES_GCM_128": (6, 16, 12), "AES_GCM_256": (7, 32, 12)}
"""Number in the control interface, bytes of master key and salt."""
UNENCRYPTED_RTP, UNENCRYPTED_RTCP, UNAUTHENTICATED_RTP = 1, 2, 4
ENCRYPTED = 1 << 31
WINDOW = 128


class Refused(Exception):
    """The tag is wrong, or there is no room for one."""


@dataclass(frozen=True)
class Keys:
    """A master key with everything SDES says about it (RFC 4568 section 6)."""

    cipher: str
    key: bytes
    salt: bytes
    rtp_tag: int = 10
    rtcp_tag: int = 10
    mki: bytes = b""
    flags: int = 0
    hmac: str = "SHA1"

    @property
    def aead(self) -> bool:
        return "GCM" in self.cipher

    def with_(self, **changes: object) -> Keys:
        """The same but for some fields."""
        return replace(self, **changes)     # type: ignore[arg-type]


def suite(cipher: str, seed: int = 1, **more: object) -> Keys:
    """Keys of a cipher, made of a seed."""
    _, key, salt = CIPHERS[cipher]
    material = bytes((seed * 37 + n * 11 + n * n) % 256 for n in range(key + salt))
    made = Keys(cipher, material[:key], material[key:])
    if made.aead:
        made = made.with_(rtp_tag=16, rtcp_tag=16, hmac="NONE")
    return made.with_(**more)


@dataclass(frozen=True)
class _Session:
    """Session keys of one direction's RTP or RTCP."""

    key: bytes
    auth: bytes
    salt: bytes


@functools.lru_cache(maxsize=256)
def _derive(master: bytes, salt: bytes, rtcp: bool) -> _Session:
    """RFC 3711 section 4.3 with a key derivation rate of zero; RFC 7714 pads its shorter salt with zeros."""
    aes = Aes(master)

    def bytes_of(label: int, size: int) -> bytes:
        start = (int.from_bytes(salt.ljust(14, b"\0"), "big") ^ label << 48) << 16
        return aes.ctr(start, bytes(size))

    first = 3 if rtcp else 0
    return _Session(bytes_of(first, len(master)), bytes_of(first + 1, 20), bytes_of(first + 2, len(salt)))


@functools.lru_cache(maxsize=256)
def _aes(key: bytes) -> Aes:
    return Aes(key)


def header_length(packet: bytes) -> int:
    """Bytes of an RTP header with CSRCs and extension."""
    size = 12 + 4 * (packet[0] & 15)
    return size + 4 + 4 * struct.unpack_from("!H", packet, size + 2)[0] if packet[0] & 16 else size


def _crypt(keys: Keys, session: _Session, f8_iv: bytes, ssrc: bytes, index: int, data: bytes) -> bytes:
    """Encrypts or decrypts in the modes where both are the same."""
    if keys.cipher == "NULL":
        return data
    if keys.cipher == "AES_F8":
        return f8(session.key, session.salt, f8_iv, data)
    start = int.from_bytes(session.salt, "big") << 16 ^ int.from_bytes(ssrc, "big") << 64 ^ index << 16
    return _aes(session.key).ctr(start, data)


def _tag(keys: Keys, session: _Session, data: bytes, size: int) -> bytes:
    return hmac.digest(session.auth, data, "sha1")[:size] if keys.hmac == "SHA1" else b""


def _gcm_iv(session: _Session, ssrc: bytes, index: int) -> bytes:
    value = int.from_bytes(session.salt, "big") ^ int.from_bytes(ssrc, "big") << 48 ^ index
    return value.to_bytes(12, "big")


def _rtp(keys: Keys, packet: bytes, index: int) -> tuple[bytes, bytes]:
    """Header and payload with its encryption turned round."""
    session, size = _derive(keys.key, keys.salt, False), header_length(packet)
    if keys.flags & UNENCRYPTED_RTP:
        return packet[:size], packet[size:]
    iv = b"\0" + packet[1:12] + struct.pack("!I", index >> 16)
    return packet[:size], _crypt(keys, session, iv, packet[8:12], index, packet[size:])


def seal_rtp(keys: Keys, packet: bytes, roc: int = 0) -> bytes:
    """The SRTP packet of an RTP packet."""
    index = roc << 16 | struct.unpack_from("!H", packet, 2)[0]
    session = _derive(keys.key, keys.salt, False)
    if keys.aead:
        head = packet[:header_length(packet)]
        text, tag = gcm(session.key, _gcm_iv(session, packet[8:12], index), head, packet[len(head):])
        return head + text + tag + keys.mki
    sent = b"".join(_rtp(keys, packet, index))
    size = 0 if keys.flags & UNAUTHENTICATED_RTP else keys.rtp_tag
    return sent + keys.mki + _tag(keys, session, sent + struct.pack("!I", roc), size)


def open_rtp(keys: Keys, packet: bytes, roc: int = 0) -> bytes:
    """The RTP packet of an SRTP packet. Refused."""
    index = roc << 16 | struct.unpack_from("!H", packet, 2)[0]
    if keys.aead:
        session, head = _derive(keys.key, keys.salt, False), packet[:header_length(packet)]
        end = len(packet) - len(keys.mki) - 16
        if end < len(head):
            raise Refused
        text, tag = gcm(session.key, _gcm_iv(session, packet[8:12], index), head, packet[len(head):end], decrypt=True)
        plain = head + text
        if tag != packet[end:end + 16]:
            raise Refused
        return plain
    added = len(keys.mki) + (0 if keys.flags & UNAUTHENTICATED_RTP else keys.rtp_tag)
    plain = b"".join(_rtp(keys, packet[:len(packet) - added], index))
    if seal_rtp(keys, plain, roc)[-added or len(packet):] != packet[-added or len(packet):]:
        raise Refused
    return plain


def seal_rtcp(keys: Keys, packet: bytes, index: int) -> bytes:
    """The SRTCP packet of an RTCP packet, with this index."""
    session = _derive(keys.key, keys.salt, True)
    clear = bool(keys.flags & UNENCRYPTED_RTCP) or keys.cipher == "NULL"
    word = struct.pack("!I", index | (0 if clear else ENCRYPTED))
    head, body = packet[:8], packet[8:]
    if keys.aead:
        iv = _gcm_iv(session, packet[4:8], index)
        text, tag = gcm(session.key, iv, packet + word, b"") if clear else gcm(session.key, iv, head + word, body)
        return (packet if clear else head + text) + tag + word + keys.mki
    if not clear:
        body = _crypt(keys, session, bytes(4) + word + head, packet[4:8], index, body)
    return head + body + word + keys.mki + _tag(keys, session, head + body + word, keys.rtcp_tag)


def open_rtcp(keys: Keys, packet: bytes) -> bytes:
    """The RTCP packet of an SRTCP packet. Refused."""
    session = _derive(keys.key, keys.salt, True)
    end = len(packet) - len(keys.mki) - (4 if keys.aead else keys.rtcp_tag + 4)
    if end < 8 + (16 if keys.aead else 0):
        raise Refused
    word = packet[end:end + 4]
    index, head = struct.unpack("!I", word)[0] & ~ENCRYPTED, packet[:8]
    if not word[0] & 0x80:
        plain = packet[:end - (16 if keys.aead else 0)]
    elif keys.aead:
        text, _ = gcm(session.key, _gcm_iv(session, packet[4:8], index), head + word, packet[8:end - 16], decrypt=True)
        plain = head + text
    else:
        plain = head + _crypt(keys, session, bytes(4) + word + head, packet[4:8], index, packet[8:end])
    if seal_rtcp(keys, plain, index) != packet:
        raise Refused
    return plain


@dataclass
class Indices:
    """Those of one SSRC under one key (RFC 3711 sections 3.3.1 and 3.3.2)."""

    highest: int = -1
    used: set[int] = field(default_factory=set)

    def guess(self, seq: int) -> int:
        """The one nearest to the highest so far, of those with this sequence number."""
        if self.highest < 0:
            return seq
        roc = self.highest >> 16
        return min((r << 16 | seq for r in (roc, roc + 1, roc - 1) if r >= 0), key=lambda i: abs(i - self.highest))

    def take(self, index: int) -> bool:
        """False: used before, or too old to tell."""
        if index in self.used or index + WINDOW <= self.highest:
            return False
        self.used.add(index)
        self.highest = max(self.highest, index)
        return True


class Sender:
    """One end that sends: counts roll-overs and SRTCP indices of each SSRC."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.rtp: defaultdict[bytes, Indices] = defaultdict(Indices)
        self.rtcp: defaultdict[bytes, int] = defaultdict(int)

    def protect(self, packet: bytes) -> bytes:
        """The next packet, RTP or RTCP."""
        if 194 <= packet[1] <= 223:
            index = self.rtcp[packet[4:8]]
            self.rtcp[packet[4:8]] += 1
            return seal_rtcp(self.keys, packet, index)
        indices = self.rtp[packet[8:12]]
        index = indices.guess(struct.unpack_from("!H", packet, 2)[0])
        indices.take(index)
        return seal_rtp(self.keys, packet, index >> 16)
