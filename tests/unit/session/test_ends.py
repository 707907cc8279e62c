# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of a call stays when it ends, and none of it waits for the garbage collector."""
from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from OpenSSL import SSL

from controlplane.events import ChangeSet
from tests.peers.dtls import DtlsPeer
from tests.unit.session.calls import Daemon, ep, sdp
from tests.unit.session.ice_peers import IceNetwork, IceParty
from tests.unit.session.test_bundles import AV, BOB
from tests.unit.session.test_bundles import body as two_media
from tests.unit.session.test_dtls import A, B, MUX, SAVP, TLS, callee, caller, converse, state
from tests.unit.session.test_keys import line


@pytest.fixture(autouse=True)
def nobody_collects() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _there() -> Counter[str]:
    """The objects of our types, and OpenSSL's connections."""
    return Counter({kind.__qualname__: count for kind, count in Counter(map(type, gc.get_objects())).items()
                    if str(kind.__module__).startswith("controlplane.") or kind is SSL.Connection})


def _plain(daemon: Daemon) -> None:
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    daemon.packet(daemon.local("A"), A)
    daemon.offer(sdp("192.0.2.10", 41000, "a=sendonly"), to_tag="B")
    daemon.answer(sdp("198.51.100.20", 42000, "a=recvonly"))
    daemon.pass_time(10)


def _offered(daemon: Daemon) -> None:
    daemon.offer(sdp())


def _sdes(daemon: Daemon) -> None:
    daemon.offer(sdp("192.0.2.10", 41000, line(1), protocol=SAVP))
    daemon.answer(sdp("198.51.100.20", 42000, line(2), protocol=SAVP))
    assert daemon.targets[daemon.local("A")].decrypt


def _ice_that_begins(daemon: Daemon) -> None:
    one, other = _ice_parties()
    daemon.offer(one.sdp())
    daemon.answer(other.sdp())


def _ice(daemon: Daemon) -> None:
    one, other = _ice_parties()
    other.hear(daemon.offer(one.sdp()), daemon.now)
    one.hear(daemon.answer(other.sdp()), daemon.now)
    IceNetwork(daemon, one, other).run(20)
    assert daemon.targets[daemon.local("A")].offload


def _ice_parties() -> tuple[IceParty, IceParty]:
    return (IceParty(A, seed=1, controlling=True),
            IceParty(B, seed=2, controlling=False))


def _dtls_that_begins(daemon: Daemon) -> None:
    daemon.offer(caller(DtlsPeer(active=False), "passive"), transport_protocol="RTP/AVP")
    daemon.answer(callee())
    assert any(packet.data[:1] == b"\x16" for packet in daemon.last.datagrams)


def _dtls_that_is_declined(daemon: Daemon) -> None:
    daemon.offer(callee(), transport_protocol=SAVP)
    daemon.answer(sdp("198.51.100.20", 42000, line(2), protocol=SAVP))


def _dtls(daemon: Daemon) -> None:
    peer = DtlsPeer(active=True)
    daemon.offer(caller(peer, "active", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    converse(daemon, peer, daemon.local("A"), begin=peer.receive())
    assert state(daemon, "A").is_verified(1)


def _strangers(daemon: Daemon) -> None:
    """Handshakes that never get anywhere."""
    daemon.offer(caller(DtlsPeer(active=True), "active", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    for number in range(5):
        peer = DtlsPeer(active=True)
        converse(daemon, peer, daemon.local("A"), f"203.0.113.66:{6000 + number}", peer.receive())


def _webrtc(daemon: Daemon) -> None:
    ice, peer = _ice_parties()[0], DtlsPeer(active=True)
    daemon.offer(sdp("192.0.2.10", 41000, *ice.lines, *peer.lines("active"), protocol=TLS),
                 transport_protocol="RTP/AVP", ice="remove")
    ice.hear(daemon.answer(callee()), daemon.now)
    IceNetwork(daemon, ice).run(2.0)
    converse(daemon, peer, daemon.local("A"), begin=peer.receive())
    assert state(daemon, "A").is_verified(1)


def _bundled(daemon: Daemon) -> None:
    daemon.offer(two_media((41000, 41000), "a v", AV, 3), bundle="accept")
    daemon.answer(BOB)


def _subscribed(daemon: Daemon) -> None:
    _plain(daemon)
    daemon.send("subscribe request", from_tag="A", to_tag="S")
    daemon.send("subscribe answer", to_tag="S", sdp=sdp("198.51.100.30", 43000, "a=recvonly"))


def _forked(daemon: Daemon) -> None:
    """Two phones rang, and one was declined before the end."""
    for branch in ("b1", "b2"):
        daemon.offer(sdp(), via_branch=branch)
        daemon.answer(sdp("198.51.100.20", 42000), to_tag=branch, via_branch=branch)
    daemon.send("delete", from_tag="A", to_tag="b1", flags="to-tag", delete_delay=0)


def _joined(daemon: Daemon) -> None:
    _plain(daemon)
    daemon.offer(sdp(port=45000), from_tag="C", call_id="c2")
    daemon.answer(sdp("198.51.100.20", 46000), from_tag="C", to_tag="D", call_id="c2")
    daemon.send("connect", from_tag="A", to_tag="C", to_call_id="c2")


_KINDS = (_plain, _offered, _sdes, _ice_that_begins, _ice, _dtls_that_begins, _dtls_that_is_declined, _dtls, _strangers,
          _webrtc, _bundled, _subscribed, _forked, _joined)


def _deleted(daemon: Daemon) -> None:
    for call_id in ("c1", "c2"):
        daemon.send("delete", call_id=call_id, delete_delay=0)


def _terminated(daemon: Daemon) -> None:
    for call in list(daemon.calls.calls.values()):
        daemon.calls.terminate(call, daemon.now)


def _timed_out(daemon: Daemon) -> None:
    daemon.pass_time(3700)


@pytest.mark.parametrize("end", [_deleted, _terminated, _timed_out], ids=lambda end: end.__name__[1:])
@pytest.mark.parametrize("make", _KINDS, ids=lambda make: make.__name__[1:])
def test_nothing_stays(make: Callable[[Daemon], None], end: Callable[[Daemon], None]) -> None:
    daemon = Daemon(offer_timeout=3600, timeout=60, silent_timeout=3600)

    def call() -> None:
        make(daemon)
        made.append(_there())
        end(daemon)
        daemon.apply()
        assert not daemon.calls.calls
        daemon.last = ChangeSet()
        daemon.sent.clear()
    made: list[Counter[str]] = []
    call()      # what is made once, and kept
    before = _there()
    call()
    assert made[-1]["Call"] > before["Call"]
    assert _there() - before == Counter()


def test_what_a_medium_has_to_do_outlasts_a_socket_of_many() -> None:
    daemon = Daemon()
    one, other = IceParty(A, "192.0.2.10:41001", seed=1, controlling=True), _ice_parties()[1]
    other.hear(daemon.offer(one.sdp()), daemon.now)
    one.hear(daemon.answer(other.sdp()), daemon.now)
    daemon.calls._paths.forget(daemon.local("A", 1))
    IceNetwork(daemon, one, other).run(2)
    assert daemon.targets[daemon.local("A")].expected_source == ep(A)
