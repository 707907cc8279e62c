# SPDX-License-Identifier: GPL-3.0-or-later
"""What each request gets over HTTP."""
from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys

import pytest

from controlplane.errors import ConfigError
from controlplane.ng.later import Later
from controlplane.servers.http import HttpServer
from tests.unit.servers.web import LOCAL, SERVICES, parts, post, request, serve, talk

NG, JSON, TEXT = "application/x-rtpengine-ng", "application/json", "text/plain"
NOT_FOUND = (404, TEXT, b"not found\n")


@pytest.mark.parametrize("sent, status, content_type, body", [
    (request("GET", "/ping"), 200, TEXT, b"pong\n"),
    (request("GET", "/ping?x=1"), 200, TEXT, b"pong\n"),
    (request("GET", "http://x/ping"), 200, TEXT, b"pong\n"),
    (request("GET", "/livez"), 200, TEXT, b"ok\n"),
    (request("GET", "/readyz"), 200, TEXT, b"ok\n"),
    (request("GET", "/metrics"), 501, TEXT, b"this version has no metrics\n"),
    (request("GET", "/cli/list+totals"), 200, TEXT, b"<list totals>\n"),
    (request("GET", "/cli/list%20totals?x=1"), 200, TEXT, b"<list totals>\n"),
    (request("GET", "/cli/a%2Bb%2fc/d"), 200, TEXT, b"<a+b/c/d>\n"),
    (request("GET", "/cli/%ff%c3%a4"), 200, TEXT, b"<\xff\xc3\xa4>\n"),
    (request("GET", "/cli/"), 200, TEXT, b"<>\n"),
    (request("GET", "/cli"), *NOT_FOUND),
    (request("GET", "/ng"), *NOT_FOUND),
    (request("GET", "/ping/"), *NOT_FOUND),
    (request("GET", "//ping"), *NOT_FOUND),
    (request("GET", "/"), *NOT_FOUND),
    (request("DELETE", "/ping"), *NOT_FOUND),
    (request("OPTIONS", "/anything"), 200, TEXT, b""),
    (request("OPTIONS", "*"), 200, TEXT, b""),
    (post("/ng", NG, b"1 de"), 200, NG, b"1 de|127.0.0.1|7"),
    (post("/ng", NG.upper(), b"1 de"), 200, NG, b"1 de|127.0.0.1|7"),
    (post("/ng", NG, b"de"), 600, TEXT, b"error\n"),
    (post("/ng", NG, b""), 600, TEXT, b"error\n"),
    (post("/ng", JSON, b"1 {}"), *NOT_FOUND),
    (post("/ng", NG + "; charset=utf-8", b"1 de"), *NOT_FOUND),
    (post("/ng/", NG, b"1 de"), *NOT_FOUND),
    (post("/ng-plain", NG, b"de"), 200, NG, b"plain de"),
    (post("/ng-plain", JSON, b"{}"), 200, JSON, b"plain {}"),
    (post("/ng-plain", "Application/Json", b"{}"), 200, JSON, b"plain {}"),
    (post("/ng-plain", TEXT, b"{}"), *NOT_FOUND),
    (post("/cli", TEXT, b"list totals\n"), 200, TEXT, b"<list totals\n>\n"),
    (post("/cli", TEXT, b"\xff"), 200, TEXT, b"<\xff>\n"),
    (post("/cli", NG, b"list totals"), *NOT_FOUND),
    (post("/janus", JSON, b"{}"), *NOT_FOUND),
])
def test_requests(sent: bytes, status: int, content_type: str, body: bytes) -> None:
    async def check(server: HttpServer) -> None:
        got, headers, content = parts(await talk(server.plain.addresses[0], sent))
        assert (got, headers["content-type"], content) == (status, content_type, body)
        assert headers["content-length"] == str(len(body)) and headers["server"] == "rtpengine"
        assert {name: value for name, value in headers.items() if name.startswith("access-control-")} == {
            "access-control-allow-origin": "*", "access-control-max-age": "86400",
            "access-control-allow-methods": "GET, POST", "access-control-allow-headers": "Content-Type"}
    serve(check)


@pytest.mark.parametrize("sent", [
    request("PUT", "/ng", "Content-Length: 0"),
    request("POST", "/ng", "Content-Length: 4", body=b"1 de"),
    request("POST", "/ng", "Content-Type:", "Content-Length: 4", body=b"1 de"),
    request("POST", "/ng", "Content-Type: " + "x" * 64, "Content-Length: 4", body=b"1 de"),
    request("POST", "/ng", "Content-Type: " + NG, "Transfer-Encoding: chunked", body=b"4\r\n1 de\r\n0\r\n\r\n"),
    request("GET", "/", "Upgrade: websocket", "Connection: Upgrade", close=False),
])
def test_requests_that_get_no_reply(sent: bytes) -> None:
    async def check(server: HttpServer) -> None:
        assert await talk(server.plain.addresses[0], sent) == b""
        assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[0] == 200
    serve(check)


def test_head_gets_the_headers_of_what_is_not_found() -> None:
    async def check(server: HttpServer) -> None:
        status, headers, body = parts(await talk(server.plain.addresses[0], request("HEAD", "/ping")))
        assert (status, headers["content-length"], body) == (404, "10", b"")
    serve(check)


def test_one_connection_for_many_requests_at_once() -> None:
    async def check(server: HttpServer) -> None:
        requests = [post("/ng", NG, b"%d de" % number, close=False) for number in range(200)]
        got = await talk(server.plain.addresses[0], b"".join(requests) + request("GET", "/ping"))
        places = [got.index(b"\r\n\r\n%d de|127.0.0.1" % number) for number in range(200)]
        assert places == sorted(places) and got.endswith(b"pong\n")
    serve(check)


def test_old_clients_get_one_reply() -> None:
    async def check(server: HttpServer) -> None:
        assert (await talk(server.plain.addresses[0], b"GET /ping HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\npong\n")
        long = await talk(server.plain.addresses[0], b"GET /cli/many HTTP/1.0\r\n\r\n")
        assert len(parts(long)[2]) == 61 * 100_000
    serve(check)


def test_a_client_that_asks_first_whether_to_send_its_body() -> None:
    async def check(server: HttpServer) -> None:
        reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr)
        writer.write(request("POST", "/ng", "Content-Type: " + NG, "Content-Length: 4", "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"1 de")
        assert parts(await reader.read())[2] == b"1 de|127.0.0.1|7"
        writer.close()
    serve(check)


def test_a_long_reply_is_made_while_it_is_sent_and_others_are_served() -> None:
    async def check(server: HttpServer) -> None:
        reader, writer = await asyncio.open_connection(*server.plain.addresses[0].sockaddr, limit=2048)
        writer.write(request("GET", "/cli/many"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[0] == 200
        content = await reader.read()
        assert sum(line.strip().isdigit() and len(line) == 60 for line in content.splitlines()) > 99_000
        assert content.endswith(b"0\r\n\r\n")
        writer.close()
    serve(check)


def test_a_reply_that_comes_later() -> None:
    later: Later[bytes] = Later()

    async def check(server: HttpServer) -> None:
        asyncio.get_running_loop().call_later(0.1, later.finish, b"late")
        asked = [asyncio.create_task(talk(server.plain.addresses[0], post("/ng", NG, b"1 de"))) for _ in range(3)]
        assert [parts(reply)[2] for reply in await asyncio.gather(*asked)] == [b"late"] * 3
    serve(check, dataclasses.replace(SERVICES, message=lambda *_: later))


def test_not_ready() -> None:
    async def check(server: HttpServer) -> None:
        status, _, content = parts(await talk(server.plain.addresses[0], request("GET", "/readyz")))
        assert (status, content) == (503, b"Draining\n")
        status, _, content = parts(await talk(server.plain.addresses[0], request("GET", "/livez")))
        assert status == 200, "it need not be started anew"
    serve(check, dataclasses.replace(SERVICES, unready=lambda: "Draining"))


def test_metrics_where_there_are_some() -> None:
    async def check(server: HttpServer) -> None:
        status, headers, content = parts(await talk(server.plain.addresses[0], request("GET", "/metrics")))
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert content == b"e\r\nsome 1\nmore 2\n\r\n0\r\n\r\n", "chunked"
    serve(check, dataclasses.replace(SERVICES, metrics=lambda: iter(["some 1\n", "more 2\n"])))


def test_a_bug_gives_an_error_and_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def check(server: HttpServer) -> None:
        status, headers, body = parts(await talk(server.plain.addresses[0], request("GET", "/cli/bug", close=False)))
        assert (status, headers["content-type"], body) == (500, TEXT, b"internal error\n")
    serve(check)
    assert "RuntimeError: bug" in caplog.text


def test_a_port_that_is_taken_is_named_and_nothing_stays_open() -> None:
    async def check(server: HttpServer) -> None:
        taken = server.plain.addresses[0]
        with pytest.raises(ConfigError, match=f"Failed to open HTTP port {taken}: Address already in use"):
            HttpServer([LOCAL, taken], [], SERVICES)
        with pytest.raises(ConfigError, match=f"Failed to open HTTPS port {taken}: Address already in use"):
            HttpServer([LOCAL], [taken], SERVICES)
    serve(check)


def test_daemons_without_http_do_not_pay_for_it() -> None:
    program = "import sys, controlplane.app; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
