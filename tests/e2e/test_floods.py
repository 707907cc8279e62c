# SPDX-License-Identifier: GPL-3.0-or-later
"""Too much of something, and words that are no words: what it does to the calls of others (T21, T22, T25, T28)."""
from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest

from tests.churn.churn import OPTIONS, holding, quiet
from tests.peers.call import Call
from tests.peers.daemon import Daemon
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, pump
from tests.peers.sdp import body

pytestmark = pytest.mark.e2e
PATIENCE = 20.0
"""Seconds that an answer may take under a flood, on a host that does other things too."""
PIECES = 50
TRIES = 5
"""All ports share the queue of the device, which a busy host may leave full for a moment."""


def place(client, a: Endpoint, b: Endpoint) -> Call:  # type: ignore[no-untyped-def]
    call = Call(client, a, b)
    call.offer()
    call.answer()
    return call


def arrives(a: Endpoint, b: Endpoint, pieces: int = PIECES) -> int:
    """How many of ``pieces`` packets, 20 ms apart, come through the call."""
    before = len(b.arrivals)
    for number in range(pieces):
        a.send(b"%4d" % number * 40)
        pump([a, b], 0.02)
    pump([a, b], 5.0 if pieces == PIECES else 20.0, lambda: len(b.arrivals) - before >= pieces)
    return len(b.arrivals) - before


class Flood(threading.Thread):
    """Sends random packets to ports of loopback until told to stop."""

    def __init__(self, ports: list[int]):
        super().__init__(daemon=True)
        self.sent = 0
        self._ports = ports
        self._over = threading.Event()

    def run(self) -> None:
        packets = [os.urandom(size) for size in (1, 12, 172, 1200)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not self._over.is_set():
                for port in self._ports:
                    for packet in packets:
                        try:
                            sock.sendto(packet, ("127.0.0.1", port))
                            self.sent += 1
                        except OSError:     # the refusal of a closed port, or a full buffer
                            continue

    def stop(self) -> None:
        self._over.set()
        self.join()


def test_random_packets_at_open_and_closed_ports(ends: tuple[Endpoint, Endpoint]) -> None:
    a, b = ends
    with Daemon(options=["--port-min=29200", "--port-max=29299", "--log-level=5"]) as daemon, \
            daemon.client(timeout=PATIENCE, tries=1) as client:
        place(client, a, b)
        assert arrives(a, b, 5) == 5
        other = client.call("offer", **{"call-id": "other", "from-tag": "a", "sdp": body("127.0.0.1", 5000)})
        attacked = int(str(other["sdp"]).split("m=audio ")[1].split()[0])
        flood = Flood([attacked, attacked + 1, 29298])
        flood.start()
        try:
            assert any(arrives(a, b) == PIECES for _ in range(TRIES)), "each port has a queue of its own"
            for _ in range(30):
                client.call("query", **{"call-id": "other"})
        finally:
            flood.stop()
        assert flood.sent > 1000
        assert len(daemon.log_text().splitlines()) < 60, "nothing is logged for each packet"


def test_half_open_calls_up_to_the_limit_and_a_storm_of_deletions() -> None:
    with Daemon(options=["--max-sessions=300", "--log-level=4", *OPTIONS, "--offer-timeout=60",
                         "--silent-timeout=60"]) as daemon, daemon.client(timeout=PATIENCE) as client:
        before = quiet(daemon, 0)
        replies = [client.request("offer", **{"call-id": f"half-{n}", "from-tag": "a", "sdp": body("127.0.0.1", 5000)})
                   for n in range(400)]
        assert [reply["result"] for reply in replies] == ["ok"] * 300 + ["error"] * 100
        assert "Parallel session limit reached" in replies[-1]["error-reason"]
        for n in range(400):
            client.request("delete", **{"call-id": f"half-{n}", "delete-delay": 0})
        after = quiet(daemon, 0)
        assert (after.files, after.threads) == (before.files, before.threads)
        assert client.call("offer", **{"call-id": "next", "from-tag": "a", "sdp": body("127.0.0.1", 5000)})


def test_one_cookie_many_times_is_one_call() -> None:
    with Daemon(options=["--log-level=4"]) as daemon, daemon.client(timeout=PATIENCE) as client:
        message = b"1 d7:call-id1:c7:command5:offer8:from-tag1:a3:sdp%d:%be" % (
            len(body("127.0.0.1", 5000)), body("127.0.0.1", 5000).encode())
        replies = set()
        for _ in range(500):
            client.socket.send(message)
            replies.add(client.socket.recv(65536))
        assert len(replies) == 1 and b"result2:ok" in replies.pop()
        assert "total: 1\n" in daemon.cli("list numsessions")
        rest(daemon.pid)
        files = holding(daemon, 0).files
        for n in range(200):
            reply = client.request("answer", **{"call-id": f"none-{n}", "from-tag": "a", "to-tag": "b",
                                                "sdp": body("127.0.0.1", 5002)})
            assert (reply["result"], reply["error-reason"]) == ("error", "Unknown call-id")
        assert holding(daemon, 0).files <= files and "total: 1\n" in daemon.cli("list numsessions")


def test_a_daemon_that_was_stopped_for_longer_than_its_timeout(ends: tuple[Endpoint, Endpoint]) -> None:
    a, b = ends
    with Daemon() as daemon, daemon.client(timeout=PATIENCE) as client:
        call = place(client, a, b)
        assert arrives(a, b, 5) == 5
        assert "Success" in daemon.cli("set timeout 5")
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            for _ in range(60):
                a.send(b"meanwhile" * 8)
                time.sleep(0.1)
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        assert pump([a, b], 20.0, lambda: len(b.arrivals) > 5), "what waited in the socket goes on"
        assert "Success" in daemon.cli("set timeout 60")
        assert arrives(a, b, 20) >= 20 and call.query()["result"] == "ok"


WORDS = (
    "a\nCRIT: forged", "a\r\nb", "\x1b[2Jcleared", "nul\x00inside", '"quoted" \\ %s %n {0}', "x" * 5000,
    "b\xff\udcffytes", "' OR 1=1; --", "$(reboot) `reboot`", "../../etc/passwd", "gnp.\u202egpj", "\x9b2J")


@pytest.mark.parametrize("word", WORDS)
def test_names_that_peers_choose_cannot_forge_lines(word: str) -> None:
    with Daemon(options=["--log-level=7"]) as daemon, daemon.client() as client:
        keys = {"call-id": word, "from-tag": word, "to-tag": word, "label": word}
        assert client.request("offer", **keys, sdp=body("127.0.0.1", 5000))["result"] == "ok"
        client.request("answer", **keys, sdp=body("127.0.0.1", 5002))
        client.request(word, **keys)
        assert "total: 1\n" in daemon.cli("list numsessions")
        shown = daemon.cli("list sessions all")
        assert client.request("delete", **{"call-id": word, "delete-delay": 0})["result"] == "ok"
        lines = daemon.log_text().splitlines()
        assert all(line.startswith("[") and "] " in line for line in lines), lines
        for text in (daemon.log_text(), shown):
            assert not set(text) & set("\x1b\x00\r\x9b\u202e") and "\nCRIT: forged" not in text
        assert len(shown.splitlines()) <= 2, shown
