# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server with made-up services, and a client that shows the bytes."""
from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.servers.http import HttpServer
from controlplane.servers.services import Services

LOCAL = Endpoint.parse("127.0.0.1:0")


def command(line: str) -> str | Iterable[str]:
    """Some lines have long replies, one has a bug."""
    if line == "bug":
        raise RuntimeError("bug")
    if line == "many":
        return (f"{number:>60}\n" for number in range(100_000))
    return f"<{line}>\n"


SERVICES = Services(
    lambda data, source, now: b"%b|%b|%d" % (data, source.rpartition(":")[0].encode(), now) if b" " in data else None,
    lambda data, source, now: b"plain " + data, command, lambda: 7.0)


async def talk(endpoint: Endpoint, data: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """Everything that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection(*endpoint.sockaddr, ssl=context)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(method: str, path: str, *headers: str, body: bytes = b"", close: bool = True) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *(["Connection: close"] if close else []), *headers]
    return "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape") + b"\r\n" + body


def post(path: str, content_type: str, body: bytes, close: bool = True) -> bytes:
    """The bytes of a POST."""
    return request("POST", path, f"Content-Type: {content_type}", f"Content-Length: {len(body)}", body=body,
                   close=close)


def parts(reply: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, body."""
    head, _, body = reply.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


def serve(body: Callable[[HttpServer], Awaitable[None]], services: Services = SERVICES, secure: bool = False,
          **options: Any) -> None:
    """Run ``body`` beside a server; with ``secure`` it has an HTTPS listener too."""
    async def main() -> None:
        server = HttpServer([LOCAL], [LOCAL] if secure else [], services, **options)
        server.start(asyncio.get_running_loop())
        try:
            await body(server)
        finally:
            await server.close()
    asyncio.run(main())
