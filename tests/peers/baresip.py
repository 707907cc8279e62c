# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's baresip as a phone without a head: it plays a tone, and is told what to do over TCP."""
from __future__ import annotations

import json
import math
import os
import re
import socket
import struct
import subprocess
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.peers import debian
from tests.peers.daemon import free_port
from tests.peers.netns import Namespace

RATE, SECONDS, TONE = 8000, 30, 440
_MODULES = ("g711", "aufile", "srtp", "dtls_srtp", "stun", "turn", "ice")
_APPLICATIONS = ("menu", "ctrl_tcp")
_COUNTS = re.compile(r"^packets: +(\d+) +(\d+)\n.*\nerrors: +(\d+) +(\d+)", re.M)


class BaresipFailed(Exception):
    """It ended, or did not do a thing in time; the text ends with what it wrote last."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What it says of the audio of a call that ended: packets and errors."""

    sent: int
    received: int
    errors_sent: int
    errors_received: int


def baresip() -> tuple[str, dict[str, str], Path]:
    """The program, its variables and the directory of its modules. Unobtainable if it cannot be had."""
    path, environment = debian.program("baresip-core", "/usr/bin/baresip")
    return path, environment, Path(path).parents[1] / "lib" / "baresip" / "modules"


def _write_tone(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        step = 2 * math.pi * TONE / RATE
        second = b"".join(struct.pack("<h", round(9000 * math.sin(step * n))) for n in range(RATE))
        file.writeframes(second * SECONDS)


class Baresip:
    """A phone at ``address`` that calls by the proxy at ``proxy_port`` and accepts every call.

    ``options`` are parameters of its account, such as ``mediaenc=srtp-mand``. All is inside ``namespace``.
    """

    def __init__(self, name: str, directory: Path, proxy_port: int, *options: str, address: str,
                 namespace: Namespace):
        program, environment, modules = baresip()
        self.namespace = namespace
        port, self.control = free_port(), free_port(socket.SOCK_STREAM)
        self.name, self.uri = name, f"sip:{name}@{address}:{port}"
        folder = directory / name
        folder.mkdir()
        _write_tone(folder / "tone.wav")
        (folder / "config").write_text("\n".join([
            f"sip_listen {address}:{port}", f"net_interface {address}", f"module_path {modules}",
            f"audio_source aufile,{folder / 'tone.wav'}", "audio_player none,none", "audio_alert none,none",
            f"ctrl_tcp_listen 127.0.0.1:{self.control}", "rtp_stats yes", "statmode_default off",
            "ringback_disabled yes", "menu_bell no",
            *(f"module {each}.so" for each in _MODULES), "module_tmp account.so",
            *(f"module_app {each}.so" for each in _APPLICATIONS), ""]))
        parameters = ["regint=0", "answermode=auto", "audio_codecs=pcma", f'outbound="sip:127.0.0.1:{proxy_port}"']
        (folder / "accounts").write_text(f"<{self.uri}>;{';'.join([*parameters, *options])}\n")
        (folder / "contacts").write_text("")
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(namespace.command([program, "-f", str(folder)]), cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **environment})
        try:
            self.wait("baresip is ready")
        except BaseException:
            self.stop()
            raise

    def text(self) -> str:
        """Everything that it wrote, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.log.read_text(errors="replace"))

    def until(self, done: Callable[[], bool], what: str, patience: float = 30.0) -> None:
        deadline = time.monotonic() + patience
        while not done():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise BaresipFailed(f"{self.name} waits for {what}:\n{self.text()[-3000:]}")
            time.sleep(0.05)

    def wait(self, words: str, patience: float = 30.0) -> None:
        """Until it wrote these words."""
        self.until(lambda: words in self.text(), words, patience)

    def command(self, command: str, params: str = "") -> str:
        """What it replies to a command of its menu."""
        ask = json.dumps({"command": command, "params": params, "token": command}).encode()
        with self.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(30)
            sock.connect(("127.0.0.1", self.control))
            sock.sendall(b"%d:%s," % (len(ask), ask))
            read = sock.makefile("rb")
            while True:  # events come by the same way
                size = b""
                while (digit := read.read(1)) != b":":
                    if not digit:
                        raise BaresipFailed(f"{self.name} does not reply to {command}:\n{self.text()[-3000:]}")
                    size += digit
                message = json.loads(read.read(int(size) + 1)[:-1])
                if message.get("response"):
                    return str(message.get("data", ""))

    def counts(self) -> Counts:
        """Of the first call, once it ended."""
        self.until(lambda: bool(_COUNTS.search(self.text())), "the end of the call")
        found = _COUNTS.search(self.text())
        assert found
        return Counts(*map(int, found.groups()))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Baresip:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
