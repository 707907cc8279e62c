# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that are not what they seem, made by somebody who knows a call's ports, and perhaps what was on the wire."""
from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator

from controlplane.ice import stun
from controlplane.ice.stun import Kind, Type
from tests.attack.ground import PACKETS
from tests.attack.parties import Secured, WebParty
from tests.attack.secure import SecureScene
from tests.engines.table.malformed import PACKETS as MALFORMED
from tests.peers import rtcp
from tests.peers.dtls import DtlsPeer
from tests.peers.rtp import Endpoint, Packet

Forger = Callable[[SecureScene, Endpoint], Iterator[bytes]]
"""What is sent to our port that faces this party, under its name or not."""
LYING = {
    "4 octets": struct.pack("!BBH", 0x80, 200, 0),
    "8 octets": struct.pack("!BBHI", 0x80, 201, 1, 7),
    "long beyond its end": struct.pack("!BBHI", 0x80, 200, 65535, 7),
    "blocks beyond its end": struct.pack("!BBHI", 0x9F, 201, 1, 7),
    "BYE of 31": struct.pack("!BBH", 0x9F, 203, 0),
}


def media_in_clear(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """As another stream, and as the party's next packets (T1, T2)."""
    for number in range(PACKETS):
        packet = scene.mallory.next_packet(b"mallory " * 20)
        yield packet.pack()
        yield Packet(end.payload_type, end.sequence + number, end.timestamp + 160 * number, end.ssrc,
                     packet.payload).pack()


def _captured(end: Endpoint, is_rtcp: bool) -> list[bytes]:
    return _sent(end, is_rtcp)[-PACKETS:]


def _sent(end: Endpoint, is_rtcp: bool) -> list[bytes]:
    assert isinstance(end, Secured)
    return [wire for wire in end.wire if (194 <= wire[1] <= 223) == is_rtcp]


def media_once_more(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """What the party has sent, as it was (T13): at first, before anything had taken the call over, and at last."""
    yield from _sent(end, False)[:PACKETS]
    yield from _captured(end, False)


def media_with_changes(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """A bit of the payload, of the tag, of the time; another number; less of the tag, and less still (T12, T15)."""
    for wire in _captured(end, False):
        for at in (20, len(wire) - 1, 5):
            yield wire[:at] + bytes((wire[at] ^ 1,)) + wire[at + 1:]
        ahead = int.from_bytes(wire[2:4], "big") + PACKETS & 0xFFFF
        yield wire[:2] + ahead.to_bytes(2, "big") + wire[4:]
        yield from (wire[:size] for size in (len(wire) - 1, len(wire) - 4, len(wire) - 10, 22, 12, 11))


def reports_in_clear(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """Also a goodbye (T6)."""
    for _ in range(PACKETS):
        yield rtcp.Report(end.ssrc, (), rtcp.ntp(1000.0), 7, 8, 9).pack()
        yield struct.pack("!BBHI", 0x81, 203, 1, end.ssrc)
        yield struct.pack("!BBHII", 0x81, 206, 2, end.ssrc, 0)


def reports_with_changes(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """As they were, with the bit that says that they are encrypted cleared, cut, with another index (T13, T15)."""
    for wire in _captured(end, True):
        yield wire
        at = len(wire) - 14
        yield wire[:at] + bytes((wire[at] & 0x7F,)) + wire[at + 1:]
        yield wire[:at + 3] + bytes((wire[at + 3] + 1,)) + wire[at + 4:]
        yield from (wire[:size] for size in (len(wire) - 1, 22, 12, 8, 4))


def reports_that_lie(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """CVE-2017-14099: short ones that ended a check."""
    for _ in range(PACKETS):
        yield from LYING.values()


def malformed(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """T16."""
    yield from MALFORMED


# --- DTLS (T9) ---

def record(kind: int, body: bytes, epoch: int = 0, sequence: int = 0) -> bytes:
    return struct.pack("!BHHHIH", kind, 0xFEFD, epoch, sequence >> 32, sequence & 0xFFFFFFFF, len(body)) + body


def client_hello(*ciphers: int, body: bytes = b"") -> bytes:
    """One that offers only these ciphers."""
    offered = struct.pack(f"!H{len(ciphers)}H", 2 * len(ciphers), *ciphers)
    body = body or b"\xfe\xfd" + os.urandom(32) + b"\0\0" + offered + b"\1\0"
    return record(22, b"\1" + len(body).to_bytes(3, "big") + bytes(5) + len(body).to_bytes(3, "big") + body)


def fragments(hello: bytes) -> Iterator[bytes]:
    """The same in pieces of twenty bytes."""
    body = hello[25:]
    for at in range(0, len(body), 20):
        piece = body[at:at + 20]
        yield record(22, b"\1" + len(body).to_bytes(3, "big") + bytes(2) + at.to_bytes(3, "big")
                     + len(piece).to_bytes(3, "big") + piece, sequence=at)


NULL_CIPHERS = 0x0000, 0x0001, 0x0002, 0x003B, 0xC006, 0xC010


def foreign_hellos(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """CVE-2023-51275: of another client, without encryption, in pieces, cut off."""
    for _ in range(PACKETS):
        hello = DtlsPeer(active=True).receive()[0]
        yield hello
        yield client_hello(*NULL_CIPHERS)
        yield from fragments(hello)
        yield from (hello[:size] for size in (13, 25, 60, len(hello) - 1))
        yield client_hello(body=hello[25:60] + b"\xff" * 40)


def handshake_messages(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """Of every kind, with every number that could be the next: noise, and beginnings of more."""
    for number in range(6):
        for message in (0, 2, 3, 4, 11, 12, 13, 14, 15, 16, 20):
            body = os.urandom(40)
            for size, place in ((40, 0), (4000, 0), (80, 40)):
                yield record(22, bytes((message,)) + size.to_bytes(3, "big") + number.to_bytes(2, "big")
                             + place.to_bytes(3, "big") + b"\0\0\x28" + body, sequence=number)


def alerts_and_others(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """Goodbyes and failures in clear and as if encrypted, change of ciphers, data, noise."""
    for _ in range(PACKETS):
        for epoch in (0, 1):
            for level, what in ((1, 0), (2, 40), (2, 80), (2, 0)):
                yield record(21, bytes((level, what)), epoch, 1 << 40)
            yield record(20, b"\1", epoch)
            yield record(23, os.urandom(40), epoch, 9)
        yield record(22, os.urandom(60), 1, 9)
        yield record(22, os.urandom(40), 0, 7)
        yield b"\x16\xfe\xff" + b"\xff" * 50
        yield bytes((20 + _ % 44,)) + os.urandom(50)


# --- STUN (T5) ---

def _request(username: str, password: str | None, *more: tuple[int, bytes]) -> bytes:
    attributes = [stun.text(Type.USERNAME, username), stun.role(Type.ICE_CONTROLLING, (1 << 64) - 1),
                  stun.priority(1 << 31), (Type.USE_CANDIDATE, b""), *more]
    return stun.build(Kind.REQUEST, os.urandom(12), attributes, password)


def checks_without_password(scene: SecureScene, end: Endpoint) -> Iterator[bytes]:
    """Requests that nominate, with the right names and without the password; responses that nobody asked for."""
    name = "ours:theirs"
    if isinstance(end, WebParty) and end.agent and end.agent.remote:
        name = f"{end.agent.remote.ufrag}:{end.agent.local.ufrag}"
    for _ in range(PACKETS):
        yield _request(name, None)
        yield _request(name, "x" * 22)
        yield _request("", "")
        right = _request(name, "x" * 22)
        yield right[:-1] + bytes((right[-1] ^ 1,))
        yield right[:40]
        for kind in (Kind.SUCCESS, Kind.ERROR, Kind.INDICATION):
            for more in ([], [stun.error_code(487)], [(Type.ERROR_CODE, b"")], [(Type.ERROR_CODE, bytes(3))]):
                yield stun.build(kind, os.urandom(12), more, None)


MEDIA: tuple[Forger, ...] = (media_in_clear, media_once_more, media_with_changes)
REPORTS: tuple[Forger, ...] = (reports_in_clear, reports_with_changes, reports_that_lie)
HANDSHAKE: tuple[Forger, ...] = (foreign_hellos, handshake_messages, alerts_and_others)
SIGNALLING: tuple[Forger, ...] = (*HANDSHAKE, checks_without_password)
