# SPDX-License-Identifier: GPL-3.0-or-later
"""Signalling as a proxy sends it: what calls consist of, and a client that keeps them going and takes the time."""
from __future__ import annotations

import itertools
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.bench import browser
from tests.peers import ngclient, sdp

PATIENCE = 30.0
_CODECS = ((96, "opus/48000/2", "useinbandfec=1;minptime=10"), (97, "AMR-WB/16000", "mode-set=0,1,2;octet-align=1"),
           (98, "AMR/8000", "octet-align=1"), (99, "speex/16000", ""), (100, "iLBC/8000", "mode=30"),
           (9, "G722/8000", ""), (18, "G729/8000", "annexb=no"), (8, "PCMA/8000", ""), (0, "PCMU/8000", ""),
           (101, "telephone-event/8000", "0-16"), (102, "telephone-event/48000", "0-16"))
_VIDEO = ((120, "VP8/90000", ""), (121, "H264/90000", "profile-level-id=42e01f;packetization-mode=1"),
          (122, "H264/90000", "profile-level-id=640c1f;packetization-mode=1"), (123, "VP9/90000", "profile-id=0"))
_EXTENSIONS = ("urn:ietf:params:rtp-hdrext:ssrc-audio-level", "urn:ietf:params:rtp-hdrext:sdes:mid",
               "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time")


def _section(kind: str, port: int, codecs: tuple[tuple[int, str, str], ...], feedback: tuple[str, ...]) -> list[str]:
    lines = [f"m={kind} {port} RTP/AVPF {' '.join(str(number) for number, _, _ in codecs)}", f"a=rtcp:{port + 1}"]
    for number, name, parameters in codecs:
        lines.append(f"a=rtpmap:{number} {name}")
        lines += [f"a=fmtp:{number} {parameters}"] if parameters else []
        lines += [f"a=rtcp-fb:{number} {word}" for word in feedback]
    lines += [f"a=extmap:{number} {uri}" for number, uri in enumerate(_EXTENSIONS, 1)]
    lines += [f"a=candidate:{n} {component} UDP {2130706431 - n} 127.0.0.1 {port + component - 1} typ host"
              for n in (1, 2) for component in (1, 2)]
    lines += ["a=ice-ufrag:Fq2z", "a=ice-pwd:0f3aQmJ9kq2Zt7xWn5bLc1Vd", "a=ptime:20", "a=sendrecv",
              f"a=ssrc:{port * 7919} cname:peer@host", f"a=ssrc:{port * 7919} msid:stream {kind}"]
    return lines


def rich_body(port: int) -> str:
    """An SDP with audio and two video sections, many codecs, ICE and header extensions."""
    lines = ["v=0", "o=peer 4711 1 IN IP4 127.0.0.1", "s=call", "c=IN IP4 127.0.0.1", "b=AS:2500", "t=0 0"]
    lines += _section("audio", port, _CODECS, ())
    for number in (1, 2):
        lines += _section("video", port + 2 * number, _VIDEO, ("nack", "nack pli", "ccm fir", "transport-cc"))
    return "\r\n".join(lines) + "\r\n"


class Kind(NamedTuple):
    """The SDP of a call's two parties by port, and the keys of offer and answer besides."""

    offer: Callable[[int], str]
    answer: Callable[[int], str]
    offer_keys: dict[str, object]
    answer_keys: dict[str, object]


def _plain(port: int) -> str:
    return sdp.body("127.0.0.1", port)


def _muxed(port: int) -> str:
    return sdp.body("127.0.0.1", port, attributes=("rtcp-mux",))


_KEYS: dict[str, object] = {"ICE": "remove", "replace": ["origin"]}
_MUX = {**_KEYS, "rtcp-mux": ["require"]}
KINDS = {
    "plain": Kind(_plain, _plain, _KEYS, _KEYS),
    "rich": Kind(rich_body, rich_body, _KEYS, _KEYS),
    "mux": Kind(_muxed, _muxed, _MUX, _MUX),
    "from a browser": Kind(browser.body, _plain, browser.PHONE, browser.BROWSER),
    "to a browser": Kind(_plain, lambda port: browser.body(port, setup="active"), browser.BROWSER, browser.PHONE),
}
"""``mux`` is plain with RTCP on the port of RTP; browsers talk to plain telephones, and do not shake hands."""
_runs = itertools.count(1)


class Workload:
    """Calls of which each sends ``commands`` one after the other; ``kind`` is one of KINDS."""

    def __init__(self, kind: str, commands: tuple[str, ...] = ("offer", "answer", "delete")):
        self.commands = commands
        parties, call = KINDS[kind], {"call-id": "@CALL@", "from-tag": "f"}
        messages: dict[str, dict[str, object]] = {
            "ping": {}, "query": {**call}, "delete": {**call, "delete-delay": 0},
            "offer": {**call, **parties.offer_keys, "sdp": parties.offer(4000)},
            "answer": {**call, "to-tag": "t", **parties.answer_keys, "sdp": parties.answer(4100)}}
        self._patterns = [ngclient.encode({"command": command, **messages[command]}) for command in commands]

    def names(self) -> Iterator[bytes]:
        """Names of calls that nobody has used."""
        run = next(_runs)
        return (b"c%d-%d" % (run, number) for number in itertools.count())

    def datagram(self, name: bytes, step: int) -> bytes:
        """A request of the call ``name`` with the cookie ``NAME_STEP``."""
        return b"%s_%d " % (name, step) + self._patterns[step].replace(b"6:@CALL@", b"%d:%s" % (len(name), name))


@dataclass(slots=True)
class Outcome:
    """Calls that went all the way, error answers, and how long each answer took (seconds, by command)."""

    finished: int = 0
    errors: int = 0
    elapsed: float = 0.0
    waits: dict[str, list[float]] = field(default_factory=dict)


class Client:
    """Sends the calls of one workload to the daemon on ``port`` of 127.0.0.1, each from one of so many sockets."""

    def __init__(self, port: int, workload: Workload, sockets: int = 1):
        self._workload, self._names = workload, workload.names()
        self._stack = ExitStack()
        self._poll = self._stack.enter_context(select.epoll())
        self._sockets: dict[int, socket.socket] = {}
        self._sent: dict[bytes, float] = {}
        for _ in range(sockets):
            sock = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.connect(("127.0.0.1", port))
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock, select.EPOLLIN)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _send(self, sock: socket.socket, name: bytes, step: int = 0) -> None:
        self._sent[name] = time.perf_counter()
        sock.send(self._workload.datagram(name, step))

    def _take(self, sock: socket.socket, outcome: Outcome) -> bool:
        """Receive an answer and go on with its call; True if that is over."""
        cookie, _, body = sock.recv(65536).partition(b" ")
        name, _, number = cookie.partition(b"_")
        step, commands = int(number), self._workload.commands
        outcome.waits.setdefault(commands[step], []).append(time.perf_counter() - self._sent.pop(name))
        outcome.errors += b"6:result2:ok" not in body and b"6:result4:pong" not in body
        if step + 1 < len(commands):
            self._send(sock, name, step + 1)
            return False
        outcome.finished += 1
        return True

    def _answered(self, timeout: float) -> list[socket.socket]:
        return [self._sockets[fd] for fd, _ in self._poll.poll(timeout)]

    def busy(self, seconds: float, calls: int | None = None) -> Outcome:
        """A call at a time on each socket, for so long or until so many were begun. TimeoutError."""
        outcome, started = Outcome(), time.perf_counter()
        names = itertools.islice(self._names, calls)
        for sock, name in zip(self._sockets.values(), names):
            self._send(sock, name)
        while self._sent:
            answered = self._answered(PATIENCE)
            if not answered:
                raise TimeoutError("no answer")
            for sock in answered:
                over = self._take(sock, outcome)
                if over and time.perf_counter() < started + seconds and (name := next(names, b"")):
                    self._send(sock, name)
        outcome.elapsed = time.perf_counter() - started
        return outcome

    def paced(self, rate: float, seconds: float) -> Outcome:
        """So many calls begun a second, whether earlier ones were answered or not. TimeoutError."""
        outcome, started = Outcome(), time.perf_counter()
        sock, due = next(iter(self._sockets.values())), started
        while self._sent or due < started + seconds:
            now = time.perf_counter()
            if due <= now and due < started + seconds:
                self._send(sock, next(self._names))
                due += 1 / rate
                continue
            for ready in self._answered(max(due - now, 0) if due < started + seconds else PATIENCE):
                self._take(ready, outcome)
            if time.perf_counter() > started + seconds + PATIENCE:
                raise TimeoutError("no answer")
        outcome.elapsed = time.perf_counter() - started
        return outcome
