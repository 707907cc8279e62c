# SPDX-License-Identifier: GPL-3.0-or-later
"""Through which pairs the peer may send, and what does not make one."""
import pytest

from controlplane.addresses import Endpoint
from controlplane.ice import stun
from controlplane.ice.consent import EXPIRY
from controlplane.ice.former import LINGERING
from controlplane.ice.phase import Phase
from controlplane.ice.stun import Kind, Type
from tests.unit.ice.net import START, Network, agent, local, paths
from tests.unit.ice.test_agent import A, B, B2, answer, completed, request


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


# --- a restart ---

LATER = "203.0.113.9:6002"


def restarted(controlling):
    """The peer, which is at A, has begun anew with another socket; our agent knows it, and has answered nothing yet."""
    one, other = agent(A, controlling=not controlling), agent(B, seed=2, controlling=controlling)
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    one.restart(net.now)
    one.set_locals([local(LATER)], net.now)
    other.restart(net.now)
    net.introduce()
    return net, one, other


@pytest.mark.parametrize("controlling", [True, False])
def test_the_former_path_is_used_until_another_is_nominated(controlling):
    net, one, other = restarted(controlling)
    net.run(2, lambda: other.phase is Phase.CONNECTED)
    assert paths(other) == [f"{B} to {A}"] and other.admits(Endpoint.parse(B), Endpoint.parse(A))
    assert set(map(str, other.valid)) == {f"{B} to {A}", f"{B} to {LATER}"}
    net.run(2, completed(one, other))
    assert paths(other) == [f"{B} to {LATER}"]


@pytest.mark.parametrize("controlling", [True, False])
def test_what_is_under_way_on_the_former_path_arrives(controlling):
    net, _, other = restarted(controlling)
    net.run(2, completed(*net.agents))
    assert set(map(str, other.valid)) == {f"{B} to {A}", f"{B} to {LATER}"}
    net.run(LINGERING)
    assert set(map(str, other.valid)) == {f"{B} to {LATER}"}
    assert not other.admits(Endpoint.parse(B), Endpoint.parse(A)) and other.next_at > net.now


def test_a_second_restart_before_the_first_is_over_keeps_the_path():
    net, one, other = restarted(False)
    net.run(2, lambda: other.phase is Phase.CONNECTED)
    one.restart(net.now)
    other.restart(net.now)
    assert paths(other) == [f"{B} to {A}"]
    net.introduce()
    net.run(2, completed(one, other))
    assert paths(other) == [f"{B} to {LATER}"]


def test_a_restart_that_leads_nowhere_leaves_the_former_path_as_long_as_there_is_consent():
    net, one, other = restarted(True)
    net.passes = lambda packet: False
    net.run(EXPIRY - 1)
    assert paths(other) == [f"{B} to {A}"]
    net.run(EXPIRY)
    assert not other.selection and other.phase is Phase.FAILED and not other.valid


def test_the_end_of_consent_to_the_former_path_does_not_end_the_new_one():
    net, one, other = restarted(True)
    nominations = (Type.USE_CANDIDATE,)
    net.passes = lambda packet: not any(each in stun.parse(packet.data) for each in nominations) and (
        A not in (str(packet.local), str(packet.destination)))
    net.run(EXPIRY + 5, lambda: f"{B} to {A}" not in paths(other))
    assert paths(other) == [f"{B} to {LATER}"] and other.phase is Phase.CONNECTED


# --- before our own check is over ---

@pytest.mark.parametrize("signalled", [True, False])
def test_a_path_that_the_peer_has_chosen_is_open_if_it_was_signalled(signalled):
    """Else whoever was faster with an overheard choice would be let in."""
    one, other = agent(A, controlling=False), agent(B, seed=2, controlling=True)
    net = Network(one, other)
    net.introduce(candidates=signalled)
    one.take_datagrams()
    assert answer(one, request(one, (Type.USE_CANDIDATE, b""))).kind is Kind.SUCCESS
    assert list(map(str, one.valid)) == [f"{A} to {B}"] * signalled and not one.selection
    net.passes = lambda packet: False
    net.run(60)
    assert not one.valid
