# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts a byte stream into ng messages: each ends where its bencode document ends, nothing separates them."""
from __future__ import annotations

import re
from collections.abc import Iterator

from controlplane.errors import PeerError

# A token, and what may be the beginning of one: digits are bounded, as all of a token is looked at again when more
# of it arrives.
_TOKENS = {
    ord("i"): (re.compile(rb"i(?:0|-?[1-9][0-9]{0,999})e()"), re.compile(rb"i(?:0|-?(?:[1-9][0-9]{0,999})?)")),
    **dict.fromkeys(b"0123456789", (re.compile(rb"([0-9]{1,20}):"), re.compile(rb"[0-9]{1,20}"))),
}
_L, _D, _E = b"lde"
_FIRST = frozenset(b"ldi0123456789")


class MessageStream:
    """Takes bytes as they arrive and gives out whole messages; every byte is looked at about once.

    A message is a cookie, a space and a bencode document with all its ends; whether it means anything is left to the
    decoder. ``limit`` is the greatest length of one.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._data = bytearray()
        self._start = 0
        self._at = 0
        """Where to look on: behind it is the rest of a cookie, or the next token of the document."""
        self._inside = False
        """Whether the document has begun."""
        self._depth = 0

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their message."""
        return len(self._data) - self._start

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that ``data`` completes. PeerError if what follows them can never become one."""
        self._data += data
        while (end := self._end()) is not None:
            message = bytes(memoryview(self._data)[self._start:end])
            self._start = self._at = end
            self._inside = False
            yield message
        del self._data[:self._start]
        self._at -= self._start
        self._start = 0
        if len(self._data) > self._limit:
            raise PeerError(f"message of more than {self._limit} bytes")

    def _end(self) -> int | None:
        """Where the first message ends, None if that has not arrived yet."""
        if not self._inside and not self._begin():
            return None
        data, at, size = self._data, self._at, len(self._data)
        while at < size:
            byte = data[at]
            if byte == _E and self._depth:
                self._depth -= 1
                at += 1
            elif byte == _D or byte == _L:
                self._depth += 1
                at += 1
            else:
                behind = self._token(at)
                if behind is None:
                    break
                at = behind
            if not self._depth:
                return at
        self._at = at
        return None

    def _begin(self) -> bool:
        """Go to the document behind cookie and space; False if it has not arrived yet."""
        space = self._data.find(b" ", self._at)
        if space < 0:
            self._at = len(self._data)
            return False
        if space == self._start:
            raise PeerError("space in place of a cookie")
        if space + 1 == len(self._data):
            self._at = space
            return False
        if self._data[space + 1] not in _FIRST:
            raise PeerError("no bencode behind the cookie")
        self._at = space + 1
        self._inside = True
        return True

    def _token(self, at: int) -> int | None:
        """Where the integer or string at ``at`` ends, None if its beginning is all there is.

        A string inside a container may end where nothing has arrived yet: that place is returned all the same.
        """
        whole, beginning = _TOKENS.get(self._data[at], (None, None))
        found = whole.match(self._data, at) if whole else None
        if found:
            behind = found.end() + int(found[1] or 0)
            if behind - self._start > self._limit:
                raise PeerError(f"message of more than {self._limit} bytes")
            return behind if self._depth or behind <= len(self._data) else None
        if beginning is None or not beginning.fullmatch(self._data, at):
            raise PeerError("no bencode inside the message")
        return None
