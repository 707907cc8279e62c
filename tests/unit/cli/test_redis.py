# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about keyspaces."""
from __future__ import annotations

import pytest

from controlplane.cli.dispatcher import Dispatcher
from tests.unit.cli.fakes import FakeBackend

MISSING = "Keyspace notification feature has not been configured.\n"


@pytest.mark.parametrize("line", ["ksadd", "ksadd 1", "ksrm 1", "kslist"])
def test_without_notifications(line: str) -> None:
    assert Dispatcher(FakeBackend()).text(line) == MISSING


@pytest.mark.parametrize("line, reply, after", [
    ("ksadd 7", "Success adding keyspace 7 to redis notifications.\n", [3, 7]),
    ("ksadd keyspace 7", "Success adding keyspace 7 to redis notifications.\n", [3, 7]),
    ("ksadd 7x", "Success adding keyspace 7 to redis notifications.\n", [3, 7]),
    ("ksadd 3", "Keyspace 3 is already among redis notifications.\n", [3]),
    ("ksadd", "More parameters required.\n", [3]),
    ("ksadd x", "Fail adding keyspace x to redis notifications; no digits found\n", [3]),
    ("ksadd -1", "Fail adding keyspace -1 to redis notifications; errno=0\n", [3]),
    ("ksadd 2147483647", "Fail adding keyspace 2147483647 to redis notifications; errno=0\n", [3]),
    ("ksadd 99999999999999999999", "Fail adding keyspace 99999999999999999999 to redis notifications; errno=34\n", [3]),
    ("ksrm 4", "Keyspace 4 is not among redis notifications.\n", [3]),
    ("ksrm 3", "Successfully unsubscribed from keyspace 3.\n"
               "Successfully removed all foreign calls for keyspace 3.\n", []),
    ("ksrm y", "Fail removing keyspace y to redis notifications; no digits found\n", [3]),
    ("kslist", "\nSubscribed-on keyspaces:\n3 \n", [3])])
def test_replies(line: str, reply: str, after: list[int]) -> None:
    backend = FakeBackend(followed=[3])
    assert Dispatcher(backend).text(line) == reply and backend.followed == after
