# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP from peers that make mistakes, or mean harm: bounded in time, memory and log lines."""
from __future__ import annotations

import asyncio
import gzip
import socket

import pytest

from controlplane.ng.values import MAX_SIZE
from controlplane.servers.http import HttpServer
from controlplane.servers.ng import Room
from tests.unit.servers.clients import settles
from tests.unit.servers.web import parts, post, request, serve, talk

NG = "application/x-rtpengine-ng"


@pytest.mark.parametrize("sent", [
    b"GARBAGE\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET /ping HTTP/9.9\r\n\r\n",
    b"GET /ping HTTP/1.1\r\nHost x\r\n\r\n", b"GET /ping HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
    b"GET /ping HTTP/1.1\r\n: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    request("POST", "/ng", "Content-Type: " + NG, "Content-Length: -1"),
    request("POST", "/ng", "Content-Type: " + NG, "Content-Length: 1", "Content-Length: 2"),
    request("POST", "/ng", "Content-Type: " + NG, "Content-Length: 4", "Transfer-Encoding: chunked"),
    request("GET", "/ping", "X: " + "x" * 10_000),
    request("GET", "/" + "x" * 10_000),
    request("GET", "/ping", *(f"X{number}: x" for number in range(500))),
    b"GET /ping HTTP/1.1\r\n" + b"X" * 1_000_000,
    b"x" * 1_000_000,
])
def test_malformed_requests_end_the_connection(sent: bytes) -> None:
    async def check(server: HttpServer) -> None:
        reply = await talk(server.plain.addresses[0], sent)
        if reply:
            status, headers, body = parts(reply)
            assert (status, body, headers["server"]) == (400, b"bad request\n", "rtpengine")
        await settles(lambda: server.plain.clients == 0)
        assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[0] == 200
    serve(check)


def test_what_many_do_wrong_is_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    async def check(server: HttpServer) -> None:
        for sent in (b"GARBAGE\r\n\r\n", b"GET /ping HTTP/1.1\r\n: x\r\n\r\n", request("PUT", "/"),
                     request("GET", "/", "X: " + "x" * 10_000)):
            for _ in range(10):
                await talk(server.plain.addresses[0], sent)
    serve(check)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2 and not caplog.records[-1].exc_info
    assert warnings[0].startswith("Malformed HTTP from 127.0.0.1:") and "PUT" in warnings[1]
    assert max(map(len, warnings)) < 300


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /ping HTTP/1.1\r\nHost: x\r\nX: ",
                                   request("GET", "/ping", close=False)])
def test_a_connection_without_a_whole_request_does_not_last(begun: bytes) -> None:
    """Whether its peer is silent, or sends a byte now and then."""
    async def check(server: HttpServer) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        silent = asyncio.create_task(talk(server.plain.addresses[0], begun))
        reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr)
        writer.write(begun)
        while server.plain.clients:
            writer.write(b"x" if begun.endswith(b" ") else b"")
            await asyncio.sleep(0.1)
            assert loop.time() - started < 60
        assert (await silent).count(b"pong") == begun.count(b"ping HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.close()
    serve(check, idle=1)


def test_a_body_that_does_not_come_ends_the_connection() -> None:
    async def check(server: HttpServer) -> None:
        reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr)
        writer.write(request("POST", "/ng", "Content-Type: " + NG, "Content-Length: 1000"))
        while server.plain.clients or not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.05)
            if reader.exception() or await asyncio.wait_for(reader.read(1), 30) == b"":
                break
        writer.close()
        await settles(lambda: server.plain.clients == 0)
    serve(check, patience=0.3)


def test_a_body_that_is_too_long_is_not_read() -> None:
    async def check(server: HttpServer) -> None:
        sent = request("POST", "/ng", "Content-Type: " + NG, f"Content-Length: {MAX_SIZE + 1}")
        assert parts(await talk(server.plain.addresses[0], sent))[0] == 413
    serve(check)


def test_long_bodies_of_all_together_are_bounded() -> None:
    async def check(server: HttpServer) -> None:
        begun = request("POST", "/ng", "Content-Type: " + NG, "Content-Length: 1000000", body=bytes(600_000))
        reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr)
        writer.write(begun)
        await settles(lambda: room._free < 500_000)
        assert parts(await talk(server.plain.addresses[0], begun))[0] == 503
        assert parts(await talk(server.plain.addresses[0], post("/ng", NG, b"1 " + bytes(1000))))[0] == 200
        writer.close()
        await settles(lambda: room._free == 1_000_000)
    room = Room(1_000_000)
    serve(check, room=room)


def test_compressed_bodies_are_not_inflated() -> None:
    async def check(server: HttpServer) -> None:
        bomb = gzip.compress(bytes(1_000_000))
        sent = request("POST", "/ng-plain", "Content-Type: " + NG, f"Content-Length: {len(bomb)}",
                       "Content-Encoding: gzip", body=bomb)
        assert parts(await talk(server.plain.addresses[0], sent))[2] == b"plain " + bomb
    serve(check)


def test_a_peer_that_does_not_read_is_dropped_and_delays_nobody() -> None:
    async def check(server: HttpServer) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await loop.sock_connect(deaf, server.plain.addresses[0].sockaddr)
            await loop.sock_sendall(deaf, request("GET", "/cli/many", close=False) * 10)
            for _ in range(50):
                assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[0] == 200
            await settles(lambda: server.plain.clients == 0)
    serve(check, patience=1.0)


def test_too_many_connections_are_refused_and_room_is_made_when_they_go() -> None:
    async def check(server: HttpServer) -> None:
        writers = [(await asyncio.open_connection(*server.plain.addresses[0].sockaddr))[1] for _ in range(5)]
        await settles(lambda: server.plain.clients == 5)
        assert await talk(server.plain.addresses[0], request("GET", "/ping")) == b""
        for writer in writers:
            writer.close()
        await settles(lambda: server.plain.clients == 0)
        assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[0] == 200
    serve(check, most=5)


def test_clients_that_leave_in_the_middle_leave_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def check(server: HttpServer) -> None:
        for sent in (request("GET", "/cli/many"), request("GET", "/pi"), post("/ng", NG, b"1 de")[:-2],
                     post("/ng", NG, b"1 de")):
            for at in (0, len(sent) // 2, len(sent)):
                _, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr)
                writer.write(sent[:at])
                await asyncio.sleep(0.01)
                writer.transport.abort()
        await settles(lambda: server.plain.clients == 0)
    serve(check)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
