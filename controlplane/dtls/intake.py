# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenSSL gets to see of a peer's packets while hands are shaken: what comes in clear may be anybody's.

One forged record could end a handshake. Who has never listened between somebody and the peer does not know the peer's
certificate, though, at best its fingerprint: so all is held back until a certificate is there that has the fingerprint,
and what came together with it goes first. A request for a cookie proves nothing: it is noted, and that is all.
"""
from __future__ import annotations

from typing import NamedTuple

from controlplane.dtls.fingerprint import Fingerprint, is_one_of
from controlplane.dtls.records import HANDSHAKE, HEADER, is_clear, is_hello_verify, records, renumbered

MAX_REQUESTS = 2
"""For different cookies, by a peer that has been sent two different ClientHellos."""
MAX_HELD = 16
"""Datagrams that are held back; the oldest gives way."""
_CLIENT_HELLO, _SERVER_HELLO, _HELLO_VERIFY, _CERTIFICATE = 1, 2, 3, 11
_CHANGE_OF_CIPHERS = 20
_KINDS = {True: (2, 3, 11, 12, 13, 14), False: (11, 16, 15)}
"""Of messages in clear that come to a client, and to a server after the ClientHello (RFC 5246 section 7.4); behind the
last one ciphers change.
"""
_HEAD = HEADER + 12


class _Piece(NamedTuple):
    """A part of a Certificate message, and the number of the datagram that it came in."""

    offset: int
    data: bytes
    datagram: int


class Intake:
    """Of one handshake. ``mismatch``: somebody has shown another certificate; ``request``: the first one for a cookie
    of different ``requests``.

    Records get numbers of our own: after a forged one with a high number OpenSSL would take all others for old.
    """

    def __init__(self, is_client: bool):
        self.mismatch = False
        self.request = b""
        self.requests: set[bytes] = set()
        self._is_client = is_client
        self._kinds: tuple[int, ...] = _KINDS[is_client]
        self._greeting = not is_client
        self._open = False
        self._complete = False
        self._may_change = False
        self._held: list[list[bytes]] = []
        self._number = 1

    def greeted(self) -> None:
        """The ClientHello of the peer is complete."""
        self._greeting = False

    def open(self) -> None:
        """The handshake is over, and nothing can end it any more."""
        self._open = True

    def complete(self) -> None:
        """OpenSSL has all that comes in clear."""
        self._complete = True

    def take(self, datagram: bytes, fingerprints: tuple[Fingerprint, ...]) -> list[bytes]:
        """What OpenSSL is to be given now, piece by piece until it is ``complete``."""
        fitting = [record for record in records(datagram) or [] if self._fits(record)]
        if not fitting:
            return []
        if self._open or self._greeting or not fingerprints:
            return [self._numbered(fitting)]
        if _kind(fitting[0]) == _HELLO_VERIFY:
            if is_hello_verify(fitting[0]):
                self.request = self.request or fitting[0]
                if len(self.requests) <= MAX_REQUESTS:
                    self.requests.add(fitting[0][HEADER:])
            return []
        if not any(_kind(record) >= 0 for record in fitting):
            return []       # too early, and sent again if it is the peer's
        self._held = self._held[1 - MAX_HELD:] + [fitting]
        return self.release(fingerprints)

    def release(self, fingerprints: tuple[Fingerprint, ...]) -> list[bytes]:
        """All that was held back, if the peer is among those who have sent it."""
        found = self._find(fingerprints) if fingerprints else set()
        if not found:
            return []
        held, self._held, self._open = self._held, [], True
        first = [datagram for number, datagram in enumerate(held) if number in found]
        rest = [datagram for number, datagram in enumerate(held) if number not in found]
        greetings = [datagram for datagram in rest if _SERVER_HELLO in map(_kind, datagram)]
        rest = [datagram for datagram in rest if datagram not in greetings]
        if not any(_SERVER_HELLO in map(_kind, datagram) for datagram in first):
            first = greetings[-1:] + first
        return [b"".join(map(self._numbered, first)), *map(self._numbered, rest)]

    def doubts(self) -> bool:
        """True if there were other requests than the peer can have had a reason to; then they are forgotten."""
        if len(self.requests) <= MAX_REQUESTS:
            return False
        self.request = b""
        self.requests.clear()
        return True

    def believe(self) -> bytes:
        """The peer wants a cookie indeed, it seems."""
        return self._numbered([self.request])

    def _fits(self, record: bytes) -> bool:
        if not is_clear(record) or record[0] == _CHANGE_OF_CIPHERS:
            return True
        if self._complete:
            return False
        wanted = (_CLIENT_HELLO,) if self._greeting else self._kinds
        return _kind(record) in wanted

    def _numbered(self, datagram: list[bytes]) -> bytes:
        made = b""
        for record in datagram:
            if is_clear(record):
                if record[0] == _CHANGE_OF_CIPHERS and not self._may_change:
                    continue
                self._may_change = self._may_change or _kind(record) == self._kinds[-1]
                record = renumbered(record, self._number)
                self._number += 1
            made += record
        return made

    def _find(self, fingerprints: tuple[Fingerprint, ...]) -> set[int]:
        """The datagrams that the peer's certificate came in."""
        messages: dict[bytes, list[_Piece]] = {}
        for number, datagram in enumerate(self._held):
            for record in datagram:
                if _kind(record) == _CERTIFICATE and len(record) >= _HEAD:
                    messages.setdefault(record[HEADER + 1:HEADER + 6], []).append(
                        _Piece(int.from_bytes(record[HEADER + 6:HEADER + 9], "big"), record[_HEAD:], number))
        for head, pieces in messages.items():
            for order in (pieces, pieces[::-1]):
                body, used = _joined(order, int.from_bytes(head[:3], "big"))
                if body and is_one_of(body[6:6 + int.from_bytes(body[3:6], "big")], fingerprints):
                    return used
                self.mismatch = self.mismatch or bool(body)
        return set()


def _kind(record: bytes) -> int:
    """Of the handshake message in clear that a record begins with; negative if it is none."""
    return record[HEADER] if record[0] == HANDSHAKE and is_clear(record) and len(record) > HEADER else -1


def _joined(pieces: list[_Piece], size: int) -> tuple[bytes, set[int]]:
    """A message of ``size`` bytes, empty if something is missing, and where it came from; of like pieces the last."""
    by_offset = {piece.offset: piece for piece in pieces if piece.data}
    body, used = b"", set()
    while len(body) < size:
        piece = by_offset.get(len(body))
        if piece is None:
            return b"", set()
        body += piece.data
        used.add(piece.datagram)
    return body, used
