# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiled core as an SRTP engine for bulk tests."""
from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tests.core import build

NULL, AES_CM_128, AES_F8, AES_CM_192, AES_CM_256, AES_GCM_128, AES_GCM_256 = range(1, 8)
HMAC_NONE, HMAC_NULL, HMAC_SHA1 = range(3)
UNENCRYPTED_RTP, UNENCRYPTED_RTCP, UNAUTHENTICATED_RTP = 1, 2, 4
STRIDE = 2048
AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Keys:
    """Parameters of one direction (struct rtpe_srtp)."""

    cipher: int
    key: bytes
    salt: bytes
    hmac: int = HMAC_SHA1
    rtp_tag: int = 10
    rtcp_tag: int = 10
    mki: bytes = b""
    flags: int = 0

    @property
    def aead(self) -> bool:
        """Whether the cipher authenticates by itself."""
        return self.cipher in (AES_GCM_128, AES_GCM_256)

    def pack(self) -> bytes:
        """struct rtpe_srtp."""
        return struct.pack("=8B32s16s128s", self.cipher, self.hmac, len(self.key), len(self.salt), self.rtp_tag,
                           self.rtcp_tag, len(self.mki), self.flags, self.key, self.salt, self.mki)


@cache
def _library() -> ctypes.CDLL:
    path = build.compiled("bulk.so", [build.ROOT / "tests/srtp/bulk.c"], ["-fPIC", "-O2"], link=("-shared",))
    library = ctypes.CDLL(str(path))
    library.bulk_open.restype = ctypes.c_void_p
    library.bulk_close.argtypes = [ctypes.c_void_p]
    library.bulk_seed.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint64]
    library.bulk_run.argtypes = [ctypes.c_void_p, ctypes.c_bool, ctypes.c_uint32, *[ctypes.c_void_p] * 4]
    return library


class Engine:
    """One direction under one key."""

    def __init__(self, keys: Keys) -> None:
        self._crypto = None
        self._library = _library()
        self._crypto = self._library.bulk_open(keys.pack())
        assert self._crypto, keys

    def __del__(self) -> None:
        if self._crypto:
            self._library.bulk_close(self._crypto)

    def seed(self, ssrc: bytes, rtp_top: int = 0, rtcp_top: int = 0) -> None:
        """All indices of an SSRC before these count as used."""
        self._library.bulk_seed(self._crypto, int.from_bytes(ssrc, "little"), rtp_top, rtcp_top)

    def protect(self, packets: Sequence[bytes], times: Sequence[int] | None = None) -> list[bytes | int]:
        """What becomes of each packet: its bytes, or a negative errno. `times` in microseconds."""
        return self._run(True, packets, times)

    def unprotect(self, packets: Sequence[bytes], times: Sequence[int] | None = None) -> list[bytes | int]:
        """Likewise, in the other direction."""
        return self._run(False, packets, times)

    def _run(self, protect: bool, packets: Sequence[bytes], times: Sequence[int] | None) -> list[bytes | int]:
        done: list[bytes | int] = []
        for at in range(0, len(packets), AT_ONCE):
            some = packets[at:at + AT_ONCE]
            when = times[at:at + AT_ONCE] if times else [1] * len(some)
            done += self._some(protect, some, when)
        return done

    def _some(self, protect: bool, packets: Sequence[bytes], times: Sequence[int]) -> list[bytes | int]:
        n = len(packets)
        data = ctypes.create_string_buffer(b"".join(p.ljust(STRIDE, b"\0") for p in packets), n * STRIDE)
        lengths = (ctypes.c_uint32 * n)(*map(len, packets))
        status = (ctypes.c_int * n)()
        self._library.bulk_run(self._crypto, protect, n, data, lengths, (ctypes.c_uint64 * n)(*times), status)
        raw = data.raw
        return [status[i] or raw[i * STRIDE:i * STRIDE + lengths[i]] for i in range(n)]
