# SPDX-License-Identifier: GPL-3.0-or-later
"""rtpengine-ctl doctor beside a running daemon: what is wrong is found, and what it says to type mends it."""
from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import netns
from tests.peers.daemon import ROOT, Daemon, own_command
from tests.peers.netns import Namespace
from tests.peers.redis import PROGRAM, RedisServer

pytestmark = [pytest.mark.e2e, pytest.mark.netns, pytest.mark.skipif(bool(netns.available()), reason=netns.available()),
              pytest.mark.skipif(os.environ.get("RTPENGINE_COMMAND") == "reference", reason="the rule is ours")]
ADDRESS, NG, CLI = "192.0.2.1", 2223, 9900


class Clinic:
    """A daemon on NFQUEUE in a namespace of its own, and the programs that mend it, by the names they are known by."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.cli = f"unix:{folder}/ctl.sock"
        self.space = Namespace("doctor")
        self.space.add_address(f"{ADDRESS}/24")
        self.space.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 60999")
        for name, module in (("rtpengine", "controlplane"), ("rtpengine-ctl", "ctl")):
            program = folder / name
            program.write_text(f"#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m {module} \"$@\"\n")
            program.chmod(0o755)
        options = ("--config-file=none", "--accelerator=nfqueue", "--iptables-rule", "--iptables-backend=nft",
                   "--nfqueue-number=9", f"--listen-cli={self.cli}", "--redis=127.0.0.1:6390/0", "--no-redis-required")
        self.daemon = Daemon(own_command(), namespace=self.space, ng_port=NG, cli_port=CLI, interfaces=[ADDRESS],
                             options=options)

    def close(self) -> None:
        self.daemon.stop()
        self.daemon.log_path.unlink(missing_ok=True)
        self.space.close()

    def look(self, inside: bool = True) -> tuple[int, dict[str, list[dict[str, str]]]]:
        """The exit status, and the findings by check."""
        words = [sys.executable, "-m", "ctl", "-ip", self.cli, "doctor", "--json"]
        done = subprocess.run(self.space.command(words) if inside else words, cwd=ROOT, capture_output=True, text=True,
                              timeout=60, check=False)
        assert not done.stderr, done.stderr
        found: dict[str, list[dict[str, str]]] = {}
        for row in json.loads(done.stdout):
            found.setdefault(row["check"], []).append(row)
        return done.returncode, found

    def finding(self, check: str) -> dict[str, str]:
        """The only one of a check."""
        (row,) = self.look()[1][check]
        return row

    def type(self, line: str) -> None:
        """What an operator does with it."""
        subprocess.run(self.space.command(["sh", "-c", line]), check=True, timeout=60, capture_output=True,
                       env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    made = Clinic(tmp_path_factory.mktemp("clinic"))
    try:
        yield made
    finally:
        made.close()


def test_what_is_well(clinic: Clinic) -> None:
    status, found = clinic.look()
    assert status == 0, [row for rows in found.values() for row in rows if row["state"] == "problem"]
    assert found["daemon"][0]["found"] == f"it answers, as process {clinic.daemon.pid}"
    assert found["settings"][0]["found"] == "from the daemon itself: table -1, ports 30000 to 39999"
    assert found["rule"][0]["found"].startswith("IPv4: -j NFQUEUE --queue-num 9 is in INPUT (nft), and nothing")
    for check in ("namespace", "listeners", "media let in", "early drops", "port range", "ports in use"):
        assert [row["state"] for row in found[check]] == ["ok"], found[check]
    assert [row["state"] for row in found["load"][:2]] == ["ok", "ok"]


@pytest.mark.parametrize("wrong, check, state", [
    ("iptables-nft -I INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "rule", "problem"),
    ("iptables-nft -D INPUT -p udp -j NFQUEUE --queue-num 9 --queue-bypass", "rule", "problem"),
    ("iptables-nft -t raw -I PREROUTING -p udp -j DROP", "early drops", "problem"),
    ("iptables-nft -F INPUT && iptables-nft -A INPUT -i lo -j ACCEPT && iptables-nft -P INPUT DROP", "media let in",
     "problem"),
    ("nft 'add table inet fw; add chain inet fw in { type filter hook input priority 0; policy drop; }; "
     "add rule inet fw in iif lo accept'",
     "media let in", "problem")])
def test_what_it_says_mends_the_firewall(clinic: Clinic, wrong: str, check: str, state: str) -> None:
    clinic.type(wrong)
    status, found = clinic.look()
    (finding,) = found[check]
    assert (finding["state"], status) == (state, 5 if state == "problem" else 0), finding
    clinic.type(finding["mend"])
    assert clinic.finding(check)["state"] == "ok"
    clinic.type("nft flush ruleset; iptables-nft -A INPUT -p udp -j NFQUEUE --queue-num 9 --queue-bypass")


def test_ports_of_others(clinic: Clinic) -> None:
    with clinic.daemon.client() as client, clinic.space.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        body = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
        client.call("offer", **{"call-id": "c", "from-tag": "a", "sdp": body})
        assert clinic.finding("ports in use")["state"] == "ok", "the daemon's own are no matter"
        port = next(port for port in range(30000, 40000) if _binds(other, port))
        finding = clinic.finding("ports in use")
        assert (finding["state"], finding["found"]) == (
            "warning", f"other programs hold 1 of the media ports: {ADDRESS}:{port}")
        client.call("delete", **{"call-id": "c", "from-tag": "a", "delete-delay": 0})


def _binds(sock: socket.socket, port: int) -> bool:
    try:
        sock.bind((ADDRESS, port))
    except OSError:
        return False
    return True


def test_ports_that_the_kernel_gives_away(clinic: Clinic) -> None:
    clinic.type("sysctl -qw net.ipv4.ip_local_port_range='32768 60999'")
    finding = clinic.finding("port range")
    assert finding["state"] == "warning"
    clinic.type(finding["mend"].partition("   and ")[0])
    assert clinic.finding("port range")["state"] == "ok"


def test_open_files(clinic: Clinic) -> None:
    clinic.type(f"prlimit --pid {clinic.daemon.pid} --nofile=2048:20000")
    finding = clinic.finding("open files")
    assert finding["state"] == "warning" and finding["found"].startswith("2048 open files for 10000 media ports")
    clinic.type(finding["mend"].partition("   and ")[0])
    assert clinic.finding("open files")["state"] == "ok"


@pytest.mark.skipif(PROGRAM is None, reason="no redis-server (package redis-server)")
def test_redis(clinic: Clinic, tmp_path: Path) -> None:
    finding = clinic.finding("redis")
    assert (finding["state"], finding["found"]) == (
        "warning", "redis: 127.0.0.1 port 6390 cannot be reached: Connection refused")
    with RedisServer(tmp_path, ["--requirepass", "secret"], port=6390, namespace=clinic.space):
        assert clinic.finding("redis")["found"] == "redis: 127.0.0.1 port 6390 answers"


def test_from_another_namespace(clinic: Clinic) -> None:
    _, found = clinic.look(inside=False)
    assert found["daemon"][0]["state"] == "ok"
    assert [(row["state"], row["mend"]) for row in found["namespace"]] == [
        ("warning", f"nsenter --net=/proc/{clinic.daemon.pid}/ns/net rtpengine-ctl doctor")]


def test_a_daemon_without_its_module(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    with Daemon(own_command(), table=63, options=["--config-file=none", f"--listen-cli=unix:{tmp_path}/ctl.sock",
                                                  f"--listen-cli=unix:{tmp_path}/shut.sock secret=file:{secret}"]):
        def look(name: str) -> tuple[int, dict[str, str]]:
            done = subprocess.run([sys.executable, "-m", "ctl", "-ip", f"unix:{tmp_path}/{name}", "doctor", "--json"],
                                  cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, {row["check"]: row["state"] for row in json.loads(done.stdout)}

        status, found = look("ctl.sock")
        assert (status, found["module loaded"], found["rule"]) == (5, "problem", "problem")
        status, found = look("shut.sock")
        assert found["daemon"] == found["settings"] == "warning"
