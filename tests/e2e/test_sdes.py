# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted calls through the daemon with real packets: every suite, every pair of profiles, strangers."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from controlplane.srtp.crypto import UNENCRYPTED_SRTP, crypto_text
from controlplane.srtp.suites import SUITES, Suite
from tests.peers.daemon import Daemon
from tests.peers.ngclient import NgClient
from tests.peers.phones import LIBSRTP, Call, Phone, feedback, report

pytestmark = pytest.mark.e2e
BY_NAME = {suite.name: suite for suite in SUITES}
CM_80 = BY_NAME["AES_CM_128_HMAC_SHA1_80"]
PROFILES = ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF")
MakeCall = Callable[..., Call]
_seeds = itertools.count(1)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(options=["--log-level=7"]) as made:
        yield made


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[NgClient]:
    with daemon.client() as made:
        yield made


@contextmanager
def call(client: NgClient, one: str, other: str, suite: Suite = CM_80, other_suite: Suite = CM_80,
         mux: bool = False, flags: int = 0) -> Iterator[Call]:
    """A call between two profiles; a plain one needs no suite. ``flags``: session parameters of the caller."""
    a = Phone(one, suite if "S" in one[4:] else None, next(_seeds), mux)
    b = Phone(other, other_suite if "S" in other[4:] else None, next(_seeds), mux)
    a.own = a.own and a.own._replace(flags=flags)
    made = Call(client, a, b)
    try:
        yield made
    finally:
        made.end()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_suite_from_end_to_end_and_towards_plain(client: NgClient, suite: Suite) -> None:
    with call(client, "RTP/SAVP", "RTP/SAVP", suite, suite) as made:
        made.talk(50)
    with call(client, "RTP/SAVP", "RTP/AVP", suite) as made:
        made.talk(50)


@pytest.mark.parametrize("into", LIBSRTP)
@pytest.mark.parametrize("out_of", LIBSRTP)
def test_every_suite_into_every_other(client: NgClient, into: str, out_of: str) -> None:
    with call(client, "RTP/SAVP", "RTP/SAVP", BY_NAME[into], BY_NAME[out_of]) as made:
        made.talk(20)


@pytest.mark.parametrize("mux", [False, True])
@pytest.mark.parametrize("one, other", list(itertools.product(PROFILES, PROFILES)))
def test_every_pair_of_profiles(client: NgClient, one: str, other: str, mux: bool) -> None:
    with call(client, one, other, mux=mux) as made:
        made.talk()
        for sender, receiver in ((made.a, made.b), (made.b, made.a)):
            sender.send(feedback(sender.ssrc))
            stripped = sender.profile.endswith("F") and not receiver.profile.endswith("F")
            assert receiver.heard(True) == feedback(sender.ssrc)[:8 if stripped else None]


@pytest.mark.parametrize("mki", [b"", b"\1", bytes(31) + b"\2"])
@pytest.mark.parametrize("flags", range(8))
def test_session_parameters_and_key_identifiers(client: NgClient, flags: int, mki: bytes) -> None:
    for other in ("RTP/SAVP", "RTP/AVP"):
        a, b = Phone("RTP/SAVP", CM_80, next(_seeds)), Phone(other, CM_80 if "S" in other else None, next(_seeds))
        for phone in (a, b):
            phone.own = phone.own and phone.own._replace(mki=mki, flags=flags)
        made = Call(client, a, b)
        try:
            made.talk()
        finally:
            made.end()


def test_unencrypted_packets_are_authentic_all_the_same(client: NgClient) -> None:
    with call(client, "RTP/SAVP", "RTP/AVP", flags=UNENCRYPTED_SRTP) as made:
        packet = made.a.next_packet()
        assert made.a.send(packet)[:len(packet)] == packet and made.b.heard() == packet
        forged = made.a.seal(made.a.next_packet())
        made.a.rtp.sendto(forged[:20] + b"?" + forged[21:], ("127.0.0.1", made.a.to[0]))
        assert made.b.silence()


def test_one_key_on_both_legs_lets_packets_pass_as_they_are(client: NgClient) -> None:
    with call(client, "RTP/SAVP", "RTP/SAVP") as made:
        for n in range(100):
            plain = made.a.next_packet()
            assert made.a.send(plain) == made.b.arrived()


def test_what_is_not_authentic_goes_nowhere_and_teaches_nothing(client: NgClient) -> None:
    with call(client, "RTP/SAVP", "RTP/AVP") as made:
        stranger = Phone("RTP/SAVP", CM_80, next(_seeds))
        stranger.to = made.a.to
        for n in range(20):
            stranger.speak()
            stranger.rtp.sendto(made.a.next_packet(), ("127.0.0.1", made.a.to[0]))
            stranger.rtcp.sendto(report(1), ("127.0.0.1", made.a.to[1]))
        assert made.b.silence()
        made.b.speak()
        assert made.a.heard() and stranger.silence()
        assert made.streams("a")[0]["endpoint"]["port"] == made.a.port
        errors = sum(stream["stats"]["errors"] for stream in made.streams("a"))
        assert errors == 60 and sum(stream["stats"]["packets"] for stream in made.streams("a")) == 0
        made.talk()
        stranger.speak()
        assert made.b.silence()
        stranger.close()


def test_replayed_packets_are_dropped(client: NgClient) -> None:
    with call(client, "RTP/SAVP", "RTP/SAVP", other_suite=BY_NAME["AEAD_AES_128_GCM"]) as made:
        protected = [made.a.send(made.a.next_packet()) for _ in range(5)]
        for _ in protected:
            made.b.heard()
        for each in protected:
            made.a.rtp.sendto(each, ("127.0.0.1", made.a.to[0]))
        assert made.b.silence()


def test_new_keys_in_the_middle_of_a_call(client: NgClient) -> None:
    with call(client, "RTP/SAVP", "RTP/SAVP") as made:
        made.talk()
        for suite in (CM_80, BY_NAME["AEAD_AES_256_GCM"], CM_80):
            made.a.renew(suite, next(_seeds))
            made.b.renew(suite, next(_seeds))
            made.negotiate()
            made.talk()


@pytest.mark.parametrize("mux", [False, True])
@pytest.mark.parametrize("one, other", [("RTP/SAVP", "RTP/SAVP"), ("RTP/SAVPF", "RTP/SAVP"), ("RTP/SAVP", "RTP/AVP"),
                                        ("RTP/AVP", "RTP/SAVP")])
def test_phones_that_move_behind_a_roll_over(client: NgClient, one: str, other: str, mux: bool) -> None:
    with call(client, one, other, mux=mux) as made:
        made.talk(70)
        for phone in (made.a, made.b, made.a):
            phone.close()
            phone.bind()
            made.negotiate()
            made.talk(10)


def test_no_key_is_in_the_log_or_shown_to_anybody(client: NgClient, daemon: Daemon) -> None:
    with call(client, "RTP/SAVP", "RTP/SAVP", other_suite=BY_NAME["AEAD_AES_128_GCM"]) as made:
        made.talk()
        assert [stream["crypto suite"] for stream in made.streams("a")] == [CM_80.name] * 2
        assert [stream["crypto suite"] for stream in made.streams("b")] == ["AEAD_AES_128_GCM"] * 2
        told = daemon.log_text() + repr(client.call("query", call_id=made.call_id))
        told += daemon.cli(f"list sessions {made.call_id}")
        assert "answer" in told
        assert f"-------- SRTP with {CM_80.name}\n" in told and "-------- SRTP with AEAD_AES_128_GCM\n" in told
        for key in (made.a.own, made.b.own):
            assert key is not None and crypto_text(key).partition("inline:")[2][:20] not in told
            assert key.key.hex() not in told
        assert "inline:" not in told
