# SPDX-License-Identifier: GPL-3.0-or-later
"""UNIX sockets: left by an earlier daemon, in use by another, and who may connect."""
from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from controlplane.config.listen import Access, UnixPath
from controlplane.errors import ConfigError
from controlplane.servers import unix
from controlplane.servers.cli import CliServer
from controlplane.servers.http import HttpServer
from controlplane.servers.ng_tcp import NgTcpServer
from tests.unit.servers.web import SERVICES, request


async def talk(path: Path, data: bytes, half_close: bool = True) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    if half_close:
        writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_commands_ng_and_http_over_a_socket(tmp_path: Path) -> None:
    async def main() -> None:
        seen: list[str] = []

        def handler(message: bytes, source: str, now: float) -> bytes:
            seen.append(source)
            return b"<" + message + b">"
        loop = asyncio.get_running_loop()
        cli = CliServer(lambda line: f"<{line}>", [UnixPath(str(tmp_path / "cli"))])
        ng = NgTcpServer([UnixPath(str(tmp_path / "ng"))], handler, lambda: 1.0)
        http = HttpServer([UnixPath(str(tmp_path / "http"))], [], SERVICES)
        for server in (cli.listener, ng.listener, http):
            server.start(loop)
        assert await talk(tmp_path / "cli", b"list\n") == b"<list>"
        assert await talk(tmp_path / "ng", b"7_1 d1:a1:be") == b"<7_1 d1:a1:be>"
        assert (await talk(tmp_path / "http", request("GET", "/ping"), False)).endswith(b"pong\n")
        assert seen == [f"unix-{os.getuid()}:{os.getpid()}"]
        await cli.close()
        await ng.listener.close()
        await http.close()
        assert list(tmp_path.iterdir()) == []
    asyncio.run(main())


def test_what_a_dead_daemon_left_is_taken_over_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    first = unix.listening(str(path), 1)
    with pytest.raises(ConfigError, match=f"port unix:{path}: Address already in use"):
        CliServer(str, [UnixPath(str(path))])
    assert path.is_socket() and path.stat().st_mode & 0o777 == 0o666
    unix.remove(first)
    first.close()
    assert not path.exists()


def test_no_other_file_is_touched(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError):
        unix.listening(str(tmp_path / "file"), 1)
    assert (tmp_path / "file").read_text() == "precious"
    with pytest.raises(ConfigError, match="No such file or directory"):
        CliServer(str, [UnixPath(str(tmp_path / "none" / "socket"))])


def test_a_socket_that_another_has_replaced_stays(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    ours = unix.listening(str(path), 1)
    path.unlink()
    code = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(1)\n"
            "print(flush=True)\nsys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"\n"
        unix.remove(ours)
        assert path.is_socket()
        other.communicate(b"")
    ours.close()


@pytest.mark.skipif(os.getuid() != 0, reason="becomes other users")
@pytest.mark.parametrize("user, groups, access, served", [
    (0, [0], Access(users=frozenset({1234})), True),
    (4711, [4711], Access(), False),
    (4711, [4711, 0], Access(), True),
    (4711, [4711], Access(users=frozenset({4711})), True),
    (4712, [4712, 0], Access(users=frozenset({4711})), False),
    (4712, [4712, 50], Access(groups=frozenset({50})), True),
    (4712, [4712, 0], Access(groups=frozenset({50})), False),
    (4712, [50], Access(groups=frozenset({50})), True)])
def test_who_may_connect(tmp_path_factory: pytest.TempPathFactory, user: int, groups: list[int], access: Access,
                         served: bool) -> None:
    folder = Path("/tmp") / f"rtpengine-unix-{os.getpid()}"     # one that other users may enter
    folder.mkdir(mode=0o755)
    path = folder / "socket"

    async def main() -> bytes:
        server = CliServer(lambda line: f"<{line}>", [UnixPath(str(path))], access=access)
        await server.start()
        code = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                "try:\n s.send(b'x\\n')\n print(s.recv(100).decode())\nexcept OSError: pass")
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path), user=user, group=groups[0],
                                                     extra_groups=groups[1:], stdout=subprocess.PIPE)
        output, _ = await asyncio.wait_for(child.communicate(), 20)
        await server.close()
        return output
    try:
        assert (b"<x>" in asyncio.run(main())) is served
    finally:
        folder.rmdir()
