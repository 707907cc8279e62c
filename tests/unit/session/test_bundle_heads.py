# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of a bundle is rejected: the others go on through the sockets that all have used."""
from __future__ import annotations

import pytest

from tests.unit.session.calls import Daemon, port_of
from tests.unit.session.ice_peers import IceNetwork, IceParty, admitted, ice_values
from tests.unit.session.test_bundles import AV, body, lines
from tests.unit.session.test_keys import cryptos, line

A, B = "192.0.2.10", "198.51.100.20"


def stopped(text: str) -> str:
    """The audio section is rejected, and no part of the group any more."""
    return text.replace("m=audio 41000", "m=audio 0").replace("m=audio 42000", "m=audio 0").replace(
        "BUNDLE a v", "BUNDLE v").replace("BUNDLE 1 2", "BUNDLE 2")


def with_lines(text: str, *more: str) -> str:
    """With these attributes in each section."""
    return text.replace("m=video", "\n".join([*more, "m=video"]), 1) + "".join(each + "\n" for each in more)


def test_an_answer_rejects_the_head_of_what_we_have_bundled() -> None:
    daemon = Daemon()
    offered = daemon.offer(body((41000, 41002), mids=AV), bundle="require")
    assert port_of(offered) == port_of(offered, 1)
    daemon.answer(stopped(body((42000, 42000), "a v", AV, 1, address=B)))
    video = daemon.local("B", media=1)
    assert video.port == port_of(offered) and daemon.sends_to(video) == [f"{A}:41002"]
    assert [(str(output.destination), output.source) for output in
            daemon.targets[daemon.local("A", media=1)].rtp_outputs] == [(f"{B}:42000", video)]


def test_a_party_that_talks_already_rejects_the_head_of_what_we_bundle() -> None:
    daemon = Daemon()
    daemon.offer(body((41000, 41002), mids=AV))
    daemon.answer(body((42000, 42010), address=B, mids=AV))
    offered = daemon.offer(body((41000, 41002), mids=AV), to_tag="B", bundle="require")
    daemon.answer(stopped(body((42000, 42010), "a v", AV, 1, address=B)))
    assert daemon.local("B", media=1).port == port_of(offered) == port_of(offered, 1)
    assert daemon.gets("A", 1) == ["B"] and daemon.gets("B", 1) == ["A"]


def test_keys_are_those_of_the_section_that_was_shown_for_all() -> None:
    daemon = Daemon()
    secure = with_lines(body((41000, 41002), mids=AV), line(1)).replace("RTP/AVP", "RTP/SAVP")
    offered = daemon.offer(secure, bundle="require")
    shown = cryptos(offered)[0]
    assert all(each.key == shown.key for each in cryptos(offered) if each.tag == shown.tag)
    answer = with_lines(body((42000, 42000), "a v", AV, 1, address=B), line(2)).replace("RTP/AVP", "RTP/SAVP")
    daemon.answer(stopped(answer))
    target = daemon.targets[daemon.local("A", media=1)]
    assert [output.encrypt and output.encrypt.key for output in target.rtp_outputs] == [shown.key]
    assert daemon.targets[daemon.local("B", media=1)].decrypt == cryptos(answer)[0].keys


@pytest.mark.parametrize("from_tag, to_tag", [("A", "B"), ("B", "A")])
def test_the_head_is_stopped_while_all_talk(from_tag: str, to_tag: str) -> None:
    """By the party that bundles, or by the other one."""
    daemon = Daemon()
    bundling, other = body((41000, 41000), "a v", AV, 3), body((42000, 42010), address=B, mids=AV)
    daemon.offer(bundling, bundle="accept")
    before = port_of(daemon.answer(other))
    bundling, other = stopped(bundling), stopped(other)
    bodies = {"A": bundling, "B": other}
    daemon.offer(bodies[from_tag], from_tag=from_tag, to_tag=to_tag, bundle="accept")
    daemon.answer(bodies[to_tag], from_tag=from_tag, to_tag=to_tag)
    video = daemon.local("A", media=1)
    assert video.port == before and daemon.sends_to(video) == [f"{B}:42010"]
    assert daemon.sends_to(daemon.local("B", media=1)) == [f"{A}:41000"]
    assert daemon.gets("A", 1) == ["B"] and daemon.gets("B", 1) == ["A"]
    daemon.send("delete", delete_delay=0)
    assert not daemon.sockets.open and not daemon.targets


def test_a_party_that_begins_to_bundle_is_where_the_section_says() -> None:
    daemon = Daemon()
    other = body((42000, 42010), address=B, mids=AV)
    daemon.offer(body((41000, 41002), mids=AV))
    daemon.answer(other)
    daemon.offer(body((41000, 41002), "a v", AV, 3), to_tag="B", bundle="accept")
    answered = daemon.answer(stopped(other))
    assert lines(answered, "group") == ["a=group:BUNDLE v"]
    assert daemon.local("A", media=1).port == port_of(answered, 1)
    assert daemon.sends_to(daemon.local("B", media=1)) == [f"{A}:41002"] and daemon.gets("B", 1) == ["A"]


def test_ice_goes_on_as_it_was() -> None:
    daemon = Daemon()
    caller = IceParty(f"{A}:41000", seed=1, controlling=True)

    def bundling() -> str:
        return with_lines(body((41000, 41000), "a v", AV, 3), *caller.lines)

    other = body((42000, 42010), address=B, mids=AV)
    daemon.offer(bundling(), bundle="accept", ice="remove")
    told = daemon.answer(other)
    caller.hear(told, daemon.now)
    network = IceNetwork(daemon, caller)
    network.run(2)
    head = daemon.local("A")
    assert admitted(daemon, head) == f"{A}:41000"
    daemon.offer(stopped(bundling()), to_tag="B", bundle="accept", ice="remove")
    again = daemon.answer(stopped(other))
    assert ice_values(again)["ice-ufrag"][-1] == ice_values(told)["ice-ufrag"][0] and lines(again, "group") == [
        "a=group:BUNDLE v"]
    checks = len(network.delivered)
    network.run(20)
    assert len(network.delivered) > checks, "consent is asked for as before"
    assert daemon.local("A", media=1) == head and admitted(daemon, head) == f"{A}:41000"
    assert daemon.gets("A", 1) == ["B"] and daemon.gets("B", 1) == ["A"]
    assert daemon.calls.owner(head) is not None
