# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import socket
import syslog
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controlplane.devlog import MOST, DevLog

WARNING = syslog.LOG_WARNING
LINE = re.compile(r"<(\d+)>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\w+)\[(\d+)\]: (.*)", re.DOTALL)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def daemon(path: Path, kind: socket.SocketKind = socket.SOCK_DGRAM) -> Iterator[socket.socket]:
    """A syslog that reads when it is asked to."""
    with socket.socket(socket.AF_UNIX, kind) as sock:
        path.unlink(missing_ok=True)
        sock.bind(str(path))
        if kind is socket.SOCK_STREAM:
            sock.listen()
        sock.setblocking(False)
        yield sock


def texts(sock: socket.socket) -> list[str]:
    """Of all lines that are there."""
    found = []
    while True:
        try:
            match = LINE.fullmatch(sock.recv(65536).decode())
        except BlockingIOError:
            return found
        assert match
        found.append(match[5])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(path: Path, clock: Clock) -> Iterator[DevLog]:
    made = DevLog(str(path), clock)
    made.open("abc", syslog.LOG_LOCAL3)
    yield made
    made.close()


def test_a_line_is_what_syslog_writes(log: DevLog, path: Path) -> None:
    before = time.time()
    with daemon(path) as sock:
        log.send(WARNING, "what\udcff")
        log.send(syslog.LOG_INFO | syslog.LOG_MAIL, "a record")
        match = LINE.fullmatch(sock.recv(1000).decode())
        assert match and (int(match[1]), match[3], match[5]) == (syslog.LOG_LOCAL3 | WARNING, "abc", "what\\udcff")
        assert match[2] in [time.strftime("%b %e %H:%M:%S", time.localtime(at)) for at in (before, time.time())]
        assert sock.recv(1000).startswith(b"<%d>" % (syslog.LOG_INFO | syslog.LOG_MAIL))


def test_nobody_waits_for_a_syslog_that_has_stopped(log: DevLog, path: Path) -> None:
    """syslog(3) waits, and with it the whole daemon."""
    with daemon(path) as sock:
        sent = MOST + 3000
        for number in range(sent):
            log.send(WARNING, str(number))
        assert 0 < log.lost < 3000 and log.pause() < 0.01
        assert not texts_of_a_reader(sock, log, sent - log.lost, log.lost)


def texts_of_a_reader(sock: socket.socket, log: DevLog, came: int, lost: int) -> list[str]:
    """What differs from all that was kept, in order, and from how much was not."""
    found = []
    for _ in range(came):
        found += texts(sock)
        log.flush()
    expected = [str(number) for number in range(came)] + [f"{lost} lines of this log were lost"]
    return [f"{one} for {other}" for one, other in zip(found + texts(sock), expected, strict=True) if one != other]


def test_a_syslog_that_is_started_again(log: DevLog, path: Path) -> None:
    with daemon(path) as sock:
        log.send(WARNING, "one")
        assert texts(sock) == ["one"]
    with daemon(path) as sock:
        log.send(WARNING, "two")
        assert texts(sock) == ["two"] and log.lost == 0


def test_a_syslog_that_comes_late(log: DevLog, path: Path, clock: Clock) -> None:
    for number in range(MOST + 5):
        log.send(WARNING, str(number))
    assert log.lost == 5
    with daemon(path) as sock:
        log.flush()
        assert texts(sock) == [] and log.pause() > 0.1, "it was just tried"
        clock.now += 2
        log.flush()
        assert texts(sock)[:3] == ["0", "1", "2"]


def test_a_syslog_of_streams(log: DevLog, path: Path) -> None:
    with daemon(path, socket.SOCK_STREAM) as sock:
        sent = [f"{number} " + "x" * 500 for number in range(1500)]
        for text in sent:
            log.send(WARNING, text)
        connection, _ = sock.accept()
        connection.setblocking(False)
        data = b""
        with connection:
            while data.count(b"\0") < len(sent):
                try:
                    data += connection.recv(1 << 20)
                except BlockingIOError:
                    log.flush()
        lines = [LINE.fullmatch(line) for line in data.decode().split("\0")[:-1]]
        assert [line and line[5] for line in lines] == sent and log.lost == 0


def test_what_fits_no_datagram_is_lost_alone(log: DevLog, path: Path) -> None:
    with daemon(path) as sock:
        log.send(WARNING, "x" * (1 << 20))
        log.send(WARNING, "short")
        assert texts(sock) == ["1 lines of this log were lost", "short"] and log.lost == 1
