# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo as a user runs it; and that it notices when media are mistreated."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.daemon import ROOT

pytestmark = pytest.mark.e2e


def _demo(output: Path, *options: str, command: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"RTPENGINE_COMMAND": command} if command else {})}
    return subprocess.run([sys.executable, "-m", "demo", "--table=-1", f"--output={output}", *options], cwd=ROOT,
                          env=environment, capture_output=True, text=True, timeout=300)


def test_a_call_arrives_whole_in_both_directions(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--seconds=8", "--speed=4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every byte arrived, in order" in done.stdout
    assert "\x1b" not in done.stdout
    for name in ("alice", "bob"):
        assert (tmp_path / f"{name}-heard.wav").stat().st_size > 8 * 8000 * 2 * 0.99


@pytest.mark.parametrize("fault, word", [
    ("drop", "lost"), ("twice", "payload differs"), ("swap", "out of order"), ("corrupt", "payload differs"),
    ("deaf", "0 packets received"), ("stay", "still there")])
def test_mistreated_media_are_noticed(tmp_path: Path, fault: str, word: str) -> None:
    command = f"{sys.executable} -m tests.peers.faulty --fault={fault}"
    done = _demo(tmp_path, "--seconds=3", "--speed=10", command=command)
    assert done.returncode == 1, done.stdout + done.stderr
    assert word in done.stdout.split("Verdict")[1]


def test_the_stand_in_itself_is_sound(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--seconds=3", "--speed=10", command=f"{sys.executable} -m tests.peers.faulty")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_daemon_that_does_not_start_is_reported(tmp_path: Path) -> None:
    done = _demo(tmp_path, command="/bin/false")
    assert done.returncode == 2
    assert "ended with status 1" in done.stdout
