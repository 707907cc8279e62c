# SPDX-License-Identifier: GPL-3.0-or-later
"""Through which pairs the peer may send, and what does not make one."""
import pytest

from controlplane.addresses import Endpoint
from controlplane.ice import stun
from controlplane.ice.phase import Phase
from controlplane.ice.stun import Kind, Type
from tests.unit.ice.net import START, Network, agent, paths
from tests.unit.ice.test_agent import A, B, B2, completed


def test_a_repeated_request_to_nominate_from_elsewhere_moves_nothing():
    one, other = agent(A, controlling=False), agent(B, seed=2, controlling=True)
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    nomination = next(packet.data for _, packet in net.sent if packet.local == Endpoint.parse(B)
                      and Type.USE_CANDIDATE in stun.parse(packet.data))
    one.receive(nomination, Endpoint.parse(A), Endpoint.parse("198.51.100.66:666"), net.now)
    assert not one.take_datagrams() and not one.admits(Endpoint.parse(A), Endpoint.parse("198.51.100.66:666"))
    net.run(60)
    assert paths(one) == [f"{A} to {B}"] and one.phase is Phase.COMPLETED


@pytest.mark.parametrize("size", [20, 28, 44])
def test_a_request_gets_no_answer_that_is_longer(size):
    """Or whoever sends in the name of another would have us send more to that one than it costs."""
    one = agent(A, controlling=True)
    data = stun.build(Kind.REQUEST, bytes(12), [stun.text(Type.SOFTWARE, "x" * (size - 32))] if size > 32 else [])
    data = data[:2] + (size - 20).to_bytes(2, "big") + data[4:size]
    one.receive(data, Endpoint.parse(A), Endpoint.parse(B), START)
    assert sum(len(packet.data) for packet in one.take_datagrams()) <= size


def test_the_peer_may_use_every_path_that_was_checked():
    one, other = agent(A, controlling=False), agent(B, B2, seed=2, controlling=True)
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    net.run(1)
    assert paths(one) == [f"{A} to {B}"] and set(map(str, one.valid)) == {f"{A} to {B}", f"{A} to {B2}"}
    kept = one.valid
    net.run(10)
    assert one.valid is kept
