# SPDX-License-Identifier: GPL-3.0-or-later
"""What is handed up of ICE and DTLS amid a flood: what proves itself, and behind a proof the rest."""
from __future__ import annotations

import itertools
import os
import time

import pytest

from controlplane.addresses import Endpoint
from controlplane.dtls.fingerprint import fingerprint_of
from controlplane.dtls.identity import Identity, IdentityOptions
from controlplane.dtls.records import hello_verify
from controlplane.events import Expected, WantedTarget
from controlplane.ice import stun
from controlplane.ice.stun import Kind, Type
from tests.attack.forged import client_hello, record
from tests.peers.dtls import DtlsPeer
from tests.unit.dataplane.rig import Peer, Rig, wait

PASSWORDS = ("p" * 22, "long " * 30, "\u00fc" * 20)
IDENTITY = Identity.make(IdentityOptions(), time.time())
FLOOD = 1000


@pytest.fixture
def rig():
    with Rig(1) as made:
        yield made


def certificate(der: bytes, pieces: int = 1, message: int = 1, shown: int = 0) -> bytes:
    """In so many records of one datagram."""
    body = (len(der) + 3).to_bytes(3, "big") + len(der).to_bytes(3, "big") + der
    step = -(-len(body) // pieces)
    return b"".join([record(22, b"\x0b" + len(body).to_bytes(3, "big") + message.to_bytes(2, "big")
                            + at.to_bytes(3, "big") + len(body[at:at + step]).to_bytes(3, "big") + body[at:at + step],
                            sequence=at) for at in range(shown, len(body), step)])


def check(password: str) -> bytes:
    return stun.build(Kind.REQUEST, os.urandom(12), [stun.text(Type.USERNAME, "ours:theirs")], password)


def hello(cookie: bytes, session: bytes = b"") -> bytes:
    return client_hello(body=b"\xfe\xfd" + os.urandom(32) + bytes((len(session),)) + session + bytes((len(cookie),))
                        + cookie + b"\0\2\xc0\x2b\1\0")


def expecting(rig: Rig, family: int = 4) -> tuple[Endpoint, Peer]:
    near, peer = rig.local(family), rig.peer(family)
    rig.install(WantedTarget(near, stun=True, dtls=True))
    rig.relay.expect(near, Expected(PASSWORDS, IDENTITY.secret, tuple(
        fingerprint_of(IDENTITY.certificate, name).digest for name in ("sha-1", "sha-512"))))
    return near, peer


def amid_a_flood(rig: Rig, near: Endpoint, peer: Peer, forged: list[bytes], wanted: list[bytes]) -> list[bytes]:
    """What is handed up, which may be now and then one that proves nothing."""
    found: list[bytes] = []
    sent = 0
    for data in [*itertools.islice(itertools.cycle(forged), FLOOD), *[
            each for one in wanted for each in (*forged, *forged, one)]]:
        peer.send(data, near)
        sent += 1
        assert sent % 100 or wait(lambda: rig.state(near).passed >= sent)
    assert wait(lambda: rig.state(near).passed >= sent)
    while packets := rig.relay.packets():
        found += [packet.data for packet in packets]
    assert len(found) < sent // 3
    return found


FORGED = [check("x" * 22), client_hello(0xC02B), certificate(os.urandom(400)), record(21, b"\2\50"),
          hello(os.urandom(16)), hello_verify(b"x" * 16), record(22, os.urandom(60), 1)]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_check_with_the_password(rig, password):
    near, peer = expecting(rig)
    good = check(password)
    changed = good[:25] + bytes((good[25] ^ 1,)) + good[26:]
    found = amid_a_flood(rig, near, peer, FORGED, [good, *[changed] * 9])
    assert found.count(good) == 1 and found.count(changed) < 5


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("session", [b"", bytes(32)])
def test_a_hello_with_our_cookie(rig, family, session):
    near, peer = expecting(rig, family)
    good = hello(IDENTITY.cookie(peer.endpoint), session)
    others = hello(IDENTITY.cookie(peer.endpoint._replace(port=peer.endpoint.port ^ 1)), session)
    found = amid_a_flood(rig, near, peer, FORGED, [*[others] * 9, good])
    assert found.count(good) == 1 and found.count(others) < 5


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_a_certificate_with_the_fingerprint(rig, pieces):
    near, peer = expecting(rig)
    good = certificate(IDENTITY.certificate, pieces)
    other = certificate(IDENTITY.certificate[:-1] + b"x", pieces)
    found = amid_a_flood(rig, near, peer, FORGED, [*[other] * 9, good])
    assert found.count(good) == 1 and found.count(other) < 5


def test_what_follows_a_certificate(rig):
    """It proves nothing, and comes from the same network soon."""
    near, peer = expecting(rig)
    rest = [record(22, os.urandom(40), 1, number) for number in range(10)]
    assert sum(each in rest for each in amid_a_flood(rig, near, peer, FORGED, rest)) < 5
    near, peer = expecting(rig)
    good = certificate(IDENTITY.certificate)
    assert {good, *rest} <= set(amid_a_flood(rig, near, peer, FORGED, [good, *rest]))


def test_without_a_flood_everything_is_handed_up(rig):
    near, peer = expecting(rig)
    whole = [check("x" * 22), *DtlsPeer(active=True).receive(), record(23, b"data", 1), hello_verify(b"")]
    for data in (b"\x16\xfe\xfd" + bytes(9) + b"\x01", b"\x16\x03\x01" + bytes(20), *whole):
        peer.send(data, near)
    found: list[bytes] = []
    assert wait(lambda: bool(found.extend(p.data for p in rig.relay.packets()) or len(found) >= len(whole)))
    assert found == whole, "but what is no DTLS"


def test_a_socket_that_is_gone_expects_nothing(rig):
    near, _ = expecting(rig)
    rig.relay.close(near)
    rig.relay.expect(near, Expected((), b"", ()))
