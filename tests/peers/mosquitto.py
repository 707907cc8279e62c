# SPDX-License-Identifier: GPL-3.0-or-later
"""An MQTT broker of Debian's, and a subscriber that keeps what is published."""
from __future__ import annotations

import os
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import paho.mqtt.client as paho

from tests.peers import debian
from tests.peers.daemon import free_port

USER, PASSWORD = "rtpengine", "not in the list of processes"


class Broker:
    """Runs on a free port of loopback and knows USER alone; ``lines`` are more settings of its listener.

    Unobtainable if there is no mosquitto.
    """

    def __init__(self, lines: Sequence[str] = ()):
        self._argv0, self._environment = debian.program("mosquitto", "/usr/sbin/mosquitto")
        maker, environment = debian.program("mosquitto", "/usr/bin/mosquitto_passwd")
        self.port = free_port(socket.SOCK_STREAM)
        self._folder = tempfile.TemporaryDirectory(prefix="mosquitto-")
        folder = Path(self._folder.name)
        passwords = folder / "passwords"
        subprocess.run([maker, "-b", "-c", passwords, USER, PASSWORD], check=True, timeout=60,
                       env={**os.environ, **environment})
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text("\n".join((
            "user root" if os.geteuid() == 0 else "", f"listener {self.port} 127.0.0.1", "allow_anonymous false",
            f"password_file {passwords}", "persistence false", *lines, "")))
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Run, and wait until it listens."""
        self._process = subprocess.Popen([self._argv0, "-c", str(self._settings)], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, env={**os.environ, **self._environment})
        for _ in range(1200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise TimeoutError("mosquitto does not listen")

    def stop(self) -> None:
        """End it; more than once does no harm."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()
        self._folder.cleanup()


class Subscriber:
    """Keeps the bytes of every message of a topic, and whether it was retained and its quality of service."""

    def __init__(self, port: int, topic: str, tls: ssl.SSLContext | None = None):
        self.messages: list[bytes] = []
        self.kinds: set[tuple[bool, int]] = set()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(USER, PASSWORD)
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 2)
        self._client.on_message = self._keep
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _keep(self, client: Any, data: Any, message: Any) -> None:
        self.messages.append(message.payload)
        self.kinds.add((message.retain, message.qos))

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()
