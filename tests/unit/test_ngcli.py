# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from controlplane.cli.dispatcher import Dispatcher
from controlplane.errors import PeerError
from controlplane.ng.later import Later
from controlplane.ng.reply import Reply
from controlplane.ngcli import NgCli
from tests.unit.cli.fakes import with_calls
from tests.unit.report.fakes import FakeCall
from tests.unit.requests import request

CALLS = 10_000


async def longest_turn(run: Callable[[str], str | Iterable[str]], line: str) -> tuple[Reply, float, float]:
    """The reply; and of the processor's time what the longest wait of the others took, and all of it."""
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    longest, begun = 0.0, time.thread_time()
    last = begun
    answer = NgCli(run)(request("cli", body=line))
    assert isinstance(answer, Later), "it is made at once"
    answer.then(future.set_result)
    while not future.done():
        longest, last = max(longest, time.thread_time() - last), time.thread_time()
        await asyncio.sleep(0)
    return future.result(), longest, last - begun


def test_others_run_while_ten_thousand_calls_are_listed() -> None:
    dispatcher = Dispatcher(with_calls(*(FakeCall(f"{number}@example.net") for number in range(CALLS))))
    whole = dispatcher.text("list sessions all")
    reply, longest, all_of_it = asyncio.run(longest_turn(dispatcher.run, "list sessions all"))
    assert reply == {"response": whole, "result": "ok"} and whole.count("\n") == CALLS
    assert longest < all_of_it / 2, "the others had to wait"


@pytest.mark.parametrize("line", ["list sessions all", "list timeout", "params diff", "nosuch"])
def test_what_is_short_is_answered_at_once(line: str) -> None:
    dispatcher = Dispatcher(with_calls(FakeCall("one")))
    assert NgCli(dispatcher.run)(request("cli", body=line)) == {"response": dispatcher.text(line)}


def test_bytes_that_are_no_text_are_kept() -> None:
    assert NgCli(lambda line: iter(["\udcff", "ä"]))(request("cli", body="x")) == {"response": "\udcffä"}


def test_without_a_command() -> None:
    with pytest.raises(PeerError, match="No 'body' in message"):
        NgCli(lambda line: "")(request("cli"))


def test_a_failure_on_the_way_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def broken(line: str) -> Iterator[str]:
        yield "x" * 500_000
        raise KeyError("gone")
    reply, _, _ = asyncio.run(longest_turn(broken, "list sessions all"))
    assert reply == {"result": "error", "error-reason": "Internal error"}
    assert "KeyError" in caplog.text
