# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator command beside the reference daemon: the same text, or one that differs on purpose."""
from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.differential.commandlines import CALL_ID, CALLS, DEADLY, DELIBERATE, FROM_TAG, IDLE, SETTINGS, SHARED, TO_TAG
from tests.differential.commandrules import comparable
from tests.peers import debian
from tests.peers.call import Call
from tests.peers.daemon import Command, Daemon, own_command, reference_command
from tests.peers.redis import PROGRAM, RedisServer
from tests.peers.rtp import Endpoint

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(
    os.environ.get("RTPENGINE_COMMAND") == "reference", reason="compares the reference with itself")]
DIFFERENCES = {line: replies for differences in DELIBERATE for line, replies in differences.replies.items()}
PORTS = ["--port-min=30000", "--port-max=39999"]


def reference() -> Command:
    """The reference daemon; without it there is nothing to compare."""
    try:
        return reference_command()
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")


class Beside:
    """Both daemons with the same options but for ``theirs`` and ``ours``; notes which differences were seen."""

    def __init__(self, stack: ExitStack, theirs: Sequence[str] = (), ours: Sequence[str] = ()):
        self.daemons = [stack.enter_context(Daemon(command, options=[*PORTS, *options]))
                        for command, options in ((reference(), theirs), (own_command(), ours))]
        self.stack = stack
        self.packets = 0
        """From all parties, at each daemon."""

    def call(self, call_id: str) -> None:
        """Set up a call at each in which both talk."""
        for daemon in self.daemons:
            ends = [Endpoint(seed=1), Endpoint(seed=2)]
            for end in ends:
                self.stack.callback(end.close)
            call = Call(self.stack.enter_context(daemon.client()), *ends, call_id=call_id)
            call.from_tag, call.to_tag = FROM_TAG, TO_TAG
            call.offer()
            call.answer()
            call.talk()
        self.packets += 20

    def rest(self) -> None:
        """Wait until both have counted all packets, which they do once a second, or later on a busy host."""
        for daemon in self.daemons:
            deadline = time.monotonic() + 20
            while f"Total relayed packets                           :{self.packets}\n" not in daemon.cli("list totals"):
                assert time.monotonic() < deadline, daemon.cli("list totals")
                time.sleep(0.2)

    def compare(self, lines: Sequence[str]) -> str:
        """How the replies to these commands differ against expectation; empty if they do not."""
        found = ""
        for line in lines:
            reference, ours = (daemon.cli(line) for daemon in self.daemons)
            if (reference, ours) != DIFFERENCES.get(line):
                expected, got = comparable(line, reference, ours)
                found += f"{line!r}\n  reference {expected!r}\n  ours      {got!r}\n" if expected != got else ""
        return found


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def test_without_calls(stack: ExitStack) -> None:
    found = Beside(stack).compare(IDLE)
    assert not found, found


def test_with_calls(stack: ExitStack) -> None:
    beside = Beside(stack)
    beside.call(CALL_ID)
    beside.call("two")
    beside.rest()
    found = beside.compare(CALLS)
    assert not found, found


def test_settings(stack: ExitStack) -> None:
    found = Beside(stack).compare(SETTINGS)
    assert not found, found


@pytest.mark.skipif(PROGRAM is None, reason="no redis-server (package redis-server)")
def test_with_redis(stack: ExitStack, tmp_path: Path) -> None:
    server = stack.enter_context(RedisServer(tmp_path))
    theirs, ours = ([f"--redis={server.url(db)}", "--subscribe-keyspace=5"] for db in (2, 3))
    found = Beside(stack, theirs, ours).compare(SHARED)
    assert not found, found


def test_what_ends_the_reference_does_not_end_ours() -> None:
    with Daemon(own_command()) as daemon:
        assert {line: daemon.cli(line) for line in DEADLY} == DEADLY


def test_no_command_of_the_reference_is_left_out() -> None:
    """Each keyword that the reference has, as its own help says, is among the commands that are compared."""
    asked = {*IDLE, *CALLS, *SETTINGS, *SHARED, *DEADLY}
    assert not DIFFERENCES.keys() - asked
    words = {tuple(line.replace(CALL_ID, "ID").split()) for line in asked}
    with Daemon(reference()) as daemon:
        for above in ((), ("list",), ("get",), ("set",), ("params",)):
            keywords = daemon.cli(" ".join((*above, "help"))).split("\n\t")[1:]
            assert len(keywords) > 3
            alias = ("list",) if above == ("get",) else above   # get help shows the same table
            assert not {keyword.strip() for keyword in keywords} - {
                line[len(alias)] for line in words if line[:len(alias)] == alias and len(line) > len(alias)}
