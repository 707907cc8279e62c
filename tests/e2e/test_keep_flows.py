# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that ends leaves its calls to the next one, Redis or not (what the kernel does meanwhile: tests/kernel)."""
from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from controlplane.persist.encoding import from_bytes
from tests.e2e.test_redis import Talk, encrypted, node, wait
from tests.peers import sdp
from tests.peers.daemon import Daemon, DaemonFailed
from tests.peers.ports import media_ports
from tests.peers.quiet import rest
from tests.peers.redis import PROGRAM, RedisServer

pytestmark = pytest.mark.e2e
with_redis = pytest.mark.skipif(PROGRAM is None, reason="no redis-server (package redis-server)")


def _phone() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(30)
    return made


def _talk(phones: list[socket.socket], ports: list[int], start: int) -> None:
    for seq in range(start, start + 10):
        for side in (0, 1):
            packet = bytes((0x80, 8, 0, seq)) + bytes(7) + bytes((side,)) + b"x" * 160
            phones[side].sendto(packet, ("127.0.0.1", ports[side]))
            assert phones[1 - side].recv(2048) == packet


def test_calls_go_on(tmp_path: Path) -> None:
    path, phones = tmp_path / "flows", [_phone(), _phone()]
    keep = [f"--keep-flows={path}", *media_ports()]
    bodies = [sdp.body("127.0.0.1", each.getsockname()[1]) for each in phones]
    with Daemon(options=keep) as first, first.client() as client:
        call = {"call-id": "kept", "from-tag": "a"}
        told_b = client.request("offer", **call, sdp=bodies[0])["sdp"]
        told_a = client.request("answer", **call, sdp=bodies[1], **{"to-tag": "b"})["sdp"]
        ports = [sdp.sections(body)[0].port for body in (told_a, told_b)]
        _talk(phones, ports, 0)
        assert first.stop() == 0
    kept = path.read_bytes()
    with pytest.raises(DaemonFailed), Daemon(options=(*keep, "--listen-cli=192.0.2.1:9")):
        pass
    assert b"kept" in kept and b"kept" in path.read_bytes(), "a start that fails leaves them to the next"
    with Daemon(options=keep) as second, second.client() as client:
        assert not path.exists()
        _talk(phones, ports, 10)
        rest(second.pid)
        reply = client.request("query", **{"call-id": "kept"})
        assert reply["totals"]["RTP"]["packets"] == 40
        client.request("delete", **call)
    with Daemon() as last, last.client() as client:
        assert client.request("list")["calls"] == []
    for each in phones:
        each.close()


@with_redis
def test_calls_that_are_in_redis_as_well_are_there_once(tmp_path: Path) -> None:
    with ExitStack() as stack, RedisServer(tmp_path) as server:
        both = f"--keep-flows={tmp_path / 'flows'}", f"--redis={server.url(3)}"
        first = node(stack, *both)
        talk, store = Talk(stack, first), server.client(3)
        gone = Talk(stack, first, "gone")
        wait(lambda: store.exists("c1") and store.exists("gone"))
        assert talk.flows() and gone.flows()
        assert first.stop() == 0
        second = node(stack, *both)
        assert "2 calls of the process before go on" in second.log_text()
        assert "ERR" not in second.log_text() and "total: 2\n" in second.cli("list numsessions")
        assert talk.flows()
        rest(second.pid)
        with second.client() as client:
            assert client.request("query", **{"call-id": "c1"})["totals"]["RTP"]["packets"] == 40
            client.call("delete", **{"call-id": "gone", "from-tag": gone.call.from_tag})
        wait(lambda: not store.exists("gone"))
        assert second.stop() == 0
        third = node(stack, *both)
        assert "total: 1\n" in third.cli("list numsessions") and talk.flows()
        with third.client() as client:
            client.call("delete", **{"call-id": "c1", "from-tag": talk.call.from_tag})
        wait(lambda: not store.keys("*"))


@with_redis
def test_calls_that_redis_does_not_know_are_written_by_the_next_process(tmp_path: Path) -> None:
    with ExitStack() as stack, RedisServer(tmp_path) as server:
        both = f"--keep-flows={tmp_path / 'flows'}", f"--redis={server.url(0)}", "--no-redis-required"
        server.stop()
        first = node(stack, *both)
        talk = Talk(stack, first)
        assert first.stop() == 0
        server.start()
        second = node(stack, *both)
        wait(lambda: server.client(0).exists("c1"))
        second.process.kill()
        second.process.wait()
        third = node(stack, *both)
        assert "total: 1\n" in third.cli("list numsessions") and talk.flows()


@with_redis
def test_after_a_crash_redis_has_what_the_file_had_not(tmp_path: Path) -> None:
    """The file held once; encrypted media go on from the indices of the process that was killed."""
    with ExitStack() as stack, RedisServer(tmp_path) as server:
        both = f"--keep-flows={tmp_path / 'flows'}", f"--redis={server.url(0)}"
        first = node(stack, *both)
        phones = encrypted(stack, first)
        phones.talk(5)
        assert first.stop() == 0
        store = server.client(0)
        writer = from_bytes(store.get(phones.call_id))["node"]
        second = node(stack, *both)
        phones.talk(60)
        phones.client = stack.enter_context(second.client())
        phones.negotiate()
        phones.talk(60)
        wait(lambda: from_bytes(store.get(phones.call_id))["node"] != writer)
        second.process.kill()
        second.process.wait()
        third = node(stack, *both)
        phones.talk(60)
        phones.client = stack.enter_context(third.client())
        phones.negotiate()
        phones.talk(10)
