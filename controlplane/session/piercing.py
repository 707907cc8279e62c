# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening the way to parties behind NAT that have sent nothing yet (ng flag ``pierce-NAT``)."""
from __future__ import annotations

from controlplane.events import Datagram
from controlplane.session.call import Call

PIERCING = bytes((0x80, 0x7f, 0xff, 0xff)) + bytes(8)
"""A packet that opens the way back through a NAT: RTP of payload type 127 without payload."""
PIERCE_INTERVAL = 1.0


def piercing(call: Call) -> list[Datagram]:
    """What is to be sent now, and every PIERCE_INTERVAL seconds."""
    return [Datagram(stream.local, destination, PIERCING)
            for media in call.medias if media.handling.pierce_nat and media.understood for stream in media.streams
            if stream.local is not None and not stream.confirmed and (destination := stream.destination)]
