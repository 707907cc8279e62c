# SPDX-License-Identifier: GPL-3.0-or-later
"""Completion at the prompts of real shells: a TAB, and what the line becomes."""
from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .test_main import ROOT, Daemon

COMPLETION = ROOT / "etc" / "completion"
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f"source {COMPLETION}/rtpengine-ctl.bash; PS1=READY-"),
    "zsh": (["zsh", "-f", "-i"], f"fpath=({COMPLETION} $fpath); autoload -U compinit; compinit -u -D; PS1=READY-"),
}
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x07")


def screen(output: bytes) -> str:
    """What a terminal shows after this output."""
    lines, at = [""], 0
    for char in _CONTROL.sub("", output.decode()):
        if char == "\n":
            lines.append("")
        elif char == "\b":
            at -= 1
        elif char == "\r":
            at = 0
        else:
            lines[-1] = lines[-1][:at].ljust(at) + char + lines[-1][at + 1:]
            at += 1
    return "\n".join(lines)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    daemon = Daemon("one:1@example.net", "two@example.net")
    yield daemon
    daemon.stop()


class Prompt:
    """What stands on the screen of a terminal since the last key."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor

    def keys(self, text: str) -> None:
        self.shown = b""
        os.write(self.descriptor, text.encode())

    def shows(self, text: str, patience: float = 60.0) -> bool:
        """Whether this is to be seen in time."""
        deadline = time.monotonic() + patience
        while text not in screen(self.shown):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                return False
            self.shown += os.read(self.descriptor, 65536)
        return True

    def wait(self, text: str) -> None:
        assert self.shows(text), screen(self.shown)


def with_program(directory: Path) -> dict[str, str]:
    """The environment of a shell that has this tree's program as ``rtpengine-ctl``."""
    program = directory / "rtpengine-ctl"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -P -m ctl "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{directory}:{os.environ['PATH']}", "HOME": str(directory), "TERM": "dumb", "COLUMNS": "200"}


@contextmanager
def prompt(shell: str, directory: Path) -> Iterator[Prompt]:
    """A shell at a terminal, with that program."""
    argv, setup = SHELLS[shell]
    environment = with_program(directory)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=directory,
                               start_new_session=True)
    os.close(theirs)
    try:
        made = Prompt(ours)
        made.keys(f"{setup}'GO '\n")
        made.wait("READY-GO ")
        yield made
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)   # what asks for completions as well
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=pytest.mark.skipif(
    shutil.which(shell) is None, reason=f"no {shell}")) for shell in SHELLS])
def test_tab(shell: str, daemon: Daemon, tmp_path: Path) -> None:
    """Nobody is kept waiting for a completion: what did not come in time comes with another TAB."""
    with prompt(shell, tmp_path) as at:
        for typed, becomes in (("list numse\t", "list numsessions "), ("call one\t", "call one:1@example.net "),
                               ("call two@ex\t", "call two@example.net "), ("call one:\t", "call one:1@example.net "),
                               ("call one:1@ex\t", "call one:1@example.net "),
                               ("call one:1@example.net tag to\t", "call one:1@example.net tag totag88 ")):
            at.keys(f"rtpengine-ctl -port {daemon.port} {typed}")
            for _ in range(10):
                if at.shows(f"rtpengine-ctl -port {daemon.port} {becomes}", 6.0):
                    break
                os.write(at.descriptor, b"\t")
            at.wait(f"rtpengine-ctl -port {daemon.port} {becomes}")
            at.keys("\x15\n")
            at.wait("READY-GO ")


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
@pytest.mark.parametrize("typed, offered", [
    ("list numse", ["numsessions"]), ("lis", ["list"]), ("call ", ["one:1@example.net", "two@example.net"]),
    ("call two@ex", ["two@example.net"]), ("call one:1@", ["one:1@example.net"]),
    ("call one:1@example.net tag to", ["totag88"]), ("debug two@example.net ", ["off", "on"])])
def test_fish_is_told(daemon: Daemon, tmp_path: Path, typed: str, offered: list[str]) -> None:
    """fish itself says what it would offer; a daemon that was slow is asked once more, as another TAB does."""
    environment = with_program(tmp_path)
    line = f"rtpengine-ctl -port {daemon.port} {typed}"
    for _ in range(20):
        done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]',
                               f"{COMPLETION}/rtpengine-ctl.fish", line], env=environment, cwd=tmp_path,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.stdout:
            break
    assert (sorted(done.stdout.splitlines()), done.stderr) == (offered, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
def test_fish_offers_files_where_one_is_wanted(tmp_path: Path) -> None:
    environment = with_program(tmp_path)
    (tmp_path / "my.conf").touch()
    done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C "rtpengine-ctl --config-file my"',
                           f"{COMPLETION}/rtpengine-ctl.fish"], env=environment, cwd=tmp_path, capture_output=True,
                          text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("my.conf\n", "")
