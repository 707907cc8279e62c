# SPDX-License-Identifier: GPL-3.0-or-later
"""Two daemons that get the same messages, and where their replies differ first."""
from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.conformance.tokens import Comparison
from tests.differential.dialogues import Dialogue
from tests.differential.keys import fitting_keys
from tests.differential.secure import fitting_ways
from tests.differential.explained import explain, keeps_ports, moves, without_names
from tests.differential.lines import Lines, Past, strayed
from tests.differential.securerules import common
from tests.peers.daemon import Daemon, own_command, reference_command

_NET = f"127.{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"
INTERFACES = (f"one/{_NET}.1", "one/::1", f"two/{_NET}.2")
"""Addresses of this process alone: others may test daemons at the same time."""
_REPLAYS = 4
_calls = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first one of a dialogue: the number of its message, how it differs, and both replies."""

    dialogue: Dialogue
    step: int
    why: str
    reference: str
    ours: str
    lines: str = ""
    earlier: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All there is to know for looking into it."""
        shown = [f"--- {number}: {json.dumps({key: value for key, value in message.items() if key != 'sdp'})}\n"
                 + message["sdp"].replace("\r\n", "\n") + earlier
                 for number, (message, earlier) in enumerate(zip(self.dialogue.messages, (*self.earlier, "")))]
        return "\n".join([*shown, f"*** {self.why}", "--- reference", self.reference, "--- ours", self.ours])


class SideBySide:
    """Both daemons on loopback, with the same interfaces and different ports."""

    def __init__(self) -> None:
        options = ["--port-min=30000", "--port-max=34999", "--log-level=3"]
        self.reference = Daemon(reference_command(), interfaces=INTERFACES, options=options)
        try:
            options = ["--port-min=35000", "--port-max=39998", "--log-level=3"]
            self.ours = Daemon(own_command(), interfaces=INTERFACES, options=options)
        except BaseException:
            self.reference.stop()
            raise
        self._clients = [daemon.client() for daemon in (self.reference, self.ours)]

    def compare(self, dialogue: Dialogue) -> Difference | None:
        """Play a call on both; None if all replies match but for what is explained.

        Ports that do not fit are looked at again: one of the daemons may have chosen the same number at two addresses.
        """
        found = self._play(dialogue)
        for _ in range(_REPLAYS):
            if found is None or "cannot stand for" not in found.why:
                break
            found = self._play(dialogue)
        return found

    def _play(self, dialogue: Dialogue) -> Difference | None:
        call_id = f"call-{next(_calls)}"
        comparison = Comparison()
        earlier: list[str] = []
        offered, unprinted, past = "", False, Past()
        try:
            for step, message in enumerate(dialogue.messages):
                if message["command"] == "answer":
                    message = {**message, "sdp": fitting_ways(
                        fitting_keys(fitting(message["sdp"], offered), offered), offered)}
                is_offer = message["command"] == "offer"
                replies = [client.send({**message, "call-id": call_id}) for client in self._clients]
                past.edited = past.edited or "codec" in message
                past.offer = message if is_offer else past.offer
                keeping = keeps_ports(message) | moves(message, replies[1], past)
                comparison = Comparison() if keeping else comparison
                comparison.heard(message)
                reference, ours = explain(message, replies[0], replies[1], past)
                if is_offer:
                    past.astray |= strayed(replies[0], replies[1])
                    offered = common(replies[0].get("sdp", ""), replies[1].get("sdp", ""))
                if unprinted:
                    reference, ours = without_names(reference), without_names(ours)
                unprinted = unprinted or (ours == {} and "sdp" in replies[0])
                why = comparison.tree(reference, ours)
                comparison = Comparison() if keeping else comparison
                if why:
                    return Difference(dialogue, step, why.lstrip("."), _shown(replies[0]), _shown(replies[1]),
                                      _lines(reference, ours), tuple(earlier))
                earlier.append(f"--> reference: {_summary(replies[0])}\n--> ours: {_summary(replies[1])}\n")
        finally:
            for client in self._clients:
                client.send({"command": "delete", "call-id": call_id, "delete-delay": 0, "flags": ["fast"]})
        return None

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for client in self._clients:
            client.close()
        for daemon in (self.reference, self.ours):
            daemon.stop()
            daemon.log_path.unlink(missing_ok=True)


def fitting(answer: str, offered: str) -> str:
    """``answer`` with nothing that was not ``offered``: formats (if none fit, all of them stay), multiplexing."""
    sections = iter(Lines.of(offered).sections)
    lines: list[str] = []
    dropped: set[str] = set()
    multiplexed = True
    for line in answer.split("\r\n"):
        if line.startswith("m="):
            section = next(sections)
            multiplexed = "a=rtcp-mux" in section
        if line.startswith("m=") and " RTP/" in line:
            words, head = line.split(" "), section[0].split(" ")
            formats = [each for each in words[3:] if each in head[3:]]
            dropped = set(words[3:]) - set(formats)
            if head[1] == "0":
                dropped = set()
            elif formats:
                line = " ".join([*words[:3], *formats])
            else:
                lines.append(" ".join([*words[:3], *head[3:]]))
                lines += [each for each in section if each.startswith(("a=rtpmap:", "a=fmtp:"))]
                continue
        if line == "a=rtcp-mux" and not multiplexed:
            continue
        if not line.startswith(("a=rtpmap:", "a=fmtp:")) or line.partition(":")[2].split(" ")[0] not in dropped:
            lines.append(line)
    return "\r\n".join(lines)


def _lines(reference: dict[str, Any], ours: dict[str, Any]) -> str:
    """The names of the lines of which one has more than the other."""
    sides = [Counter(re.sub(r"^([a-z]=[a-z-]*).*", r"\1", line)
                     for line in reply.get("sdp", "").split("\r\n") if line) for reply in (reference, ours)]
    return " ".join([*(f"-{name}" for name in sides[0] - sides[1]), *(f"+{name}" for name in sides[1] - sides[0])])


def _summary(reply: dict[str, Any]) -> str:
    """The lines that later ones may depend on."""
    lines = [line for line in reply.get("sdp", str(reply)).split("\r\n")
             if not line.startswith(("v=", "o=", "s=", "t=", "a=rtpmap", "a=candidate"))]
    return " ; ".join(line[:60] for line in lines)


def _shown(reply: dict[str, Any]) -> str:
    rest = {key: value for key, value in reply.items() if key != "sdp"}
    return f"{json.dumps(rest)}\n" + reply.get("sdp", "").replace("\r\n", "\n")
