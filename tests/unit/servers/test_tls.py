# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS with certificates made here, and what is said of files that are none."""
from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest

from controlplane.errors import ConfigError
from controlplane.servers import http
from controlplane.servers.http import HttpServer
from controlplane.servers.tls import Certificate
from tests.unit.servers.clients import settles
from tests.unit.servers.web import parts, request, serve, talk

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    cert, key = directory / f"{name}-cert.pem", directory / f"{name}-key.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
            "-out", cert, "-days", 3, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
    return cert, key


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    for name in ("one", "two"):
        cert, key = certificate(directory, name)
        (directory / f"{name}-both.pem").write_bytes(cert.read_bytes() + key.read_bytes())
    openssl("ec", "-in", directory / "one-key.pem", "-aes128", "-passout", "pass:secret", "-out",
            directory / "locked-key.pem")
    (directory / "empty.pem").write_bytes(b"")
    (directory / "garbage.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return directory


def trusting(files: Path, name: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files / f"{name}-cert.pem"))


@pytest.mark.parametrize("cert, key", [("one-cert.pem", "one-key.pem"), ("one-both.pem", "")])
def test_https_and_secure_websocket_beside_http(files: Path, cert: str, key: str) -> None:
    async def check(server: HttpServer) -> None:
        secure = server.secure.addresses[0]
        reply = await talk(secure, request("GET", "/ping"), context=trusting(files, "one"))
        assert parts(reply)[2] == b"pong\n"
        assert parts(await talk(server.plain.addresses[0], request("GET", "/ping")))[2] == b"pong\n"
        async with aiohttp.ClientSession() as session, session.ws_connect(
                f"https://{secure}/", protocols=["ng.rtpengine.com"], ssl=trusting(files, "one")) as connection:
            await connection.send_str("1 de")
            assert await connection.receive_bytes(timeout=30) == b"1 de|127.0.0.1|7"
    loaded = Certificate(str(files / cert), str(files / key) if key else "")
    serve(check, secure=True, context=loaded.context)


def test_many_requests_and_long_replies_on_one_connection(files: Path) -> None:
    async def check(server: HttpServer) -> None:
        asked = [request("GET", f"/cli/{number}", close=False) for number in range(50)]
        for end in (request("GET", "/cli/many"), b"GET /ping HTTP/1.0\r\n\r\n"):
            reply = await talk(server.secure.addresses[0], b"".join(asked) + end, context=trusting(files, "one"))
            places = [reply.index(b"<%d>" % number) for number in range(50)]
            assert places == sorted(places) and reply.endswith((b"\r\n0\r\n\r\n", b"pong\n"))
    serve(check, secure=True, context=Certificate(str(files / "one-both.pem")).context, patience=3.0)


def test_a_peer_that_does_not_read_is_dropped(files: Path) -> None:
    async def check(server: HttpServer) -> None:
        _, writer = await asyncio.open_connection(*server.secure.addresses[0].sockaddr, limit=1024,
                                                  ssl=trusting(files, "one"))
        writer.transport.pause_reading()
        writer.write(request("GET", "/cli/many", close=False) * 10)
        await settles(lambda: server.secure.clients == 1)
        await settles(lambda: server.secure.clients == 0)
        writer.transport.abort()
    serve(check, secure=True, context=Certificate(str(files / "one-both.pem")).context, patience=1.0)


@pytest.mark.parametrize("cert, key, reason", [
    ("none.pem", "one-key.pem", "https-cert .*/none.pem: No such file or directory"),
    ("one-cert.pem", "none.pem", "https-key .*/none.pem: No such file or directory"),
    ("", "", "https-cert .*: Is a directory"),
    ("one-cert.pem", "two-key.pem", "https-key .*/two-key.pem: does not belong to the certificate .*/one-cert.pem"),
    ("one-cert.pem", "", "https-key .*/one-cert.pem: no key in PEM format"),
    ("one-cert.pem", "empty.pem", "https-key .*/empty.pem: no key in PEM format"),
    ("one-key.pem", "one-key.pem", "https-cert .*/one-key.pem: no certificate in PEM format"),
    ("empty.pem", "one-key.pem", "https-cert .*/empty.pem: no certificate in PEM format"),
    ("garbage.pem", "one-key.pem", "https-cert .*/garbage.pem: no certificate in PEM format"),
    ("one-cert.pem", "locked-key.pem", "https-key .*/locked-key.pem: protected by a password"),
])
def test_files_that_cannot_be_used_are_named(files: Path, cert: str, key: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Certificate(str(files / cert), str(files / key) if key else "")


def test_a_new_certificate_is_used_from_then_on_and_a_bad_one_is_not(files: Path, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def put(name: str, key_of: str) -> None:
        shutil.copy(files / f"{name}-cert.pem", cert)
        shutil.copy(files / f"{key_of}-key.pem", key)
    put("one", "one")
    loaded = Certificate(str(cert), str(key))

    async def check(server: HttpServer) -> None:
        async def shows(name: str) -> bool:
            try:
                await talk(server.secure.addresses[0], request("GET", "/ping"), context=trusting(files, name))
            except ssl.SSLCertVerificationError:
                return False
            return True
        assert await shows("one")
        put("two", "one")
        with pytest.raises(ConfigError, match="does not belong"):
            loaded.reload()
        assert await shows("one")
        put("two", "two")
        loaded.reload()
        assert await shows("two") and not await shows("one")
    serve(check, secure=True, context=loaded.context)


def test_handshakes_that_do_not_come_end(files: Path, monkeypatch: pytest.MonkeyPatch,
                                         caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(http, "_HANDSHAKE", 0.5)

    async def check(server: HttpServer) -> None:
        address = server.secure.addresses[0]
        assert await talk(address, request("GET", "/ping")) == b""        # not TLS
        with socket.create_connection(address.sockaddr):
            await settles(lambda: server.secure.clients == 1)
            assert parts(await talk(address, request("GET", "/ping"), context=trusting(files, "one")))[0] == 200
            await settles(lambda: server.secure.clients == 0)
    serve(check, secure=True, context=Certificate(str(files / "one-both.pem")).context)
    assert "Traceback" not in caplog.text
