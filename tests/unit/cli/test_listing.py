# SPDX-License-Identifier: GPL-3.0-or-later
import json
from collections.abc import Callable

import pytest

from .fakes import FakeBackend

Run = Callable[[str], str]


@pytest.mark.parametrize("line, reply", [
    ("list maxcpu", "Maximum CPU usage configured on rtpengine: 0.0\n"),
    ("list maxload", "Maximum load average configured on rtpengine: 0.00\n"),
    ("list maxbw", "Maximum bandwidth configured on rtpengine: 0\n"),
    ("list maxopenfiles", "Maximum open-files configured on rtpengine: 1024; cat /proc/4711/limits\n"),
    ("list silenttimeout", "SILENT_TIMEOUT=3600\n"),
    ("list finaltimeout", "FINAL_TIMEOUT=0\n"),
    ("list offertimeout", "OFFER_TIMEOUT=3600\n"),
    ("list controltos", "0\n"),
    ("list deletedelay", "30\n"),
    ("list redisallowederrors", "-1\n"),
    ("list redisdisabletime", "10\n"),
    ("list redisconnecttimeout", "1000\n"),
    ("list rediscmdtimeout", "0\n"),
    ("list transcoders", "No stats entries\n"),
    ("list loglevel nosuch", ""),
    ("list loglevel internals", "-1\n"),
])
def test_values(run: Run, line: str, reply: str) -> None:
    assert run(line) == reply


def test_an_option_that_does_not_exist_yet(run: Run, backend: FakeBackend) -> None:
    del backend.settings.redis_cmd_timeout
    assert run("list rediscmdtimeout") == "The option redis-cmd-timeout is not available yet.\n"


def test_open_files_unlimited_and_unreadable(run: Run, backend: FakeBackend) -> None:
    backend.limit = None
    assert run("list maxopenfiles") == (
        "Maximum open-files configured on rtpengine: infinite; cat /proc/4711/limits\n")
    backend.broken = OSError(22, "no")
    assert run("list maxopenfiles") == "Fail getting rtpengine configured limits; cat /proc/4711/limits\n"


def test_log_levels(run: Run) -> None:
    names = [line.split(" = ")[0] for line in run("list loglevel").splitlines()]
    assert names == "core ffmpeg internals spandsp transcoding codec rtcp ice crypto srtp http control dtx".split()
    assert run("list loglevel").startswith("core = 6\nffmpeg = 6\ninternals = -1\n")
    assert run("list loglevels").startswith("core - all about core\nffmpeg - all about ffmpeg\n")


@pytest.mark.parametrize("what, start", [
    ("numsessions", "Current sessions own: 0\n"), ("totals", "\nStatistics over currently running sessions:\n\n"),
    ("counters", "\nCurrent per-second counters:\n\n"),
    ("interfaces", "Interface 'pub' address '192.0.2.10' (IPv4)\n")])
def test_reports(run: Run, what: str, start: str) -> None:
    assert run(f"list {what}").startswith(start)
    assert run(f"get {what}") == run(f"list {what}")


def test_jsonstats(run: Run) -> None:
    assert json.loads(run("list jsonstats"))["totalstatistics"]["uptime"] == 5
    assert not run("list jsonstats").endswith("\n")
