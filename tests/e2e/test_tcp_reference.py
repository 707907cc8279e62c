# SPDX-License-Identifier: GPL-3.0-or-later
"""ng over TCP beside the reference daemon: the same replies to the same bytes, however they are cut."""
from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.peers import debian
from tests.peers.daemon import Command, Daemon, free_port, own_command, reference_command

pytestmark = pytest.mark.e2e
PING = b"d7:command4:pinge"


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    try:
        commands: list[Command] = [reference_command(), own_command()]
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")
    chosen = [free_port(socket.SOCK_STREAM) for _ in commands]
    with Daemon(commands[0], options=[f"--listen-tcp-ng=127.0.0.1:{chosen[0]}"]), \
            Daemon(commands[1], options=[f"--listen-tcp-ng=127.0.0.1:{chosen[1]}"]):
        yield chosen


def ask(port: int, pieces: list[bytes], wait: float) -> bytes:
    """What comes back within ``wait`` seconds."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(wait)
        reply = b""
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(0.05)
        try:
            while got := sock.recv(65536):
                reply += got
        except TimeoutError:
            return reply
        return reply + b"<closed>"


@pytest.mark.parametrize("pieces", [
    [b"1 " + PING], [b"2 " + PING[:5], PING[5:]], [b"3 " + PING + b"4 " + PING], [b"5 " + PING + b"\n6 " + PING],
    [b'7 {"command":"ping"}', b"8 " + PING], [b" 9 " + PING], [b"10 l4:pinge"], [b"11 i5e"],
    [b"12 4:ping", b"13 " + PING], [b"14 4:p", b"ing15 " + PING], [b"16 d7:command4:ping3:xyzi-0ee", b"17 " + PING],
    [b"18 d7:command4:ping3:xyzi01ee", b"19 " + PING], [b"20 d07:command4:pinge"], [b"21 d7:command4:ping", b"e"],
    [b"22 de"], [b"23  " + PING, b"24 " + PING], [b"25 d7:command4:ping1:a900:" + b"x" * 500, b"y" * 400 + b"e"],
    [b"26 d7:command4:ping1:a3000:" + b"x" * 3000 + b"e"], [b"27 " + PING + PING, b"28 " + PING], [b"29"],
    [b"30 d1:a00000000000000001:be"], [b"31 d1:a99999999999:e", b"32 " + PING], [b"33 d1:ai" + b"9" * 26 + b"ee"],
    [b"34 die", b"35 " + PING], [b"36 di-ee"], [b"37 d1:ai1 ee"], [b"38 e39 " + PING], [b"40 d-1:ae"],
    [b"41 {" + b"x" * 2000],
], ids=lambda pieces: repr(pieces[0][:24]))
def test_stream(ports: list[int], pieces: list[bytes]) -> None:
    for wait in (0.4, 2.0, 8.0):    # a busy host may take longer
        theirs, ours = (ask(port, pieces, wait) for port in ports)
        if ours == theirs:
            break
    assert ours == theirs
