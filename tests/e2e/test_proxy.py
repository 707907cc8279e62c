# SPDX-License-Identifier: GPL-3.0-or-later
"""Dialogues of all kinds through Kamailio: what the phones say, what they hear, and that nothing is left after it."""
from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.peers import debian
from tests.peers.daemon import Daemon
from tests.peers.quiet import rest
from tests.peers.rtp import pump
from tests.peers.sip import Kamailio, kamailio
from tests.peers.ua import UserAgent

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
PORTS = range(29100, 29200)
INTERNAL, EXTERNAL, SIX = "127.0.0.1", "127.0.0.2", "::1"


@dataclass(slots=True)
class Setting:
    """A daemon, a proxy in front of it, and the phones of one test."""

    daemon: Daemon
    proxy: Kamailio
    phones: ExitStack

    def phone(self, name: str, address: str = INTERNAL) -> UserAgent:
        return self.phones.enter_context(closing(UserAgent(name, self.proxy.port, address)))

    def ask(self, command: str, **keys: Any) -> dict[str, Any]:
        with self.daemon.client() as client:
            return client.call(command, **keys)

    def ports(self) -> list[int]:
        """The daemon's open media ports."""
        process = Path(f"/proc/{self.daemon.pid}")
        links = [os.readlink(each) for each in (process / "fd").iterdir()]
        lines = [line.split() for name in ("udp", "udp6") for line in (process / "net" / name).read_text().splitlines()]
        own = [words[1] for words in lines if f"socket:[{words[9]}]" in links]
        return [port for port in (int(each.rpartition(":")[2], 16) for each in own) if port in PORTS]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Kamailio]]:
    try:
        kamailio()
    except debian.Unobtainable as reason:
        pytest.skip(f"Kamailio cannot be had: {reason}")
    interfaces = [f"internal/{INTERNAL}", f"internal/{SIX}", f"external/{EXTERNAL}"]
    options = [f"--port-min={PORTS.start}", f"--port-max={PORTS.stop - 1}", "--delete-delay=0"]
    with Daemon(interfaces=interfaces, options=options) as daemon, \
            Kamailio(HERE / "proxy.cfg", tmp_path_factory.mktemp("proxy"), f"udp:127.0.0.1:{daemon.ng_port}") as proxy:
        yield daemon, proxy


@pytest.fixture
def setting(pair: tuple[Daemon, Kamailio]) -> Iterator[Setting]:
    with ExitStack() as phones:
        made = Setting(*pair, phones)
        yield made
        deadline = time.monotonic() + 30
        while (made.ask("list")["calls"] or made.ports()) and time.monotonic() < deadline:
            time.sleep(0.05)
        left, ports = made.ask("list")["calls"], made.ports()
        for call_id in left:  # the next test begins with nothing
            made.ask("delete", call_id=call_id, **{"delete-delay": 0})
        assert (left, ports) == ([], [])


def _speak(sender: UserAgent, *hearers: UserAgent, packets: int = 10) -> None:
    """What one says arrives at each of the others, once and in order, and is from where they send to, if they know."""
    ends = [each.audio for each in hearers]
    before = [len(end.arrivals) for end in ends]
    sent = [b"%s says %03d " % (sender.name.encode(), number) * 8 for number in range(packets)]
    for payload in sent:
        sender.audio.send(payload)
        pump(ends, 0.005)
    pump(ends, 20.0, lambda: all(len(end.arrivals) >= first + packets for end, first in zip(ends, before)))
    pump(ends, 0.05)
    for end, first in zip(ends, before):
        assert end.payloads()[first:] == sent
        assert {arrival.source for arrival in end.arrivals[first:]} == {end.destination} or not end.destination


def _converse(one: UserAgent, other: UserAgent) -> None:
    _speak(one, other)
    _speak(other, one)


def _talk(caller: UserAgent, callee: UserAgent, **headers: str) -> None:
    """A call that is answered at once, with audio both ways."""
    caller.invite(callee, **headers)
    callee.expect("INVITE")
    callee.reply(200, "sendrecv")
    caller.accepted(caller.expect("SIP/2.0 200"))
    callee.expect("ACK")
    _converse(caller, callee)


def _hang_up(one: UserAgent, other: UserAgent) -> None:
    one.bye()
    other.expect("BYE")
    other.reply(200)
    one.expect("SIP/2.0 200")


@pytest.mark.parametrize("words", ["", "port-latching"])
def test_reinvite_moves_the_media_of_one_end(setting: Setting, words: str) -> None:
    """Our ports follow a new end point, unless told to stay."""
    alice, bob, elsewhere = (setting.phone(name) for name in ("alice", "bob", "elsewhere"))
    _talk(alice, bob)
    before = [end.audio.destination for end in (alice, bob)]
    alice.audio, elsewhere.audio = elsewhere.audio, alice.audio
    alice.reinvite(**({"X_Offer": words} if words else {}))
    bob.expect("INVITE")
    bob.reply(200, "sendrecv")
    alice.accepted(alice.expect("SIP/2.0 200"))
    bob.expect("ACK")
    assert bob.audio.destination != before[1] or words
    assert [end.audio.destination for end in (alice, bob)] == before or not words
    _converse(alice, bob)
    assert not pump([elsewhere.audio], 0.1) and len(elsewhere.audio.arrivals) == 10  # of before
    _hang_up(alice, bob)


def test_hold_and_resume_by_the_callee(setting: Setting) -> None:
    alice, bob = setting.phone("alice"), setting.phone("bob")
    _talk(alice, bob)
    # the callee's side of the dialogue, from the INVITE that it got
    invite = bob.request
    bob.dialogue.own, bob.dialogue.other = f"{invite.one('to')};tag={bob.tag}", invite.one("from")
    bob.dialogue.call_id, bob.dialogue.routes = invite.one("call-id"), invite.all("record-route")
    bob.dialogue.target = invite.one("contact").strip("<>")
    for mine, theirs in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        bob.reinvite(mine)
        assert alice.expect("INVITE").media.direction == mine
        alice.reply(200, theirs)
        reply = bob.expect("SIP/2.0 200")
        assert reply.media.direction == theirs
        bob.accepted(reply)
        alice.expect("ACK")
        _speak(bob, alice)
    _speak(alice, bob)
    _hang_up(bob, alice)


def test_fork_with_early_media_of_both(setting: Setting) -> None:
    """Both are heard until one answers, provisionally or not; from then on it is who answered last."""
    alice, bob, carol = (setting.phone(name) for name in ("alice", "bob", "carol"))
    alice.invite(bob, X_Fork=carol.uri)
    for callee in (bob, carol):
        callee.expect("INVITE")
    assert bob.audio.destination != carol.audio.destination
    for callee in (bob, carol):
        _speak(callee, alice)
    for callee in (bob, carol, bob):
        callee.reply(183, "sendrecv")
        alice.expect("SIP/2.0 183")
        _converse(alice, callee)
    carol.reply(200, "sendrecv")
    alice.accepted(alice.expect("SIP/2.0 200"))
    invite = bob.request
    bob.expect("CANCEL")
    bob.reply(200)
    bob.reply(487, request=invite)
    carol.expect("ACK")
    heard = len(alice.audio.arrivals)
    for _ in range(10):
        bob.audio.send(b"too late" * 20)
    pump([alice.audio], 0.2)
    assert len(alice.audio.arrivals) == heard
    _converse(alice, carol)
    _hang_up(alice, carol)


def test_early_media(setting: Setting) -> None:
    alice, bob = setting.phone("alice"), setting.phone("bob")
    alice.invite(bob)
    bob.expect("INVITE")
    bob.reply(183, "sendrecv")
    early = alice.expect("SIP/2.0 183").media
    _converse(alice, bob)
    bob.reply(200, "sendrecv")
    reply = alice.expect("SIP/2.0 200")
    assert (reply.media.address, reply.media.port) == (early.address, early.port)
    alice.accepted(reply)
    bob.expect("ACK")
    _converse(alice, bob)
    _hang_up(alice, bob)


@pytest.mark.parametrize("early", [False, True])
def test_cancel_gives_all_ports_back(setting: Setting, early: bool) -> None:
    alice, bob = setting.phone("alice"), setting.phone("bob")
    branch = alice.invite(bob)
    invite = bob.expect("INVITE")
    bob.reply(183 if early else 180, "sendrecv" if early else "")
    alice.expect("SIP/2.0 18")
    assert len(setting.ports()) == 4
    if early:
        _converse(alice, bob)
    alice.cancel(branch)
    bob.expect("CANCEL")
    bob.reply(200)
    bob.reply(487, request=invite)
    alice.expect("SIP/2.0 487")


def test_bye_counts_what_was_relayed(setting: Setting) -> None:
    alice, bob = setting.phone("alice"), setting.phone("bob")
    before = setting.ask("statistics")["statistics"]["totalstatistics"]
    _talk(alice, bob)
    rest(setting.daemon.pid)
    call_id = alice.dialogue.call_id
    tags = setting.ask("query", call_id=call_id)["tags"]
    counts = {tag: [stream["stats"]["packets"] for stream in party["medias"][0]["streams"]]
              for tag, party in tags.items()}
    assert counts == {alice.tag: [10, 0], bob.tag: [10, 0]}
    _hang_up(alice, bob)
    after = setting.ask("statistics")["statistics"]["totalstatistics"]
    for name, more in (("managedsessions", 1), ("relayedpackets", 20), ("relayedpacketerrors", 0)):
        assert int(after[name]) - int(before[name]) == more, name
    alice.audio.arrivals.clear()
    bob.audio.send(b"after the end" * 10)
    assert not pump([alice.audio], 0.2, lambda: bool(alice.audio.arrivals))


@pytest.mark.parametrize("words", ["direction=internal direction=external", "internal external"])
def test_direction_picks_the_interface_of_each_side(setting: Setting, words: str) -> None:
    alice, bob = setting.phone("alice"), setting.phone("bob")
    _talk(alice, bob, X_Offer=words)
    assert alice.audio.destination and alice.audio.destination[0] == INTERNAL
    assert bob.audio.destination and bob.audio.destination[0] == EXTERNAL
    _hang_up(alice, bob)


@pytest.mark.parametrize("inside, outside", [(INTERNAL, SIX), (SIX, INTERNAL)])
def test_address_family_of_the_callee(setting: Setting, inside: str, outside: str) -> None:
    alice, bob = setting.phone("alice", inside), setting.phone("bob", outside)
    family = ["IP4", "IP6"][outside == SIX]
    _talk(alice, bob, X_Offer=f"address-family={family}")
    assert f"IN {family} {outside}" in bob.request.body
    assert alice.audio.destination and alice.audio.destination[0] == inside
    assert bob.audio.destination and bob.audio.destination[0] == outside
    _hang_up(alice, bob)
