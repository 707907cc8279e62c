# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told who asks why a call sounds as it does."""
from __future__ import annotations

from itertools import takewhile
from typing import Any

import pytest

from controlplane.dataplane.abi import NO_SEEDS, TargetState
from controlplane.dataplane.look import Look
from controlplane.dataplane.watch import UNSEEN
from controlplane.events import NOTHING
from controlplane.explain import explain
from controlplane.session.trail import note_command, note_refusal
from tests.unit.requests import request
from tests.unit.session.calls import Daemon, ep, established, sdp
from tests.unit.session.test_bundles import BOB, PICTURE, SOUND, TO_PHONE, bundled
from tests.unit.session.test_keys import caller, line

A, B = "192.0.2.10:41000", "198.51.100.20:42000"


def state(daemon: Daemon, local: Any, drops: tuple[int, ...]) -> TargetState:
    return TargetState(local, 0, NOTHING, 0, drops, (), NO_SEEDS, ())


def told(daemon: Daemon, *, accelerated: bool = False, fast: bool = False, held: str = "",
         drops: tuple[int, ...] = (0,) * 8, no_way: str = "") -> list[str]:
    def look(local: Any) -> Look:
        wanted = daemon.targets.get(local)
        there = state(daemon, local, drops) if wanted is not None else None
        return Look(wanted, there, there if fast else None, accelerated, held, 4 if held else 0)
    return list(explain(daemon.call, daemon.settings, daemon.now, look,
                        lambda local, remote: no_way if remote == ep(A) else ""))


def of(lines: list[str], local: Any) -> list[str]:
    """What is said of one socket."""
    at = next(number for number, text in enumerate(lines) if text.endswith(f" on {local}"))
    return [text.strip() for text in takewhile(lambda text: text.startswith("      "), lines[at + 1:])]


def test_a_call_that_rings() -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    lines = told(daemon)
    assert lines[0] == "Call c1, 0.0 s old, last signalled 0.0 s ago"
    assert lines[1] == f"  ends in {daemon.settings.offer_timeout:.1f} s if no more packets come"
    assert of(lines, daemon.local("A")) == [f"sent to: {A}, as the SDP said",
                                            "in no engine: nobody has been told of this port yet"]
    assert of(lines, daemon.local(None))[0] == "sent to: nowhere, as its party has not said where it is"


def test_where_a_party_was_found() -> None:
    daemon = established()
    a = daemon.local("A")
    assert "let in: anybody's, until it is clear where the party is" in of(told(daemon), a)
    daemon.packet(a, "203.0.113.77:9")
    daemon.pass_time(4.0)
    daemon.packet(a, "203.0.113.77:9")
    assert of(told(daemon), a)[0] == f"sent to: 203.0.113.77:9, where its packets come from; the SDP said {A}"


def test_a_place_that_this_host_has_no_way_to() -> None:
    daemon = established()
    lines = told(daemon, no_way="Network is unreachable")
    assert of(lines, daemon.local("A"))[:2] == [f"sent to: {A}, as the SDP said",
                                                "it cannot be sent from here: Network is unreachable"]
    assert "cannot be sent" not in "\n".join(of(lines, daemon.local("B")))


def test_members_of_a_bundle_go_through_the_sockets_of_its_head() -> None:
    daemon = Daemon()
    daemon.offer(bundled(SOUND, PICTURE), **TO_PHONE, bundle="accept")
    daemon.answer(BOB)
    lines = told(daemon)
    at = next(number for number, text in enumerate(lines) if text.startswith("  Medium 2: video, UDP/TLS"))
    assert lines[at + 1:at + 3] == ["    through the sockets of medium 1, in a bundle", "Party 'B'"]
    assert "ICE checks candidate pairs" in lines[at] and "waits for the peer's credentials" not in "".join(lines)


def test_strict_sources_are_named() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="strict-source")
    daemon.answer(sdp("198.51.100.20", 42000), flags="strict-source")
    daemon.packet(daemon.local("A"), A)
    assert f"let in: {A}" in of(told(daemon), daemon.local("A"))


@pytest.mark.parametrize("keys, expected", [
    ({}, "user space, as there is no accelerator"),
    ({"accelerated": True}, "user space, as it is not clear yet where the party is"),
    ({"accelerated": True, "held": UNSEEN}, f"user space, as {UNSEEN}; it is tried again in 4 s, and 'rtpengine-ctl "
     "doctor' looks for the cause"),
    ({"accelerated": True, "fast": True}, "the accelerator (kernel module or NFQUEUE)")])
def test_who_serves_a_port_and_why_not_the_kernel(keys: dict[str, Any], expected: str) -> None:
    daemon = established()
    assert f"engine: {expected}" in of(told(daemon, **keys), daemon.local("A"))


def test_a_settled_stream_whose_other_side_is_not() -> None:
    daemon = established()
    daemon.packet(daemon.local("A"), A)
    assert "engine: user space, as it is not clear yet where the other party is" in of(
        told(daemon, accelerated=True), daemon.local("A"))
    daemon.packet(daemon.local("B"), B)
    assert "engine: user space, as the accelerator refused it; see the log" in of(
        told(daemon, accelerated=True), daemon.local("A"))


def test_what_was_dropped_by_both_engines() -> None:
    daemon = established()
    lines = of(told(daemon, accelerated=True, fast=True, drops=(3, 0, 1, 0, 0, 0, 0, 0)), daemon.local("A"))
    assert lines[-1] == "dropped: 6 from elsewhere, 2 replayed or too old"


def test_keys_are_named_and_not_shown() -> None:
    daemon = Daemon()
    daemon.offer(caller(line(1)), transport_protocol="RTP/AVP")
    daemon.answer(sdp("198.51.100.20", 42000))
    lines = told(daemon)
    (medium,) = [text for text in lines if "RTP/SAVP" in text]
    assert "SRTP with AES_CM_128_HMAC_SHA1_80" in medium
    assert line(1).split("inline:")[1][:20] not in "\n".join(lines)


def test_the_last_refusal() -> None:
    daemon = established()
    for message in ("Ran out of ports", "Ran out of ports: 8 of 8 ports of 203.0.113.5 are in use by calls"):
        note_refusal(daemon.call.trail, request("offer", "127.0.0.1:5000", daemon.now), message, daemon.now)
    daemon.pass_time(2.0)
    note_command(daemon.call.trail, request("query", "127.0.0.1:5000", daemon.now), daemon.now)
    assert [text for text in told(daemon) if "refused" in text] == [
        "  2.0 s ago: offer from 127.0.0.1:5000 refused: Ran out of ports: 8 of 8 ports of 203.0.113.5 are in use by "
        "calls"]


def test_hold_deletion_and_names_that_forge() -> None:
    daemon = Daemon()
    daemon.offer(sdp("0.0.0.0"), call_id="c1")
    daemon.call.parties[0].tag = "x\nCall c2"
    lines = told(daemon)
    assert "Party 'x\\x0aCall c2'" in "\n".join(lines)
    local = daemon.call.parties[0].medias[0].streams[0].local
    assert "as 0.0.0.0:41000 is no address to send to" in of(lines, local)[0]
    daemon.send("delete", from_tag=None, delete_delay=5)
    assert told(daemon)[1] == "  deleted, ends in 5.0 s"
