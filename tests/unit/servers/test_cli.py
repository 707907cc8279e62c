# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager

import pytest

from controlplane.addresses import Endpoint
from controlplane.errors import ConfigError
from controlplane.servers.cli import CliServer
from controlplane.servers.listener import MAX_CLIENTS
from tests.unit.servers.clients import settles

LOCAL = Endpoint.parse("127.0.0.1:0")


def echo(line: str) -> str:
    return f"<{line}>\n"


@asynccontextmanager
async def serving(run: Callable[[str], str | Iterable[str]] = echo, *listen: Endpoint,
                  timeout: float = 5.0) -> AsyncIterator[CliServer]:
    server = CliServer(run, listen or (LOCAL,), timeout)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def ask(endpoint: Endpoint, data: bytes, half_close: bool = False) -> bytes:
    reader, writer = await asyncio.open_connection(*endpoint.sockaddr)
    try:
        writer.write(data)
        if half_close:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


def once(body: Callable[[CliServer], Coroutine[None, None, None]],
         run: Callable[[str], str | Iterable[str]] = echo, timeout: float = 5.0) -> None:
    async def main() -> None:
        async with serving(run, timeout=timeout) as server:
            await body(server)
    asyncio.run(main())


@pytest.mark.parametrize("data, half_close, reply", [
    (b"list totals\n", False, b"<list totals>\n"),
    (b"list totals\r\n", False, b"<list totals>\n"),
    (b"\n\r\n\nfirst\nsecond\n", False, b"<first>\n"),
    (b"no line feed", True, b"<no line feed>\n"),
    (b"no line feed\r", True, b"<no line feed>\n"),
    (b"", True, b""),
    (b"\r\n", True, b""),
    (b"\xff\xc3\xa4\n", False, b"<\xff\xc3\xa4>\n"),
    (b"x" * 1024 + b"\n", False, b"<" + b"x" * 1024 + b">\n"),
])
def test_framing(data: bytes, half_close: bool, reply: bytes) -> None:
    async def body(server: CliServer) -> None:
        assert await ask(server.addresses[0], data, half_close) == reply
    once(body)


@pytest.mark.parametrize("data", [b"x" * 1025, b"x" * 100000])
def test_too_long_a_line_gets_no_reply(data: bytes) -> None:
    async def body(server: CliServer) -> None:
        try:
            assert await ask(server.addresses[0], data) == b""
        except ConnectionResetError:
            pass
        assert await ask(server.addresses[0], b"next\n") == b"<next>\n"
    once(body)


def test_a_command_in_pieces() -> None:
    async def body(server: CliServer) -> None:
        reader, writer = await asyncio.open_connection(*server.addresses[0].sockaddr)
        for piece in (b"li", b"st", b"\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(reader.read(), 30) == b"<list>\n"
        writer.close()
    once(body)


def lines(line: str) -> Iterator[str]:
    for number in range(200_000):
        yield f"{number:>60}\n"


def test_a_long_reply_arrives_whole_while_others_are_served() -> None:
    async def body(server: CliServer) -> None:
        reader, writer = await asyncio.open_connection(*server.addresses[0].sockaddr, limit=2048)
        writer.write(b"many\n")
        first = await reader.readline()
        assert await ask(server.addresses[0], b"other\n") != b""
        size = len(first)
        while data := await reader.read(1 << 20):
            size += len(data)
        assert size == 200_000 * 61
        writer.close()
    once(body, lines)


def test_clients_that_never_send_or_never_read_are_dropped() -> None:
    async def body(server: CliServer) -> None:
        silent, silent_writer = await asyncio.open_connection(*server.addresses[0].sockaddr)
        deaf, deaf_writer = await asyncio.open_connection(*server.addresses[0].sockaddr, limit=1024)
        deaf_writer.write(b"many\n")
        assert await asyncio.wait_for(silent.read(), 30) == b""
        await settles(lambda: not server.listener.clients)
        silent_writer.close()
        deaf_writer.close()
    once(body, lambda line: ("x" * 65536 for _ in range(1000)), timeout=0.2)


def test_too_many_clients() -> None:
    async def body(server: CliServer) -> None:
        writers = []
        for _ in range(MAX_CLIENTS):
            _, writer = await asyncio.open_connection(*server.addresses[0].sockaddr)
            writers.append(writer)
        while server.listener.clients < MAX_CLIENTS:
            await asyncio.sleep(0.01)
        try:
            assert await ask(server.addresses[0], b"one more\n") == b""
        except OSError:
            pass
        writers.pop().close()
        while server.listener.clients == MAX_CLIENTS:
            await asyncio.sleep(0.01)
        assert await ask(server.addresses[0], b"now\n") == b"<now>\n"
        for writer in writers:
            writer.close()
    once(body)


def test_several_listeners_of_both_families() -> None:
    async def main() -> None:
        async with serving(echo, LOCAL, Endpoint.parse("[::1]:0")) as server:
            assert [str(each).rpartition(":")[0] for each in server.addresses] == ["127.0.0.1", "[::1]"]
            for endpoint in server.addresses:
                assert await ask(endpoint, b"x\n") == b"<x>\n"
    asyncio.run(main())


def test_an_address_in_use_leaves_nothing_open() -> None:
    async def main() -> None:
        async with serving() as server:
            taken = server.addresses[0]
            with pytest.raises(ConfigError, match=f"command line port {taken}: Address already in use"):
                CliServer(echo, (LOCAL, taken))
    asyncio.run(main())


def test_a_bug_in_a_command_does_not_end_the_server() -> None:
    def run(line: str) -> str:
        if line == "bug":
            raise RuntimeError("bug")
        return echo(line)

    async def body(server: CliServer) -> None:
        try:
            assert await ask(server.addresses[0], b"bug\n") == b""
        except ConnectionResetError:
            pass
        assert await ask(server.addresses[0], b"x\n") == b"<x>\n"
    once(body, run)
