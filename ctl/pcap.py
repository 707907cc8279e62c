# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files in the classic format, with the link type "Linux cooked v2": all devices of a host in one file."""
from __future__ import annotations

import struct
from typing import BinaryIO

LONGEST = 65535 + 20
"""Octets of a packet that are kept."""
_MAGIC, _LINUX_SLL2 = 0xa1b2c3d4, 276
_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_COOKED = struct.Struct(">HHIHBB8s")


class Writer:
    """Packets into an open file. OSError, of the disk, from every method."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(_FILE.pack(_MAGIC, 2, 4, 0, 0, LONGEST, _LINUX_SLL2))

    def packet(self, nanoseconds: int, device: int, address: tuple[int, int, int, bytes], data: memoryview,
               length: int) -> None:
        """A packet from its IP header on, of ``length`` octets; ``nanoseconds`` are Unix time.

        ``address``: Ethernet type, packet type, hardware type and address, as struct sockaddr_ll has them.
        """
        protocol, kind, hardware, link = address
        seconds, rest = divmod(nanoseconds, 10**9)
        self._file.write(_RECORD.pack(seconds, rest // 1000, _COOKED.size + len(data), _COOKED.size + length))
        self._file.write(_COOKED.pack(protocol, 0, device, hardware, kind, len(link[:8]), link[:8]))
        self._file.write(data)

    def flush(self) -> None:
        """What was written can be read."""
        self._file.flush()
