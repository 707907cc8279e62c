# SPDX-License-Identifier: GPL-3.0-or-later
"""AES (FIPS 197) and the modes that SRTP has, without any library: what the product computes is held against this."""
from __future__ import annotations

import functools


def _double(a: int) -> int:
    return (a << 1 ^ 0x11B if a & 0x80 else a << 1) & 0xFF


def _sbox() -> list[int]:
    """Inverses in GF(2^8) by their logarithms to the base 3, then the affine step."""
    powers, a = [], 1
    for _ in range(255):
        powers.append(a)
        a ^= _double(a)
    logs = {value: n for n, value in enumerate(powers)}
    box = []
    for value in range(256):
        inverse = powers[-logs[value] % 255] if value else 0
        box.append(functools.reduce(lambda x, n: x ^ (inverse << n | inverse >> 8 - n) & 0xFF, range(5), 0x63))
    return box


_BOX = _sbox()
# A column's four bytes after substitution and mixing, for a byte in each of the four rows.
_MIX = [[int.from_bytes(bytes((column[-row % 4], column[(1 - row) % 4], column[(2 - row) % 4], column[(3 - row) % 4])),
                        "big")
         for s in _BOX for column in [(_double(s), s, s, _double(s) ^ s)]] for row in range(4)]


def _words(key: bytes) -> list[int]:
    count, words = len(key) // 4, [int.from_bytes(key[n:n + 4], "big") for n in range(0, len(key), 4)]
    round_constant = 1
    while len(words) < 4 * (count + 7):
        word = words[-1]
        if len(words) % count == 0:
            word = (word << 8 | word >> 24) & 0xFFFFFFFF
        if len(words) % count == 0 or (count > 6 and len(words) % count == 4):
            word = int.from_bytes(bytes(_BOX[b] for b in word.to_bytes(4, "big")), "big")
        if len(words) % count == 0:
            word ^= round_constant << 24
            round_constant = _double(round_constant)
        words.append(words[-count] ^ word)
    return words


class Aes:
    """One key of 16, 24 or 32 bytes."""

    def __init__(self, key: bytes):
        self._keys = _words(key)

    def block(self, data: bytes) -> bytes:
        """Encrypts 16 bytes."""
        keys, (m0, m1, m2, m3) = self._keys, _MIX
        a, b, c, d = (int.from_bytes(data[n:n + 4], "big") ^ keys[n // 4] for n in range(0, 16, 4))
        for n in range(4, len(keys) - 4, 4):
            a, b, c, d = (
                m0[a >> 24] ^ m1[b >> 16 & 255] ^ m2[c >> 8 & 255] ^ m3[d & 255] ^ keys[n],
                m0[b >> 24] ^ m1[c >> 16 & 255] ^ m2[d >> 8 & 255] ^ m3[a & 255] ^ keys[n + 1],
                m0[c >> 24] ^ m1[d >> 16 & 255] ^ m2[a >> 8 & 255] ^ m3[b & 255] ^ keys[n + 2],
                m0[d >> 24] ^ m1[a >> 16 & 255] ^ m2[b >> 8 & 255] ^ m3[c & 255] ^ keys[n + 3])
        last = b"".join(bytes((_BOX[w >> 24], _BOX[x >> 16 & 255], _BOX[y >> 8 & 255], _BOX[z & 255]))
                        for w, x, y, z in ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c)))
        return xor(last, b"".join(key.to_bytes(4, "big") for key in keys[-4:]))

    def ctr(self, start: int, data: bytes) -> bytes:
        """Counter mode from a 128-bit counter on."""
        stream = b"".join(self.block((start + n & 2 ** 128 - 1).to_bytes(16, "big"))
                          for n in range((len(data) + 15) // 16))
        return xor(data, stream)


def xor(data: bytes, stream: bytes) -> bytes:
    """As many bytes as data has."""
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")


def f8(key: bytes, mask: bytes, iv: bytes, data: bytes) -> bytes:
    """RFC 3711 section 4.1.2; `mask` is the salt."""
    start = Aes(xor(key, mask.ljust(len(key), b"\x55"))).block(iv)
    aes, last, stream = Aes(key), bytes(16), b""
    for n in range((len(data) + 15) // 16):
        last = aes.block(xor(xor(start, n.to_bytes(16, "big")), last))
        stream += last
    return xor(data, stream)


def _ghash(h: int, data: bytes) -> int:
    """SP 800-38D section 6.4."""
    y = 0
    for n in range(0, len(data), 16):
        x, v, y = y ^ int.from_bytes(data[n:n + 16], "big"), h, 0
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                y ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return y


def gcm(key: bytes, iv: bytes, aad: bytes, data: bytes, *, decrypt: bool = False) -> tuple[bytes, bytes]:
    """The other text and the tag, for an IV of 12 bytes (SP 800-38D section 7)."""
    aes = Aes(key)
    first = int.from_bytes(iv + b"\0\0\0\1", "big")
    out = aes.ctr(first + 1, data)
    text = data if decrypt else out
    hashed = (aad + bytes(-len(aad) % 16) + text + bytes(-len(text) % 16)
              + (len(aad) * 8).to_bytes(8, "big") + (len(text) * 8).to_bytes(8, "big"))
    tag = _ghash(int.from_bytes(aes.block(bytes(16)), "big"), hashed).to_bytes(16, "big")
    return out, aes.ctr(first, tag)
