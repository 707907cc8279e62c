# SPDX-License-Identifier: GPL-3.0-or-later
"""How a stream stands: in ``list sessions CALLID``, and in the reply to ``query``."""
from __future__ import annotations

from typing import Any

from controlplane.dataplane.abi import NO_SEEDS, TargetState
from controlplane.dataplane.look import Look
from controlplane.events import NOTHING, Counters, StreamStats
from controlplane.report import calldata, detail
from controlplane.report.model import State
from controlplane.session.query import call_reply
from controlplane.standing import states, with_states
from tests.unit.session.calls import Daemon, ep, established, sdp
from tests.unit.session.test_bundles import BOB, PICTURE, SOUND, TO_PHONE, bundled
from tests.unit.session.test_ice import a_party, b_party
from tests.unit.session.test_ice import established as established_ice
from tests.unit.session.test_keys import caller, line

A = "192.0.2.10:41000"


def of(daemon: Daemon, *, accelerated: bool = False, fast: bool = False) -> dict[Any, State]:
    def look(local: Any) -> Look:
        wanted = daemon.targets.get(local)
        there = TargetState(local, 0, NOTHING, 0, (0,) * 8, (), NO_SEEDS, ()) if wanted is not None else None
        return Look(wanted, there, there if fast else None, accelerated, "")
    return states(daemon.call, look)


def test_from_the_offer_to_the_engine() -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    a, b = daemon.local("A"), daemon.local(None)
    assert of(daemon)[a] == State("announced", "the SDP says so", "nobody's", "no engine",
                                  "nobody has been told of this port yet")
    assert of(daemon)[b][:2] == ("waiting", "its party has not said where it is")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert of(daemon)[a][:2] == ("learning", "the SDP says so")
    daemon.packet(a, A)
    assert of(daemon)[a][:2] == ("confirmed", "its packets come from where the SDP says")
    assert of(daemon)[a][3:] == ("user space", "there is no accelerator")
    assert of(daemon, accelerated=True, fast=True)[a][3:] == ("the accelerator", "")


def test_a_party_that_was_found_elsewhere() -> None:
    daemon = established()
    a = daemon.local("A")
    daemon.packet(a, "203.0.113.77:9")
    assert of(daemon)[a][:2] == ("learning", f"its packets come from 203.0.113.77:9, the SDP says {A}")
    daemon.pass_time(4.0)
    daemon.packet(a, "203.0.113.77:9")
    assert of(daemon)[a].path == "confirmed"


def test_ice_decides() -> None:
    daemon, net = established_ice(a_party(), b_party())
    a = daemon.local("A")
    assert of(daemon)[a][:2] == ("checking", "ICE checks candidate pairs")
    net.run(2)
    assert of(daemon)[a][:3] == ("confirmed", "ICE has chosen the path", A)
    net.cut = True
    net.run(31)
    assert of(daemon)[a][:2] == (
        "unreachable", "ICE has found no way: the peer does not consent any more")


def test_a_bundle_stands_as_its_head_does() -> None:
    """Its other members have neither ICE nor packets of their own, and the same socket."""
    daemon = Daemon()
    daemon.offer(bundled(SOUND, PICTURE), **TO_PHONE, bundle="accept")
    daemon.answer(BOB)
    head, member = daemon.party("A").medias
    assert member.carrier is head and daemon.local("A") == daemon.local("A", media=1)
    stream = head.streams[0]
    stream.stats = StreamStats(Counters(10, 1720, 0, daemon.now))
    stream.learned = stream.endpoint = ep(A)
    found = of(daemon)
    assert found[daemon.local("A")][:2] == ("confirmed", "ICE has chosen the path")
    assert (member.ice_state, member.dtls_state, member.srtp_state) == (
        head.ice_state, head.dtls_state, head.srtp_state) and "checks" in member.ice_state
    port = calldata.details(daemon.call, daemon.now, found)["tags"][0]["medias"][1]["ports"][0]
    assert port["state"] == found[daemon.local("A")].document()


def test_it_is_in_the_block_and_in_the_documents() -> None:
    daemon = Daemon()
    daemon.offer(caller(line(1)), transport_protocol="RTP/AVP")
    daemon.answer(sdp("198.51.100.20", 42000))
    a, found = daemon.local("A"), of(daemon)
    lines = detail.block(daemon.call, daemon.now, found).splitlines()
    at = next(number for number, text in enumerate(lines) if f":{a.port} " in text)
    assert lines[at + 1] == f"---------- {found[a]}"
    assert str(found[a]).endswith("served by user space, as there is no accelerator")
    port = calldata.details(daemon.call, daemon.now, found)["tags"][0]["medias"][0]["ports"][0]
    stream = with_states(call_reply(daemon.call), found)["tags"]["A"]["medias"][0]["streams"][0]
    assert port["state"] == stream["state"] == found[a]._asdict()
