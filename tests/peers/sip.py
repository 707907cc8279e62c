# SPDX-License-Identifier: GPL-3.0-or-later
"""Real SIP programs as peers: Kamailio as the proxy, SIPp as caller and callee."""
from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import debian, sdp
from tests.peers.daemon import free_port
from tests.peers.netns import Namespace


class SipFailed(Exception):
    """A SIP program ended badly or not at all; the text ends with what it wrote last."""


def _tail(path: Path, size: int = 3000) -> str:
    return path.read_text(errors="replace")[-size:] if path.exists() else ""


def _end(process: subprocess.Popen[bytes], patience: float = 20.0) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_WEBSOCKET = """
loadmodule "lwsc.so"
modparam("lwsc", "protocol", "ng.rtpengine.com")
modparam("rtpengine", "wsapi", "lwsc")
"""


def kamailio(websocket: bool = False) -> tuple[str, dict[str, str]]:
    """The program, perhaps with its WebSocket client. Unobtainable if it cannot be had."""
    if not websocket:
        return debian.program("kamailio", "/usr/sbin/kamailio")
    package = "kamailio-lwsc-modules"
    module = debian.data_file(package, "/usr/lib/x86_64-linux-gnu/kamailio/modules/lwsc.so")
    root = module.parents[5]
    return str(root / "usr/sbin/kamailio"), debian.environment(root) if root != Path("/") else {}


class Kamailio:
    """A proxy that asks the daemon at ``ng`` for every call and calls ``callee_port``, if its configuration does.

    ``ng`` is ``udp:ADDRESS:PORT`` or ``ws://ADDRESS:PORT/``. ``template`` is its configuration; @NAME@ words in it
    are replaced. It runs inside ``namespace`` if given.
    """

    def __init__(self, template: Path, directory: Path, ng: str, callee_port: int = 0,
                 namespace: Namespace | None = None):
        websocket = ng.startswith("ws")
        path, environment = kamailio(websocket)
        libraries = Path(path).parents[1] / "lib" / "x86_64-linux-gnu" / "kamailio"
        if environment:
            environment = debian.environment(Path(path).parents[2], "usr/lib/x86_64-linux-gnu/kamailio")
        self.port = free_port()
        words = {"SIP_PORT": self.port, "NG": ng, "CALLEE_PORT": callee_port, "MODULES": libraries / "modules",
                 "WEBSOCKET": _WEBSOCKET if websocket else ""}
        text = re.sub(r"@([A-Z_]+)@", lambda match: str(words[match[1]]) if match[1] in words else match[0],
                      template.read_text())
        configuration = directory / "kamailio.cfg"
        configuration.write_text(text)
        self.log = directory / "kamailio.log"
        argv = [path, "-f", str(configuration), "-DD", "-E", "-w", str(directory), "-Y", str(directory), "-m", "32"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(namespace.command(argv) if namespace else argv, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **environment})
        try:
            self._wait(namespace)
        except BaseException:
            self.stop()
            raise

    def _wait(self, namespace: Namespace | None) -> None:
        deadline = time.monotonic() + 60
        line = f":{self.port:04X} "
        sockets = Path("/proc/thread-self/net/udp")
        while line not in (namespace.inside(sockets.read_text) if namespace else sockets.read_text()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SipFailed(f"kamailio does not listen:\n{_tail(self.log)}")
            time.sleep(0.05)
        # the socket is there before the workers are
        time.sleep(0.3)

    def stop(self) -> None:
        _end(self.process)

    def __enter__(self) -> Kamailio:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message that SIPp sent (``sent``) or received."""

    sent: bool
    start: str
    call_id: str
    sequence: str
    body: str

    @property
    def media(self) -> sdp.Section:
        return sdp.sections(self.body)[0]


_TRACE = re.compile(r"UDP message (sent|received) .*?:\n\n(.*?)(?=\n-{20,} \d{4}-|\Z)", re.S)


class Sipp:
    """One SIPp process with a scenario; its messages are traced.

    ``ports`` are the values of field 0, one per call.
    """

    def __init__(self, scenario: Path, directory: Path, *, calls: int, ports: Sequence[int] = (), target: int = 0,
                 port: int = 0, words: dict[str, str] | None = None, options: Sequence[str] = ()):
        path, environment = debian.program("sip-tester", "/usr/bin/sipp")
        self.port = port or free_port()
        self.name = scenario.stem
        self.trace = directory / f"{self.name}.messages"
        self.log = directory / f"{self.name}.log"
        text = scenario.read_text()
        for word, value in (words or {}).items():
            text = text.replace(f"[{word}]", value)
        script = directory / scenario.name
        script.write_text(text)
        argv = [path, *([f"127.0.0.1:{target}"] if target else []), "-sf", str(script), "-i", "127.0.0.1",
                "-p", str(self.port), "-m", str(calls), "-l", str(calls), "-r", "20", "-nostdin", "-trace_msg",
                "-message_file", str(self.trace), "-message_overwrite", "false", "-timeout", "120s", *options]
        if ports:
            values = directory / f"{self.name}.csv"
            values.write_text("SEQUENTIAL\n" + "".join(f"{each};\n" for each in ports))
            argv += ["-inf", str(values)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "TERM": "dumb", **environment})

    def messages(self) -> Iterator[Message]:
        """What was sent and received so far, in order."""
        if not self.trace.exists():
            return
        for how, text in _TRACE.findall(self.trace.read_text(errors="replace").replace("\r\n", "\n")):
            head, _, content = text.strip("\n").partition("\n\n")
            fields = {name.lower(): value for name, value in re.findall(r"^([A-Za-z-]+):\s*(.*)$", head, re.M)}
            yield Message(how == "sent", head.splitlines()[0], fields.get("call-id", ""), fields.get("cseq", ""),
                          content)

    def find(self, start: str, sequence: str, sent: bool) -> dict[str, Message]:
        """By Call-ID: the last message with this start of its first line, this CSeq and a body."""
        return {each.call_id: each for each in self.messages()
                if each.sent is sent and each.start.startswith(start) and each.sequence == sequence and each.body}

    def go_on(self) -> None:
        """Tell each of its calls to go on behind where its scenario waits for that (INFO)."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number, call_id in enumerate(sorted({each.call_id for each in self.messages() if each.sent}), 1):
                sock.sendto(f"INFO sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{number}\r\n"
                            f"From: <sip:test@127.0.0.1>;tag=t\r\nTo: <sip:test@127.0.0.1>\r\nCall-ID: {call_id}\r\n"
                            "CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n".encode(), ("127.0.0.1", self.port))

    def wait(self, patience: float = 120.0) -> None:
        """Wait for the end of all calls. SipFailed unless every call went as its scenario says."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.stop()
            raise SipFailed(f"{self.name} does not end:\n{_tail(self.trace)}") from None
        if status:
            raise SipFailed(f"{self.name} ended with status {status}:\n{_tail(self.trace)}\n{_tail(self.log, 600)}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def __enter__(self) -> Sipp:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
