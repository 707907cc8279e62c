# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Chromium without a head, driven over a pipe by its DevTools protocol."""
from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.peers.netns import Namespace

_QUIET = ("--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-sync",
          "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-breakpad",
          "--disable-domain-reliability", "--no-pings", "--metrics-recording-only", "--disable-gpu",
          "--disable-dev-shm-usage", "--password-store=basic",
          "--autoplay-policy=no-user-gesture-required")
_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_FIRST_FREE = 10  # the pipe's ends wait above its places, 3 and 4


class ChromiumFailed(Exception):
    """It ended, did not reply in time, or its script failed; the text ends with what it wrote last."""


def missing() -> str:
    """Empty if Chromium can be started here, else the reason why not."""
    return "" if shutil.which("chromium") else "no chromium program (package chromium)"


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


class Chromium:
    """A browser with one page, ``page`` (HTML), inside ``namespace``.

    Its microphone plays ``sound``, a WAV file; without one, the page has no leave to use any.
    Ends when the pipe closes, so it never outlives the process that started it.
    """

    def __init__(self, page: str, sound: Path | None, namespace: Namespace):
        self.folder = Path(tempfile.mkdtemp(prefix="chromium-"))
        self._session, self._number, self._rest = "", 0, b""
        home = self.folder / "home"
        home.mkdir()
        (self.folder / "page.html").write_text(page)
        asked, self._write = _pipe()
        self._read, replied = _pipe()
        argv = ["chromium", "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.folder / 'profile'}",
                *_QUIET, *([*_MICROPHONE, f"--use-file-for-fake-audio-capture={sound}"] if sound else []),
                *(["--no-sandbox"] if os.geteuid() == 0 else []), "about:blank"]
        try:
            with (self.folder / "log").open("wb") as log:
                self.process = subprocess.Popen(
                    namespace.command(["bash", "-c", f'exec "$@" 3<&{asked} 4>&{replied}', "chromium", *argv]),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(asked, replied),
                    start_new_session=True, env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home),
                                                 "XDG_CACHE_HOME": str(home)})
        finally:
            os.close(asked)
            os.close(replied)
        try:
            self._open()
        except BaseException:
            self.stop()
            raise

    def _open(self) -> None:
        target = self.command("Target.createTarget", 20.0, url=f"file://{self.folder / 'page.html'}")["targetId"]
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        deadline = time.monotonic() + 60
        while self.run("document.readyState == 'complete' && location.protocol == 'file:'") is not True:
            if time.monotonic() > deadline:
                raise self._failure("the page does not load")
            time.sleep(0.05)

    def _failure(self, why: str) -> ChromiumFailed:
        return ChromiumFailed(f"{why}:\n" + (self.folder / "log").read_text(errors="replace")[-2000:])

    def _message(self, deadline: float) -> dict[str, Any]:
        """The next message; each ends with a zero byte."""
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise self._failure("no reply in time")
            chunk = os.read(self._read, 65536)
            if not chunk:
                raise self._failure("it ended")
            self._rest += chunk
        line, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(line))

    def command(self, method: str, patience: float = 60.0, /, **params: Any) -> dict[str, Any]:
        """The result of a command of the protocol; events that come meanwhile are dropped."""
        self._number += 1
        ask: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            ask["sessionId"] = self._session
        os.write(self._write, json.dumps(ask).encode() + b"\0")
        deadline = time.monotonic() + patience
        while (message := self._message(deadline)).get("id") != self._number:
            pass
        if "error" in message:
            raise self._failure(f"{method}: {message['error']}")
        return dict(message["result"])

    def run(self, script: str, patience: float = 60.0) -> Any:
        """The value of an expression of JavaScript, awaited if it is a promise."""
        result = self.command("Runtime.evaluate", patience, expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise self._failure(f"{script[:80]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def call(self, function: str, *arguments: Any) -> Any:
        """The value of a function of the page."""
        return self.run(f"{function}({', '.join(json.dumps(each) for each in arguments)})")

    def stop(self) -> None:
        """End it and the processes it started, by the id of its session, and remove its files."""
        os.close(self._write)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self._read)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
