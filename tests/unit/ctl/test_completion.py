# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ctl.client import NoReply, Unreachable
from ctl.completion import MOST, PATIENCE, WORDS, Completion, Word

CALLS = ["a@example.net", "abc:1@example.net", "b@[2001:db8::1]", "two words", "quo'ted", "späť", "$(reboot)", "b-1"]


class Daemon:
    """Replies to what completion asks; its clock stands still."""

    def __init__(self, calls: list[str], error: Exception | None = None):
        self.asked: list[str] = []
        self.pieces = 0
        self.time = 0.0
        self.error = error
        call = {"tags": [{"tag": "from-1"}, {"tag": None}, {"tag": "to-1"}, {"tag": "a b"}]}
        self.replies = {"json list sessions all": json.dumps({"sessions": [
            {"callid": call_id, "created": 5, "proxy": '{"callid":"x"'} for call_id in calls]}, separators=(",", ":")),
            "json call a@example.net info": json.dumps({"info": call}),
            "json call gone info": '{"error":"No such call \'gone\'"}',
            "json list loglevel": '{"loglevel":{"core":6,"rtcp":5}}'}

    def ask(self, line: str) -> Iterator[bytes]:
        self.asked.append(line)
        if self.error:
            raise self.error
        data = self.replies[line].encode("ascii")
        for at in range(0, len(data), 7):
            self.pieces += 1
            self.time += 0.001
            yield data[at:at + 7]

    def complete(self, line: str) -> list[str]:
        return Completion(self.ask, lambda: self.time).of(line.split(" "))


@pytest.mark.parametrize("line, found", [
    ("li", ["list"]), ("list num", ["numsessions"]),
    ("list max", ["maxopenfiles", "maxsessions", "maxcpu", "maxload", "maxbw"]),
    ("", [word.keyword for word in WORDS]), ("nosuch ", []), ("list nosuch x", []), ("list timeout ", []),
    ("set maxsessions ", []), ("set redisdisable ", ["1", "0"]), ("params r", ["revert"]),
    ("json list numse", ["numsessions"]),
    ("json ", [word.keyword for word in WORDS]), ("rule ", ["install", "check", "remove"]),
    ("rule install --", ["--id", "--chain"]), ("media evict p", ["players"])])
def test_words(line: str, found: list[str]) -> None:
    daemon = Daemon([])
    assert daemon.complete(line) == found
    assert not daemon.asked


@pytest.mark.parametrize("line, found", [
    ("list sessions a", ["all", "a@example.net", "abc:1@example.net"]), ("list sessions ab", ["abc:1@example.net"]),
    ("call a", ["a@example.net", "abc:1@example.net"]), ("call b", ["b-1"]), ("explain b-", ["b-1"]),
    ("terminate ", ["all", "own", "foreign", "a@example.net", "abc:1@example.net", "b-1"]),
    ("call a@example.net ", ["info", "terminate", "debug", "tag"]), ("call a@example.net debug o", ["on", "off"]),
    ("call a@example.net tag ", ["from-1", "to-1"]), ("call a@example.net tag t", ["to-1"]),
    ("call a@example.net tag to-1 d", ["delay", "detect-dtmf"]), ("call gone tag ", []),
    ("debug b-1 ", ["on", "off"]), ("list loglevel r", ["rtcp"]), ("set loglevel ", ["core", "rtcp"]),
    ("json list sessions abc", ["abc:1@example.net"])])
def test_what_the_daemon_knows(line: str, found: list[str]) -> None:
    """Names that a shell would have to quote, or might execute, are left out."""
    assert Daemon(CALLS).complete(line) == found


def test_of_many_calls_no_more_is_read_than_is_offered() -> None:
    daemon = Daemon([f"call-{number}" for number in range(10_000)])
    assert Completion(daemon.ask, lambda: 0.0).of(["call", ""]) == [f"call-{number}" for number in range(MOST)]
    assert daemon.pieces < 2500, "the rest is not waited for"


def test_a_slow_list_is_left() -> None:
    daemon = Daemon([f"call-{number}" for number in range(10_000)])
    assert daemon.complete("call call-9999") == []
    assert daemon.time == pytest.approx(PATIENCE, abs=0.01)


@pytest.mark.parametrize("error", [Unreachable("nobody"), NoReply("silence")])
@pytest.mark.parametrize("line, found", [
    ("call ", []), ("list sessions o", ["own"]), ("call x tag ", []), ("list loglevel ", [])])
def test_without_a_daemon(error: Exception, line: str, found: list[str]) -> None:
    assert Daemon([], error).complete(line) == found


def test_every_keyword_stands_at_its_place() -> None:
    def paths(words: list[Word], above: str) -> Iterator[str]:
        for word in words:
            yield f"{above}{word.keyword}"
            yield from paths(word.below, f"{above}{word.keyword} ")
    found = list(paths(WORDS, ""))
    assert len(found) == len(set(found)) > 90
    assert {"call tag info", "media evict players", "rule check", "undrain", "list transcoders"} <= set(found)
