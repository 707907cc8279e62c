# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon in the hands of its operator: what is typed wrong is told in one line, what is asked is done."""
from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.peers.call import Call
from tests.peers.daemon import Command, Daemon, free_port, own_command
from tests.peers.ngclient import NgClient
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, Packet, pump

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(
    os.environ.get("RTPENGINE_COMMAND") == "reference", reason="the reference's texts differ")]
NOWHERE = "203.0.113.9"
ERROR = re.compile(r"(?:\[[0-9.]+\] CRIT: )?Fatal error: (.*)\n")


def run(*options: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The daemon with these options alone, expected to end by itself."""
    command = own_command()
    return subprocess.run([*command.argv, *options], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **command.environment, **more})


def foreground(ng: int, *options: str, interface: str = "127.0.0.1") -> list[str]:
    return ["--config-file=none", "--foreground", "--log-stderr", f"--interface={interface}",
            f"--listen-ng=127.0.0.1:{ng}", *options]


def refusals(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that a daemon that did not start has written."""
    lines = [ERROR.fullmatch(line) for line in done.stderr.splitlines(keepends=True)]
    found = [line[1] for line in lines if line]
    assert done.returncode == 1 and not done.stdout and found and len(found) == len(lines), done.stdout + done.stderr
    return found


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The only one."""
    line, = refusals(done)
    return line


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextmanager
def taken(kind: int) -> Iterator[int]:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        yield sock.getsockname()[1]


@pytest.mark.parametrize("option, reason", [
    ("--inteface=any", "unknown option --inteface; did you mean --interface?"),
    ("-Z", "unknown option -Z"),
    ("any", "unexpected word 'any'"),
    ("--table=64", "--table: 64 is outside -1 to 63"),
    ("--table=zero", "--table: 'zero' is no number"),
    ("--log-level=9", "--log-level: 9 is outside 0 to 7"),
    ("--listen-ng=99999", "'99999' does not end in a port from 1 to 65535"),
    ("--listen-ng=127.0.0.1", "does not end in a port"),
    ("--listen-cli=127.0.0.1:http", "listen-cli: '127.0.0.1:http' does not end in a port"),
    (f"--listen-ng={NOWHERE}:2223", f"UDP control connection port {NOWHERE}:2223: Cannot assign requested address"),
    (f"--listen-cli={NOWHERE}:9900", f"TCP command line port {NOWHERE}:9900: Cannot assign requested address"),
    ("--interface=nodevice0", "'nodevice0' is no IP address, no network device"),
    ("--interface=0.0.0.0", "stands for every address"),
    ("--port-min=40001", "port-min 40001 (command line) is greater than port-max 39999"),
    ("--pidfile=/nonexistent/pid", "pidfile /nonexistent/pid: No such file or directory"),
    ("--iptables-chain=media", "iptables-chain is not supported yet: media ports would stay closed")])
def test_what_cannot_be_done_is_told_in_one_line(option: str, reason: str) -> None:
    assert reason in refusal(run(*foreground(free_port(), "--log-level=3"), option))


def test_no_option_at_all() -> None:
    listen, interfaces = refusals(run("--config-file=none"))
    assert "nothing to listen on" in listen and "without any configured interfaces" in interfaces
    assert "without any configured interfaces" in refusal(run("--config-file=none", "--listen-ng=2223"))


@pytest.mark.parametrize("kind, option, name", [
    (socket.SOCK_DGRAM, "--listen-ng", "UDP control connection"),
    (socket.SOCK_STREAM, "--listen-cli", "TCP command line")])
def test_a_port_that_is_taken(kind: int, option: str, name: str) -> None:
    with taken(kind) as port:
        reason = refusal(run(*foreground(free_port()), f"{option}=127.0.0.1:{port}"))
    assert reason == f"Failed to open {name} port 127.0.0.1:{port}: Address already in use"


def test_no_fallback_without_the_module() -> None:
    done = run(*foreground(free_port(), "--table=63", "--no-fallback"))
    if Path("/proc/rtpengine").exists():
        pytest.skip("the kernel module is loaded")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no-fallback is set and kernel table 63 cannot be used" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("text, reason", [
    ("listen-ng = 2223\n", ":1: key 'listen-ng' stands before the first section"),
    ("[rtpengine]\nnonsense\n", ":2: 'nonsense' is none of"),
    ("[rtpengine]\n\ntable = many\n", ":3: [rtpengine] table: 'many' is no decimal number"),
    ("[rtpengine]\nlog-levl = 7\n", ":2: [rtpengine] unknown key 'log-levl'; did you mean log-level?"),
    ("[other]\n", ": no section [rtpengine]; there is [other]"),
    ("[rtpengine]\n\xff", ": not UTF-8 text")])
def test_a_settings_file_that_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "rtpengine.conf"
    path.write_text(text, encoding="latin-1")
    assert f"{path}{reason}" in refusals(run(f"--config-file={path}"))[0]


def test_a_settings_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(run(f"--config-file={tmp_path}")) == f"{tmp_path}: Is a directory"
    assert "no such file" in refusal(run(f"--config-file={tmp_path}/none.conf"))


def test_an_address_that_this_host_does_not_have_yet() -> None:
    with Daemon(interfaces=("127.0.0.1", f"spare/{NOWHERE}")) as daemon:
        assert f"Interface spare: this host does not have the address {NOWHERE}" in daemon.log_text()


def test_it_says_where_it_listens() -> None:
    with Daemon(options=["--port-min=29300", "--port-max=29399"]) as daemon:
        assert (f"listens for ng on 127.0.0.1:{daemon.ng_port}, for commands on 127.0.0.1:{daemon.cli_port}, "
                "for media on default/127.0.0.1 ports 29300 to 29399") in daemon.log_text()


def test_two_daemons_on_the_same_ports() -> None:
    with Daemon() as first:
        reason = refusal(run(*foreground(first.ng_port, f"--listen-cli=127.0.0.1:{first.cli_port}")))
        assert reason.endswith(f"port 127.0.0.1:{first.ng_port}: Address already in use")
        assert "own: 0" in first.cli("list numsessions")


def test_a_service_manager_that_cannot_be_reached(tmp_path: Path) -> None:
    command = own_command()
    lost = Command(command.name, command.argv, {**command.environment, "NOTIFY_SOCKET": str(tmp_path / "gone"),
                                                "WATCHDOG_USEC": "100000"})
    with Daemon(lost) as daemon:
        eventually(lambda: "NOTIFY_SOCKET" in daemon.log_text(), "the complaint")
        time.sleep(0.3)
        assert daemon.log_text().count("Cannot tell the service manager READY=1 through NOTIFY_SOCKET") == 1
        assert "own: 0" in daemon.cli("list numsessions")
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.log_text() and daemon.log_text().count("NOTIFY_SOCKET") == 1


def test_termination_with_calls() -> None:
    with Daemon() as daemon, daemon.client() as client:
        a, b = Endpoint(), Endpoint()
        call = Call(client, a, b)
        call.offer()
        call.answer()
        a.send(b"hello" * 32)
        assert pump([a, b], 20.0, lambda: bool(b.arrivals))
        assert daemon.stop() == 0
        a.close()
        b.close()
        log = daemon.log_text()
        assert "Shutting down with 1 calls" in log and "Traceback" not in log
        for line in ("Received command 'offer' from 127.0.0.1:", "Replying to 'answer' from 127.0.0.1:",
                     "Final packet stats:", f"--- Tag '{call.from_tag}'"):
            assert f"INFO: [{call.call_id}]: {line}" in log
        assert re.search(r"Call ended after 0:\d\d: FORCED\n", log)
        assert re.search(r"--------- Port +127\.0\.0\.1:\d+ +<> +127\.0\.0\.1:\d+ *, in 1 p, 172 b, 0 e", log)
        assert "a=rtpmap" not in log  # bodies may hold keys


def test_explanations() -> None:
    with Daemon() as daemon, daemon.client() as client, closing(Endpoint()) as a, closing(Endpoint()) as b:
        call = Call(client, a, b, flags=["strict-source"])
        call.offer()
        call.answer()
        for n in range(10):
            a.send(b"%d" % n)
        assert pump([a, b], 20.0, lambda: len(b.arrivals) == 10)
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
            for n in range(7):
                stranger.sendto(Packet(8, n, n, 1, b"x").pack(), a.destination)
        eventually(lambda: "dropped: 7 from elsewhere" in daemon.cli(f"explain {call.call_id}"), "drops")
        said = daemon.cli(f"explain {call.call_id}")
        assert f"sent to: 127.0.0.1:{a.port}, as the SDP said\n      let in: 127.0.0.1:{a.port}\n" in said
        assert "received 10 packets (0 in the accelerator), the last " in said and "; sent 10 (0)" in said, said
        assert "engine: user space, as there is no accelerator" in said
        assert "Call ID not found (nobody)" in daemon.cli("explain nobody")
        assert f"packets to 127.0.0.1:{a.destination[1]} come from 127.0.0.1:{a.port}, for good\n" in daemon.cli(
            f"events {call.call_id}")
        daemon.cli(f"terminate {call.call_id}")
        told = daemon.cli(f"events {call.call_id}")
        assert ": FORCED, ended from here\n" in told and "to end at once: an operator's command\n" in told, told
        assert re.search(rf"RTP of '.*', 127\.0\.0\.1:{a.destination[1]} with 127\.0\.0\.1:{a.port}: "
                         r"received 10 packets \(0 in the accelerator\), "
                         r"the last \d+\.\d s before the end; sent 0 \(0\)\n", told), told
        assert daemon.cli(f"explain {call.call_id}") == told
        assert "More parameters required" in daemon.cli("explain")


def test_lists_in_json() -> None:
    with Daemon() as daemon, daemon.client() as client, closing(Endpoint()) as a, closing(Endpoint()) as b:
        call = Call(client, a, b)
        call.offer()
        call.answer()
        call.talk()
        rest(daemon.pid)
        [session] = json.loads(daemon.cli(f"json list sessions {call.call_id}"))["sessions"]
        assert [tag["tag"] for tag in session["tags"]] == [call.from_tag, call.to_tag]
        for tag, end in zip(session["tags"], (a, b)):
            rtp, rtcp = tag["medias"][0]["ports"]
            assert (rtp["remote"], rtp["packets"], rtp["rtp"]) == (f"127.0.0.1:{end.port}", 10, True)
            assert (rtcp["packets"], rtcp["rtcp"], len(rtp["ssrcs"])) == (0, True, 1)
        assert json.loads(daemon.cli("json list sessions"))["sessions"][0]["callid"] == call.call_id
        assert client.call("cli", body="json list numsessions")["response"] == daemon.cli("json list numsessions")


def test_signals() -> None:
    with Daemon(options=["--log-level=6"]) as daemon:
        for number, line in ((signal.SIGHUP, "NOTICE: SIGHUP: settings are read again; changed: nothing\n"),
                             (signal.SIGUSR2, "NOTICE: Log level is now 7"), (signal.SIGUSR1, "Log level is now 6"),
                             (signal.SIGUSR1, "Log level is now 5")):
            os.kill(daemon.pid, number)
            eventually(lambda line=line: line in daemon.log_text(), line)  # type: ignore[misc]
        assert "rtcp = 5" in daemon.cli("list loglevel")
        assert daemon.stop() == 0


def test_into_the_background_with_a_pid_file(tmp_path: Path) -> None:
    pidfile, port = tmp_path / "pid", free_port()
    options = ("--config-file=none", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{port}", f"--pidfile={pidfile}")
    done = run(*options)  # its log goes to syslog, whether there is one or not
    pid = int(pidfile.read_text())
    try:
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        with NgClient("127.0.0.1", port) as client:
            assert client.call("ping")["result"] == "pong"
        assert "Address already in use" in refusal(run(*options))
        assert pidfile.read_text() == f"{pid}\n"
    finally:
        os.kill(pid, signal.SIGTERM)
    eventually(lambda: not pidfile.exists(), "the pid file stays")
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the daemon stays")


def test_secrets_stay_secret() -> None:
    with Daemon(options=["--janus-secret=hidden-1", "--redis-write=hidden-2@127.0.0.1:6379/0", "--no-redis-required",
                         "--log-level=7"]) as daemon:
        assert "hidden" not in daemon.cli("params current") + daemon.log_text()
        for path in Path(f"/proc/{daemon.pid}/task").glob("*/cmdline"):
            assert b"hidden" not in path.read_bytes() and b"--redis-write=****" in path.read_bytes()


def test_answers_tell_what_is_in_force() -> None:
    with Daemon(options=["--timeout=45"]) as daemon:
        assert daemon.cli("set timeout 0") == "Success setting timeout to 60; the default\n"
        assert daemon.cli("list timeout") == "TIMEOUT=60\n"
        assert re.search(r"New cli connection from 127\.0\.0\.1:\d+\n", daemon.log_text())
