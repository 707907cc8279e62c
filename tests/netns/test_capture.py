# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of one call in a file: each of them, in both directions, and nobody else's."""
from __future__ import annotations

import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers import capture, netns, pcap
from tests.peers.call import Call
from tests.peers.capture import Capture, Flow, flows
from tests.peers.collector import wait
from tests.peers.daemon import Daemon
from tests.peers.rtp import Endpoint, pump

_missing = netns.available() or capture.missing()
pytestmark = [pytest.mark.netns, pytest.mark.skipif(bool(_missing), reason=_missing)]
HOST = {"a": ("10.9.1.1", "fd09:1::1"), "b": ("10.9.2.1", "fd09:2::1")}
NG, CLI = 2223, 9900


class Ground:
    """Phones in a and b, a daemon on a host between them, with loopback as a third network."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.spaces = {name: stack.enter_context(netns.Namespace(name)) for name in ("a", "host", "b")}
        self.host = self.spaces["host"]
        for name, addresses in HOST.items():
            netns.veth(self.host, f"to-{name}", self.spaces[name], "p0")
            for address, prefix in zip(addresses, (24, 64)):
                self.host.add_address(f"{address}/{prefix}", f"to-{name}")
                self.spaces[name].add_address(f"{address[:-1]}2/{prefix}", "p0")
        self.daemon = stack.enter_context(Daemon(
            interfaces=[*(f"{name}/{address}" for name in HOST for address in HOST[name]), "lo/127.0.0.1"],
            namespace=self.host, ng_port=NG, cli_port=CLI))
        self.client = stack.enter_context(self.daemon.client())

    def phone(self, name: str, family: int = 4) -> Endpoint:
        end = Endpoint(HOST[name][family == 6][:-1] + "2", make=self.spaces[name].socket)
        self.stack.callback(end.close)
        return end

    def call(self, a: Endpoint, b: Endpoint, **keys: object) -> Call:
        """A call that both sides have been heard in."""
        call = Call(self.client, a, b, direction=["a", "b"], **keys)
        call.offer(**{"address-family": "IP6" if ":" in b.address else "IP4"})
        call.answer()
        call.talk(2)
        return call

    def asked(self) -> int:
        """Commands that the daemon has got."""
        return self.daemon.log_text().count("Got CLI command")

    def capture(self, *words: str, prefix: tuple[str, ...] = ()) -> Capture:
        return Capture(CLI, *words, namespace=self.host, prefix=prefix)


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with ExitStack() as stack:
        yield Ground(stack)


def legs(call: Call) -> tuple[Flow, Flow, Flow, Flow]:
    """From a, to b, from b, to a."""
    a, b = call.a, call.b
    assert a.destination is not None and b.destination is not None
    at_a, at_b = (a.address, a.port), (b.address, b.port)
    return ((*at_a, *a.destination), (*b.destination, *at_b), (*at_b, *b.destination), (*a.destination, *at_a))


def send(sender: Endpoint, receiver: Endpoint, count: int, payload: bytes = b"x" * 160) -> None:
    receiver.receive()  # what has come earlier
    before = len(receiver.arrivals)
    for _ in range(count):
        sender.send(payload)
    assert pump([sender, receiver], 20.0, lambda: len(receiver.arrivals) == before + count)


@pytest.mark.parametrize("families", [(4, 4), (6, 6), (4, 6)])
def test_each_packet_of_the_call_and_no_other(ground: Ground, tmp_path: Path, families: tuple[int, int]) -> None:
    path = tmp_path / "call.pcap"
    call = ground.call(ground.phone("a", families[0]), ground.phone("b", families[1]))
    other = ground.call(ground.phone("a", families[0]), ground.phone("b", families[1]))
    running = ground.capture(call.call_id, "--file", str(path))
    assert running.begun == "Capturing on 4 ports; Ctrl-C ends it\n"
    send(call.a, call.b, 70)
    send(other.a, other.b, 20)
    send(call.b, call.a, 40)
    send(call.a, call.b, 5, b"z" * 4000)  # in fragments
    call.a.send_report()
    assert pump([call.a, call.b], 20.0, lambda: bool(call.b.compounds))
    status, text = running.stop()
    assert (status, text) == (0, f"{text.split()[0]} packets in {path}: interrupted\n")
    from_a, to_b, from_b, to_a = legs(call)

    def rtcp(flow: Flow) -> Flow:
        return flow[0], flow[1] + 1, flow[2], flow[3] + 1
    assert dict(flows(path)) == {from_a: 75, to_b: 75, from_b: 40, to_a: 40, rtcp(from_a): 1, rtcp(to_b): 1}
    assert int(text.split()[0]) == 2 * (70 + 40 + 1) + 2 * 5 * 3, "fragments are packets"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_ports_that_change_and_the_end_of_the_call(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    call = ground.call(ground.phone("a"), ground.phone("b"))
    running = ground.capture(call.call_id, "--file", str(path))
    send(call.a, call.b, 10)
    before = legs(call)
    call.b = ground.phone("b")
    call.offer(**{"flags": ["no-port-latching"]})
    call.answer()
    after = legs(call)
    assert before[0] != after[0] or before[1] != after[1]
    asked = ground.asked()
    assert wait(lambda: ground.asked() >= asked + 3), "the ports are asked for once a second"
    send(call.a, call.b, 10)
    send(call.b, call.a, 10)
    call.delete()
    status, text = running.end()
    assert status == 0 and text.endswith(f"packets in {path}: the call has ended\n")
    found = flows(path)
    assert found[before[1]] == 10 and [found[flow] for flow in after[1:]] == [10, 10, 10]
    assert sum(found.values()) == 60


def test_loopback_shows_each_packet_once(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    a, b = (Endpoint("127.0.0.1", make=ground.host.socket) for _ in range(2))
    for end in (a, b):
        ground.stack.callback(end.close)
    call = Call(ground.client, a, b, direction=["lo", "lo"])
    call.offer()
    call.answer()
    call.talk(2)
    running = ground.capture(call.call_id, "--file", str(path), "--packets", "50")
    send(a, b, 30)
    status, text = running.end()
    assert (status, text) == (0, f"50 packets in {path}: these are all that were asked for\n")
    assert sum(flows(path).values()) == 50 and set(flows(path)) == set(legs(call)[:2])


def test_one_device_and_a_time(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    call = ground.call(ground.phone("a"), ground.phone("b"))
    running = ground.capture(call.call_id, "--file", str(path), "--interface", "to-b", "--seconds", "4")
    send(call.a, call.b, 10)
    assert running.end() == (0, f"10 packets in {path}: the time is over\n")
    assert dict(flows(path, filtered="udp && sll.pkttype == 4")) == {legs(call)[1]: 10}
    datagrams = list(pcap.datagrams(path))
    assert len(datagrams) == 10 and abs(datagrams[0].at - time.time()) < 30


def test_into_a_pipe(ground: Ground) -> None:
    call = ground.call(ground.phone("a"), ground.phone("b"))
    argv = ground.host.command(["sh", "-c", 'exec "$0" "$@" | tshark -n -r - -Y rtp -d udp.port==0-65535,rtp',
                                *Capture.argv(CLI, call.call_id, "--file", "-", "--packets", "4")])
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        while "Capturing" not in process.stderr.readline():
            pass
        send(call.a, call.b, 2)
        assert process.stdout.read().count("RTP") == 4


@pytest.mark.parametrize("words, prefix, complaint", [
    (["nobody", "--file", "new"], (), "There is no such call\n"),
    (["CALL", "--file", "old"], (), "old is there already\n"),
    (["CALL", "--file", "nowhere/new"], (), "Cannot write nowhere/new: No such file or directory\n"),
    (["CALL", "--file", "new", "--interface", "none0"], (), "Cannot capture: device none0: No such device\n"),
    (["CALL", "--file", "new"], ("setpriv", "--bounding-set=-net_raw"),
     "No permission to capture packets: this takes root, or CAP_NET_RAW\n")])
def test_what_cannot_be(ground: Ground, tmp_path: Path, words: list[str], prefix: tuple[str, ...],
                        complaint: str) -> None:
    (tmp_path / "old").write_bytes(b"precious")
    call = ground.call(ground.phone("a"), ground.phone("b"))
    paths = {name: str(tmp_path / name) for name in ("new", "old", "nowhere/new")}
    running = ground.capture(*[call.call_id if word == "CALL" else paths.get(word, word) for word in words],
                             prefix=prefix)
    status, rest = running.end()
    assert status == 4 and rest == "" and running.begun.replace(f"{tmp_path}/", "") == complaint
    assert (tmp_path / "old").read_bytes() == b"precious" and not (tmp_path / "new").exists()


def test_a_full_disk(ground: Ground, tmp_path: Path) -> None:
    call = ground.call(ground.phone("a"), ground.phone("b"))
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    try:
        running = ground.capture(call.call_id, "--file", str(disk / "x"))
        for _ in range(10):
            send(call.a, call.b, 6, b"z" * 1200)
        assert running.end() == (4, f"Cannot write {disk}/x: No space left on device\n")
        assert len(list(pcap.datagrams(disk / "x"))) > 20, "what there was room for can be read"
    finally:
        subprocess.run(["umount", str(disk)], check=True)
