# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng client of the npm world, over each of its transports."""
from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import sdp
from tests.peers.daemon import ROOT, Daemon, free_port

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
BUILD = ROOT / "build" / "npm"
PACKAGES = ("rtpengine-client@0.4.12", "debug@4")  # the second is what the first forgets to ask for


@pytest.fixture(scope="module")
def modules() -> Path:
    """Where node finds the client; installed once."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("needs npm and node")
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((BUILD / "node_modules" / name.split("@")[0]).exists() for name in PACKAGES):
            done = subprocess.run(["npm", "install", "--prefix", str(BUILD), "--no-audit", "--no-fund", "--no-save",
                                   *PACKAGES], capture_output=True, text=True, timeout=100)
            if done.returncode:
                pytest.skip(f"npm cannot install {PACKAGES[0]}: {done.stderr.strip()[-300:]}")
    return BUILD / "node_modules"


@dataclass(frozen=True, slots=True)
class Setting:
    """A daemon with a port for each transport."""

    daemon: Daemon
    ports: dict[str, int]


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    tcp, http = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    options = [f"--listen-tcp-ng=127.0.0.1:{tcp}", f"--listen-http=127.0.0.1:{http}"]
    with Daemon(options=options) as daemon:
        yield Setting(daemon, {"udp": daemon.ng_port, "tcp": tcp, "ws": http})


@pytest.mark.parametrize("transport", ["udp", "tcp", "ws"])
def test_calls(modules: Path, setting: Setting, transport: str) -> None:
    done = subprocess.run(["node", str(HERE / "ngclient.js"), transport, str(setting.ports[transport]), "20"],
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NODE_PATH": str(modules)})
    assert done.returncode == 0, done.stdout + done.stderr + setting.daemon.log_tail()
    calls = json.loads(done.stdout.splitlines()[-1])
    assert len(calls) == 20
    ports = set()
    for number, (ping, offer, answer, query, listed, deleted, gone) in enumerate(calls):
        assert ping == {"result": "pong"}
        for reply in (offer, answer):
            assert reply["result"] == "ok" and "a=x-note:grüße\r\n" in reply["sdp"]
            ports.add(sdp.sections(reply["sdp"])[0].port)
        assert query["result"] == "ok" and set(query["tags"]) == {"a", "b"}
        assert f"npm-{transport}-{number}" in listed["calls"]
        assert deleted["result"] == "ok"
        assert gone == {"result": "error", "error-reason": "Unknown call-id"}
    assert len(ports) >= 2
    assert "total: 0\n" in setting.daemon.cli("list numsessions")
