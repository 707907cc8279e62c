# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls as users make them, each as a scene that can be played at two daemons."""
from __future__ import annotations

from typing import Any, NamedTuple

from tests.differential.scene import Scene
from tests.peers import rtcp, sdp
from tests.peers.call import Call
from tests.peers.ngclient import NgError
from tests.peers.rtp import pump


def begin(scene: Scene, call: Call, **keys: Any) -> None:
    """Offer and answer."""
    scene.step("offer", lambda: call.offer(**keys))
    scene.step("answer", lambda: call.answer(**keys))


def end(scene: Scene, call: Call) -> None:
    """Delete it, at once."""
    scene.step("delete", call.delete)


def talked(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.talk()
    scene.look(call)
    end(scene, call)


def one_way(scene: Scene, call: Call) -> None:
    begin(scene, call)
    for _ in range(5):
        call.a.send(b"x" * 160)
        pump((call.a, call.b), 0.01)
    scene.look(call)
    end(scene, call)


def nobody_spoke(scene: Scene, call: Call) -> None:
    begin(scene, call)
    scene.look(call)
    end(scene, call)


def reported(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.talk()
    at = scene.report(call.a, call.b)
    at = scene.report(call.b, call.a, rtcp.Block(call.a.ssrc, 26, 2, 1000, 160, at, 1))
    scene.report(call.a, call.b, rtcp.Block(call.b.ssrc, 64, 5, 1000, 80, at, 1))
    scene.look(call)
    end(scene, call)


def only_offered(scene: Scene, call: Call) -> None:
    scene.step("offer", lambda: call.offer(**{"via-branch": "z9hG4bK1", "label": "caller", "metadata": "k=v"}))
    scene.look(call)
    end(scene, call)


def held(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.talk()
    scene.step("hold", lambda: call.offer("sendonly", to_tag=call.to_tag))
    scene.step("held", lambda: call.answer("recvonly"))
    scene.look(call)
    end(scene, call)


def offered_by_the_callee(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.a, call.b, call.from_tag, call.to_tag = call.b, call.a, call.to_tag, call.from_tag
    scene.step("offer of the callee", lambda: call.offer(to_tag=call.to_tag))
    scene.step("answer of the caller", call.answer)
    scene.look(call)
    end(scene, call)


def timed_out(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.talk()
    scene.counted(call.a, call.b)
    scene.cli("set timeout 1")
    scene.gone(call)
    scene.cli("set timeout 60")


def at_last(scene: Scene, call: Call) -> None:
    """The final timeout, however much they talk."""
    begin(scene, call)
    scene.cli("set finaltimeout 1")
    scene.gone(call)
    scene.cli("set finaltimeout 0")


def terminated(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.talk()
    scene.counted(call.a, call.b)
    scene.step("terminate", lambda: scene.cli(f"terminate {call.call_id}"))


def deleted_later(scene: Scene, call: Call) -> None:
    begin(scene, call)
    call.talk()
    scene.step("delete", lambda: scene.client.call(
        "delete", call_id=call.call_id, from_tag=call.from_tag, delete_delay=60))
    scene.look(call)
    scene.step("delete again", call.delete)


def all_deleted_later(scene: Scene, call: Call) -> None:
    begin(scene, call)
    scene.step("delete", lambda: scene.client.call("delete", call_id=call.call_id, delete_delay=60))
    scene.look(call)
    scene.step("delete again", lambda: scene.client.call("delete", call_id=call.call_id, delete_delay=0))


def terminated_while_it_ends(scene: Scene, call: Call) -> None:
    begin(scene, call)
    scene.step("delete", lambda: scene.client.call(
        "delete", call_id=call.call_id, from_tag=call.from_tag, delete_delay=60))
    scene.step("terminate", lambda: scene.cli(f"terminate {call.call_id}"))


def encrypted(scene: Scene, call: Call) -> None:
    scene.step("offer", lambda: call.offer(**{"transport protocol": "RTP/SAVP"}))
    scene.look(call)
    end(scene, call)


def with_handshake(scene: Scene, call: Call) -> None:
    scene.step("offer", lambda: call.offer(**{"transport protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force"}))
    scene.look(call)
    end(scene, call)


def refused(scene: Scene, call: Call) -> None:
    scene.cli("set maxsessions 0")
    try:
        call.offer()
    except NgError:
        pass
    scene.cli("set maxsessions -1")


def mistaken(scene: Scene, call: Call) -> None:
    """Messages that lack something."""
    body = sdp.body("127.0.0.1", 4000)
    for command, keys in (
            ("nosuch", {}), ("offer", {}), ("offer", {"call-id": "x"}), ("offer", {"call-id": "x", "sdp": body}),
            ("answer", {"call-id": "x", "from-tag": "a", "sdp": body}),
            ("answer", {"call-id": "x", "from-tag": "a", "to-tag": "b", "sdp": body}),
            ("delete", {}), ("delete", {"call-id": "x"}), ("delete", {"call-id": "x", "flags": ["fatal"]}),
            ("query", {}), ("query", {"call-id": "x"}), ("list", {}), ("list", {"limit": 0}), ("list", {"limit": -1}),
            ("block media", {}), ("block media", {"call-id": "x"}), ("unblock DTMF", {"call-id": "x"}),
            ("silence media", {"call-id": "x"}), ("start forwarding", {"call-id": "x"}),
            ("unsubscribe", {"call-id": "x"}), ("subscribe answer", {"call-id": "x"}),
            ("statistics", {}), ("ping", {})):
        scene.ask(command, **keys)


class Play(NamedTuple):
    """A scene, the addresses of the parties, how many calls end, and what goes into each offer and answer."""

    act: Any
    a: str = "127.0.0.1"
    b: str = "127.0.0.1"
    ends: int = 1
    keys: dict[str, Any] = {}


PLAYS = {
    "talked": Play(talked), "one way": Play(one_way), "nobody spoke": Play(nobody_spoke), "reported": Play(reported),
    "only offered": Play(only_offered), "held": Play(held), "offered by the callee": Play(offered_by_the_callee),
    "timed out": Play(timed_out), "at last": Play(at_last), "terminated": Play(terminated),
    "deleted later": Play(deleted_later), "all deleted later": Play(all_deleted_later),
    "terminated while it ends": Play(terminated_while_it_ends), "encrypted": Play(encrypted),
    "with handshake": Play(with_handshake), "refused": Play(refused, ends=0), "mistaken": Play(mistaken, ends=0),
    "IPv6": Play(talked, "::1", "::1", keys={"direction": ["six", "six"], "address family": "IP6"}),
    "from IPv4 to IPv6": Play(nobody_spoke, "127.0.0.1", "::1", keys={"direction": ["int", "six"]}),
    "advertised": Play(nobody_spoke, keys={"direction": ["int", "ext"]}),
    "either family": Play(nobody_spoke, "127.0.0.1", "::1", keys={"direction": ["both", "both"]}),
}
