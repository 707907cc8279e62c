# SPDX-License-Identifier: GPL-3.0-or-later
"""Allow-lists and secrets by themselves."""
from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, strategies as st

from controlplane.errors import ConfigError
from controlplane.ng import bencode
from controlplane.ng.cookies import CookieCache
from controlplane.ng.dispatch import Dispatcher
from controlplane.ng.reply import Reply
from controlplane.ng.request import Request
from controlplane.servers.access import REFUSED, Allowed, Secret
from controlplane.servers.pages import Pages
from controlplane.servers.services import Services


def command(line: str) -> str:
    return f"<{line}>"


def handler(data: bytes, source: str, now: float) -> bytes:
    return b"served " + data


def refused_plain(allowed: Allowed, message: bytes) -> bool:
    answer = allowed.plain(handler)(message, "127.0.0.1:5", 1.0)
    assert isinstance(answer, bytes)
    return not answer.startswith(b"served ")


@pytest.mark.parametrize("line, served", [
    ("list sessions all", True), ("list sessions", True), ("list sessions\n", True), ("params start", True),
    ("list totals", False), ("list  sessions", False), ("list sessionsx", False), (" list sessions", False),
    ("set timeout 1", False), ("help", False), ("", False), ("terminate all", False),
    ("json list sessions all", True), ("json params start", True), ("json list totals", False),
    ("json terminate all", False), ("json json list sessions", False), ("json", False), ("json ", False)])
def test_operator_commands(line: str, served: bool) -> None:
    run = Allowed(["list-sessions", "params"], only_operator=True).command(command)
    refusal = f'{{"error":"{REFUSED}"}}\n' if line.startswith("json ") else f"{REFUSED}\n"
    assert run(line) == (f"<{line}>" if served else refusal)


@pytest.mark.parametrize("message, served", [
    ({"command": "ping"}, True), ({"command": "start recording"}, True), ({"command": "offer"}, False),
    ({"command": "cli", "body": "list totals"}, True), ({"command": "CLI", "body": "list totals"}, True),
    ({"command": "cli", "body": "set timeout 1"}, False), ({"command": "cli"}, False),
    ({"command": "cli", "body": "list totals", "rtpp_flags": "body=terminate"}, False), ({}, False)])
def test_ng_commands_in_both_encodings(message: dict[str, str], served: bool) -> None:
    allowed = Allowed(["ping", "start-recording", "cli:list"])
    for payload in (bencode.encode(message), json.dumps(message).encode()):  # type: ignore[arg-type]
        assert refused_plain(allowed, payload) is not served
        answer = allowed.message(handler)(b"7_1 " + payload, "127.0.0.1:5", 1.0)
        assert isinstance(answer, bytes) and answer.startswith(b"served 7_1 " if served else b"7_1 ")
        assert served or REFUSED.encode() in answer


@pytest.mark.parametrize("names", [("offer", "ping"), ("ping", "offer"), ("offer", "offer"), ("ping", "ping")])
def test_of_two_commands_in_one_message_the_one_that_would_be_executed_counts(names: tuple[str, str]) -> None:
    executed: list[str] = []

    def run(request: Request) -> Reply:
        executed.append(request.command)
        return {}
    daemon = Dispatcher({"ping": run, "offer": run}, CookieCache(1.0), lambda: 0.0)
    guarded = Allowed(["ping"]).plain(daemon.plain)
    for message in ("d7:command{}:{}7:command{}:{}e".format(len(names[0]), names[0], len(names[1]), names[1]),
                    '{{"command":"{}","command":"{}"}}'.format(*names)):
        guarded(message.encode(), "127.0.0.1:5", 1.0)
    assert "offer" not in executed and (names != ("ping", "ping") or executed)


def test_the_daemon_answers_what_cannot_be_read() -> None:
    for message in (b"", b"x", b"d7:command", b"{"):
        assert not refused_plain(Allowed(["ping"]), message)
    assert Allowed(["ping"]).message(handler)(b"nocookie", "127.0.0.1:5", 1.0) == b"served nocookie"


def test_all_operator_commands_at_once() -> None:
    assert Allowed(["cli"]).command(command)("set timeout 1") == "<set timeout 1>"
    assert not refused_plain(Allowed(["cli"]), b"d4:body3:set7:command3:clie")


@pytest.mark.parametrize("words, operator", [
    (["pong"], False), (["list-nothing"], True), (["ping"], True), (["cli:sett"], False), (["list-sessions-all"], True),
    (["call-x"], True), (["cli:"], False), (["-"], True)])
def test_words_that_are_no_commands(words: list[str], operator: bool) -> None:
    with pytest.raises(ConfigError, match="no .*command"):
        Allowed(words, operator)


@pytest.mark.parametrize("words, shown", [(["metrics"], True), (["ping", "metrics"], True), (["statistics"], False)])
def test_metrics_are_shown_to_those_who_may_see_them(words: list[str], shown: bool) -> None:
    services = Services(handler, handler, command, lambda: 0.0, metrics=lambda: iter(["x 1\n"]))
    assert Pages(services).get("/metrics").status == 200
    assert Pages(services.within(Allowed(words))).get("/metrics").status == (200 if shown else 403)
    assert Pages(services.within(Allowed(words))).get("/livez").status == 200


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("header, fits", [
    ("Bearer hush:é", True), ("bearer  hush:é", True), (basic("anyone", "hush:é"), True), (basic("", "hush:é"), True),
    ("Bearer hush", False), ("Bearer ", False), ("", False), ("hush:é", False), (basic("hush:é", ""), False),
    ("Basic !", False), ("Basic " + base64.b64encode(b"\xff:\xff").decode(), False), ("Digest hush:é", False)])
def test_secrets_in_headers(header: str, fits: bool) -> None:
    assert Secret("hush:é").in_header(header) is fits


@given(st.text())
def test_any_header_fits_or_does_not(header: str) -> None:
    assert not Secret("a secret that nobody guesses").in_header(header)
