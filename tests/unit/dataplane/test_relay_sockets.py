# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay's sockets: opening and closing them, what harms one must not harm another."""
from __future__ import annotations

import errno
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane.relay import Relay
from controlplane.errors import DataPlaneError
from controlplane.events import WantedOutput, WantedTarget
from tests.unit.dataplane.rig import Peer, Rig, rest, rtp, sequence_of, to, wait


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def test_commands_are_refused_for_sockets_that_are_not_open(rig: Rig) -> None:
    local, unopened = rig.local(), Peer()
    unopened.close()
    with pytest.raises(DataPlaneError) as refused:
        rig.install(WantedTarget(unopened.endpoint))
    assert refused.value.errno == errno.EADDRNOTAVAIL
    with pytest.raises(DataPlaneError) as refused:
        rig.install(WantedTarget(local, (WantedOutput(unopened.endpoint, local),)))
    assert refused.value.errno == errno.EADDRNOTAVAIL


def test_open_errors(rig: Rig) -> None:
    local = rig.local()
    for endpoint, reason in ((local, errno.EADDRINUSE), (Endpoint.parse("192.0.2.1:5000"), errno.EADDRNOTAVAIL),
                             (Endpoint.parse("127.0.0.1:0"), errno.EINVAL)):
        with pytest.raises(DataPlaneError) as refused:
            rig.relay.open(endpoint)
        assert refused.value.errno == reason
    with pytest.raises(DataPlaneError) as refused:
        rig.relay.open(Peer().endpoint, 256)
    assert refused.value.errno == errno.EINVAL
    with Rig(1) as second, pytest.raises(DataPlaneError) as refused:
        second.relay.open(local)
    assert refused.value.errno == errno.EADDRINUSE


def test_close_gives_the_port_back_at_once(rig: Rig) -> None:
    local = rig.local()
    rig.relay.close(local)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(local.sockaddr)
    rig.relay.open(local)
    rig.relay.close(local)
    with pytest.raises(DataPlaneError) as refused:
        rig.relay.close(local)
    assert refused.value.errno == errno.ENOENT


def test_an_output_whose_socket_was_closed_counts_errors(rig: Rig) -> None:
    a, b, local, away = rig.peer(), rig.peer(), rig.local(), rig.local()
    rig.install(WantedTarget(local, to(away, b), payload_types=((0, 8000),)))
    rig.relay.close(away)
    a.send(rtp(1), local)
    assert wait(lambda: rig.state(local).outputs[0].counters.errors == 1)
    assert rig.counters(local).packets == 1
    rig.relay.open(away)
    rig.install(WantedTarget(local, to(away, b), payload_types=((0, 8000),)))
    a.send(rtp(2), local)
    assert b.receive(1) == [rtp(2)]


def opens(rig: Rig, local: Endpoint) -> bool:
    """Whether a socket can be opened that is not in use any more."""
    try:
        rig.relay.open(local)
    except DataPlaneError as error:
        assert error.errno == errno.EADDRINUSE
        return False
    return True


def test_closing_and_opening_under_traffic(rig: Rig) -> None:
    a, b, local, steady = rig.peer(), rig.peer(), rig.local(), rig.local()
    rig.install(WantedTarget(steady, to(steady, b), payload_types=((0, 8000),)))
    done = threading.Event()
    moved = 0

    def flood() -> None:
        n = 0
        while not done.is_set():
            a.send(rtp(n), local)
            n += 1

    sender = threading.Thread(target=flood)
    sender.start()
    try:
        descriptors = len(os.listdir("/proc/self/fd"))
        for n in range(200):
            rig.install(WantedTarget(local, to(local, a), payload_types=((0, 8000),)))
            rig.remove(local)
            rig.relay.close(local)
            if not wait(lambda: bool(rig.state(steady)) and opens(rig, local)):     # see rtpe_relay_close()
                local = rig.local()
                moved += 1
            a.send(rtp(n), steady)
        assert moved <= 2
        # What a thread was busy with is closed with the first command after that.
        assert wait(lambda: bool(rig.state(steady)) and len(os.listdir("/proc/self/fd")) <= descriptors + 2)
    finally:
        done.set()
        sender.join()
    assert [sequence_of(packet) for packet in b.receive(200)] == list(range(200))


def test_unreachable_destinations_do_not_hurt_a_socket(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    gone = Peer()
    gone.close()
    rig.install(WantedTarget(local, to(local, gone, b), payload_types=((0, 8000),)))
    for n in range(20):
        a.send(rtp(n), local)
        assert b.receive(1) == [rtp(n)]
    assert rig.state(local).outputs[1].counters.errors == 0
    assert rig.relay.counters().failures == 0


_FLOOD = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
packet = b"\\x80" + bytes(171)
print("flooding", flush=True)
while True:
    s.send(packet)
"""


def heard_amid(flooded: Endpoint, flows: list[tuple[Peer, Peer, Endpoint]], first: int) -> bool:
    """Whether all of 50 packets arrive in each flow while that port is flooded."""
    flooder = subprocess.Popen([sys.executable, "-c", _FLOOD, *map(str, flooded.sockaddr)], stdout=subprocess.PIPE)
    try:
        assert flooder.stdout is not None and flooder.stdout.readline() == b"flooding\n"
        for n in range(first, first + 50):
            for a, _, local in flows:
                a.send(rtp(n), local)
            time.sleep(0.02)
    finally:
        flooder.kill()
        flooder.communicate()
    heard = [[sequence_of(packet) for packet in b.receive(50, 1.0)] for _, b, _ in flows]
    return heard == [list(range(first, first + 50))] * len(flows)


@pytest.mark.parametrize("has_target", [True, False])
def test_a_flood_on_one_port_silences_no_other(rig: Rig, has_target: bool) -> None:
    flooded, sink = rig.local(), rig.peer()
    if has_target:
        rig.install(WantedTarget(flooded, to(flooded, sink), payload_types=((0, 8000),)))
    flows = [(rig.peer(), rig.peer(), rig.local()) for _ in range(20)]
    for _, b, local in flows:
        rig.install(WantedTarget(local, to(local, b), payload_types=((0, 8000),)))
    # all ports share the queue of the device, which a busy host may leave full for a moment
    assert any(heard_amid(flooded, flows, 50 * number) for number in range(5))
    rig.install(WantedTarget(flooded, to(flooded, rig.peers[-1]), payload_types=((0, 8000),)))
    rest()
    rig.peers[-1].receive(1 << 20, 0.0)
    rig.peers[0].send(rtp(7), flooded)
    assert rig.peers[-1].receive(1) == [rtp(7)]


def test_send_from_a_socket(rig: Rig) -> None:
    a, local = rig.peer(), rig.local()
    rig.relay.send(local, a.endpoint, b"\x80\x7f\xff\xff" + bytes(8))
    assert a.receive_from(1) == [(b"\x80\x7f\xff\xff" + bytes(8), local.sockaddr)]
    with pytest.raises(DataPlaneError) as refused:
        rig.relay.send(Peer().endpoint, a.endpoint, b"x")
    assert refused.value.errno == errno.ENOENT
    with pytest.raises(DataPlaneError) as refused:
        rig.relay.send(local, Endpoint.parse("[::1]:9"), b"x")
    assert refused.value.errno == errno.EINVAL


@pytest.mark.parametrize(("family", "level", "ask", "kind"), [
    (4, socket.IPPROTO_IP, socket.IP_RECVTOS, socket.IP_TOS),
    (6, socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS)])
def test_type_of_service(rig: Rig, family: int, level: int, ask: int, kind: int) -> None:
    a, b = rig.peer(family), rig.peer(family)
    local = rig.local(family, tos=184)
    b.socket.setsockopt(level, ask, 1)

    def received() -> int:
        b.socket.settimeout(30)
        _, extra, _, _ = b.socket.recvmsg(2000, 100)
        return next(data[0] for at, what, data in extra if (at, what) == (level, kind))

    rig.relay.send(local, b.endpoint, b"x")
    assert received() == 184
    rig.relay.set_tos(local, 96)
    rig.relay.send(local, b.endpoint, b"x")
    assert received() == 96
    for tos in (96, 184, 0):
        rig.install(WantedTarget(local, (WantedOutput(local, b.endpoint, tos),), payload_types=((0, 8000),)))
        a.send(rtp(1), local)
        assert received() == tos


def test_after_shutdown_counters_stay_and_sockets_are_gone() -> None:
    with Rig() as rig:
        a, b, local = rig.peer(), rig.peer(), rig.local()
        slot, _ = rig.install(WantedTarget(local, to(local, b), payload_types=((0, 8000),)))
        a.send(rtp(1), local)
        assert b.receive(1) == [rtp(1)]
        assert wait(lambda: rig.targets.counters(slot).packets == 1)
        rig.relay.shutdown()
        rig.relay.shutdown()
        with pytest.raises(DataPlaneError) as refused:
            rig.relay.open(local)
        assert refused.value.errno == errno.ESHUTDOWN
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(local.sockaddr)
    stats = rig.targets
    del rig
    gc.collect()
    assert stats.counters(slot).packets == 1


def test_nothing_is_left_behind() -> None:
    gc.collect()
    descriptors, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    for _ in range(5):
        with Rig(3) as rig:
            for _ in range(20):
                local = rig.local()
                rig.install(WantedTarget(local, to(local, rig.peer())))
        del rig
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert wait(lambda: len(os.listdir("/proc/self/task")) <= threads), "they are listed a little longer than they run"


def test_too_many_threads() -> None:
    with pytest.raises(DataPlaneError) as refused:
        Relay(65)
    assert refused.value.errno == errno.EINVAL
