# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole proxy behind the transports, on loopback, and what has to hold whatever comes."""
from __future__ import annotations

import itertools
import json
import logging
import time

from controlplane.addresses import Address
from controlplane.config.interfaces import InterfaceSpec
from controlplane.config.settings import Settings
from controlplane.dataplane.relay import Relay
from controlplane.ng import bencode
from controlplane.ng.later import Later
from controlplane.ng.values import Dictionary
from controlplane.proxy import Proxy

SOURCE = "127.0.0.1:5060"
_RESULTS = (b"ok", b"pong", b"error", b"load limit")


class Alarm(logging.Handler):
    """Turns what the proxy logs as its own error into a finding."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            raise record.exc_info[1]
        raise AssertionError(record.getMessage())

    def handle(self, record: logging.LogRecord) -> bool:
        self.emit(record)
        return True


class Rig:
    """A proxy with its relay; all calls of an input end with it."""

    def __init__(self) -> None:
        specs = [InterfaceSpec("default", Address.parse("127.0.0.1"), None, 40000, 59999, frozenset())]
        self.proxy = Proxy(Settings({"delete-delay": 0}), Relay(1), None, specs, {}, time.time)
        self._cookies = itertools.count()
        logger = logging.getLogger("rtpengine.control")
        logger.setLevel(logging.ERROR)
        logger.addHandler(Alarm())
        logger.propagate = False
        logging.getLogger("rtpengine.core").setLevel(logging.CRITICAL)

    def ask(self, payload: bytes) -> bytes:
        """The reply to a payload, checked; under a cookie like that of a client."""
        cookie = b"%d" % next(self._cookies)
        reply = self.proxy.ng_message(cookie + b" " + payload, SOURCE, time.time())
        assert reply is not None and not isinstance(reply, Later)
        assert reply.startswith(cookie + b" ")
        answer = reply.partition(b" ")[2]
        check(payload, answer)
        return answer

    def tidy(self) -> None:
        """End all calls; nothing of them may stay."""
        self.proxy.end(list(self.proxy.calls.calls.values()))
        assert not self.proxy.calls.calls and not self.proxy._sockets.open


def check(payload: bytes, answer: bytes) -> None:
    """A reply is in the encoding of its request and says how it went; it never is a bug's."""
    if payload[:1] == b"{":
        document = json.loads(answer)
        result, reason = document["result"].encode(), document.get("error-reason", "-").encode()
    else:
        decoded = bencode.decode(answer)
        assert isinstance(decoded, Dictionary) and bencode.encode(decoded) == answer
        result, reason = decoded.first(b"result"), decoded.first(b"error-reason") or b"-"  # type: ignore[assignment]
    assert result in _RESULTS, answer
    assert reason and reason != b"Internal error", answer


_rig: list[Rig] = []


def rig() -> Rig:
    """The one of this process."""
    if not _rig:
        _rig.append(Rig())
    return _rig[0]
