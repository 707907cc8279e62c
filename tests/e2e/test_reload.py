# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGHUP: what changes in a daemon that goes on, what waits for a restart, and that mistakes change nothing."""
from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.daemon import Daemon
from tests.peers.sdp import body

pytestmark = pytest.mark.e2e
START = "[rtpengine]\ntimeout = 50\nlog-level-ice = 5\ntemplates = words\n[words]\noffer = ICE=force\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rtpengine.conf"
    path.write_text(START)
    return path


@pytest.fixture
def daemon(path: Path) -> Iterator[Daemon]:
    with Daemon(options=[f"--config-file={path}"]) as running:
        yield running


def hup(daemon: Daemon, line: str) -> None:
    """Send the signal and wait for what is said of it."""
    os.kill(daemon.pid, signal.SIGHUP)
    deadline = time.monotonic() + 30
    while line not in daemon.log_text():
        assert time.monotonic() < deadline, daemon.log_tail()
        time.sleep(0.02)


def has_ice(daemon: Daemon, call_id: str) -> bool:
    with daemon.client() as client:
        reply = client.call("offer", **{"call-id": call_id, "from-tag": "a", "sdp": body("127.0.0.1", 6000)})
    return "a=ice-ufrag" in str(reply["sdp"])


def test_changeable_options_and_templates_change(daemon: Daemon, path: Path) -> None:
    assert has_ice(daemon, "before")
    path.write_text(START.replace("50", "70").replace("= 5\n", "= 3\n").replace("force", "remove") + "answer = x\n")
    hup(daemon, "SIGHUP: settings are read again; changed: timeout, log-level-ice\n")
    assert daemon.cli("list timeout") == "TIMEOUT=70\n" and "ice = 3\n" in daemon.cli("list loglevel")
    assert not has_ice(daemon, "after")


def test_others_wait_for_a_restart(daemon: Daemon, path: Path) -> None:
    path.write_text(START.replace("timeout = 50", "port-max = 35000\ntimeout = 51"))
    hup(daemon, "changed: timeout; waiting for a restart: port-max\n")
    assert "port-max = 39999\n" in daemon.cli("params current")
    path.write_text(START.replace("timeout = 50", "port-max = 35000\ntimeout = 51\nmax-sessions = 9"))
    hup(daemon, "changed: max-sessions; waiting for a restart: port-max\n")
    path.write_text(START)
    hup(daemon, "changed: timeout, max-sessions\n")


def test_a_mistake_changes_nothing(daemon: Daemon, path: Path) -> None:
    path.write_text(START.replace("timeout = 50", "timeout = 70\ntimeuot = 80"))
    hup(daemon, f"ERR: SIGHUP: settings stay as they are: {path}:3: [rtpengine] unknown key 'timeuot'; did you mean "
                "timeout?\n")
    assert daemon.cli("list timeout") == "TIMEOUT=50\n" and has_ice(daemon, "still")


def test_a_slip_in_a_template_is_told(daemon: Daemon, path: Path) -> None:
    """A word that means nothing is a warning, as at the start; a line that cannot be read changes nothing."""
    path.write_text(START + "Web = ICE=remove trust-adress\n")
    hup(daemon, f"WARNING: SIGHUP: {path}:7: [words] Web: unknown trust-adress (did you mean trust-address?)\n")
    path.write_text(START.replace("ICE=force", "ICE=\\qforce"))
    hup(daemon, f"ERR: SIGHUP: settings stay as they are: {path}:6: offer: unknown escape")
    assert has_ice(daemon, "still")


def test_what_was_set_by_command_stays_unless_the_file_changes(daemon: Daemon, path: Path) -> None:
    assert "Success" in daemon.cli("set timeout 99")
    hup(daemon, "changed: nothing\n")
    assert daemon.cli("list timeout") == "TIMEOUT=99\n"
    path.write_text(START.replace("50", "51"))
    hup(daemon, "changed: timeout\n")
    assert daemon.cli("list timeout") == "TIMEOUT=51\n"


def test_the_service_manager_is_told(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Daemon(options=[f"--config-file={path}"]) as daemon:
            assert manager.recv(100) == b"READY=1"
            hup(daemon, "changed: nothing\n")
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
            daemon.stop()
            assert manager.recv(100) == b"STOPPING=1"
