# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.cli.dispatcher import Dispatcher
from controlplane.cli.node import Node, usage
from controlplane.cli.tree import COMMANDS

from ..report.fakes import two_party_call
from .fakes import FakeBackend, with_calls

Run = Callable[[str], str]


@pytest.mark.parametrize("line, reply", [
    ("list maxsessions", "Maximum sessions configured on rtpengine: -1\n"),
    ("get timeout", "TIMEOUT=60\n"),
    ("set maxsessions 500", "Success setting maxsessions to 500\n"),
    ("set maxsessions -2", "Fail setting maxsessions to -2; either positive or -1 values allowed\n"),
    ("set timeout abc", "Fail setting timeout to abc; no digits found\n"),
    ("list loglevel rtcp", "6\n"),
    ("list nosuch", "Unknown command: nosuch\n"),
    ("list", "More parameters required.\n"),
    ("terminate gone@example.net", "\nCall Id not found (gone@example.net).\n\n"),
    ("list sessions all", "No sessions on this media relay.\n"),
    ("kslist", "Keyspace notification feature has not been configured.\n"),
    ("active", "Ok, all calls set to 'owned (active)'\n"),
])
def test_acceptance_examples(run: Run, line: str, reply: str) -> None:
    assert run(line) == reply


@pytest.mark.parametrize("line, reply", [
    ("", "Incomplete command: \n"),
    ("nosuch", "Unknown command: nosuch\n"),
    ("LIST totals", "Unknown command: LIST\n"),
    ("tot", "Unknown command: tot\n"),
    ("list tot", "Unknown command: tot\n"),
    ("list  totals", "Unknown command: \n"),
    (" list totals", "Unknown command: \n"),
    ("list\ttotals", "Unknown command: list\ttotals\n"),
    ("listXtimeout", "Unknown command: listXtimeout\n"),
    ("list timeoutXX", "Unknown command: timeoutXX\n"),
    ("set", "More parameters required.\n"),
    ("get", "More parameters required.\n"),
    ("params", "More parameters required.\n"),
    ("media", "More parameters required.\n"),
    ("media list", "More parameters required.\n"),
    ("media evict db", "More parameters required.\n"),
    ("media add files", "Unknown command: files\n"),
    ("call", "More parameters required.\n"),
    ("call nobody info", "No such call 'nobody'\n"),
    ("kslist foo", "Keyspace notification feature has not been configured.\n"),
    ("ksadd 7", "Keyspace notification feature has not been configured.\n"),
    ("ksrm keyspace 7", "Keyspace notification feature has not been configured.\n"),
    ("list timeout foo", "TIMEOUT=60\n"),
    ("list timeout ", "TIMEOUT=60\n"),
    ("list timeout\r\n", "TIMEOUT=60\n"),
    ("list timeout\n", "TIMEOUT=60\n"),
])
def test_tokens(run: Run, line: str, reply: str) -> None:
    assert run(line) == reply


def test_call_without_more() -> None:
    run = Dispatcher(with_calls(two_party_call("c"))).text
    assert run("call c") == "Incomplete command: \n"
    assert run("call c nosuch") == "Unknown command: nosuch\n"
    assert run("call c tag") == "More parameters required.\n"
    assert run("call c tag nobody info") == "No such tag 'nobody'\n"
    assert run("call c tag totag88") == "Incomplete command: \n"


def test_help_at_every_level(run: Run) -> None:
    head = "Available sub-commands at this level:\n"
    assert run("help").startswith(head + "\tusage" + " " * 44 + ": print the full list of all available commands\n")
    assert "\tlist <option>\n" in run("help")
    assert run("list help").startswith(head + "\tnumsessions" + " " * 38 + ": print the number of sessions\n")
    run = Dispatcher(with_calls(two_party_call("c"))).text
    assert run("call c help").startswith(head + "\tinfo ")


def test_usage_layout() -> None:
    long = "[ " + "x" * 60 + " ]"
    nodes = (Node("usage", "", "print the full list of all available commands"),
             Node("list", "<option>", children=(Node("numsessions", "", "print the number of sessions"),
                                                Node("sessions", long, "see"))))
    assert usage(nodes) == (
        "    Supported commands are:\n\n"
        "    usage                                         : print the full list of all available commands\n\n"
        "    list <option>\n"
        "        numsessions                               : print the number of sessions\n"
        f"        sessions {long}: see\n\n")


def test_usage_names_every_command(run: Run) -> None:
    text = run("usage")
    assert all(f"\n    {node.keyword}" in text for node in COMMANDS)


SEED = {
    "list": "numsessions maxsessions maxopenfiles totals timeout silenttimeout finaltimeout loglevel "
            "redisallowederrors redisdisabletime redisconnecttimeout rediscmdtimeout controltos",
    "set": "maxsessions maxopenfiles timeout silent_timeout silenttimeout final_timeout finaltimeout loglevel "
           "redisallowederrors redisdisabletime redisconnecttimeout rediscmdtimeout controltos",
    "params": "start current diff revert",
    "terminate": "all own foreign someone",
    "list sessions": "all own foreign someone",
}


@pytest.mark.parametrize("line", [f"{first} {second}{' 65537' if first == 'set' else ''}"
                                  for first, words in SEED.items() for second in words.split()]
                         + ["ksadd keyspace 5", "ksrm keyspace 5", "kslist"])
def test_commands_of_old_scripts_are_known(run: Run, line: str) -> None:
    reply = run(line)
    assert "Unknown" not in reply and "Incomplete" not in reply
    assert line.startswith("params") or reply.endswith("\n")


_WORDS = st.one_of(st.sampled_from([node.keyword for node in COMMANDS]
                                   + ["help", "sessions", "all", "tag", "loglevel", "c", "on", "timeout", "-1"]),
                   st.text(max_size=6))


@given(st.lists(_WORDS, max_size=6).map(" ".join))
def test_any_line_gets_a_text(line: str) -> None:
    run = Dispatcher(with_calls(two_party_call("c"))).text
    assert isinstance(run(line), str)


def test_a_backend_is_never_shared() -> None:
    first, second = FakeBackend(), FakeBackend()
    Dispatcher(first).text("set timeout 5")
    assert Dispatcher(second).text("list timeout") == "TIMEOUT=60\n"
