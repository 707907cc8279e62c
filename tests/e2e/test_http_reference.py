# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and WebSocket beside the reference daemon: the same status, type and body for the same request."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import aiohttp
import pytest

from tests.peers import debian
from tests.peers.daemon import Daemon, free_port, own_command, reference_command
from tests.unit.servers.web import post, request

pytestmark = pytest.mark.e2e
NG, TEXT = "application/x-rtpengine-ng", "text/plain"
PING = b"d7:command4:pinge"


class Http:
    """A daemon with an HTTP port."""

    def __init__(self, daemon: Daemon, port: int):
        self.daemon, self.port = daemon, port

    def ask(self, data: bytes) -> tuple[str, str, bytes]:
        """Status, content type and body; all empty if the connection ends without a reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as sock:
            sock.sendall(data)
            reply = b""
            while b"\r\n\r\n" not in reply:
                piece = sock.recv(65536)
                if not piece:
                    return "", "", b""
                reply += piece
            head, _, body = reply.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            while len(body) < int(headers["content-length"]):
                body += sock.recv(65536)
        return first.split(" ")[1], headers["content-type"], body

    async def converse(self, protocol: str, messages: list[bytes | str], patience: float) -> list[object]:
        """The kind and content of every reply, None for silence; ``dropped`` if there is no connection."""
        try:
            async with aiohttp.ClientSession() as session, session.ws_connect(
                    f"http://127.0.0.1:{self.port}/", protocols=[protocol] if protocol else []) as connection:
                replies: list[object] = [connection.protocol]
                for message in messages:
                    await (connection.send_str if isinstance(message, str) else connection.send_bytes)(message)
                    try:
                        reply = await connection.receive(patience)
                        replies.append((reply.type, reply.data))
                    except asyncio.TimeoutError:
                        replies.append(None)
                return replies
        except aiohttp.ServerDisconnectedError:
            return ["dropped"]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Http, Http]]:
    try:
        reference = reference_command()
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")
    ports = [free_port(socket.SOCK_STREAM) for _ in range(2)]
    with Daemon(reference, options=[f"--listen-http=127.0.0.1:{ports[0]}"]) as theirs, \
            Daemon(own_command(), options=[f"--listen-http=127.0.0.1:{ports[1]}"]) as ours:
        yield Http(theirs, ports[0]), Http(ours, ports[1])


@pytest.mark.parametrize("data", [
    request("GET", "/ping"), request("GET", "/ping?x=1"), request("GET", "/nowhere"), request("GET", "/cli"),
    request("GET", "/ng"), request("GET", "/"), request("GET", "/cli/list+numsessions"),
    request("GET", "/cli/list%20numsessions?x"),
    post("/ng", NG, b"1 " + PING), post("/ng", NG, b"1 " + PING), post("/ng", NG.upper(), b"2 " + PING),
    post("/ng", NG, b'3 {"command":"ping"}'), post("/ng", NG, b"4 d7:comm"), post("/ng", NG, b"5  " + PING),
    post("/ng", NG, b"6 "), post("/ng", NG, PING), post("/ng", NG, b""), post("/ng", TEXT, b"7 " + PING),
    post("/ng", "application/json", b"8 " + PING), post("/ng", NG + "; charset=utf-8", b"9 " + PING),
    post("/ng/x", NG, b"10 " + PING), post("/cli", TEXT + "; charset=utf-8", b"list numsessions"),
    request("POST", "/ng", "Content-Length: 4", body=b"1 de"),
    request("POST", "/ng", f"Content-Type: {NG}", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
])
def test_requests(pair: tuple[Http, Http], data: bytes) -> None:
    theirs, ours = (each.ask(data) for each in pair)
    assert ours == theirs


@pytest.mark.parametrize("protocol, messages", [
    ("ng.rtpengine.com", ["1 d7:command4:pinge", b"2 d7:command4:pinge", '3 {"command":"ping"}', "none", "", " x"]),
    ("cli.rtpengine.com", ["list numsessions", b"list numsessions"]),
    ("echo.rtpengine.com", ["hi", b"\x00ho", ""]),
    ("chat", ["x"]), ("", ["x"]),
])
def test_messages(pair: tuple[Http, Http], protocol: str, messages: list[bytes | str]) -> None:
    for patience in (0.5, 2.0, 8.0):    # a busy host may take longer
        theirs, ours = (asyncio.run(each.converse(protocol, messages, patience)) for each in pair)
        if ours == theirs:
            break
    assert ours == theirs
