# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the ng control protocol: ``COOKIE SPACE BENCODE`` in one UDP datagram each way."""
from __future__ import annotations

import itertools
import os
import socket
from typing import Any

_cookies = itertools.count(1)


class NgError(Exception):
    """The daemon answered with ``result: error``; the text is its ``error-reason``."""


def encode(value: Any) -> bytes:
    """Bencode of dictionaries (in their own order), lists, text, bytes and integers."""
    if isinstance(value, dict):
        return b"d" + b"".join(encode(str(key)) + encode(item) for key, item in value.items()) + b"e"
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(map(encode, value)) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
    return b"%d:%s" % (len(raw), raw)


def _decode(data: bytes, at: int) -> tuple[Any, int]:
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items: list[Any] = []
        at += 1
        while data[at:at + 1] != b"e":
            item, at = _decode(data, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2]))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data):
        raise ValueError("string reaches beyond the message")
    return data[colon + 1:end].decode("utf-8", "surrogateescape"), end


def decode(data: bytes) -> Any:
    """The value of one bencode document; ValueError if it is none or bytes follow it."""
    try:
        value, end = _decode(data, 0)
    except (IndexError, RecursionError) as error:
        raise ValueError("not bencode") from error
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes behind the document")
    return value


class NgClient:
    """One UDP socket towards a daemon; one request at a time.

    ``timeout`` is the wait in seconds for an answer before the same datagram is sent again, ``tries`` times in all.
    """

    def __init__(self, address: str, port: int, *, timeout: float = 2.0, tries: int = 10,
                 sock: socket.socket | None = None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = sock or socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((address, port))
        self.socket.settimeout(timeout)
        self.tries = tries

    def exchange(self, cookie: bytes, body: bytes) -> bytes:
        """Send a body under a cookie and return the body that comes back. TimeoutError if none does."""
        for _ in range(self.tries):
            try:
                self.socket.send(cookie + b" " + body)
                while True:
                    got, space, answer = self.socket.recv(65536).partition(b" ")
                    if space and got == cookie:
                        return answer
            except (TimeoutError, ConnectionRefusedError) as error:
                failure = error
        raise TimeoutError(f"no answer to {body[:60]!r}") from failure

    def request(self, command: str, **keys: Any) -> dict[str, Any]:
        """Send a command and return the answer as it is. Underscores in key names become hyphens."""
        message = {"command": command, **{key.replace("_", "-"): value for key, value in keys.items()}}
        return self.send(message)

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a whole dictionary and return the answer as it is."""
        answer = decode(self.exchange(b"%d_%d" % (os.getpid(), next(_cookies)), encode(message)))
        if not isinstance(answer, dict):
            raise ValueError("the answer is not a dictionary")
        return answer

    def call(self, command: str, **keys: Any) -> dict[str, Any]:
        """As ``request``, but an error answer raises NgError."""
        answer = self.request(command, **keys)
        if answer.get("result") not in ("ok", "pong"):
            raise NgError(f"{command}: {answer.get('error-reason', answer)}")
        return answer

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> NgClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
