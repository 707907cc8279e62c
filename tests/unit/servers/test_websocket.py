# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSocket connections with a client library, and with bytes that no library would send."""
from __future__ import annotations

import asyncio
import os
import struct

import aiohttp
import pytest

from controlplane.servers import websocket
from controlplane.servers.http import HttpServer
from tests.unit.servers.clients import settles
from tests.unit.servers.web import parts, request, serve, talk

UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")


def url(server: HttpServer, path: str = "/") -> str:
    return f"http://{server.plain.addresses[0]}{path}"


@pytest.mark.parametrize("protocols, exchanges", [
    (["ng.rtpengine.com"], [(b"1 de", b"1 de|127.0.0.1|7"), ("2 {}", b"2 {}|127.0.0.1|7"), (b"nocookie", None),
                            (b"", None), (b"\xff\x00 d", b"\xff\x00 d|127.0.0.1|7")]),
    (["ng-plain.rtpengine.com"], [(b"de", b"plain de"), ("{}", b"plain {}"), (b"", b"plain ")]),
    (["cli.rtpengine.com"], [("list totals", b"<list totals>\n"), (b"x\xff", b"<x\xff>\n"), ("", b"<>\n")]),
    (["echo.rtpengine.com"], [("hi", b"hi"), (b"\x00ho", b"\x00ho"), ("", None)]),
    (["chat", "echo.rtpengine.com", "ng.rtpengine.com"], [("hi", b"hi")]),
])
@pytest.mark.parametrize("path", ["/", "/any/where?x=1"])
def test_messages_and_replies(protocols: list[str], exchanges: list[tuple[bytes | str, bytes | None]],
                              path: str) -> None:
    async def check(server: HttpServer) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url(server, path),
                                                                          protocols=protocols) as connection:
            assert connection.protocol in protocols[:2]
            for sent, expected in exchanges:
                await (connection.send_str(sent) if isinstance(sent, str) else connection.send_bytes(sent))
                if expected is not None:
                    assert await connection.receive_bytes(timeout=30) == expected
            with pytest.raises(asyncio.TimeoutError):
                await connection.receive(0.1)
        await settles(lambda: server.plain.clients == 0)
    serve(check)


def test_a_long_operator_reply_is_one_message() -> None:
    async def check(server: HttpServer) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(
                url(server), protocols=["cli.rtpengine.com"], max_msg_size=0) as connection:
            await connection.send_str("many")
            assert len(await connection.receive_bytes(timeout=30)) == 61 * 100_000
    serve(check)


@pytest.mark.parametrize("headers", [
    (), ("Sec-WebSocket-Protocol: chat",), ("Sec-WebSocket-Protocol: NG.rtpengine.com",),
    ("Sec-WebSocket-Protocol: janus-protocol",)])
def test_without_a_protocol_that_is_spoken_here_there_is_no_reply(headers: tuple[str, ...]) -> None:
    async def check(server: HttpServer) -> None:
        sent = request("GET", "/", *UPGRADE, "Sec-WebSocket-Version: 13", *headers, close=False)
        assert await talk(server.plain.addresses[0], sent) == b""
    serve(check)


@pytest.mark.parametrize("headers", [
    (*UPGRADE, "Sec-WebSocket-Version: 99"), (*UPGRADE[:2], "Sec-WebSocket-Version: 13"),
    (*UPGRADE[:2], "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"), ("Upgrade: websocket",),
    (*UPGRADE[:2], "Sec-WebSocket-Key: AAAA\xbfAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13"),
    (*UPGRADE, "Sec-WebSocket-Version: \udcbf"), ("Upgrade: websocket", "Connection: \udcbf", *UPGRADE[2:])])
def test_a_handshake_that_is_wrong(headers: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    async def check(server: HttpServer) -> None:
        for _ in range(5):
            sent = request("GET", "/", *headers, "Sec-WebSocket-Protocol: echo.rtpengine.com", close=False)
            reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr)
            writer.write(sent)
            assert parts(await reader.readuntil(b"bad request\n"))[0] == 400
            writer.close()
    serve(check)
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(server: HttpServer, name: str = "echo.rtpengine.com") -> Streams:
    """A connection behind its handshake, for frames made by hand."""
    reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr, limit=4096)
    writer.write(request("GET", "/", *UPGRADE, "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {name}",
                         close=False))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


def frame(opcode: int, data: bytes, final: bool = True, masked: bool = True, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    head = bytes([opcode | (128 if final else 0)])
    mask = 128 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", size)
    return head + (bytes(4) if masked else b"") + data


@pytest.mark.parametrize("sent, code", [
    (frame(3, b"x"), 1002), (frame(0, b"x"), 1002), (frame(2, b"", length=1 << 40), 1009),
    (frame(9, bytes(200)), 1002), (frame(2 | 64, b"x"), 1002),
])
def test_frames_that_must_not_be_end_the_connection(sent: bytes, code: int) -> None:
    async def check(server: HttpServer) -> None:
        reader, writer = await opened(server)
        writer.write(sent)
        closing = await asyncio.wait_for(reader.read(), 30)
        assert closing[:1] == b"\x88" and int.from_bytes(closing[2:4], "big") == code
        writer.close()
        await settles(lambda: server.plain.clients == 0)
    serve(check, patience=2.0)


def test_a_message_too_long_in_frames_that_are_not() -> None:
    async def check(server: HttpServer) -> None:
        reader, writer = await opened(server)
        writer.write(frame(2, bytes(websocket.MAX_MESSAGE - 5), final=False))
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(frame(0, bytes(10)))
        closing = await asyncio.wait_for(reader.read(), 30)
        assert closing[:1] == b"\x88" and int.from_bytes(closing[2:4], "big") == 1009
        writer.close()
    serve(check, patience=30.0)


def test_random_bytes_end_the_connection_sooner_or_later() -> None:
    async def check(server: HttpServer) -> None:
        for _ in range(30):
            reader, writer = await opened(server)
            writer.write(os.urandom(3000))
            writer.close()
        await settles(lambda: server.plain.clients == 0)
        assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[0] == 200
    serve(check, patience=1.0)


def test_a_peer_that_does_not_read_is_dropped_and_delays_nobody() -> None:
    async def check(server: HttpServer) -> None:
        reader, writer = await opened(server)
        writer.transport.pause_reading()
        sending = asyncio.create_task(_pour(writer))
        async with aiohttp.ClientSession() as session, session.ws_connect(
                url(server), protocols=["echo.rtpengine.com"]) as connection:
            for number in range(200):
                await connection.send_str(str(number))
                assert await connection.receive_bytes(timeout=30) == b"%d" % number
        await settles(lambda: server.plain.clients == 0)
        sending.cancel()
        writer.transport.abort()
    serve(check, patience=1.0)


async def _pour(writer: asyncio.StreamWriter) -> None:
    for _ in range(200):
        writer.write(frame(2, bytes(200_000)))
        await writer.drain()


def test_a_peer_that_is_there_no_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "HEARTBEAT", 0.2)

    async def check(server: HttpServer) -> None:
        reader, writer = await opened(server)  # answers no ping
        assert (await asyncio.wait_for(reader.read(), 30))[:1] == b"\x89"
        await settles(lambda: server.plain.clients == 0)
        writer.close()
    serve(check)
