# SPDX-License-Identifier: GPL-3.0-or-later
"""The TCP listener against real sockets on loopback."""
from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from controlplane.addresses import Endpoint
from controlplane.errors import ConfigError
from controlplane.ng.later import Later
from controlplane.servers import listener
from controlplane.servers.ng import Answer, Handler, Room
from controlplane.servers.ng_tcp import NgTcpServer
from tests.unit.servers.clients import settles

LOCAL = Endpoint.parse("127.0.0.1:0")
LONG = 1_000_000
_TCP_REPAIR = 19
"""Linux: <netinet/tcp.h>."""


def handler(data: bytes, source: str, now: float) -> Answer:
    """Echoes the cookie; some cookies ask for more."""
    cookie = data.partition(b" ")[0]
    if cookie.startswith(b"silence"):
        return None
    if cookie.startswith(b"long"):
        return cookie + b" " + bytes(LONG)
    if cookie.startswith(b"later"):
        later: Later[bytes] = Later()
        asyncio.get_running_loop().call_later(0.1, later.finish, b"<%s>" % cookie)
        return later
    return b"<%s>" % cookie


def serve(body: Callable[[NgTcpServer], Awaitable[None]], handler: Handler = handler, **options: Any) -> None:
    """Run ``body`` beside a server."""
    async def main() -> None:
        server = NgTcpServer([LOCAL, Endpoint.parse("[::1]:0")], handler, lambda: 7.0, **options)
        server.listener.start(asyncio.get_running_loop())
        try:
            await body(server)
        finally:
            await server.listener.close()
    asyncio.run(main())


async def connect(server: NgTcpServer, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*server.listener.addresses[0].sockaddr, **options)


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes."""
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("pieces, replies", [
    ([b"1 de"], b"<1>"),
    ([b"1 d", b"1:a", b"0:e2 ", b"de"], b"<1><2>"),
    ([b"1 de2 de\n3 de"], b"<1><2><\n3>"),
    ([b"%d de" % number for number in range(200)], b"".join(b"<%d>" % number for number in range(200))),
    ([b"silence de1 de"], b"<1>"),
    ([b"later1 de2 delater3 de"], b"<later1><2><later3>"),
])
@pytest.mark.parametrize("apart", [False, True])
def test_messages_are_answered_in_order(pieces: list[bytes], replies: bytes, apart: bool) -> None:
    async def body(server: NgTcpServer) -> None:
        for endpoint in server.listener.addresses:
            reader, writer = await asyncio.open_connection(*endpoint.sockaddr)
            for piece in pieces if apart else [b"".join(pieces)]:
                writer.write(piece)
                await asyncio.sleep(0)
            writer.write_eof()
            assert await closed(reader) == replies
            writer.close()
    serve(body)


def test_the_handler_learns_who_asks_and_when() -> None:
    async def body(server: NgTcpServer) -> None:
        reader, writer = await connect(server)
        writer.write(b"1 de")
        port = writer.get_extra_info("sockname")[1]
        assert await reader.read(100) == b"127.0.0.1:%d 7 1 de" % port
        writer.close()
    serve(body, lambda data, source, now: b"%s %d %s" % (source.encode(), now, data))


def test_a_message_of_megabytes_and_a_reply_too() -> None:
    async def body(server: NgTcpServer) -> None:
        reader, writer = await connect(server)
        writer.write(b"long d1:a3000000:" + bytes(3_000_000) + b"e")
        assert await reader.readexactly(LONG + 5) == b"long " + bytes(LONG)
        writer.close()
    serve(body)


@pytest.mark.parametrize("garbage", [b'2 {"command":"ping"}', b" de", b"2 x", b"2 di01ee"])
def test_what_is_no_bencode_blocks_the_connection_until_it_is_too_much(garbage: bytes) -> None:
    async def body(server: NgTcpServer) -> None:
        reader, writer = await connect(server)
        writer.write(b"1 de" + garbage)
        assert await reader.read(100) == b"<1>"
        writer.write(b"3 de")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(100), 0.1)
        writer.write(bytes(1100))
        assert await closed(reader) == b""
        writer.close()
    serve(body)


def test_a_blocked_connection_does_not_last() -> None:
    async def body(server: NgTcpServer) -> None:
        reader, writer = await connect(server)
        writer.write(b"{}  ")
        writer.write(b" de")
        assert await closed(reader) == b""
        writer.close()
    serve(body, patience=0.1)


def test_idle_peers_stay_and_those_who_begin_a_long_message_have_to_go_on() -> None:
    async def body(server: NgTcpServer) -> None:
        idle, idle_writer = await connect(server)
        idle_writer.write(b"1")
        slow, slow_writer = await connect(server)
        slow_writer.write(b"2 d1:a3000000:" + bytes(100_000))
        assert await closed(slow) == b""
        idle_writer.write(b" de")
        assert await idle.read(100) == b"<1>"
        idle_writer.close()
        slow_writer.close()
    serve(body, patience=0.2)


def test_unfinished_messages_of_all_together_are_bounded() -> None:
    async def body(server: NgTcpServer) -> None:
        begun = b"1 d1:a3000000:" + bytes(400_000)
        first, first_writer = await connect(server)
        first_writer.write(begun)
        await settles(lambda: room._free < 1_000_000 - 300_000)
        others = [await connect(server) for _ in range(4)]
        for _, writer in others:
            writer.write(begun)
        ended = [asyncio.create_task(closed(reader)) for reader, _ in [(first, first_writer), *others]]
        await settles(lambda: sum(task.done() for task in ended) >= 3)
        done, waiting = await asyncio.wait(ended, timeout=0.3)
        assert len(done) == 3 and len(waiting) == 2
        small, small_writer = await connect(server)
        small_writer.write(b"2 de")
        assert await small.read(100) == b"<2>"
        for task in waiting:
            task.cancel()
        for writer in (first_writer, small_writer, *(writer for _, writer in others)):
            writer.close()
        await settles(lambda: room._free == 1_000_000)
    room = Room(1_000_000)
    serve(body, room=room)


def test_a_peer_that_does_not_read_holds_one_reply_and_delays_nobody() -> None:
    answered = 0

    def counting(data: bytes, source: str, now: float) -> Answer:
        nonlocal answered
        answered += 1
        return handler(data, source, now)

    async def body(server: NgTcpServer) -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, server.listener.addresses[0].sockaddr)
            await loop.sock_sendall(deaf, b"long de" * 1000)
            await settles(lambda: answered > 0)
            reader, writer = await connect(server)
            for number in range(100):
                writer.write(b"%d de" % number)
                assert await reader.read(100) == b"<%d>" % number
            assert answered < 100 + 20
            await settles(lambda: server.listener.clients == 1)
            assert answered < 100 + 20
            writer.close()
    serve(body, counting, patience=3.0)


def test_too_many_connections_are_refused_and_room_is_made_when_they_go() -> None:
    async def body(server: NgTcpServer) -> None:
        writers = [(await connect(server))[1] for _ in range(5)]
        await settles(lambda: server.listener.clients == 5)
        reader, writer = await connect(server)
        assert await closed(reader) == b""
        writer.close()
        writers.pop().close()
        await settles(lambda: server.listener.clients == 4)
        reader, writer = await connect(server)
        writer.write(b"1 de")
        assert await reader.read(100) == b"<1>"
        for each in (*writers, writer):
            each.close()
    serve(body, most=5)


def test_what_clients_do_wrong_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def body(server: NgTcpServer) -> None:
        for _ in range(20):
            reader, writer = await connect(server)
            writer.write(b" de" + bytes(2000))
            assert await closed(reader) == b""
            writer.close()
    serve(body)
    assert [record.levelname for record in caplog.records if record.levelname != "INFO"] == ["WARNING"]
    assert "space in place of a cookie" in caplog.text


def test_a_bug_ends_one_connection_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def buggy(data: bytes, source: str, now: float) -> Answer:
        if data == b"bug de":
            raise RuntimeError("bug")
        return b"fine"

    async def body(server: NgTcpServer) -> None:
        reader, writer = await connect(server)
        writer.write(b"bug de")
        assert await closed(reader) == b""
        writer.close()
        reader, writer = await connect(server)
        writer.write(b"1 de")
        assert await reader.read(100) == b"fine"
        writer.close()
    serve(body, buggy)
    assert "Internal error" in caplog.text and "RuntimeError: bug" in caplog.text


def test_a_lack_of_descriptors_passes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("controlplane.servers.listener._PAUSE", 0.1)
    real, failures = socket.socket.accept, [24, 103]

    def accept(sock: socket.socket) -> Any:
        if failures:
            raise OSError(failures.pop(0), "Too many open files")
        return real(sock)

    async def body(server: NgTcpServer) -> None:
        monkeypatch.setattr(socket.socket, "accept", accept)
        reader, writer = await connect(server)
        writer.write(b"1 de")
        assert await asyncio.wait_for(reader.read(100), 30) == b"<1>"
        writer.close()
    serve(body)
    assert "Cannot accept TCP control connections: Too many open files" in caplog.text and not failures


def test_a_port_that_is_taken_is_named_and_nothing_stays_open() -> None:
    async def body(server: NgTcpServer) -> None:
        taken = server.listener.addresses[0]
        with pytest.raises(ConfigError, match=f"Failed to open TCP control port {taken}: Address already in use"):
            NgTcpServer([LOCAL, taken], handler, lambda: 0.0)
    serve(body)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to vanish without a word")
def test_a_peer_that_has_vanished_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    sooner = {socket.TCP_KEEPIDLE: 3, socket.TCP_KEEPINTVL: 1}
    monkeypatch.setattr("controlplane.servers.listener._PROBING", [
        (level, option, sooner.get(option, value)) for level, option, value in listener._PROBING])

    async def body(server: NgTcpServer) -> None:
        begun = asyncio.get_running_loop().time()
        with socket.create_connection(server.listener.addresses[0].sockaddr) as vanishing:
            await settles(lambda: server.listener.clients == 1)
            vanishing.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)  # closes without telling the other end
        await settles(lambda: server.listener.clients == 0)
        assert asyncio.get_running_loop().time() - begun > 2, "it told nobody, and was probed for"
    serve(body)


def test_vanished_peers_are_probed_for() -> None:
    seen: list[int] = []
    real = NgTcpServer._serve

    async def body(server: NgTcpServer) -> None:
        async def spy(client: socket.socket, peer: str) -> None:
            seen.append(client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            seen.append(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
            await real(server, client, peer)
        server.listener._serve = spy
        _, writer = await connect(server)
        await settles(lambda: len(seen) == 2)
        writer.close()
    serve(body)
    assert seen == [1, 90_000]
