# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of servers, what is still to be written, and when a server is left alone."""
from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.__main__ import main
from controlplane.config.load import load
from controlplane.errors import ConfigError
from controlplane.store.address import Server, parse_server
from controlplane.store.health import Health
from controlplane.store.link import Link, Unavailable
from controlplane.store.pending import MAX_DELETIONS, WRITE, Pending
from controlplane.store.store import Servers


@pytest.mark.parametrize("text, server", [
    ("127.0.0.1:6379/5", Server("127.0.0.1", 6379, 5)), ("redis.example:1/0", Server("redis.example", 1, 0)),
    ("[::1]:6379/5", Server("::1", 6379, 5)), ("p@127.0.0.1:6379/5", Server("127.0.0.1", 6379, 5, "", "p")),
    ("a@b/c:d@h:1/2", Server("h", 1, 2, "", "a@b/c:d")),
    ("redis://h/3", Server("h", 6379, 3)), ("redis://u:p%40@h:7/3", Server("h", 7, 3, "u", "p@")),
    ("rediss://:p@[::1]:7/3", Server("::1", 7, 3, "", "p", True))])
def test_servers(text: str, server: Server) -> None:
    found = parse_server("redis", text, "")
    assert found == server and (not server.password or server.password not in repr(found).replace("redis", ""))


@pytest.mark.parametrize("text", [
    "", "h", "h:1", "h:0/1", "h:70000/1", "h:1/x", "h:1/-1", "h:1/9999999999", "redis://h/x", "redis://h", "redis:///1",
    "redis://h:x/1", "redis://h:1/1?db=2", "http://h:1/1", "::1:6379/5"])
def test_nonsense_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError, match="redis") as error:
        parse_server("redis", text.replace("h", "secret@h", 1) if "://" not in text else text, "")
    assert "secret" not in str(error.value)


def test_passwords_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("from file\n")
    assert parse_server("redis", "h:1/1", "from environment").password == "from environment"
    assert parse_server("redis", f"file:{tmp_path}/p@h:1/1", "other").password == "from file"
    with pytest.raises(ConfigError, match="No such file"):
        parse_server("redis", "file:/nowhere/p@h:1/1", "")


@dataclass
class Options:
    redis: str = ""
    redis_write: str = ""
    redis_subscribe: str = ""
    subscribe_keyspace: tuple[str, ...] = ()


@pytest.mark.parametrize("options, servers", [
    (Options(), (None, None, None, [])), (Options("h:1/1"), (1, 1, None, [])),
    (Options("h:1/1", "h:1/2"), (1, 2, None, [])), (Options("", "h:1/2"), (2, 2, None, [])),
    (Options("h:1/1", subscribe_keyspace=("4", "5")), (1, 1, 1, [4, 5])),
    (Options("h:1/1", redis_subscribe="h:1/3"), (1, 1, 3, [3])),
    (Options("h:1/1", redis_subscribe="h:1"), (1, 1, -1, [])),
    (Options("h:1/1", redis_subscribe="h:1/3", subscribe_keyspace=("-1",)), (1, 1, 3, [-1])),
    (Options("", "", "h:1/3"), (None, None, 3, [3]))])
def test_which_server_for_what(options: Options, servers: tuple[int | None, int | None, int | None, list[int]]) -> None:
    found = Servers(options, {})  # type: ignore[arg-type]
    assert tuple(each and each.db for each in (found.read, found.write, found.notify)) == servers[:3]
    assert found.keyspaces == servers[3] and bool(found) == any(each is not None for each in servers[:3])


def test_a_keyspace_is_a_number() -> None:
    with pytest.raises(ConfigError, match="subscribe-keyspace"):
        Servers(Options("h:1/1", subscribe_keyspace=("x",)), {})  # type: ignore[arg-type]


# --- what is to be written ---

def test_the_last_state_counts() -> None:
    pending = Pending()
    pending.write("a")
    pending.write("b")
    pending.write("a")
    pending.delete("b", 3)
    pending.delete("c", 4)
    pending.drop("c")
    assert pending.take(10) == {"a": WRITE, "b": 3} and not len(pending)
    pending.put_back({"a": WRITE, "b": 3})
    pending.write("b")
    pending.delete("a", 5)
    pending.put_back({"a": WRITE, "b": 3})
    assert pending.take(1) == {"a": 5} and pending.take(1) == {"b": WRITE}


@given(st.lists(st.tuples(st.sampled_from(["write", "delete", "drop", "take", "fail"]), st.sampled_from("abc"))))
def test_nothing_is_lost(steps: list[tuple[str, str]]) -> None:
    """Against a model: the state of each call that the server has in the end is the last one."""
    pending, wanted, stored = Pending(), {}, {}
    for step, call_id in steps:
        if step == "write":
            pending.write(call_id)
            wanted[call_id] = WRITE
        elif step == "delete":
            pending.delete(call_id, 1)
            wanted[call_id] = 1
        elif step == "drop":
            pending.drop(call_id)
            wanted.pop(call_id, None)
        else:
            taken = pending.take(2)
            if step == "fail":
                pending.put_back(taken)
            else:
                stored.update({key: what for key, what in taken.items()})
                for key in taken:
                    assert wanted.pop(key) == taken[key]
    assert pending.take(9) == wanted and pending._deletions == 0


def test_deletions_are_bounded() -> None:
    pending = Pending()
    pending.write("kept")
    for number in range(MAX_DELETIONS + 5):
        pending.delete(str(number), 0)
    assert len(pending) == MAX_DELETIONS + 1
    assert set(pending.take(2)) == {"kept", "5"}


# --- a server that fails ---

@dataclass
class Limits:
    redis_allowed_errors: int = -1
    redis_disable_time: int = 10


def test_a_server_is_left_alone_after_too_many_failures() -> None:
    limits = Limits(1)
    health = Health(limits)
    assert not health.wait(0.0)
    health.failed(100.0)
    assert (health.wait(100.0), health.disabled) == (1.0, False)
    health.failed(101.0)
    assert (health.wait(101.0), health.disabled) == (10.0, True) and not health.wait(111.0)
    health.succeeded()
    assert (health.wait(101.0), health.errors, health.disabled) == (0.0, 0, False)
    limits.redis_allowed_errors = -1
    for at in range(20):
        health.failed(float(at))
    assert health.wait(19.0) == 1.0


def test_the_log_says_for_how_long(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as bound:      # and does not listen
        bound.bind(("127.0.0.1", 0))
        server = parse_server("redis", f"127.0.0.1:{bound.getsockname()[1]}/0", "")
        link = Link("redis", server, load(["--config-file=none", "--interface=127.0.0.1", "--listen-ng=127.0.0.1:2223",
                                           "--redis-allowed-errors=0", "--redis-disable-time=7"]))
        with pytest.raises(Unavailable) as failure:
            asyncio.run(link.open(1))
    assert failure.value.wait == 7.0 and link.health.disabled
    assert caplog.messages[-1].endswith("; left alone for 7 s after 1 failures")
    assert str(server) in caplog.messages[-1]


def test_settings_are_checked_before_they_are_used(capsys: pytest.CaptureFixture[str],
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["rtpengine", "--check-config", "--config-file=none", "--interface=127.0.0.1",
             "--listen-ng=127.0.0.1:2223"]
    monkeypatch.setattr(sys, "argv", [*words, "--redis=127.0.0.1:6379/1"])
    main()
    assert "in order" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*words, "--redis=127.0.0.1:6379"])
    with pytest.raises(SystemExit):
        main()
    assert "the number of the data base is missing" in capsys.readouterr().err
