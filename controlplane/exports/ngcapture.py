# SPDX-License-Identifier: GPL-3.0-or-later
"""ng messages as Homer takes them (option homer-enable-ng): requests that have a cookie, and their replies."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.exports import hep
from controlplane.ng.frame import decode, detect, split_cookie
from controlplane.ng.later import Later
from controlplane.ng.values import text

Answer = Union[bytes, Later[bytes], None]
Handler = Callable[[bytes, str, float], Answer]
_LEFT_OUT = b"ping"
_MOST = 65_000
"""Bytes of a message and its call-ID: the length of a packet has 16 bits."""
_WIDEST = 4
"""Bytes of a character."""
_NOWHERE = {4: Endpoint.parse("0.0.0.0:0"), 6: Endpoint.parse("[::]:0")}
_INSIDE = Endpoint.parse("127.0.0.1:0")
"""Stands for the ends of a UNIX socket."""


class NgCapture:
    """Gives ``put`` the packets for Homer; ``kind`` is option homer-ng-capture-proto. ``clock`` gives Unix time."""

    def __init__(self, put: Callable[[bytes], None], kind: int, capture_id: int, clock: Callable[[], float]):
        self._put = put
        self._kind = kind
        self._capture_id = capture_id
        self._clock = clock

    def around(self, handler: Handler, listens: Sequence[Endpoint]) -> Handler:
        """``handler`` of messages that come to these addresses, which are told to Homer from now on."""
        def handle(data: bytes, source: str, now: float) -> Answer:
            call_id = _call_id(data)
            answer = handler(data, source, now)
            if call_id is None:
                return answer
            client = _endpoint(source)
            here = next((each for each in listens if each.family == client.family), _NOWHERE[client.family])
            self._send(client, here, now, call_id, data)
            if isinstance(answer, Later):
                answer.then(lambda reply: self._send(here, client, self._clock(), call_id, reply))
            elif answer is not None:
                self._send(here, client, self._clock(), call_id, answer)
            return answer
        return handle

    def _send(self, source: Endpoint, destination: Endpoint, at: float, call_id: str, message: bytes) -> None:
        if len(message) + len(call_id) * _WIDEST <= _MOST:
            self._put(hep.packet(source, destination, at, self._kind, self._capture_id, call_id, message))


def _call_id(data: bytes) -> str | None:
    """That of a message that Homer is told of, perhaps empty; None for the others."""
    framed = split_cookie(data)
    if framed is None:
        return None
    try:
        message = decode(detect(framed[1]), framed[1])
    except PeerError:
        return ""
    if message.first(b"command") == _LEFT_OUT:
        return None
    call_id = message.first(b"call-id") or message.first(b"call-ID")
    return text(call_id) if isinstance(call_id, bytes) else ""


def _endpoint(source: str) -> Endpoint:
    """An ``address:port``, or what stands for a UNIX socket."""
    try:
        return Endpoint.parse(source)
    except PeerError:
        return _INSIDE
