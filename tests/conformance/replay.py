# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays one recorded block against a running daemon, up to the first step that differs."""
from __future__ import annotations

import errno
import itertools
import json
import select
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from controlplane.errors import PeerError
from tests.conformance.dtls import DtlsDouble, is_dtls
from tests.conformance.packets import NotComparable, PacketComparison, kind
from tests.conformance.secure import Decryption
from tests.conformance.stun import StunDouble
from tests.conformance.tokens import Comparison
from tests.conformance.vectors import Block, Step
from tests.peers import ngclient, sdp
from tests.peers.ngclient import NgClient

_PATIENCE = 3.0
_SILENCE = 0.25
_PREPARATIONS = ("call", "socket")
_MEDIA = ("rtp", "rtcp", "other")
_cookies = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a block went: ``pass``, ``differs``, ``unsupported`` by this replay, or ``error``.

    ``step`` is the number of the step that ended it; both sides of the difference as text. ``late``: seconds by which
    the host held it up in all.
    """

    block: Block
    result: str
    step: int = -1
    why: str = ""
    recorded: str = ""
    ours: str = ""
    late: float = 0.0

    @property
    def line(self) -> str:
        """One line about it."""
        where = f" at step {self.step} ({self.block.steps[self.step]['op']})" if self.step >= 0 else ""
        late = f" (held up by {self.late:.1f} s)" if self.late > 0.5 and self.result != "pass" else ""
        return (f"{self.result:11s} {self.block.id:28s} {self.block.name}{where}{': ' if self.why else ''}{self.why}"
                f"{late}")


class _Differs(Exception):
    def __init__(self, why: str, recorded: str, ours: str):
        super().__init__(why)
        self.recorded, self.ours = recorded, ours


class Replay:
    """One run of one block. ``make`` creates sockets where the daemon is.

    ``packets_only``: replies need only be successful.
    """

    def __init__(self, block: Block, client: NgClient, make: Callable[[int, int], socket.socket],
                 packets_only: bool = False):
        self.block, self.client, self.make, self.packets_only = block, client, make, packets_only
        self.comparison = Comparison()
        sent = [bytes.fromhex(step["payload_hex"]) for step in block.steps if step["op"] == "send"]
        self.decryption = Decryption(self.comparison.mapping, lambda packet: kind(packet) == "rtcp")
        self.packets = PacketComparison(sent, "codec" in block.tags,
                                        self.decryption.open if "srtp" in block.tags else None)
        self.stun = StunDouble(self.comparison.mapping)
        self.stun.heard(body for step in block.steps for part in ("request", "response")
                        if isinstance(body := (step.get(part) or {}).get("sdp"), str))
        self.dtls = DtlsDouble(block.steps)
        self.early: dict[str, list[tuple[bytes, tuple[str, int]]]] = {}
        self.sockets: dict[str, socket.socket] = {}
        self.replies: dict[int, dict[str, Any]] = {}
        self.call_ids: list[str] = []
        self.start = 0.0
        self.late = 0.0

    def run(self) -> Outcome:
        """Play all steps; never raises for what the daemon does."""
        return replace(self._run(), late=self.late)

    def _run(self) -> Outcome:
        step = -1
        first = next((each for each in self.block.steps if each["op"] not in _PREPARATIONS), self.block.steps[0])
        self.start = time.monotonic() - first["t_ms"] / 1000
        try:
            for step, each in enumerate(self.block.steps):
                play = getattr(self, "_" + each["op"], None)
                if play is None:
                    raise NotComparable(f"{each['op']} steps")
                play(step, each)
        except _Differs as found:
            return Outcome(self.block, "differs", step, str(found), found.recorded, found.ours)
        except NotComparable as reason:
            return Outcome(self.block, "unsupported", step, str(reason))
        except (TimeoutError, OSError, ValueError, PeerError) as error:
            return Outcome(self.block, "error", step, f"{type(error).__name__}: {error}",
                           json.dumps(self.block.steps[step].get("request", "")))
        finally:
            self._tidy()
        return Outcome(self.block, "pass")

    def _tidy(self) -> None:
        for sock in self.sockets.values():
            sock.close()
        for call_id in self.call_ids:
            try:
                self.client.send({"command": "delete", "call-id": call_id, "delete-delay": 0})
            except (TimeoutError, ValueError, OSError):
                return  # the next block's start finds out whether the daemon still answers

    def _keep_time(self, step: Step) -> None:
        """Wait until this step is due; when late, the rest keeps its distances from here."""
        ahead = self.start + step["t_ms"] / 1000 - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        else:
            self.start -= ahead
            self.late -= ahead

    def _call(self, _: int, step: Step) -> None:
        """The call's words come again in the requests."""

    def _socket(self, _: int, step: Step) -> None:
        if step["id"] in self.dtls.programs:
            return
        if step.get("late") or "address" not in step:
            raise NotComparable("sockets of a TCP peer")
        family = socket.AF_INET6 if ":" in step["address"] else socket.AF_INET
        sock = self.make(family, socket.SOCK_DGRAM)
        self.sockets[step["id"]] = sock
        sock.bind((step["address"], step["port"]))

    def _known(self, value: Any) -> Any:
        """A request with the identities that our daemon generated in place of the recorded ones."""
        if isinstance(value, dict):
            return {self._known(key): self._known(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._known(item) for item in value]
        return self.comparison.mapping.ours("id", value) if isinstance(value, str) else value

    def _ng(self, number: int, step: Step) -> None:
        if step["transport"] != "udp":
            raise NotComparable(f"ng over {step['transport']}")
        self._keep_time(step)
        self.comparison.heard(step["request"])
        for message in (step["request"], step["response"] or {}):
            self.decryption.heard(message.get("sdp", ""))
        request = self._known(step["request"])
        if isinstance(request.get("sdp"), str):
            request["sdp"] = self.dtls.said(request["sdp"])
        cookie = b"r%d" % next(_cookies)
        as_json = step["encoding"] == "json"
        body = json.dumps(request).encode() if as_json else ngclient.encode(request)
        raw = self.client.exchange(cookie, body)
        reply = json.loads(raw) if as_json else ngclient.decode(raw)
        self.replies[number] = reply
        self.dtls.heard(reply.get("sdp", ""))
        call_id = reply.get("call-id") or request.get("call-id")
        if call_id and call_id not in self.call_ids:
            self.call_ids.append(call_id)
        if step["response"] is None:
            raise NotComparable("requests without a recorded reply")
        if self.packets_only:
            step = {**step, "response": {"result": step["response"].get("result")}}
            reply = {"result": reply.get("result")}
        why = self.comparison.tree(step["response"], reply)
        if why:
            raise _Differs(why.lstrip("."), _pretty(step["response"]), _pretty(reply))

    def _port(self, step: Step, field: str) -> int:
        """Our port that stands for the recorded ``field``, through the reply it came from."""
        recorded: int = step[field]
        where = step.get(field + "_ref")
        if not where or "candidate" in where:
            return int(self.comparison.mapping.ours("port", recorded))
        theirs = sdp.sections(self.block.steps[where["step"]]["response"]["sdp"])[where["media"]]
        mine = sdp.sections(self.replies[where["step"]]["sdp"])[where["media"]]
        if recorded == theirs.port:
            return mine.port
        return mine.rtcp_port if recorded == theirs.rtcp_port else mine.port + recorded - theirs.port

    def _handshake(self, step: Step, to: str) -> None:
        """One of DTLS, if it begins with this step; ``to``: what the step calls our end."""
        address = "to_address" if to == "to" else "from_address"

        def take(name: str, seconds: float) -> bytes | None:
            arrived = self._take(name, seconds, ("dtls",))
            return arrived[0] if arrived and arrived[1][1] == self._port(step, f"{to}_port") else None

        def send(data: bytes) -> None:
            name = step.get("from_socket") or step["on_socket"]
            self.sockets[name].sendto(data, (step[address], self._port(step, f"{to}_port")))
        why = self.dtls.play(step, take, send)
        if why:
            raise _Differs(why, f"dtls {step['payload_hex']}", why)

    def _send(self, _: int, step: Step) -> None:
        if is_dtls(step):
            self._handshake(step, "to")
            return
        data = bytes.fromhex(step["payload_hex"])
        if kind(data) == "stun":
            data = self.stun.sent(data)
        self._keep_time(step)
        try:
            self.sockets[step["from_socket"]].sendto(data, (step["to_address"], self._port(step, "to_port")))
        except OSError as error:
            if not step.get("failed") and error.errno != errno.ECONNREFUSED:
                raise

    def _take(self, name: str, seconds: float, kinds: Collection[str]) -> tuple[bytes, tuple[str, int]] | None:
        """The next packet of these kinds; what comes of others waits."""
        waiting = self.early.setdefault(name, [])
        for packet in waiting:
            if kind(packet[0]) in kinds:
                waiting.remove(packet)
                return packet
        deadline = time.monotonic() + max(0.0, seconds)
        sock = self.sockets[name]
        while select.select([sock], [], [], max(0.0, deadline - time.monotonic()))[0]:
            data, source = sock.recvfrom(65536)
            if kind(data) in kinds:
                return data, source[:2]
            waiting.append((data, source[:2]))
        return None

    def _recv(self, number: int, step: Step) -> None:
        if is_dtls(step):
            self._handshake(step, "from")
            return
        recorded = bytes.fromhex(step["payload_hex"])
        due = self.start + step["t_ms"] / 1000 - time.monotonic()
        arrived = self._take(step["on_socket"], due + (0.05 if step.get("optional") else _PATIENCE),
                             ("stun",) if kind(recorded) == "stun" else _MEDIA)
        if arrived is None:
            if step.get("optional"):
                return
            raise _Differs("nothing arrived", f"{kind(recorded)} {recorded.hex()}", "nothing")
        data, (address, port) = arrived
        if kind(recorded) == "stun":
            why = self.stun.received(recorded, data, (address, port))
        else:
            why = self.packets.compare(recorded, data)
        if why:
            raise _Differs(why, f"{kind(recorded)} {recorded.hex()}", f"{kind(data)} {data.hex()}")
        expected = self._port(step, "from_port")
        if "from_port_ref" in step and (address, port) != (step["from_address"], expected):
            raise _Differs("wrong source address", f"{step['from_address']} {expected}", f"{address} {port}")

    def _recv_none(self, number: int, step: Step) -> None:
        gap = (step["t_ms"] - self.block.steps[number - 1]["t_ms"]) / 1000
        arrived = self._take(step["on_socket"], min(gap, _SILENCE), (*_MEDIA, "dtls"))
        if arrived and not step.get("optional"):
            raise _Differs("something arrived", "nothing", f"{kind(arrived[0])} {arrived[0].hex()} from {arrived[1]}")


def _pretty(reply: dict[str, Any]) -> str:
    lines = []
    for key, value in sorted(reply.items()):
        if key == "sdp":
            lines += [f"    {line}" for line in value.split("\r\n") if line]
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines)
