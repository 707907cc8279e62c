# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that list, in JSON: the documented schema, and nothing that a text would not tell."""
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from controlplane.cli.dispatcher import Dispatcher
from controlplane.cli.tree import COMMANDS
from controlplane.report.model import State
from ctl.replies import is_failure
from ctl.schema import DETAILS, OBJECTS, VALUES

from ..report.fakes import FakeCall, two_party_call
from .fakes import FakeBackend, with_calls

Ask = Callable[[str], Any]
LISTS = next(node for node in COMMANDS if node.keyword == "list").children


@pytest.fixture
def backend() -> FakeBackend:
    return with_calls(two_party_call("one"), FakeCall("two words"), FakeCall("abroad\udcff", foreign=True))


@pytest.fixture
def ask(backend: FakeBackend) -> Ask:
    """The value of a reply, which has to be one line with one key, the last word of the command."""
    def asked(line: str, key: str = "") -> Any:
        text = Dispatcher(backend).text(f"json {line}")
        assert text.isascii() and text.endswith("\n") and text.count("\n") == 1
        reply = json.loads(text)
        assert list(reply) == [key or line.split()[-1]]
        return reply[key or line.split()[-1]]
    return asked


@pytest.mark.parametrize("keyword", [node.keyword for node in LISTS])
def test_every_list_has_a_form(ask: Ask, keyword: str) -> None:
    assert ask(f"list {keyword}") == ask(f"get {keyword}")


def test_values(ask: Ask, backend: FakeBackend) -> None:
    assert (ask("list timeout"), ask("list maxsessions"), ask("list maxcpu"), ask("list maxopenfiles")) == (
        60, -1, 0.0, 1024)
    backend.limit = None
    assert ask("list maxopenfiles") is None
    assert ask("list loglevel")["internals"] == -1 and ask("list loglevel rtcp", "loglevel") == 6
    assert ask("list loglevels")["dtx"] == "all about dtx"
    assert ask("list totals").keys() == ask("list jsonstats").keys() >= {"totalstatistics", "interfaces"}
    assert ask("list interfaces") == ask("list totals")["interfaces"] and ask("list interfaces")[0]["name"] == "pub"
    assert ask("list numsessions")["total"] == 3
    assert ask("kslist") == []
    backend.followed = [3, 5]
    assert ask("kslist") == [3, 5]


@pytest.mark.parametrize("which, ids", [
    ("", ["one", "two words", "abroad\udcff"]), (" all", ["one", "two words", "abroad\udcff"]),
    (" own", ["one", "two words"]), (" foreign", ["abroad\udcff"]), (" recording", []), (" two words", ["two words"])])
def test_sessions(ask: Ask, which: str, ids: list[str]) -> None:
    assert [call["callid"] for call in ask(f"list sessions{which}", "sessions")] == ids


def test_the_schema_is_documented(ask: Ask) -> None:
    session = ask("list sessions one", "sessions")[0]
    assert session == ask("call one info")
    assert list(session) == list(OBJECTS["SESSION"])
    assert list(ask("list sessions")[0]) == list(OBJECTS["SESSION"])[:-DETAILS]
    tag = session["tags"][1]
    assert list(tag) == list(OBJECTS["TAG"]) and tag["tag"] == "totag88"
    assert list(ask("call one tag totag88 info")) == list(OBJECTS["TAG"])
    media = session["tags"][0]["medias"][0]
    assert list(media) == list(OBJECTS["MEDIA"]) and media["peers"] == [{"tag": "totag88", "index": 1}]
    port = media["ports"][0]
    assert list(port) == list(OBJECTS["PORT"])
    assert (port["local"], port["packets"], port["ssrcs"]) == ("192.0.2.10:30552", 2050, [0x1f3c77aa])
    assert list(OBJECTS["STATE"]) == list(State._fields) and port["state"] is None
    assert list(ask("list numsessions")) == list(OBJECTS["NUMSESSIONS"])
    assert list(ask("list counters")) == list(OBJECTS["COUNTERS"])


def test_parameters(ask: Ask, backend: FakeBackend) -> None:
    """All that the text has, by the names of the options, and no secret."""
    start = ask("params start")
    assert start == ask("params current") and "geheim" not in str(start)
    assert (start["timeout"], start["no-fallback"], start["max-cpu"]) == (60, False, 0.0)
    assert start["log-level-internals"] == -1
    assert (start["redis"], start["redis-write"], start["janus-secret"]) == ("***@127.0.0.1:6379/5", "", "***")
    assert (start["listen-ng"], start["listen-cli"]) == (["127.0.0.1:2223", "127.0.0.1:2224"], [])
    assert start["interface"] == ["pub/192.0.2.10"] and "version" not in start
    text = Dispatcher(backend).text("params start")
    assert {line.split(" ")[0].split("[")[0].replace("_", "-") for line in text.splitlines()} <= start.keys()
    assert ask("params diff") == []
    Dispatcher(backend).text("set timeout 5")
    Dispatcher(backend).text("set loglevel ice 7")
    Dispatcher(backend).text("set maxcpu 2.5")
    assert ask("params diff") == [{"option": "log-level-ice", "start": 6, "current": 7},
                                  {"option": "max-cpu", "start": 0.0, "current": 2.5},
                                  {"option": "timeout", "start": 60, "current": 5}]
    assert (ask("params start")["timeout"], ask("params current")["timeout"]) == (60, 5)


def test_lines(ask: Ask) -> None:
    assert ask("ports one", "ports") == ["192.0.2.1:30000", "[2001:db8::1]:30002"]
    assert ask("explain one", "explain") == ["why one is", "  as it is"]
    assert ask("events gone", "events") == ["what befell gone"]


def test_what_is_documented_is_known() -> None:
    words = {word.strip(" []|") for command, _ in VALUES for word in command.replace(",", " ").split()}
    assert {node.keyword for node in LISTS if node.keyword not in words} == {
        "maxload", "maxbw", "silenttimeout", "offertimeout", "finaltimeout", "redisallowederrors", "redisdisabletime",
        "redisconnecttimeout", "rediscmdtimeout", "controltos", "deletedelay"}, "none but single values"


@pytest.mark.parametrize("line, error", [
    ("json", "More parameters required."), ("json list", "More parameters required."),
    ("json list help", "Unknown command: help"), ("json nosuch", "Unknown command: nosuch"),
    ("json explain", "More parameters required."), ("json ports nobody", "Call ID not found (nobody)."),
    ("json params revert", "That command has no form in JSON."),
    ("json list sessions nobody", "Call ID not found (nobody)."), ("json call nobody info", "No such call 'nobody'"),
    ("json list loglevel nosuch", "Unknown subsystem: nosuch"),
    ("json terminate all", "That command has no form in JSON."),
    ("json json list timeout", "That command has no form in JSON.")])
def test_errors(backend: FakeBackend, line: str, error: str) -> None:
    reply = Dispatcher(backend).text(line)
    assert json.loads(reply) == {"error": error} and is_failure(reply)
    assert len(backend.registry) == 3


def test_a_long_list_is_made_in_pieces(backend: FakeBackend) -> None:
    pieces = list(Dispatcher(backend).run("json list sessions foreign"))
    assert len(pieces) == 5 and pieces[1] == pieces[2] == ""


def test_an_unreadable_limit(backend: FakeBackend) -> None:
    backend.broken = OSError(13, "denied")
    assert json.loads(Dispatcher(backend).text("json list maxopenfiles")) == {
        "error": "Fail getting rtpengine configured limits; errno=13"}
