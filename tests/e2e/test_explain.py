# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running daemon says of a call that fails for reasons that are not the call's."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.peers import netns
from tests.peers.call import Call
from tests.peers.collector import wait
from tests.peers.daemon import Daemon
from tests.peers.netns import Namespace
from tests.peers.rtp import Endpoint
from tests.peers.sdp import body

pytestmark = [pytest.mark.e2e, pytest.mark.netns, pytest.mark.skipif(bool(netns.available()), reason=netns.available()),
              pytest.mark.skipif(os.environ.get("RTPENGINE_COMMAND") == "reference", reason="it explains nothing")]
ADDRESS, ADDRESS6, NG, CLI = "192.0.2.1", "2001:db8::1", 2223, 9900
PORTS = 41000, 42000


@pytest.fixture
def space() -> Iterator[Namespace]:
    with Namespace("explain") as made:
        made.add_address(f"{ADDRESS}/24")
        made.add_address(f"{ADDRESS6}/64")
        yield made


@pytest.fixture
def ends(space: Namespace) -> Iterator[tuple[Endpoint, Endpoint]]:
    a, b = (Endpoint(ADDRESS, port=port, make=space.socket, seed=port) for port in PORTS)
    yield a, b
    a.close()
    b.close()


@pytest.fixture
def daemon(space: Namespace) -> Iterator[Callable[..., Daemon]]:
    """Starts the one daemon of a test, with these options."""
    running: list[Daemon] = []

    def start(*options: str) -> Daemon:
        running.append(Daemon(namespace=space, ng_port=NG, cli_port=CLI, interfaces=[ADDRESS], options=options))
        return running[0]
    yield start
    for each in running:
        with each:
            pass


def begun(daemon: Daemon, ends: tuple[Endpoint, Endpoint]) -> Call:
    """A call that has been answered."""
    call = Call(daemon.client(), *ends)
    call.offer()
    call.answer()
    return call


def test_no_ports_left(daemon: Callable[..., Daemon], ends: tuple[Endpoint, Endpoint]) -> None:
    """A call that there are none for, and one that goes on without the picture that it has asked for."""
    running = daemon("--port-min=40000", "--port-max=40003")
    call = begun(running, ends)
    late = Call(call.client, *ends)
    shortage = f"Ran out of ports: 4 of 4 ports of {ADDRESS} are in use by calls"
    for each in (late, call):
        reply = call.client.send({"command": "offer", "call-id": each.call_id, "from-tag": each.from_tag,
                                  "sdp": body(ADDRESS, PORTS[0]) + f"m=video {PORTS[0] + 2} RTP/AVP 97\r\n"})
        assert (reply["result"], reply["error-reason"]) == ("error", "Ran out of ports")
        told = running.cli(f"explain {each.call_id}")
        assert f"refused: {shortage}\n" in told, told
    assert "UNKNOWN, there were no ports for it" in running.cli(f"explain {late.call_id}")
    assert shortage in running.log_text(), "without asking, too"


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS6])
def test_a_phone_that_is_gone(space: Namespace, address: str) -> None:
    """Its host says that nobody is there; the other one goes on sending."""
    with Daemon(namespace=space, ng_port=NG, cli_port=CLI, interfaces=[address]) as running:
        a, b = (Endpoint(address, port=port, make=space.socket, seed=port) for port in PORTS)
        call = begun(running, (a, b))
        call.talk(2)
        assert "does not arrive" not in running.cli(f"explain {call.call_id}")
        b.close()

        def told() -> bool:
            a.send(b"x" * 160)
            return f"it does not arrive: {address} says that nothing listens on the port (" in running.cli(
                f"explain {call.call_id}")
        assert wait(told)
        a.close()
        assert f"do not arrive: {address} says that nothing listens on the port" in running.cli(
            f"events {call.call_id}")
        (stream, _), (gone, _) = (call.query()["tags"][tag]["medias"][0]["streams"]
                                  for tag in (call.from_tag, call.to_tag))
        assert "says that" not in stream["state"]["reason"]
        assert gone["state"]["reason"].endswith(f"; {address} says that nothing listens on the port")


def test_a_phone_that_there_is_no_way_to(daemon: Callable[..., Daemon], ends: tuple[Endpoint, Endpoint]) -> None:
    running = daemon()
    call = Call(running.client(), *ends)
    call.offer()
    call.client.call("answer", call_id=call.call_id, from_tag=call.from_tag, to_tag=call.to_tag,
                     sdp=body("198.51.100.20", PORTS[1]))
    told = running.cli(f"explain {call.call_id}")
    assert told.count("it cannot be sent from here: Network is unreachable\n") == 2, told


def test_a_rule_that_is_gone(space: Namespace, daemon: Callable[..., Daemon],
                             ends: tuple[Endpoint, Endpoint]) -> None:
    running = daemon("--accelerator=nfqueue", "--nfqueue-number=9", "--iptables-rule", "--iptables-backend=nft")
    call = begun(running, ends)

    def told(what: str) -> bool:
        call.talk(2, heard=False)
        return running.cli(f"explain {call.call_id}").count(f"engine: {what}") == len(ends)
    assert wait(lambda: told("the accelerator"))
    space.run("nft", "flush", "ruleset")
    assert wait(lambda: told("user space, as its packets do not come to the accelerator; it is tried again in "))
    assert "'rtpengine-ctl doctor' looks for the cause" in running.log_text()
