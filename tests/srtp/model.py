# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP written down from RFC 3711, 6188 and 7714 with somebody else's primitives, for suites libsrtp does not have."""
from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.srtp import engine
from tests.srtp.engine import Keys

E = 1 << 31


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b))


def _block(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _counter(key: bytes, iv: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _f8(key: bytes, salt: bytes, iv: bytes, data: bytes) -> bytes:
    """RFC 3711 section 4.1.2."""
    start = _block(_xor(key, salt + b"\x55" * (len(key) - len(salt))), iv)
    out, stream = b"", bytes(16)
    for number, at in enumerate(range(0, len(data), 16)):
        stream = _block(key, _xor(_xor(stream, start), number.to_bytes(16, "big")))
        out += _xor(data[at:at + 16], stream)
    return out


def derive(keys: Keys, label: int, length: int) -> bytes:
    """RFC 3711 section 4.3.1: label and index 0 over the last 7 bytes of the salt."""
    salt = int.from_bytes(keys.salt.ljust(14, b"\0"), "big") ^ label << 48
    return _counter(keys.key, (salt << 16).to_bytes(16, "big"), bytes(length))


class Model:
    """Protects single packets whose index is given."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._session = [[derive(keys, 3 * n, len(keys.key)), derive(keys, 3 * n + 1, 20),
                          derive(keys, 3 * n + 2, len(keys.salt))] for n in range(2)]

    def rtp(self, packet: bytes, index: int) -> bytes:
        """SRTP; the index has 48 bits."""
        keys = self.keys
        key, auth, salt = self._session[0]
        roc = (index >> 16).to_bytes(4, "big")
        at = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            at += 4 + 4 * int.from_bytes(packet[at + 2:at + 4], "big")
        head, payload = packet[:at], packet[at:]
        if keys.aead:
            return head + AESGCM(key).encrypt(self._gcm_iv(salt, packet[8:12], index), payload, head) + keys.mki
        if not keys.flags & engine.UNENCRYPTED_RTP:
            payload = self._crypt(key, salt, packet[8:12], index, b"\0" + packet[1:12] + roc, payload)
        whole = head + payload
        tag = b"" if keys.flags & engine.UNAUTHENTICATED_RTP else self._tag(auth, whole + roc, keys.rtp_tag)
        return whole + keys.mki + tag

    def rtcp(self, packet: bytes, index: int) -> bytes:
        """SRTCP; the index has 31 bits."""
        keys = self.keys
        key, auth, salt = self._session[1]
        encrypted = keys.cipher != engine.NULL and not keys.flags & engine.UNENCRYPTED_RTCP
        word = (index | (E if encrypted else 0)).to_bytes(4, "big")
        head, payload = packet[:8], packet[8:]
        if keys.aead:
            iv = self._gcm_iv(salt, packet[4:8], index)
            sealed = AESGCM(key).encrypt(iv, payload, head + word) if encrypted else \
                payload + AESGCM(key).encrypt(iv, b"", packet + word)
            return head + sealed + word + keys.mki
        if encrypted:
            payload = self._crypt(key, salt, packet[4:8], index, bytes(4) + word + packet[:8], payload)
        whole = head + payload + word
        return whole + keys.mki + self._tag(auth, whole, keys.rtcp_tag)

    @staticmethod
    def _gcm_iv(salt: bytes, ssrc: bytes, index: int) -> bytes:
        return _xor(salt, bytes(2) + ssrc + index.to_bytes(6, "big"))

    def _crypt(self, key: bytes, salt: bytes, ssrc: bytes, index: int, f8_iv: bytes, data: bytes) -> bytes:
        if self.keys.cipher == engine.NULL:
            return data
        if self.keys.cipher == engine.AES_F8:
            return _f8(key, salt, f8_iv, data)
        number = int.from_bytes(salt, "big") << 16 ^ int.from_bytes(ssrc, "big") << 64 ^ index << 16
        return _counter(key, number.to_bytes(16, "big"), data)

    def _tag(self, key: bytes, data: bytes, length: int) -> bytes:
        if self.keys.hmac == engine.HMAC_NULL:
            return b""
        return hmac.new(key, data, hashlib.sha1).digest()[:length]
