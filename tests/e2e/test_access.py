# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask the running daemon what: loopback unless told otherwise, UNIX sockets, secrets, allow-lists (T23)."""
from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.daemon import ROOT, Daemon, DaemonFailed, free_port
from tests.unit.servers.test_tls import certificate

pytestmark = pytest.mark.e2e
SECRET = "hush-hush"


def port() -> int:
    return free_port(socket.SOCK_STREAM)


def cli(address: tuple[str, int] | str, *lines: str) -> str:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as sock:
        sock.settimeout(30)
        sock.connect(address)
        sock.sendall("".join(line + "\n" for line in lines).encode())
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    return answer.decode()


def get(number: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=30)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    return reply.status, reply.read()


def ctl(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ctl", *words], capture_output=True, text=True, timeout=30, cwd=ROOT,
                          env={**os.environ, **environment})


def test_ports_alone_are_on_loopback() -> None:
    numbers = [port() for _ in range(3)]
    with Daemon(options=[f"--listen-ng={numbers[0]}", f"--listen-cli={numbers[1]}", f"--listen-http={numbers[2]}",
                         "--listen-tcp-ng=any:" + str(port())]) as daemon:
        found = subprocess.run(["ss", "-lntupH"], capture_output=True, text=True, timeout=20, check=True).stdout
        bound = {line.split()[4].rpartition(":")[0].split("%")[0] for line in found.splitlines()
                 if f"pid={daemon.pid}," in line and line.split()[4].rpartition(":")[2] in map(str, numbers)}
        assert bound <= {"127.0.0.1", "[::1]"} and "127.0.0.1" in bound
        assert f"pid={daemon.pid}," in next(line for line in found.splitlines() if "0.0.0.0:" in line.split()[4]
                                            and f"pid={daemon.pid}," in line)


def test_unix_sockets_for_ng_and_commands(tmp_path: Path) -> None:
    ng, commands = tmp_path / "ng.sock", tmp_path / "ctl.sock"
    with Daemon(options=[f"--listen-ng=unix:{ng}", f"--listen-cli=unix:{commands} users=0"]) as daemon:
        assert f"unix:{ng}" in daemon.log_text() and f"unix:{commands}" in daemon.log_text()
        assert cli(str(commands), "list timeout") == "TIMEOUT=60\n"
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(ng))
            sock.sendall(b"7_1 d7:command4:pinge")
            assert sock.recv(1000) == b"7_1 d6:result4:ponge"
        done = ctl("-ip", f"unix:{commands}", "list", "timeout")
        assert (done.returncode, done.stdout) == (0, "TIMEOUT=60\n"), done.stderr
        assert re_user(daemon)
    assert not ng.exists() and not commands.exists()


def re_user(daemon: Daemon) -> bool:
    return f"New cli connection from unix-{os.getuid()}:" in daemon.log_text()


def test_a_killed_daemon_leaves_sockets_that_the_next_one_takes(tmp_path: Path) -> None:
    path = tmp_path / "ctl.sock"
    with Daemon(options=[f"--listen-cli=unix:{path}"]) as daemon:
        with pytest.raises(DaemonFailed, match=f"unix:{path}: Address already in use"):
            Daemon(options=[f"--listen-cli=unix:{path}"])
        daemon.process.kill()
        daemon.process.wait()
        assert path.exists()
    with Daemon(options=[f"--listen-cli=unix:{path}"]):
        assert cli(str(path), "list timeout") == "TIMEOUT=60\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, int, int, int]]:
    """A daemon with a secret on HTTP and on one command port, and allow-lists on HTTP and another command port."""
    web, secret, few = port(), port(), port()
    path = tmp_path_factory.mktemp("secret") / "secret"
    path.write_text(SECRET + "\n")
    os.environ["RTPENGINE_TEST_SECRET"] = SECRET
    with Daemon(options=[f"--listen-http={web} secret=env:RTPENGINE_TEST_SECRET allow=ping,cli:list-timeout",
                         f"--listen-cli={secret} secret=file:{path}", f"--listen-cli={few} allow=list-sessions,params",
                         "--log-level=7"]) as daemon:
        yield daemon, web, secret, few


def test_a_secret_over_http(guarded: tuple[Daemon, int, int, int]) -> None:
    _, web, _, _ = guarded
    assert get(web, "/ping")[0] == get(web, "/ping", Authorization="Bearer wrong")[0] == 401
    assert get(web, "/ping", Authorization=f"Bearer {SECRET}") == (200, b"pong\n")
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "cli.rtpengine.com"}
    assert get(web, "/", **upgrade)[0] == 401


def test_a_secret_for_commands(guarded: tuple[Daemon, int, int, int]) -> None:
    _, _, secret, _ = guarded
    address = ("127.0.0.1", secret)
    for lines in (("set timeout 1",), ("auth wrong", "set timeout 1"), (f"auth {SECRET}x", "set timeout 1"), ("auth",)):
        assert cli(address, *lines).startswith("This needs the secret")
    assert cli(address, f"auth {SECRET}", "list timeout") == "TIMEOUT=60\n"
    done = ctl("-port", str(secret), "list", "timeout", RTPENGINE_CLI_SECRET=SECRET)
    assert (done.returncode, done.stdout) == (0, "TIMEOUT=60\n"), done.stderr
    assert ctl("-port", str(secret), "list", "timeout", RTPENGINE_CLI_SECRET="wrong").returncode == 4


def test_commands_that_are_not_allowed(guarded: tuple[Daemon, int, int, int]) -> None:
    _, web, _, few = guarded
    assert "TIMEOUT" not in cli(("127.0.0.1", few), "list timeout")
    assert cli(("127.0.0.1", few), "set timeout 1") == "This listener does not serve that command\n"
    assert "timeout" in cli(("127.0.0.1", few), "params current")
    word = {"Authorization": f"Bearer {SECRET}"}
    assert get(web, "/cli/list+timeout", **word) == (200, b"TIMEOUT=60\n")
    assert get(web, "/cli/set+timeout+1", **word) == (200, b"This listener does not serve that command\n")
    assert get(web, "/metrics", **word) == (403, b"this listener does not show that\n")


def test_the_secret_is_nowhere_to_be_seen(guarded: tuple[Daemon, int, int, int]) -> None:
    daemon, _, secret, _ = guarded
    cli(("127.0.0.1", secret), f"auth {SECRET}", "params current")
    done = ctl("-port", str(daemon.cli_port), "list", "timeout", RTPENGINE_CLI_SECRET=SECRET)
    assert (done.returncode, done.stdout) == (0, "TIMEOUT=60\n"), done.stdout + done.stderr     # it needs none
    assert SECRET not in daemon.log_text() + daemon.cli("params current")
    assert SECRET.encode() not in Path(f"/proc/{daemon.pid}/cmdline").read_bytes()


def test_an_allow_list_for_ng_over_udp() -> None:
    number = free_port()
    with Daemon(options=[f"--listen-ng={number} allow=ping,cli:list"]) as daemon:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(30)
            sock.connect(("127.0.0.1", number))
            sock.send(b"1 d7:command4:pinge")
            assert sock.recv(1000) == b"1 d6:result4:ponge"
            sock.send(b"2 d7:command6:delete7:call-id1:xe")
            assert sock.recv(1000) == b"2 d6:result5:error12:error-reason41:This listener does not serve that commande"
        with daemon.client() as client:     # at the other listener, which allows everything
            assert client.call("list")["result"] == "ok"


@pytest.mark.parametrize("option, reason", [
    ("--listen-ng=5 alow=ping", "listen-ng: unknown rule 'alow'; did you mean allow?"),
    ("--listen-ng=5 allow=pong", "allow: 'pong' is no command"),
    ("--listen-cli=5 allow=lits", "no operator command begins with 'lits'")])
@pytest.mark.parametrize("action", [[], ["--check-config"]])
def test_rules_that_mean_nothing_are_refused(option: str, reason: str, action: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "controlplane", "--config-file=none", "--foreground", "--log-stderr",
                           "--interface=127.0.0.1", "--listen-ng=127.0.0.1:6", option, *action], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and reason in done.stderr


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_client_certificates(tmp_path: Path) -> None:
    own, own_key = certificate(tmp_path, "server")
    known, known_key = certificate(tmp_path, "known")
    other, other_key = certificate(tmp_path, "other")
    number, free = port(), port()

    def ping(at: int, *pair: Path) -> bytes:
        context = ssl.create_default_context(cafile=str(own))
        if pair:
            context.load_cert_chain(*pair)
        connection = http.client.HTTPSConnection("127.0.0.1", at, timeout=30, context=context)
        connection.request("GET", "/ping")
        return connection.getresponse().read()
    with Daemon(options=[f"--listen-https={number} client-ca={known}", f"--listen-https={free}", f"--https-cert={own}",
                         f"--https-key={own_key}"]):
        assert ping(number, known, known_key) == ping(free) == b"pong\n"
        for pair in ((), (other, other_key)):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
                ping(number, *pair)
