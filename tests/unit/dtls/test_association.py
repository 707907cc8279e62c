# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest
from OpenSSL import SSL

from controlplane.addresses import Endpoint
from controlplane.dtls.association import COOKIE_DELAY, MAX_HANDSHAKES, PATIENCE, Association, Phase, Role
from controlplane.dtls.records import client_random
from controlplane.errors import ConfigError
from tests.unit.dtls.net import FOREIGN, OURS, THEIRS, fingerprints, identity, pair

ONE, OTHER, THIRD = identity(), identity(), identity()


def established(one: Association, other: Association) -> None:
    assert one.phase is other.phase is Phase.ESTABLISHED, (one.reason, other.reason)
    assert one.keys and other.keys
    assert (one.keys.received, one.keys.sent) == (other.keys.sent, other.keys.received)
    assert one.keys.received != one.keys.sent


def test_both_ends_get_the_same_keys() -> None:
    network, server, client = pair(ONE, OTHER)
    network.run()
    established(server, client)
    assert (server.peer, client.peer) == (THEIRS, OURS)
    assert server.keys and server.keys.suite.name == "AEAD_AES_256_GCM"
    assert max(len(packet.data) for packet in network.sent) <= 1152


@pytest.mark.parametrize("options", [{"cipher": "RSA"}, {"cipher": "rsa", "signature": "sha-1", "rsa_bits": 4096},
                                     {"mtu": 576}])
def test_certificates_of_every_kind(options: dict) -> None:
    network, server, client = pair(identity(**options), identity(**options))
    network.run()
    established(server, client)
    assert max(len(packet.data) for packet in network.sent) <= options.get("mtu", 1200) - 48


@pytest.mark.parametrize("options, named", [({"cipher": "ed25519"}, "dtls-cert-cipher"),
                                            ({"signature": "md5"}, "dtls-signature"),
                                            ({"cipher": "RSA", "rsa_bits": 100}, "dtls-rsa-key-size"),
                                            ({"ciphers": "NONSENSE"}, "dtls-ciphers")])
def test_options_that_cannot_be(options: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        identity(**options)


def test_certificates_are_renewed_at_half_their_life() -> None:
    assert ONE.is_fresh(time.time() + 14 * 86400)
    assert not ONE.is_fresh(time.time() + 16 * 86400)


@pytest.mark.parametrize("lost", range(6))
def test_a_lost_packet_is_sent_again(lost: int) -> None:
    count = iter(range(1000))
    network, server, client = pair(ONE, OTHER, passes=lambda packet: next(count) != lost)
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_certificate_that_was_not_announced() -> None:
    network, server, client = pair(ONE, OTHER)
    server.set_fingerprints(fingerprints(THIRD), time.time())
    network.run()
    assert server.keys is None and server.phase is Phase.HANDSHAKING
    assert "fingerprint" in server.reason
    server.on_time(time.time() + PATIENCE + 1)
    assert server.phase is Phase.FAILED and "fingerprint" in server.reason


@pytest.mark.parametrize("name", ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"])
def test_one_fingerprint_of_several_is_enough(name: str) -> None:
    network, server, client = pair(ONE, OTHER)
    server.set_fingerprints(fingerprints(THIRD) + fingerprints(OTHER, name=name), time.time())
    network.run()
    established(server, client)


def test_fingerprint_that_comes_later() -> None:
    network, server, client = pair(ONE, OTHER)
    server.set_fingerprints((), time.time())
    network.run()
    assert server.phase is Phase.UNVERIFIED and server.keys is None
    server.set_fingerprints(fingerprints(OTHER), time.time())
    established(server, client)


def test_another_fingerprint_that_comes_later() -> None:
    network, server, client = pair(ONE, OTHER)
    server.set_fingerprints((), time.time())
    network.run()
    assert server.phase is Phase.UNVERIFIED
    server.set_fingerprints(fingerprints(THIRD), time.time())
    assert server.keys is None and "fingerprint" in server.reason


def test_hello_before_we_know_who_begins() -> None:
    network, server, client = pair(ONE, OTHER)
    early = Association(ONE)
    early.set_path(OURS, THEIRS, time.time())
    network.members[OURS] = early
    network.run()
    assert early.phase is Phase.WAITING
    early.set_fingerprints(fingerprints(OTHER), time.time())
    early.set_role(Role.PASSIVE, time.time())
    network.run()
    established(early, client)


def test_the_active_side_waits_for_an_address() -> None:
    client = Association(OTHER)
    client.set_role(Role.ACTIVE, time.time())
    assert not client.take_datagrams() and client.phase is Phase.WAITING
    client.set_path(THEIRS, OURS, time.time())
    assert client_random(client.take_datagrams()[0].data)


def test_foreign_hello_changes_nothing() -> None:
    network, server, client = pair(ONE, OTHER)
    foreign = Association(THIRD)
    foreign.set_fingerprints(fingerprints(ONE), time.time())
    foreign.set_path(FOREIGN, OURS, time.time())
    foreign.set_role(Role.ACTIVE, time.time())
    network.members[FOREIGN] = foreign
    network.members.pop(THEIRS)
    network.run()
    assert server.keys is None and server.peer is None
    network.members[THEIRS] = client
    network.run(20.0, until=lambda: bool(server.keys))
    established(server, client)
    keys = server.keys
    network.members.pop(THEIRS)
    foreign.set_path(FOREIGN, THEIRS, time.time())
    foreign.set_path(FOREIGN, OURS, time.time())
    network.run(1.5)
    assert server.keys is keys and server.peer == THEIRS and server.phase is Phase.ESTABLISHED


def test_hellos_of_many_end_no_handshake_of_the_expected_one() -> None:
    network, server, client = pair(ONE, OTHER)
    hello = flights(server, client)
    for port in range(1000):
        server.receive(altered(hello, port, FOREIGN._replace(port=port + 1)), FOREIGN._replace(port=port + 1),
                       time.time())
        assert len(server._handshakes) <= MAX_HANDSHAKES
    assert len(server._handshakes) == MAX_HANDSHAKES
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def altered(hello: bytes, number: int, source: Endpoint = THEIRS) -> bytes:
    """Another ClientHello with a cookie, from somebody who has got one at this place."""
    cookie = hello.index(ONE.cookie(THEIRS))
    return (hello[:27] + number.to_bytes(32, "big") + hello[59:cookie] + ONE.cookie(source)
            + hello[cookie + len(ONE.cookie(THEIRS)):])


def test_who_has_no_cookie_gets_one_and_nothing_else() -> None:
    """T10: less is sent than came, nothing is kept, and OpenSSL is not even asked."""
    network, server, client = pair(ONE, OTHER)
    hello = client.take_datagrams()[0].data
    for port in range(1, 1000):
        server.receive(hello, FOREIGN._replace(port=port), time.time())
        (answer,) = server.take_datagrams()
        assert answer.destination == FOREIGN._replace(port=port) and len(answer.data) < 59 < len(hello)
        assert not server._handshakes and server.phase is Phase.HANDSHAKING


@pytest.mark.parametrize("cookie", [bytes(16), ONE.cookie(FOREIGN), OTHER.cookie(THEIRS)],
                         ids=["zeros", "of another address", "of another daemon"])
def test_a_cookie_that_is_not_ours_counts_as_none(cookie: bytes) -> None:
    network, server, client = pair(ONE, OTHER)
    hello = cookie_hello(server, client)
    server.receive(hello.replace(ONE.cookie(THEIRS), cookie), THEIRS, time.time())
    assert not server._handshakes and len(server.take_datagrams()) == 1


@pytest.mark.parametrize("size", [13, 25, 59, 60, 61, 65, 100])
def test_a_hello_that_is_cut_off_is_none(size: int) -> None:
    network, server, client = pair(ONE, OTHER)
    hello = cookie_hello(server, client)
    for length in (size, len(hello)):
        body = hello[13:length]
        server.receive(hello[:11] + len(body).to_bytes(2, "big") + body[:size - 13], THEIRS, time.time())
    assert sum(len(packet.data) for packet in server.take_datagrams()) <= 44 and not server.keys
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_hello_in_fragments() -> None:
    network, server, client = pair(ONE, OTHER)
    hello = cookie_hello(server, client)
    body, message = hello[25:], hello[13:19]
    for number, (at, end) in enumerate(((0, 100), (100, 150), (150, len(body))), 1):
        fragment = message + at.to_bytes(3, "big") + (end - at).to_bytes(3, "big") + body[at:end]
        head = hello[:10] + bytes((number,)) + len(fragment).to_bytes(2, "big")
        server.receive(head + fragment, THEIRS, time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_hello_under_the_peers_address_gets_it_no_other_cookie() -> None:
    """CVE-2023-51275: the peer may take the answer for one to its own ClientHello, and is right."""
    network, server, client = pair(ONE, OTHER)
    hello = client.take_datagrams()[0].data
    for number in range(50):
        server.receive(hello[:27] + number.to_bytes(32, "big") + hello[59:], THEIRS, time.time())
    answers = server.take_datagrams()
    assert len({packet.data for packet in answers}) == 1
    client.receive(answers[0].data, OURS, time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_where_ice_has_checked_the_path_there_are_no_cookies() -> None:
    network, server, client = pair(ONE, OTHER)
    server.set_path(OURS, THEIRS, time.time(), checked=True)
    network.run()
    established(server, client)
    assert len(network.sent) == 4


def test_hello_under_the_peers_address_ends_no_handshake_that_runs() -> None:
    network, server, client = pair(ONE, OTHER)
    hello = flights(server, client)
    for number in range(MAX_HANDSHAKES - 1):
        server.receive(altered(hello, number), THEIRS, time.time())
    server.take_datagrams()     # the host that they claim to come from does not wait for those
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)


def test_a_hello_that_was_answered_is_answered_again() -> None:
    network, server, client = pair(ONE, OTHER)
    hello = cookie_hello(server, client)
    server.receive(hello, THEIRS, time.time())
    flight = server.take_datagrams()
    server.receive(hello, THEIRS, time.time())
    assert flight and server.take_datagrams() == flight
    network.members.pop(THEIRS)
    network.run(20.0, until=lambda: bool(network.sent))
    assert [packet.destination for packet in network.sent] == [THEIRS], "who has shown a cookie is waited for"


def test_no_alert_is_sent_in_clear() -> None:
    network, server, client = pair(ONE, OTHER)
    hello = flights(server, client)
    server.receive(hello[:13] + b"\x10" + hello[14:], THEIRS, time.time())
    assert not server.take_datagrams()


def test_hellos_of_many_end_no_handshake_of_a_peer_behind_a_nat() -> None:
    network, server, client = pair(ONE, OTHER)
    server.set_path(OURS, FOREIGN._replace(port=9), time.time())
    hello = flights(server, client)
    for port in range(100, 99 + MAX_HANDSHAKES):
        server.receive(altered(hello, port, FOREIGN._replace(port=port)), FOREIGN._replace(port=port), time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)
    assert server.peer == THEIRS


def test_a_peer_that_moves_goes_on_where_it_was() -> None:
    network, server, client = pair(ONE, OTHER)
    network.run()
    keys = client.keys
    moved = OURS._replace(port=4444)
    client.set_path(THEIRS, moved, time.time())
    assert not client.take_datagrams() and client.keys is keys and client.peer == moved


def test_second_handshake_replaces_the_keys_when_it_has_succeeded() -> None:
    network, server, client = pair(ONE, OTHER)
    network.run()
    first = server.keys
    again = Association(OTHER)
    again.set_fingerprints(fingerprints(ONE), time.time())
    again.set_path(THEIRS, OURS, time.time())
    again.set_role(Role.ACTIVE, time.time())
    network.members[THEIRS] = again
    network.passes = lambda packet: packet.destination == OURS
    network.run()
    assert server.keys is first
    network.passes = lambda packet: True
    network.run(20.0, until=lambda: server.keys is not first)
    established(server, again)


def test_hello_that_comes_again_is_none() -> None:
    network, server, client = pair(ONE, OTHER)
    network.run()
    hello = next(packet.data for packet in network.sent if client_random(packet.data))
    server.receive(hello, THEIRS, time.time())
    assert not server._handshakes and server.phase is Phase.ESTABLISHED


def cookie_hello(server: Association, client: Association) -> bytes:
    """The ClientHello with the cookie that the first one has got, not yet received."""
    server.receive(client.take_datagrams()[0].data, THEIRS, time.time())
    (request,) = server.take_datagrams()
    client.receive(request.data, OURS, time.time())
    client.on_time(time.time() + COOKIE_DELAY)
    return client.take_datagrams()[-1].data


def flights(server: Association, client: Association) -> bytes:
    """The ClientHello that counts and its answer; the former."""
    hello = cookie_hello(server, client)
    server.receive(hello, THEIRS, time.time())
    for packet in server.take_datagrams():
        client.receive(packet.data, OURS, time.time())
    return hello


@pytest.mark.parametrize("amid", [False, True])
def test_alerts_in_clear_end_nothing(amid: bool) -> None:
    network, server, client = pair(ONE, OTHER)
    alert = bytes.fromhex("15fefd0000000000000009000202") + bytes([40])
    if amid:
        flights(server, client)
        server.receive(alert, THEIRS, time.time())
        assert "alert 40" in server.reason
    client.receive(alert, OURS, time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)
    for member, source in ((server, THEIRS), (client, OURS), (server, FOREIGN)):
        member.receive(alert, source, time.time())
    established(server, client)


def test_goodbye_of_the_peer() -> None:
    network, server, client = pair(ONE, OTHER)
    network.run()
    handshake = client._current
    assert handshake
    handshake._connection.shutdown()
    for data in handshake.take():
        server.receive(data, THEIRS, time.time())
    assert server.phase is Phase.CLOSED and server.keys


def test_peer_without_srtp() -> None:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
    server = Association(ONE)
    server.set_path(OURS, THEIRS, time.time())
    server.set_role(Role.PASSIVE, time.time())
    server.set_fingerprints(fingerprints(OTHER), time.time())
    peer = SSL.Connection(context, None)
    peer.set_connect_state()
    for _ in range(6):
        try:
            peer.do_handshake()
        except SSL.Error:
            pass
        server.receive(peer.bio_read(65536), THEIRS, time.time())
        for packet in server.take_datagrams():
            peer.bio_write(packet.data)
        if server.reason:
            break
    assert server.reason and server.keys is None


@pytest.mark.parametrize("data", [b"", b"\x16", b"\x16\xfe\xfd" + bytes(10), b"\x14" * 100,
                                  b"\x16\xfe\xff" + b"\xff" * 50, bytes(2000)])
def test_nonsense_is_as_if_it_had_not_come(data: bytes) -> None:
    network, server, client = pair(ONE, OTHER)
    for member, source in ((server, THEIRS), (client, OURS)):
        member.receive(data, source, time.time())
    network.run(20.0, until=lambda: bool(server.keys and client.keys))
    established(server, client)
    for member, source in ((server, THEIRS), (client, OURS)):
        member.receive(data, source, time.time())
    established(server, client)


def test_nobody_there() -> None:
    client = Association(OTHER)
    client.set_path(THEIRS, OURS, 1000.0)
    client.set_role(Role.ACTIVE, 1000.0)
    assert 1000.0 < client.next_at <= 1001.0
    client.on_time(1000.0 + PATIENCE)
    assert client.phase is Phase.FAILED and "no handshake" in client.reason
    assert client.next_at == float("inf")


def test_keys_are_not_shown() -> None:
    network, server, client = pair(ONE, OTHER)
    network.run()
    assert server.keys
    for secret in (server.keys.sent.key, server.keys.received.salt):
        assert repr(secret) not in repr(server.keys) and secret.hex() not in repr(server.keys)
