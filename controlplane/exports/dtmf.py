# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a DTMF event (RFC 4733) that has ended: options log-facility-dtmf, dtmf-log-dest, dtmf-log-ng-tcp."""
from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.ng.bencode import encode
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.quality import clock_rate

_FIXED_HEADER = 12
_END, _VOLUME = 0x80, 0x3F
_MOST = 4096
"""Sources whose last event is remembered: its end is sent several times, and told once."""


Event = dict[str, Any]


class Events:
    """Knows which events were told of already."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[Endpoint, bytes], bytes] = OrderedDict()

    def heard(self, call: Call, media: Media, data: bytes, sender: Endpoint, local: Endpoint, now: float
              ) -> Event | None:
        """What a packet of events says that came to ``media``; None unless it is the first that ends one."""
        payload = _payload(data)
        if payload is None or not payload[1] & _END:
            return None
        began, source = data[4:8], (local, data[8:12])
        if self._told.get(source) == began:
            return None
        self._told[source] = began
        self._told.move_to_end(source)
        if len(self._told) > _MOST:
            self._told.popitem(last=False)
        party = next((party for party in call.parties if media in party.medias), None)
        rate = clock_rate(media, data[1] & 0x7F) or 8000
        return {
            "callid": call.call_id, "source_tag": party.tag or "" if party else "",
            "source_label": party.label or "" if party else "",
            "tags": [each.tag for each in reversed(call.parties) if each.tag], "type": "DTMF",
            "timestamp": int(now), "source_ip": str(sender.address), "event": payload[0],
            "duration": 1000 * int.from_bytes(payload[2:4], "big") // rate, "volume": payload[1] & _VOLUME,
        }


def line(event: Event) -> str:
    """The event as JSON."""
    return json.dumps(event, separators=(",", ":"))


def message(event: Event) -> bytes:
    """The event as it is pushed to ng clients: a cookie, and a dictionary without an empty label."""
    told = {key: value for key, value in event.items() if value or key != "source_label"}
    return secrets.token_hex(8).encode() + b" " + encode({"notify": "onDTMF", "data": told})


def _payload(data: bytes) -> bytes | None:
    """That of an RTP packet (RFC 3550 section 5.1); None if it is too short for an event."""
    if len(data) < _FIXED_HEADER:
        return None
    at = _FIXED_HEADER + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        at += 4 + 4 * int.from_bytes(data[at + 2:at + 4], "big")
    return data[at:at + 4] if len(data) >= at + 4 else None
