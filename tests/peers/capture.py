# SPDX-License-Identifier: GPL-3.0-or-later
"""``rtpengine-ctl capture`` at work, and tshark as a second opinion on what it has written."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.peers.daemon import ROOT
from tests.peers.netns import Namespace

_FIELDS = ("ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport", "udp.length")
Flow = tuple[str, int, str, int]
"""Source address and port, destination address and port."""


def missing() -> str:
    """Empty if tshark is there, else what is missing."""
    return "" if shutil.which("tshark") else "no tshark"


class Capture:
    """A capture that has begun when this returns; inside ``namespace`` if given. ``begun`` is its first line."""

    def __init__(self, port: int, *words: str, namespace: Namespace | None = None, prefix: tuple[str, ...] = ()):
        argv = [*prefix, *self.argv(port, *words)]
        self.process = subprocess.Popen(namespace.command(argv) if namespace else argv, cwd=ROOT,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert self.process.stderr is not None
        self.begun = self.process.stderr.readline()

    @staticmethod
    def argv(port: int, *words: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "ctl", "-ip", "127.0.0.1", "-port", str(port), "capture", *words]

    def end(self, patience: float = 60.0) -> tuple[int, str]:
        """Exit status and the lines after the first, once it has ended by itself."""
        _, text = self.process.communicate(timeout=patience)
        return self.process.returncode, text

    def stop(self) -> tuple[int, str]:
        """The same after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.end()


def flows(path: Path, *, filtered: str = "udp") -> Counter[Flow]:
    """The datagrams of a file by where they come from and go to; fragments are one."""
    fields = [word for field in _FIELDS for word in ("-e", field)]
    text = subprocess.run(["tshark", "-n", "-r", str(path), "-Y", filtered, "-T", "fields", *fields], check=True,
                          capture_output=True, text=True, env={**os.environ, "HOME": "/nonexistent"}).stdout
    found: Counter[Flow] = Counter()
    for line in text.splitlines():
        source4, source6, source, destination4, destination6, destination, _ = line.split("\t")
        found[source4 or source6, int(source), destination4 or destination6, int(destination)] += 1
    return found
