# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fragments belong to datagrams of interest: those whose first fragment, which has the ports, has been seen."""
from __future__ import annotations

MOST = 1024
"""Datagrams under way at the same time; of more the oldest is given up."""
_MORE4, _OFFSET4, _MORE6, _OFFSET6 = 0x2000, 0x1fff, 1, 0xfff8
_FRAGMENT = 44


class Fragments:
    """Remembers first fragments. ``early`` counts fragments that came before the first one, and are left out."""

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}
        self.early = 0

    def belongs(self, packet: memoryview) -> bool:
        """True for what has ports, and for what goes with it; ``packet`` is IPv4 or IPv6 from its header on."""
        if packet[0] >> 4 == 4:
            position, more, offset = int.from_bytes(packet[6:8], "big"), _MORE4, _OFFSET4
            name = bytes(packet[12:20]) + bytes(packet[4:6])
        elif packet[6] == _FRAGMENT:
            position, more, offset = int.from_bytes(packet[42:44], "big"), _MORE6, _OFFSET6
            name = bytes(packet[8:40]) + bytes(packet[44:48])
        else:
            return True
        if position & offset:
            known = name in self._known
            self.early += not known
            return known
        if position & more:
            self._known[name] = None
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return True
