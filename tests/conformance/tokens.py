# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares replies: everything must be equal but what each daemon chooses for itself."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


class Mapping:
    """Which of our values stands for which recorded one; both ways unique within a kind."""

    def __init__(self) -> None:
        self.forward: dict[tuple[str, Any], Any] = {}
        self._backward: dict[tuple[str, Any], Any] = {}

    def bind(self, kind: str, recorded: Any, ours: Any) -> bool:
        """Note that ``ours`` stands for ``recorded``; False if that contradicts what was noted before."""
        return (self.forward.setdefault((kind, recorded), ours) == ours
                and self._backward.setdefault((kind, ours), recorded) == recorded)

    def ours(self, kind: str, recorded: Any) -> Any:
        """What stands for a recorded value, the value itself if nothing is known of it."""
        return self.forward.get((kind, recorded), recorded)


@dataclass(frozen=True, slots=True)
class Rule:
    """The groups of ``pattern`` are values chosen by the daemon, of these kinds."""

    pattern: re.Pattern[str]
    kinds: tuple[str, ...]


def _rule(pattern: str, *kinds: str) -> Rule:
    return Rule(re.compile(pattern), kinds)


_WORD = "[A-Za-z0-9+/]"
_KEY = "|".join(f"{_WORD}{{{length}}}" for length in (62, 59, 51, 40, 38))
_RULES = (
    _rule(r"^m=\S+ (\d+)(?:/\d+)? ", "port"),
    _rule(r"^a=rtcp:(\d+)", "port"),
    _rule(rf"^a=candidate:({_WORD}{{16}}) \d+ \S+ \d+ \S+ (\d+) typ \S+(?: raddr \S+ rport (\d+))?",
          "foundation", "port", "port"),
    _rule(r"^a=candidate:\S+ \d+ \S+ \d+ \S+ (\d+) typ ", "port"),
    _rule(rf"^a=ice-ufrag:({_WORD}{{8}})$", "ufrag"),
    _rule(rf"^a=ice-pwd:({_WORD}{{26}})$", "pwd"),
    _rule(rf"^a=crypto:\d+ \S+ inline:({_KEY})(?!{_WORD})", "key"),
    _rule(r"^a=tls-id:([0-9a-f]{32})$", "tls-id"),
    _rule(r"^a=rtpengine:([0-9a-f]{12})$", "instance"),
    _rule(r"^a=fingerprint:\S+ ([0-9A-F]{2}(?::[0-9A-F]{2})+)$", "fingerprint"),
    _rule(r"^s=rtpengine-(\S+)$", "version"),
)
_ORIGIN = _rule(r"^o=\S+ (\d+) (\d+) ", "session", "session-version")
_FREE = {"version", "session", "session-version"}


def _split(line: str, rules: tuple[Rule, ...]) -> tuple[str, list[tuple[str, str]]]:
    """The line with each chosen value replaced by its kind and length, and those values."""
    for rule in rules:
        match = rule.pattern.search(line)
        if not match:
            continue
        values, text, at = [], "", 0
        for number, kind in enumerate(rule.kinds, 1):
            if match[number] is None:
                continue
            size = "" if kind in ("port", *_FREE) else f" of {len(match[number])}"
            text += line[at:match.start(number)] + f"<{kind}{size}>"
            at = match.end(number)
            values.append((kind, match[number]))
        return text + line[at:], values
    return line, []


@dataclass(slots=True)
class Comparison:
    """One call's values so far; ``said`` are the strings that requests have used."""

    mapping: Mapping = field(default_factory=Mapping)
    said: set[str] = field(default_factory=set)
    request_ports: set[str] = field(default_factory=set)

    def heard(self, request: Any) -> None:
        """Note the words of a request: what it said, the daemon did not choose."""
        if isinstance(request, dict):
            for key, value in request.items():
                self.heard(value)
                if key == "sdp" and isinstance(value, str):
                    self.request_ports |= set(re.findall(r"\b\d{1,5}\b", value))
        elif isinstance(request, list):
            for value in request:
                self.heard(value)
        elif isinstance(request, str):
            self.said.add(request)

    def _token(self, kind: str, recorded: str, ours: str) -> bool:
        if kind in _FREE:
            return True
        if kind == "port":
            return self.port(int(recorded), int(ours))
        return self.mapping.bind(kind, recorded, ours)

    def port(self, recorded: int, ours: int) -> bool:
        """Whether our port may stand for the recorded one; a port that a request named is no choice."""
        chosen = recorded and (30000 <= recorded <= 40000 or str(recorded) not in self.request_ports)
        if not chosen:
            return recorded == ours
        return ours > 0 and self.mapping.bind("port", recorded, ours)

    def sdp(self, recorded: str, ours: str) -> str:
        """Empty if the bodies match, else the first line that differs."""
        rules = (*_RULES, _ORIGIN) if "\ns=rtpengine-" in recorded else _RULES
        theirs, mine = recorded.split("\r\n"), ours.split("\r\n")
        for number in range(max(len(theirs), len(mine))):
            left = theirs[number] if number < len(theirs) else "(no line)"
            right = mine[number] if number < len(mine) else "(no line)"
            left_text, left_values = _split(left, rules)
            right_text, right_values = _split(right, rules)
            if left_text != right_text:
                return f"line {number + 1}: recorded {left!r}, ours {right!r}"
            for (kind, their_value), (_, my_value) in zip(left_values, right_values):
                if not self._token(kind, their_value, my_value):
                    return (f"line {number + 1}: {kind} {my_value} cannot stand for {their_value}: "
                            f"recorded {left!r}, ours {right!r}")
        return ""

    def tree(self, recorded: Any, ours: Any, path: str = "") -> str:
        """Empty if the values match, else where and how they differ."""
        key = path.rpartition(".")[2]
        if type(recorded) is not type(ours):
            return f"{path}: recorded {recorded!r}, ours {ours!r}"
        if isinstance(recorded, dict):
            return self._dictionary(recorded, ours, path)
        if isinstance(recorded, list):
            if key == "flags":
                missing, more = sorted(set(recorded) - set(ours)), sorted(set(ours) - set(recorded))
                return f"{path}: missing {missing}, unexpected {more}" if missing or more else ""
            if len(recorded) != len(ours):
                return f"{path}: recorded {recorded!r}, ours {ours!r}"
            return next(filter(None, map(self.tree, recorded, ours, [path] * len(ours))), "")
        if isinstance(recorded, int):
            same = self.port(recorded, ours) if key in _PORTS else recorded == ours or key in _COUNTERS
        elif key == "sdp":
            return self.sdp(recorded, ours)
        else:
            same = recorded == ours or (key in _IDENTITIES and self._identity(recorded, ours))
        return "" if same else f"{path}: recorded {recorded!r}, ours {ours!r}"

    def _identity(self, recorded: str, ours: str) -> bool:
        known = self.mapping.forward.get(("id", recorded))
        if known is not None:
            return bool(known == ours)
        return recorded not in self.said and ours != "" and self.mapping.bind("id", recorded, ours)

    def _dictionary(self, recorded: dict[str, Any], ours: dict[str, Any], path: str) -> str:
        keys = {}
        unknown = [key for key in ours if key not in recorded and key not in self.mapping.forward.values()]
        for key in recorded:
            mine = self.mapping.ours("id", key)
            if mine not in ours and path.endswith((".tags", ".media-labels")) and unknown:
                mine = unknown.pop(0)
                self._identity(key, mine)
            keys[key] = mine
        missing = [key for key, mine in keys.items() if mine not in ours]
        more = [key for key in ours if key not in keys.values() and key not in _MORE]
        if missing or more:
            return f"{path or 'reply'}: missing keys {missing}, unexpected keys {more}"
        for key, mine in keys.items():
            if key == "SSRC" and isinstance(recorded[key], dict):
                continue
            found = self.tree(recorded[key], ours[mine], f"{path}.{key}")
            if found:
                return found
        return ""


_IDENTITIES = {"call-id", "from-tag", "from-tags", "to-tag", "tag"}
_PORTS = {"port", "local port"}
_MORE = {"state"}
"""What our replies have besides."""
_COUNTERS = {"created", "created_us", "created_ts", "last signal", "last redis update", "last packet",
             "last kernel packet", "last user packet", "packets", "bytes", "errors", "SSRC", "last RTP timestamp",
             "last RTP seq", "duration", "last-frame-pos"}
