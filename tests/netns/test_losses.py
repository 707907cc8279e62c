# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running daemon makes of what it loses: the network of the phones, its link (T25), room on the disk (T27)."""
from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import netns
from tests.peers.call import Call
from tests.peers.collector import wait
from tests.peers.daemon import Daemon
from tests.peers.netns import Namespace, veth
from tests.peers.rtp import Endpoint, pump
from tests.peers.sdp import body

pytestmark = [pytest.mark.netns, pytest.mark.skipif(bool(netns.available()), reason=netns.available())]
PROXY, PHONES = "10.4.0.1", "10.4.0.2"
NG, CLI = 2223, 9900
PORTS = 41000, 42000
MOST_LINES = 20
"""What the log may have of it, however many packets there were."""


@pytest.fixture
def home() -> Iterator[Namespace]:
    with Namespace("home") as made:
        yield made


def phones(home: Namespace) -> tuple[Namespace, Endpoint, Endpoint]:
    """A network with both phones, joined to the daemon's."""
    made = Namespace("phones")
    veth(home, "p0", made, "p1")
    home.add_address(f"{PROXY}/24", "p0")
    made.add_address(f"{PHONES}/24", "p1")
    a, b = (Endpoint(PHONES, port=port, make=made.socket, seed=port) for port in PORTS)
    return made, a, b


def daemon(home: Namespace, *options: str) -> Daemon:
    return Daemon(interfaces=[PROXY], options=["--log-level=6", *options], namespace=home, ng_port=NG, cli_port=CLI)


def talk(call: Call, packets: int = 20, patience: float = 20.0) -> bool:
    """Whether as many arrive on both sides."""
    before = len(call.a.arrivals), len(call.b.arrivals)
    call.talk(packets, heard=False)
    return pump([call.a, call.b], patience, lambda: len(call.a.arrivals) - before[0] >= packets
                and len(call.b.arrivals) - before[1] >= packets)


def test_the_phones_network_is_destroyed_and_made_again(home: Namespace) -> None:
    far, a, b = phones(home)
    with daemon(home) as running, running.client() as client:
        call = Call(client, a, b)
        call.offer()
        call.answer()
        assert talk(call) and PROXY in home.run("ss", "-Huan").stdout
        said = len(running.log_text().splitlines())
        for end in (a, b):
            end.close()
        far.close()
        home.run("sh", "-c", "ip link del p0 2>/dev/null; true")
        assert call.query()["result"] == "ok", "a call waits for its parties"
        assert len(running.log_text().splitlines()) - said < MOST_LINES
        offer = client.request("offer", **{"call-id": "new", "from-tag": "a", "sdp": body(PHONES, 5000)})
        assert offer["result"] == "error", "our address has gone with the link"
        assert f"media socket on {PROXY}: " in running.log_text()
        far, *ends = phones(home)
        call.a, call.b = ends
        call.offer(to_tag=call.to_tag)
        call.answer()
        assert wait(lambda: talk(call, patience=1.0))
        call.delete()
        assert "total: 0\n" in running.cli("list numsessions")
        assert PROXY not in home.run("ss", "-Huan").stdout, "no socket is left"
        for end in ends:
            end.close()
        far.close()


def test_a_link_that_is_down_for_a_while_ends_no_call(home: Namespace) -> None:
    far, a, b = phones(home)
    with daemon(home) as running, running.client() as client:
        call = Call(client, a, b)
        call.offer()
        call.answer()
        assert talk(call)
        said = len(running.log_text().splitlines())
        home.ip("link", "set", "p0", "down")
        call.talk(100, heard=False)
        assert call.query()["result"] == "ok"
        assert len(running.log_text().splitlines()) - said < MOST_LINES
        home.ip("link", "set", "p0", "up")
        assert wait(lambda: talk(call, patience=1.0))     # once the neighbours have found each other
    for end in (a, b):
        end.close()
    far.close()


def test_a_disk_without_room_for_the_calls(home: Namespace, tmp_path: Path) -> None:
    """They end, as without keep-flows, and no half of their keys stays."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(tmp_path)], check=True)
    far, a, b = phones(home)
    try:
        with daemon(home, f"--keep-flows={tmp_path / 'flows'}") as running, running.client() as client:
            for _ in range(4):      # more than there is room for
                call = Call(client, a, b)
                call.offer()
                call.answer()
            assert running.stop() == 0
            assert "Cannot leave the calls to the next process: [Errno 28] No space left" in running.log_text()
        assert not list(tmp_path.iterdir())
        with daemon(home, f"--keep-flows={tmp_path / 'flows'}") as running:
            assert "total: 0\n" in running.cli("list numsessions")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
        for end in (a, b):
            end.close()
        far.close()
