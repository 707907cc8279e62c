# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in recorded SRTP packets, and in ours: each under the keys that its own daemon has told."""
from __future__ import annotations

import re
from collections.abc import Callable

from controlplane.srtp.crypto import Crypto, parse_crypto
from tests.conformance.tokens import Mapping
from tests.peers import srtp
from tests.peers.phones import model_keys

_LINE = re.compile(r"^a=crypto:([^\r\n]+)", re.M)
_INLINE = re.compile(r"inline:([A-Za-z0-9+/]+)=*")
Opened = tuple[bytes, bytes]


class Decryption:
    """The keys of one call. Roll-over counters are zero in all that was recorded."""

    def __init__(self, mapping: Mapping, is_rtcp: Callable[[bytes], bool]):
        self._mapping, self._is_rtcp = mapping, is_rtcp
        self._lines: dict[str, None] = {}

    def heard(self, body: str) -> None:
        """Note the keys of a recorded body, received or sent."""
        self._lines.update(dict.fromkeys(_LINE.findall(body)))

    def open(self, recorded: bytes, ours: bytes) -> Opened | None:
        """Both packets decrypted; None if no key is known that fits."""
        for line in reversed(self._lines):
            crypto = parse_crypto(line)
            plain = self._decrypt(crypto, recorded)
            if plain is None:
                continue
            own = self._decrypt(parse_crypto(_INLINE.sub(self._stands_for, line)), ours)
            if own is not None:
                return plain, own
        return None

    def _stands_for(self, found: re.Match[str]) -> str:
        return f"inline:{self._mapping.ours('key', found[1])}"

    def _decrypt(self, crypto: Crypto | None, packet: bytes) -> bytes | None:
        if crypto is None:
            return None
        try:
            return (srtp.open_rtcp if self._is_rtcp(packet) else srtp.open_rtp)(model_keys(crypto), packet)
        except srtp.Refused:
            return None
