# SPDX-License-Identifier: GPL-3.0-or-later
"""HEP version 3 messages taken apart."""
from __future__ import annotations

import struct


def chunks(message: bytes) -> list[tuple[int, int, bytes]]:
    """Vendor, type and data of each chunk. ValueError if the lengths do not add up."""
    mark, length = struct.unpack_from("!4sH", message)
    if mark != b"HEP3" or length != len(message):
        raise ValueError("no HEP3 message")
    found, at = [], 6
    while at < length:
        vendor, kind, size = struct.unpack_from("!HHH", message, at)
        if size < 6 or at + size > length:
            raise ValueError(f"chunk {kind} of {size} bytes")
        found.append((vendor, kind, message[at + 6:at + size]))
        at += size
    return found


def split(stream: bytes) -> list[bytes]:
    """The whole messages of a TCP stream."""
    found = []
    while len(stream) >= 6 and len(stream) >= (size := int.from_bytes(stream[4:6], "big")):
        found.append(stream[:size])
        stream = stream[size:]
    return found
