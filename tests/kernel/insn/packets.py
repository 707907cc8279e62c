# SPDX-License-Identifier: GPL-3.0-or-later
"""The encrypted packets that the flow program sends, and the keys of them."""
import struct
from pathlib import Path

from tests.kernel.guest import abi, net
from tests.peers import srtp

WARM_UP = 256       # as in flow.c
SUITES = ("AES_CM_128", "AES_GCM_128")


def keys(suite: str) -> srtp.Keys:
    """The keys that the file of a suite is made with."""
    return srtp.suite(suite, seed=len(suite))


def message(suite: str) -> bytes:
    """The same as rtpe_srtp."""
    k = keys(suite)
    return abi.keys(srtp.CIPHERS[suite][0], 0 if k.aead else 2, k.key, k.salt, k.rtp_tag, k.rtcp_tag)


def write(folder: Path, packets: int) -> None:
    """A file for each suite, named like it."""
    for suite in SUITES:
        sender = srtp.Sender(keys(suite))
        sealed = (sender.protect(net.rtp(n, ts=0)) for n in range(WARM_UP + packets))
        (folder / suite).write_bytes(b"".join(struct.pack(">H", len(p)) + p for p in sealed))
