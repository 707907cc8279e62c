# SPDX-License-Identifier: GPL-3.0-or-later
import random

import pytest

from controlplane.addresses import Endpoint
from controlplane.ice import stun
from controlplane.ice.agent import PATIENCE
from controlplane.ice.candidate import Candidate, parse
from controlplane.ice.checklist import MAX_PAIRS, MAX_REMOTE
from controlplane.ice.consent import EXPIRY
from controlplane.ice.credentials import Credentials
from controlplane.ice.phase import Phase
from controlplane.ice.stun import Kind, Type
from controlplane.ice.transaction import REQUESTS
from tests.unit.ice.net import START, Network, agent, local, paths

A, B = "192.0.2.1:5000", "203.0.113.9:6000"
A2, B2 = "192.0.2.1:5001", "203.0.113.9:6001"
A6, B6 = "[2001:db8::1]:5000", "[2001:db8::9]:6000"


def completed(*agents):
    return lambda: all(each.phase is Phase.COMPLETED for each in agents)


def request(to, *attributes, password=None, username=None, role=None, tie_breaker=0, transaction=bytes(12)):
    """A Binding request that ``to`` accepts, unless told otherwise."""
    controlling = not to.controlling if role is None else role
    number = Type.ICE_CONTROLLING if controlling else Type.ICE_CONTROLLED
    return stun.build(Kind.REQUEST, transaction, [
        stun.text(Type.USERNAME, f"{to.local.ufrag}:them" if username is None else username),
        stun.role(number, tie_breaker), stun.priority(1000), *attributes], password or to.local.password)


def answer(to, data, at=A, source=B, now=START):
    """What ``to`` answers at once."""
    assert to.receive(data, Endpoint.parse(at), Endpoint.parse(source), now)
    packets = to.take_datagrams()
    assert [str(packet.destination) for packet in packets] == [source] * len(packets)
    return stun.parse(packets[0].data) if packets else None


# --- two agents ---

@pytest.mark.parametrize("controlling", [True, False])
@pytest.mark.parametrize("aggressive", [True, False])
@pytest.mark.parametrize("lite", [(False, False), (False, True), (True, False)])
def test_two_agents_agree_on_a_path(controlling, aggressive, lite):
    one = agent(A, controlling=controlling, aggressive=aggressive, lite=lite[0])
    other = agent(B, seed=2, controlling=not controlling, aggressive=aggressive, lite=lite[1])
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    assert (one.phase, other.phase) == (Phase.COMPLETED, Phase.COMPLETED)
    assert paths(one) == [f"{A} to {B}"] and paths(other) == [f"{B} to {A}"]
    assert one.controlling != other.controlling and not (one.lite and one.controlling)
    assert net.now < START + 0.5


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_agents_in_the_same_role_settle_it_by_tie_breaker(both, seed):
    one = agent(A, controlling=both, seed=10 + seed)
    other = agent(B, controlling=both, seed=20 + seed)
    net = Network(one, other)
    net.introduce()
    net.run(5, completed(one, other))
    assert completed(one, other)()
    assert one.controlling == (one.tie_breaker > other.tie_breaker) and other.controlling != one.controlling


def test_both_families_and_components():
    one, other = agent(controlling=True, components=2), agent(controlling=False, seed=2, components=2)
    one.set_locals([local(A6), local(A, 1), local("[2001:db8::1]:5001", 0, 2), local(A2, 1, 2)], START)
    other.set_locals([local(B, 0), local(B6, 1), local(B2, 0, 2), local("[2001:db8::9]:6001", 1, 2)], START)
    net = Network(one, other)
    net.introduce()
    assert len(one.checklist) == len(other.checklist) == 4
    net.run(3, completed(one, other))
    assert paths(one) == [f"{A6} to {B6}", "[2001:db8::1]:5001 to [2001:db8::9]:6001"]
    assert [path.split(" to ")[::-1] for path in paths(one)] == [path.split(" to ") for path in paths(other)]


def test_a_family_that_does_not_get_through_is_given_up():
    one, other = agent(A6, A, controlling=True), agent(B6, B, seed=2, controlling=False)
    net = Network(one, other, passes=lambda packet: packet.local.family == 4)
    net.introduce()
    net.run(5, completed(one, other))
    assert paths(one) == [f"{A} to {B}"]


def test_a_peer_behind_nat_is_found_by_its_packets():
    one, other = agent(A, controlling=True), agent("10.0.0.7:6000", seed=2, controlling=False)
    net = Network(one, other)
    net.translated[Endpoint.parse("10.0.0.7:6000")] = Endpoint.parse("198.51.100.4:7777")
    net.introduce(candidates=False)
    other.add_remote(parse(f"1 1 UDP 2130706431 {A.replace(':', ' ')} typ host"), START)
    net.run(5, completed(one, other))
    assert paths(one) == [f"{A} to 198.51.100.4:7777"] and paths(other) == [f"10.0.0.7:6000 to {A}"]
    assert one.selection[1].remote.type == "prflx"


def test_loss_is_made_up_for():
    chance = random.Random(5)
    one, other = agent(A, controlling=True), agent(B, seed=2, controlling=False)
    net = Network(one, other, passes=lambda packet: chance.random() > 0.5)
    net.introduce()
    net.run(30, completed(one, other))
    assert completed(one, other)()


def test_requests_before_the_answer_are_answered_and_remembered():
    one, other = agent(A, controlling=True), agent(B, seed=2, controlling=False)
    net = Network(one, other)
    other.set_remote(one.local, START)
    for each in one.checklist.locals:
        other.add_remote(each.candidate, START)
    net.run(0.3)
    assert one.phase is Phase.WAITING and other.phase is Phase.CONNECTED
    one.set_remote(other.local, net.now)
    net.run(1, completed(one, other))
    assert completed(one, other)()


def test_trickled_candidates():
    one, other = agent(A, controlling=True), agent(B, seed=2, controlling=False)
    net = Network(one, other)
    net.introduce(candidates=False, complete=False)
    net.run(PATIENCE + 1)
    assert one.phase is Phase.CHECKING
    one.add_remote(other.checklist.locals[0].candidate, net.now)
    net.run(1, completed(one, other))
    assert completed(one, other)()


def test_without_candidates_it_fails_in_the_end():
    one = agent(A, controlling=True)
    one.set_remote(Credentials("them", "their password"), START, complete=False)
    net = Network(one)
    net.run(PATIENCE + 1)
    assert one.phase is Phase.CHECKING
    one.set_remote(Credentials("them", "their password"), net.now)
    assert (one.phase, one.reason) == (Phase.FAILED, "there is no candidate pair")


def test_silence_fails_after_seven_requests_and_late_checks_revive():
    one = agent(A, controlling=False)
    one.set_remote(Credentials("them", "their password"), START)
    one.add_remote(local(B).candidate, START)
    net = Network(one)
    net.run(100)
    assert (one.phase, one.reason) == (Phase.FAILED, "no candidate pair works")
    assert [round(at - START, 1) for at, _ in net.sent] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert len(net.sent) == REQUESTS and not one.selection
    answer(one, request(one, (Type.USE_CANDIDATE, b"")), now=net.now)
    one.on_time(net.now)
    assert len(one.take_datagrams()) == 1
    assert one.next_at < net.now + 1


def test_restart_keeps_the_path_until_there_is_another():
    one, other = agent(A, controlling=True), agent(B, seed=2, controlling=False)
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    before = one.local
    other.restart(net.now)
    assert one.set_remote(other.local, net.now)
    assert one.local != before and one.phase is Phase.CHECKING
    assert paths(one) == [f"{A} to {B}"] and paths(other) == [f"{B} to {A}"]
    other.set_locals([local("203.0.113.9:6002")], net.now)
    other.set_remote(one.local, net.now)
    for each in one.checklist.locals:
        other.add_remote(each.candidate, net.now)
    net.run(2, completed(one, other))
    assert paths(one) == [f"{A} to 203.0.113.9:6002"]


def test_the_same_credentials_are_no_restart():
    one = agent(A, controlling=True)
    one.set_remote(Credentials("them", "their password"), START)
    assert not one.set_remote(Credentials("them", "their password"), START)


def test_former_credentials_are_still_answered_during_a_restart():
    one = agent(A, controlling=True)
    one.set_remote(Credentials("them", "their password"), START)
    old = request(one)
    one.restart(START)
    assert answer(one, old).kind is Kind.SUCCESS
    assert len(one.checklist) == 0


def test_consent_is_asked_for_and_its_end_ends_the_path():
    one, other = agent(A, controlling=True), agent(B, seed=2, controlling=False)
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    net.run(600)
    assert completed(one, other)()
    asked = [at for at, packet in net.sent if packet.local == Endpoint.parse(A)
             and stun.parse(packet.data).kind is Kind.REQUEST][-100:]
    assert all(3.9 < later - at < 6.1 for at, later in zip(asked, asked[1:]))
    net.passes = lambda packet: False
    lost = net.now
    net.run(EXPIRY + 1, lambda: one.phase is Phase.FAILED)
    assert (one.phase, one.reason) == (Phase.FAILED, "the peer does not consent any more")
    assert EXPIRY - 6.1 < net.now - lost <= EXPIRY + 0.1
    assert not one.selection and not one.admits(Endpoint.parse(A), Endpoint.parse(B))


def test_the_consent_to_both_components_may_end_at_once():
    one, other = agent(controlling=True, components=2), agent(controlling=False, seed=2, components=2)
    one.set_locals([local(A), local(A2, 0, 2)], START)
    other.set_locals([local(B), local(B2, 0, 2)], START)
    net = Network(one, other)
    net.introduce()
    net.run(2, completed(one, other))
    one.on_time(net.now + EXPIRY - 0.5)  # it has been asked
    one.on_time(net.now + EXPIRY + 1)
    assert (one.phase, one.reason) == (Phase.FAILED, "the peer does not consent any more")


@pytest.mark.parametrize("answers", [True, False])
def test_after_a_sleep_or_a_jump_of_the_clock_the_peer_is_asked_before_its_path_ends(answers):
    one, other = agent(A, controlling=True), agent(B, seed=2, controlling=False)
    net = Network(one, other)
    net.introduce()
    net.run(60, lambda: False)
    assert completed(one, other)()
    net.now += 3600
    net.passes = lambda packet: answers
    net.run(8)
    assert one.phase is Phase.COMPLETED and one.selection
    net.run(60)
    assert (one.phase is Phase.COMPLETED) is bool(one.selection) is answers


def test_a_lite_agent_asks_nothing():
    one, other = agent(A, controlling=False, lite=True), agent(B, seed=2, controlling=False)
    net = Network(one, other)
    net.introduce()
    net.run(60)
    assert other.controlling and one.phase is Phase.COMPLETED
    assert all(stun.parse(packet.data).kind is Kind.SUCCESS for _, packet in net.sent
               if packet.local == Endpoint.parse(A))


def test_rtcp_that_moves_to_the_rtp_port_takes_its_component_along():
    one, other = agent(controlling=True, components=2), agent(B, seed=2, controlling=False)
    one.set_locals([local(A), local(A2, 0, 2)], START)
    net = Network(one, other)
    net.introduce()
    net.run(1)
    assert one.phase is Phase.CHECKING
    one.set_components(1, net.now)
    net.run(1, completed(one, other))
    assert completed(one, other)()


# --- one agent and messages made by hand ---

def test_what_is_no_stun_is_left_to_others():
    one = agent(A, controlling=True)
    for data in (b"", b"\x80" * 20, bytes(28), stun.build(Kind.REQUEST, bytes(12), [])[:-1] + b"x"):
        assert not one.receive(data, Endpoint.parse(A), Endpoint.parse(B), START)
    assert one.take_datagrams() == []


@pytest.mark.parametrize("data, code", [
    (lambda one: stun.build(Kind.REQUEST, bytes(12), [stun.text(Type.USERNAME, f"{one.local.ufrag}:peer")]), 400),
    (lambda one: stun.build(Kind.REQUEST, bytes(12), [], one.local.password), 400),
    (lambda one: request(one, username="wrong:them"), 401),
    (lambda one: request(one, username=""), 401),
    (lambda one: request(one, password="wrong"), 401),
    (lambda one: request(one, (0x7001, b"abc")), 420),
    (lambda one: request(one, role=one.controlling, tie_breaker=0), 487),
])
def test_refusals_change_nothing(data, code):
    one = agent(A, controlling=True)
    one.set_remote(Credentials("them", "their password"), START)
    reply = answer(one, data(one))
    assert (reply.kind, reply.error) == (Kind.ERROR, code)
    assert (reply.integrity is not None) == (code not in (400, 401))
    if code == 420:
        assert reply.first(Type.UNKNOWN_ATTRIBUTES) == b"\x70\x01"
    assert len(one.checklist) == 0 and one.controlling
    assert not one.admits(Endpoint.parse(A), Endpoint.parse(B))


def test_success_says_where_the_request_came_from():
    one = agent(A, controlling=True, software="proxy-1")
    reply = answer(one, request(one, transaction=b"abcdefghijkl"))
    assert (reply.kind, reply.transaction, reply.mapped) == (Kind.SUCCESS, b"abcdefghijkl", Endpoint.parse(B))
    assert reply.first(Type.SOFTWARE) == b"proxy-1" and reply.is_authentic(one.local.password)
    assert one.admits(Endpoint.parse(A), Endpoint.parse(B))


def test_an_indication_is_swallowed():
    one = agent(A, controlling=True)
    assert answer(one, stun.build(Kind.INDICATION, bytes(12), [])) is None


@pytest.mark.parametrize("controlling, theirs, switched", [(True, 1 << 64, True), (False, 0, True), (False, 1, None)])
def test_role_conflicts(controlling, theirs, switched):
    one = agent(A, controlling=controlling)
    one.tie_breaker = 1 if theirs == 1 else 5
    tie_breaker = (1 << 64) - 1 if theirs > 1 else 0 if theirs == 0 else 2
    reply = answer(one, request(one, role=controlling, tie_breaker=tie_breaker))
    assert one.controlling == (controlling if switched is None else not controlling)
    assert reply.error == (487 if switched is None else None)


def sent_check(one, now=START):
    one.on_time(now)
    packet, = one.take_datagrams()
    return stun.parse(packet.data)


def checking(**options):
    one = agent(A, controlling=True, **options)
    one.set_remote(Credentials("them", "their password"), START)
    one.add_remote(local(B).candidate, START)
    return one


def response(check, *attributes, kind=Kind.SUCCESS, password="their password"):
    attributes = attributes or [stun.mapped_address(Endpoint.parse(A), check.transaction)]
    return stun.build(kind, check.transaction, attributes, password)


def test_our_requests():
    one = checking(software="proxy-1")
    check = sent_check(one)
    assert check.username == f"them:{one.local.ufrag}" and check.is_authentic("their password")
    assert check.tie_breaker(Type.ICE_CONTROLLING) == one.tie_breaker
    assert check.priority == 1862270975 and check.first(Type.SOFTWARE) == b"proxy-1"
    assert Type.USE_CANDIDATE not in check


def test_the_chosen_pair_is_checked_again_to_say_so():
    one = checking()
    assert answer(one, response(sent_check(one))) is None
    assert one.phase is Phase.CONNECTED and paths(one) == [f"{A} to {B}"]
    one.on_time(START + 0.1)
    nomination = sent_check(one, START + 0.12) if not (sent := one.take_datagrams()) else stun.parse(sent[0].data)
    assert Type.USE_CANDIDATE in nomination
    answer(one, response(nomination), now=START + 0.2)
    assert one.phase is Phase.COMPLETED


@pytest.mark.parametrize("data", [
    lambda check: response(check, password="wrong"),
    lambda check: stun.build(Kind.SUCCESS, check.transaction,
                             [stun.mapped_address(Endpoint.parse(A), check.transaction)]),
    lambda check: response(check._replace(transaction=b"another one!"))])
def test_responses_that_are_none_change_nothing(data):
    one = checking()
    check = sent_check(one)
    answer(one, data(check))
    assert one.phase is Phase.CHECKING
    answer(one, response(check))
    assert one.phase is Phase.CONNECTED


@pytest.mark.parametrize("data, source", [
    (response, "203.0.113.9:6001"),
    (lambda check: response(check, stun.error_code(401), kind=Kind.ERROR), B)])
def test_a_wrong_source_or_an_error_fails_the_pair(data, source):
    one = checking()
    answer(one, data(sent_check(one)), source=source)
    assert one.checklist.is_hopeless(1) and not one.selection


def test_487_makes_us_switch_and_try_again():
    one = checking()
    answer(one, response(sent_check(one), stun.error_code(487), kind=Kind.ERROR))
    assert not one.controlling
    assert sent_check(one, START + 1).tie_breaker(Type.ICE_CONTROLLED) == one.tie_breaker


def test_numbers_are_bounded():
    one = checking()
    for port in range(1000, 3000):
        one.add_remote(Candidate("f", 1, "UDP", 1, Endpoint.parse(f"198.51.100.1:{port}"), "host"), START)
    assert len(one.checklist) <= MAX_PAIRS and len(one.checklist.remotes) <= MAX_REMOTE
    for port in range(3000, 6000):
        answer(one, request(one), source=f"198.51.100.2:{port}")
    assert len(one.checklist) <= MAX_PAIRS and len(one.sources) <= 100


def test_a_peer_reflexive_candidate_takes_over_what_the_peer_says_of_it_later():
    one = agent(A, controlling=True)
    answer(one, request(one))
    pair, = one.checklist
    assert (pair.remote.type, pair.remote.priority) == ("prflx", 1000)
    one.add_remote(local(B).candidate, START)
    pair, = one.checklist
    assert (pair.remote.type, pair.remote.priority) == ("host", 2130706431)
