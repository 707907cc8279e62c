# SPDX-License-Identifier: GPL-3.0-or-later
"""What may follow the words of a command line: ``rtpengine-ctl complete WORD...``, which shells ask on each TAB.

The words are those of the list of commands (commands.py); call-ids and tags are the running daemon's.
"""
from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ctl import client, commands, options, target

MOST = 200
"""Call-ids that are offered at once."""
PATIENCE = 0.5
"""Seconds for the daemon's part."""
ENOUGH = 4 << 20
"""Bytes of its list that are read."""
_LINE = re.compile(r"((?: {4})+)([a-z][a-z0-9-]*) ?(.*?) *(?:: .*|(?<=<option>))$")
_SLOT = re.compile(r"\[ .+? \]|<[^>]+>|\S+")
_CALL = re.compile(r'\{"callid":("(?:[^"\\]|\\.)*"),')
_TYPABLE = re.compile(r"[\w@.:=+,%/-]+", re.ASCII)
"""Names that no shell needs quotes for."""

Ask = Callable[[str], Iterable[bytes]]


@dataclass(slots=True)
class Word:
    """A keyword: the places for arguments behind it, each with its alternatives, and the keywords behind those."""

    keyword: str
    slots: list[tuple[str, ...]] = field(default_factory=list)
    below: list[Word] = field(default_factory=list)


def tree(*texts: str) -> list[Word]:
    """The keywords of lists of commands, as commands.py has them."""
    root: list[Word] = []
    path = [root]
    for line in "\n".join(texts).splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        indent, keyword, params = match.groups()
        word = Word(keyword, [_choices(slot) for slot in _SLOT.findall(params.removesuffix("<option>"))])
        del path[len(indent) // 4:]
        path[-1].append(word)
        path.append(word.below)
    return root


def _choices(slot: str) -> tuple[str, ...]:
    """``[ a | <b> ]`` and ``<1 | 0>`` have several, of which those in angle brackets stand for something."""
    if slot.startswith("<") and "|" not in slot:
        return (slot,)
    return tuple(word for word in slot.strip("[]<>").split() if word != "|")


WORDS = tree(commands.DAEMON, commands.LOCAL)


class Completion:
    """``ask`` sends a command to the daemon; what it cannot say is left out."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic):
        self._ask = ask
        self._clock = clock
        self._call_id = ""

    def of(self, words: Sequence[str]) -> list[str]:
        """All that the last of ``words``, perhaps empty, may become."""
        *before, typed = words
        level = WORDS
        while before:
            keyword = before.pop(0)
            word = next((word for word in level if word.keyword == keyword), None)
            if word is None:
                return []
            level = word.below
            for slot in word.slots:
                if "<command>" in slot:
                    level = WORDS
                    break
                if not before:
                    return self._fitting(slot, typed)
                given = before.pop(0)
                self._call_id = given if "<callid>" in slot else self._call_id
        return [word.keyword for word in level if word.keyword.startswith(typed)]

    def _fitting(self, slot: tuple[str, ...], typed: str) -> list[str]:
        found = [choice for choice in slot if not choice.startswith("<") and choice.startswith(typed)]
        for name, known in (("<callid>", self._call_ids), ("<tag>", self._tags), ("<subsystem>", self._subsystems)):
            if name in slot:
                found += known(typed)
        return found

    def _call_ids(self, typed: str) -> list[str]:
        """The first of them that fit; no more is read than needed, of however many calls."""
        found: list[str] = []
        text, size, end = "", 0, self._clock() + PATIENCE
        try:
            for piece in self._ask("json list sessions all"):
                text += piece.decode("ascii", "replace")
                size += len(piece)
                last = 0
                for match in _CALL.finditer(text):
                    last = match.end()
                    name = json.loads(match[1])
                    if name.startswith(typed) and _TYPABLE.fullmatch(name):
                        found.append(name)
                text = text[last:]
                if len(found) >= MOST or size >= ENOUGH or self._clock() >= end:
                    break
        except (client.Unreachable, client.NoReply):
            pass
        return found[:MOST]

    def _tags(self, typed: str) -> list[str]:
        tags = self._value(f"call {self._call_id} info", "info").get("tags", [])
        return [tag["tag"] for tag in tags if tag["tag"] and tag["tag"].startswith(typed)
                and _TYPABLE.fullmatch(tag["tag"])]

    def _subsystems(self, typed: str) -> list[str]:
        return [name for name in self._value("list loglevel", "loglevel") if name.startswith(typed)]

    def _value(self, line: str, key: str) -> dict[str, Any]:
        try:
            value = json.loads(b"".join(self._ask(f"json {line}"))).get(key)
        except (client.Unreachable, client.NoReply, ValueError):
            return {}
        return value if isinstance(value, dict) else {}


def complete(words: Sequence[str]) -> int:
    """Print what the last word may become, one a line; exit status 0."""
    *before, typed = words or [""]
    try:
        chosen = options.parse(before)
    except options.UsageError:
        return 0
    if typed.startswith("-") and not chosen.words:
        names = [f"--{name}" for name in options.NAMES]
        print(*[name for name in names if name.startswith(typed)], sep="\n")
        return 0

    def ask(line: str) -> Iterable[bytes]:
        return client.ask(*target.find(chosen), line, PATIENCE)
    try:
        print(*Completion(ask).of([*chosen.words, typed]), sep="\n")
    except options.UsageError:  # the settings file cannot be read
        pass
    return 0
