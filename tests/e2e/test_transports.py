# SPDX-License-Identifier: GPL-3.0-or-later
"""One daemon, asked over every transport at once."""
from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import ngclient, sdp
from tests.peers.collector import wait
from tests.peers.daemon import Daemon, free_port
from tests.peers.quiet import rest

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
NG = "application/x-rtpengine-ng"


@dataclass(frozen=True, slots=True)
class Setting:
    """A daemon and its ports."""

    daemon: Daemon
    tcp: int
    http: int

    def over_udp(self, message: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(30)
            sock.sendto(message, ("127.0.0.1", self.daemon.ng_port))
            return sock.recv(65536)

    def over_tcp(self, message: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.tcp), timeout=30) as sock:
            sock.sendall(message)
            sock.shutdown(socket.SHUT_WR)
            reply = b""
            while piece := sock.recv(1 << 20):
                reply += piece
            return reply

    def over_http(self, message: bytes, path: str = "/ng") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=30)
        connection.request("POST", path, message, {"Content-Type": NG})
        try:
            return connection.getresponse().read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    tcp, http_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    options = [f"--listen-tcp-ng=127.0.0.1:{tcp}", f"--listen-http=127.0.0.1:{http_port}"]
    with Daemon(options=options) as daemon:
        yield Setting(daemon, tcp, http_port)


def ways(setting: Setting) -> list[Callable[[bytes], bytes]]:
    return [setting.over_udp, setting.over_tcp, setting.over_http]


def offer(call_id: str, **keys: str) -> bytes:
    return ngclient.encode({"command": "offer", "call-id": call_id, "from-tag": "a",
                            "sdp": sdp.body("127.0.0.1", 4000), **keys})


def forget(setting: Setting, call_id: str) -> None:
    with setting.daemon.client() as client:
        client.call("delete", call_id=call_id, **{"delete-delay": 0})


@pytest.mark.parametrize("first", range(3))
def test_a_cookie_counts_on_every_transport(setting: Setting, first: int) -> None:
    message = b"shared%d " % first + offer(f"shared-{first}")
    order = ways(setting)[first:] + ways(setting)[:first]
    reply = order[0](message)
    assert ngclient.decode(reply.partition(b" ")[2])["result"] == "ok"
    other = b"shared%d " % first + ngclient.encode({"command": "ping"})
    assert [way(other) for way in order[1:]] == [reply] * 2
    plain = setting.over_http(offer(f"shared-{first}"), "/ng-plain")
    assert ngclient.decode(plain)["sdp"]  # executed, under no cookie
    forget(setting, f"shared-{first}")


def test_errors_are_kept_too(setting: Setting) -> None:
    reply = setting.over_http(b"wrong " + ngclient.encode({"command": "query", "call-id": "later"}))
    assert b"Unknown call-id" in reply
    setting.over_udp(b"right " + offer("later"))
    assert setting.over_tcp(b"wrong " + ngclient.encode({"command": "query", "call-id": "later"})) == reply
    forget(setting, "later")


def test_a_reply_that_no_datagram_holds_is_there_over_tcp_and_http(setting: Setting) -> None:
    names = [f"{number}-" + "x" * 3000 for number in range(30)]
    for name in names:
        setting.over_tcp(b"%d " % time.monotonic_ns() + offer(name))
    message = b"many " + ngclient.encode({"command": "list", "limit": 100})
    failed = ngclient.decode(setting.over_udp(message).partition(b" ")[2])
    assert failed["result"] == "error" and failed["error-reason"].endswith("does not fit into a datagram, ask over "
                                                                           "TCP or HTTP")
    for way in (setting.over_tcp, setting.over_http):
        assert set(names) <= set(ngclient.decode(way(message).partition(b" ")[2])["calls"])
    json = setting.over_udp(b'manyjson {"command":"list","limit":100}')
    assert json.startswith(b'manyjson {"result":"error","error-reason":"Reply of ')
    for name in names:
        forget(setting, name)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.parametrize("transport", ["tcp", "ws", "http"])
def test_stopped_clients_delay_nobody_and_cost_little(setting: Setting, transport: str) -> None:
    port = setting.tcp if transport == "tcp" else setting.http
    before = setting.daemon.memory_kb()
    clients = [subprocess.Popen([sys.executable, str(HERE / "stopped.py"), transport, str(port)])
               for _ in range(10)]
    try:
        with setting.daemon.client(timeout=30, tries=1) as client:
            assert wait(lambda: client.call("ping") and all(_is_stopped(each.pid) for each in clients))
            until = time.monotonic() + 2
            while time.monotonic() < until:
                client.call("ping")
                time.sleep(0.005)
        assert setting.daemon.memory_kb() - before < 40_000
        idle, since = setting.daemon.cpu_seconds(), time.monotonic()
        time.sleep(1)
        assert setting.daemon.cpu_seconds() - idle < 0.5 * (time.monotonic() - since)
    finally:
        for each in clients:
            each.kill()
            each.wait()


def test_the_end_does_not_wait_for_clients() -> None:
    tcp, http_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    with Daemon(options=[f"--listen-tcp-ng=127.0.0.1:{tcp}", f"--listen-http=127.0.0.1:{http_port}"]) as daemon:
        clients = [subprocess.Popen([sys.executable, str(HERE / "stopped.py"), transport, str(port)])
                   for transport, port in (("tcp", tcp), ("ws", http_port), ("http", http_port))]
        idle = [socket.create_connection(("127.0.0.1", port)) for port in (tcp, http_port)]
        try:
            assert wait(lambda: all(_is_stopped(each.pid) for each in clients))
            rest(daemon.pid)
            assert daemon.stop() == 0
        finally:
            for each in clients:
                each.kill()
                each.wait()
            for sock in idle:
                sock.close()
        assert "Traceback" not in daemon.log_text() and "exception" not in daemon.log_text()
