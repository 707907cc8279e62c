# SPDX-License-Identifier: GPL-3.0-or-later
"""The assembled proxy without listeners: ng messages go in, packets go through its relay."""
import errno
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from controlplane.config.interfaces import InterfaceSpec
from controlplane.config.settings import Settings
from controlplane.addresses import Address, Endpoint
from controlplane.chronicle import events
from controlplane.dataplane.relay import Relay
from controlplane.errors import DataPlaneError
from controlplane.proxy import Proxy
from controlplane.report.prometheus import exposition
from tests.peers import sdp
from tests.peers.ngclient import decode, encode


class Bench:
    """A proxy and the two ends of one call; ``clock`` runs with the wall clock."""

    def __init__(self) -> None:
        self.relay = Relay(1)
        spec = InterfaceSpec("default", Address.parse("127.0.0.1"), None, 31000, 38999, frozenset())
        self.proxy = Proxy(Settings({"delete-delay": 0}), self.relay, None, [spec], {}, time.time)
        self.ends = {tag: self.end() for tag in "ab"}
        self.messages = 0

    def end(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(30)
        return sock

    def ask(self, command: str, **keys: Any) -> dict[str, Any]:
        """The reply to an ng message about the one call."""
        self.messages += 1
        message = {"command": command, "call-id": "c", **{key.replace("_", "-"): value for key, value in keys.items()}}
        reply = self.proxy.ng_message(b"%d " % self.messages + encode(message), "127.0.0.1:5060", time.time())
        assert reply is not None
        answer: dict[str, Any] = decode(reply.partition(b" ")[2])
        return answer

    def signal(self, command: str, sender: str, **keys: Any) -> int:
        """Offer or answer the sender's present port; the port that the other side is told."""
        body = sdp.body("127.0.0.1", self.ends[sender].getsockname()[1])
        reply = self.ask(command, sdp=body, **keys)
        assert reply["result"] == "ok", reply
        return sdp.sections(reply["sdp"])[0].port

    def establish(self) -> dict[str, int]:
        """Where a and b send to."""
        return {"b": self.signal("offer", "a", from_tag="a"),
                "a": self.signal("answer", "b", from_tag="a", to_tag="b")}

    def send(self, sender: str, port: int, count: int, start: int = 0) -> None:
        """RTP through the proxy, each packet received before the next leaves."""
        receiver = self.ends["ab".replace(sender, "")]
        for n in range(start, start + count):
            packet = b"\x80\x08%b\0\0\0\1\0\0\0%b" % (n.to_bytes(2, "big"), sender.encode()) + b"x" * 160
            self.ends[sender].sendto(packet, ("127.0.0.1", port))
            assert receiver.recv(2048) == packet
            self.proxy.on_relay_events()

    def relayed(self) -> int:
        return int(self.ask("statistics")["statistics"]["totalstatistics"]["relayedpackets_user"])

    def close(self) -> None:
        self.relay.shutdown()
        for each in self.ends.values():
            each.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_every_packet_is_counted_although_the_call_ends_at_once(bench: Bench) -> None:
    ports = bench.establish()
    bench.send("a", ports["a"], 10)
    bench.send("b", ports["b"], 5)
    assert bench.ask("delete", from_tag="a")["totals"]["RTP"]["packets"] == 15
    assert bench.relayed() == 15


def test_packets_to_a_port_that_was_given_up_count_too(bench: Bench) -> None:
    ports = bench.establish()
    bench.send("a", ports["a"], 10)
    bench.ends["b"].close()
    bench.ends["b"] = bench.end()
    bench.signal("offer", "b", from_tag="b", to_tag="a")
    fresh = bench.signal("answer", "a", from_tag="b", to_tag="a")
    bench.send("b", fresh, 3)
    bench.send("a", ports["a"], 4, start=10)
    assert bench.ask("delete", from_tag="a")["result"] == "ok"
    assert bench.relayed() == 17
    bench.proxy.tick()
    assert bench.relayed() == 17, "nothing is counted twice"


def test_ports_and_sockets_come_back(bench: Bench) -> None:
    for _ in range(3):
        bench.establish()
        assert bench.proxy.interfaces()[0].used == 4
        bench.ask("delete", from_tag="a")
        assert bench.proxy.interfaces()[0].used == 0
    assert bench.proxy.calls.calls == {}


def test_a_handler_that_fails_is_a_bug_reported_and_not_the_end(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def explode(request: object) -> dict[str, Any]:
        raise ZeroDivisionError("boom")
    bench.proxy.add_command("cli", explode)
    assert bench.ask("cli") == {"result": "error", "error-reason": "Internal error"}
    assert "boom" in caplog.text
    assert bench.ask("ping") == {"result": "pong"}


def test_load_for_clients_that_choose_among_several_daemons(bench: Bench) -> None:
    bench.signal("offer", "a", from_tag="a")
    assert bench.ask("ping") == bench.ask("ping", supports=["load limit"]) == {"result": "pong"}
    load = bench.ask("ping", supports=["load"])["load"]
    assert {key: load[key] for key in ("sessions", "max_sessions", "ready", "reason", "max_bandwidth", "max_cpu")} == {
        "sessions": 1, "max_sessions": -1, "ready": 1, "reason": "", "max_bandwidth": 0, "max_cpu": "0.0"}
    assert float(load["average"]) >= 0 and float(load["cpu"]) >= 0
    bench.proxy.settings.set("max_sessions", 1)
    bench.proxy.settings_changed()
    load = bench.ask("ping", supports=["load"])["load"]
    assert (load["max_sessions"], load["ready"], load["reason"]) == (1, 0, "Parallel session limit reached")
    bench.proxy.admission.draining = True
    bench.proxy.update_load()
    assert bench.ask("statistics")["statistics"]["load"] | {"cpu": "0", "average": "0"} == {
        **load, "reason": "Draining", "cpu": "0", "average": "0"}
    assert "rtpengine_ready 0\n" in "".join(exposition(bench.proxy.snapshot()))


def happened(bench: Bench, call_id: str = "c") -> str:
    """What happened to a call, without any times."""
    calls, now = bench.proxy.calls, time.time()
    return "\n".join([re.sub(r"^  [-\d]+ [:.\d]+ +\+\d+\.\d+  ", "", line) for line in events(
        calls.find(call_id), calls.past.find(call_id, now), now) or ()])


def test_refusals_are_remembered(bench: Bench) -> None:
    assert bench.ask("answer", sdp=sdp.body("127.0.0.1", 4000), from_tag="a", to_tag="b")["result"] == "error"
    assert happened(bench) == ("Call c from 127.0.0.1:5060, which was never set up\n"
                               "answer from 127.0.0.1:5060 refused: Unknown call-id")
    bench.establish()
    bench.ask("offer", sdp="v=1", from_tag="a")
    assert happened(bench).splitlines()[-1] == ("offer from 127.0.0.1:5060 refused: "
                                                "Failed to parse SDP: SDP version '1'")
    assert "never set up" not in happened(bench)
    bench.ask("delete", from_tag="a")
    bench.ask("delete", from_tag="a", flags=["fatal"])
    assert ("ended: REGULAR\ndelete from 127.0.0.1:5060, from-tag 'a'\n"
            "delete from 127.0.0.1:5060 refused: Call-ID not found") in happened(bench)
    bench.ask("query", call_id="asked")
    assert happened(bench, "asked") == "", "who only looks leaves no trace"


def test_other_commands_are_remembered_with_all_their_calls(bench: Bench) -> None:
    bench.establish()
    bench.ask("block media", from_tag="a")
    assert happened(bench).splitlines()[-1] == "block media from 127.0.0.1:5060, from-tag 'a'"
    bench.ask("offer", call_id="d", sdp=sdp.body("127.0.0.1", 4000), from_tag="d")
    bench.ask("connect", from_tag="a", to_tag="d", to_call_id="d")
    assert happened(bench).count("connect from") == happened(bench, "d").count("connect from") >= 1
    bench.proxy.end(list(bench.proxy.calls.calls.values()), why="a test")
    assert "\nto end at once: a test\nended: FORCED\n" in happened(bench)


def test_what_the_engines_do_is_remembered(bench: Bench) -> None:
    ports = bench.establish()
    local = Endpoint(Address.parse("127.0.0.1"), ports["a"])
    bench.proxy._notes.moved([(local, ""), (local, "it rains")])
    bench.proxy._notes.failed(local, DataPlaneError(errno.EIO, "receive"))
    assert happened(bench).splitlines()[-3:] == [
        f"{local} is served by the accelerator", f"{local} is served in user space, as it rains",
        f"the socket {local} has failed: receive: Input/output error"]


def test_who_asks_for_a_call_is_told_how_its_streams_stand(bench: Bench) -> None:
    bench.establish()
    streams = bench.ask("query")["tags"]["a"]["medias"][0]["streams"]
    assert [stream["state"]["path"] for stream in streams] == ["learning", "learning"]
    assert {(stream["state"]["engine"], stream["state"]["why"]) for stream in streams} == {
        ("user space", "there is no accelerator")}


def test_draining_refuses_new_calls_and_serves_the_running_ones(bench: Bench) -> None:
    bench.signal("offer", "a", from_tag="a")
    bench.proxy.admission.draining = True
    assert bench.proxy.unready() == "Draining"
    bench.signal("answer", "b", from_tag="a", to_tag="b")
    bench.signal("offer", "a", from_tag="a", to_tag="b")
    body = sdp.body("127.0.0.1", 4000)
    refused = {"result": "error", "error-reason": "Parallel session limit reached"}
    assert bench.ask("offer", sdp=body, from_tag="x", call_id="other") == refused
    bench.proxy.admission.draining = False
    assert bench.proxy.unready() is None
    assert bench.ask("offer", sdp=body, from_tag="x", call_id="other")["result"] == "ok"


def test_a_call_ends_whoever_fails_to_hear_of_it(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    bench.proxy.watchers += [fail, lambda call, reason, now: heard.append(call.call_id)]
    bench.establish()
    bench.proxy.end(list(bench.proxy.calls.calls.values()))
    assert heard == ["c"] and "the disk is full" in caplog.text
    assert all(usage.free == usage.total for usage in bench.proxy.interfaces())
