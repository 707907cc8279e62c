# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as its users start it, against a real command server."""
from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.addresses import Endpoint
from controlplane.cli.dispatcher import Dispatcher
from controlplane.config.listen import Access
from controlplane.servers.cli import CliServer

from ..cli.fakes import with_calls
from ..report.fakes import two_party_call

ROOT = Path(__file__).parents[3]
USAGE = "\n    rtpengine-ctl [ -ip <ipaddress>[:<port>] -port <port> ] <command>\n\n    Supported commands are:\n\n"


def ctl(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "ctl", *words], cwd=ROOT, capture_output=True, timeout=120,
                          check=False, **options)  # type: ignore[call-overload]


class Daemon:
    """A command server with some calls, in a thread of its own."""

    def __init__(self, *call_ids: str, secret: str = "") -> None:
        self.backend = with_calls(*map(two_party_call, call_ids))
        self.loop = asyncio.new_event_loop()
        self.server = CliServer(Dispatcher(self.backend).run, [Endpoint.parse("127.0.0.1:0")],
                                access=Access(secret=secret))
        self.loop.run_until_complete(self.server.start())
        self.port = str(self.server.addresses[0].port)
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    daemon = Daemon("one")
    yield daemon
    daemon.stop()


@pytest.fixture
def nobody() -> Iterator[str]:
    """A port that refuses connections: bound, but not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@pytest.mark.parametrize("words, reply, status", [
    (["get", "timeout"], "TIMEOUT=60\n", 0),
    (["list", "maxsessions"], "Maximum sessions configured on rtpengine: -1\n", 0),
    ([" list timeout "], "TIMEOUT=60\n", 0),
    (["list", "xyz"], "Unknown command: xyz\n", 4),
    (["list"], "More parameters required.\n", 4),
    (["terminate", "gone@example.net"], "\nCall Id not found (gone@example.net).\n\n", 4),
    (["terminate", "a"], "\nCall Id not found (a).\n\n", 4),
    (["params", "diff"], "", 0),
    (["--json", "list", "timeout"], '{"timeout":60}\n', 0),
    (["--json", "list", "nosuch"], '{"error":"Unknown command: nosuch"}\n', 4),
])
def test_round_trip(daemon: Daemon, words: list[str], reply: str, status: int) -> None:
    result = ctl("-ip", "127.0.0.1", "-port", daemon.port, *words)
    assert (result.returncode, result.stdout.decode(), result.stderr) == (status, reply, b"")


@pytest.mark.parametrize("words, keyword, status", [
    ("lst sessions all", "list", 1), ("List sessions all", "list", 1), ("show", "", 1), ("doctr", "doctor", 1),
    ("list session all", "sessions", 4), ("get silent-timeout", "silenttimeout", 4), ("list tot", "totals", 4),
    ("set max-sessions 5", "maxsessions", 4), ("params current-values", "current", 4), ("set timeout abc", "", 4),
    ("call one inf", "info", 4), ("call one tag fromtag77 inf", "info", 4), ("media lst files", "list", 4),
    ("json list sesions", "sessions", 4), ("list qqq", "", 4)])
def test_what_was_meant(daemon: Daemon, words: str, keyword: str, status: int) -> None:
    """One line names it, behind the daemon's own reply; only what is like nothing at all gets the whole list."""
    result = ctl("-port", daemon.port, *words.split())
    assert result.returncode == status
    assert result.stderr.decode() == (f"Did you mean {keyword}?\n" if keyword else "")
    assert result.stdout.count(b"\n") == 1 or words == "show"


def test_what_was_meant_without_a_daemon(nobody: str) -> None:
    result = ctl("-port", nobody, "lst", "sessions")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.endswith(b"Connection refused\nDid you mean list?\n")


def test_nothing_is_no_success(daemon: Daemon) -> None:
    result = ctl("-port", daemon.port, "list", "loglevel", "nosuch")
    assert (result.returncode, result.stdout, result.stderr) == (4, b"", b"rtpengine answers nothing to that\n")


def test_replies_are_printed_unmodified(daemon: Daemon) -> None:
    run = Dispatcher(daemon.backend).text
    for line in ("list sessions one", "list totals", "usage", "list jsonstats", "json list sessions one"):
        assert ctl(f"--ip=127.0.0.1:{daemon.port}", *line.split()).stdout.decode() == run(line)


def test_completion(daemon: Daemon, tmp_path: Path) -> None:
    assert ctl("complete", "-port", daemon.port, "call", "o").stdout == b"one\n"
    assert ctl("complete", "--j").stdout == b"--json\n"
    assert ctl("complete", "--config-file", str(tmp_path / "none"), "call", "o").stdout == b""
    result = ctl("complete", "-port")
    assert (result.returncode, result.stderr) == (0, b"")


def test_strict_is_still_accepted(daemon: Daemon) -> None:
    assert ctl("-p", daemon.port, "--strict", "list", "nosuch").returncode == 4
    assert ctl("-p", daemon.port, "--strict", "list", "timeout").returncode == 0


def test_settings_file(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "conf").write_text(f"[rtpengine]\nlisten-cli = 127.0.0.1:{daemon.port}\n")
    assert ctl("--config-file", str(tmp_path / "conf"), "get", "timeout").stdout == b"TIMEOUT=60\n"


@pytest.mark.parametrize("words, status", [([], 1), (["--help"], 0), (["-h", "list"], 0), (["nonsense"], 1)])
def test_usage_with_a_daemon(daemon: Daemon, words: list[str], status: int) -> None:
    result = ctl("-port", daemon.port, *words)
    assert result.returncode == status
    assert USAGE in result.stdout.decode()
    assert result.stdout.startswith(b"Unknown command: nonsense\n" if words == ["nonsense"] else b"\n    rtpengine-ctl")


@pytest.mark.parametrize("words, status", [([], 1), (["--help"], 0), (["nonsense"], 2)])
def test_usage_without_a_daemon(nobody: str, words: list[str], status: int) -> None:
    result = ctl("-port", nobody, *words)
    assert result.returncode == status
    assert USAGE in result.stdout.decode() and "print the number of sessions" in result.stdout.decode()


@pytest.mark.parametrize("words, reason", [
    (["--bogus"], "Unknown option: --bogus"), (["-port", "x", "list"], "Not a port number: x"),
    (["--config-file", "/nonexistent", "list"], "Cannot read /nonexistent: No such file or directory")])
def test_bad_usage(words: list[str], reason: str) -> None:
    result = ctl(*words)
    assert result.returncode == 1
    assert result.stderr.decode() == f"{reason}\n"
    assert USAGE in result.stdout.decode()


def test_a_listener_that_wants_a_secret() -> None:
    """The client says where it takes the secret from, whether it had one or not."""
    daemon = Daemon("one", secret="sesame")
    try:
        for secret, told in (("", "RTPENGINE_CLI_SECRET is where it is taken from"),
                             ("open", "The one in RTPENGINE_CLI_SECRET is wrong")):
            result = ctl("-port", daemon.port, "list", "timeout", env=os.environ | {"RTPENGINE_CLI_SECRET": secret})
            assert (result.returncode, result.stderr.decode()) == (4, f"{told}\n")
        assert ctl("-port", daemon.port, "list", "timeout",
                   env=os.environ | {"RTPENGINE_CLI_SECRET": "sesame"}).stdout == b"TIMEOUT=60\n"
    finally:
        daemon.stop()


def test_the_list_of_commands_from_a_listener_that_does_not_show_it() -> None:
    daemon = Daemon("one", secret="sesame")
    try:
        result = ctl("-port", daemon.port)
        assert result.returncode == 1 and USAGE in result.stdout.decode()
    finally:
        daemon.stop()


def test_a_socket_that_is_for_others(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "ctl"))
        server.listen()
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        result = ctl("-ip", f"unix:{tmp_path}/ctl", "list", "timeout")
        thread.join()
    assert (result.returncode, result.stdout) == (3, b"")
    assert result.stderr.decode().endswith("; the log of rtpengine tells who may connect\n")


def test_refused_connection(nobody: str) -> None:
    result = ctl("-port", nobody, "list", "totals")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode() == f"Cannot connect to rtpengine at 127.0.0.1 port {nobody}: Connection refused\n"


def test_no_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = time.monotonic()
        result = ctl("-port", str(server.getsockname()[1]), "list", "totals")
        assert time.monotonic() - start >= 3
    assert (result.returncode, result.stdout) == (3, b"")
    assert b"No complete reply from rtpengine within 3 s" in result.stderr


def test_a_reader_that_goes_away(daemon: Daemon) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run([sys.executable, "-m", "ctl", "-port", daemon.port, "list", "totals"], cwd=ROOT,
                            stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(writing)
    assert result.stderr == b""


def test_rule_needs_a_known_command() -> None:
    assert ctl("rule", "nonsense").returncode == 2
    assert ctl("rule").returncode == 2
    help_text = ctl("rule", "--help")
    assert help_text.returncode == 0 and b"install" in help_text.stdout
    assert ctl("rule", "check", "--id", "64").returncode == 2


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="changing rules needs root")
def test_rule_that_is_absent() -> None:
    result = subprocess.run(["unshare", "--net", sys.executable, "-m", "ctl", "rule", "check", "--id", "5"], cwd=ROOT,
                            capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout == ("IPv4 INPUT -p udp -j RTPENGINE --id 5: absent\n"
                             "IPv6 INPUT -p udp -j RTPENGINE --id 5: absent\n")


def test_start_up_imports_little() -> None:
    code = ("import sys, ctl.__main__; "
            "print(*(name for name in ('iptc', 'pydantic', 'rich', 'asyncio') if name in sys.modules))")
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
