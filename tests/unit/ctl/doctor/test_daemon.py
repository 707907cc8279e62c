# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon, its table, its listeners and its Redis."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from controlplane.config.options import BY_NAME
from controlplane.store.address import parse_server
from ctl import client
from ctl.doctor import daemon, redis, table
from ctl.doctor.finding import NeedsRoot
from ctl.doctor.host import Host
from ctl.doctor.settings import DAEMON, from_file, from_params

from .fakes import PID, Fake, replies

STATUS = "Refcount:    2\nControl PID: {}\nOpencount:   1\nTargets:     8\n"


def test_defaults_are_those_of_the_daemon() -> None:
    settings = from_file(None, "")
    assert (settings.table, settings.port_ranges) == (
        BY_NAME["table"].default, ((BY_NAME["port-min"].default, BY_NAME["port-max"].default),))
    assert settings.text("accelerator", "kernel") == BY_NAME["accelerator"].default


def test_settings_of_the_file() -> None:
    settings = from_file("[other]\ntable = 9\n[rtpengine]\n# table = 8\ntable = 7\nport-min=20000\nredis = \n"
                         "listen-ng = 2223; any:2224 allow=ping\ninterfaces-config = net\nno-redis-required = yes\n"
                         "[net-a]\naddress = eth0\n[net-b]\nport-max = 29999\nport-min = what\n", "/file")
    assert (settings.source, settings.table) == ("/file", 7)
    assert settings.port_ranges == ((20000, 39999), (20000, 29999))
    assert settings.items("listen-ng") == ["2223", "any:2224 allow=ping"]
    assert settings.flag("no-redis-required") and settings.items("redis") == []


def test_settings_of_the_daemon() -> None:
    settings = from_params("table = 0\nport-min = 1\nport-max = 9\nlisten-ng = 1\nlisten-ng = 2 allow=a\n"
                           "log_format = x\n")
    assert settings is not None and settings.source == DAEMON
    assert settings.items("listen-ng") == ["1", "2 allow=a"] and settings.text("log-format") == "x"
    assert from_params("this needs a secret\n") is None


def test_another_accelerator_needs_no_table() -> None:
    assert from_file("[rtpengine]\ntable = 0\naccelerator = nfqueue\n", "").table == -1


def test_no_daemon(fake: Fake) -> None:
    assert fake.look(daemon.answers) == [
        ("problem", "Cannot connect to rtpengine at 127.0.0.1 port 9900: Connection refused",
         "systemctl restart rtpengine; journalctl -u rtpengine -n 20")]
    assert fake.look(daemon.load) == fake.look(daemon.namespace) == []


def test_a_daemon_that_hangs(fake: Fake) -> None:
    def ask(command: str) -> str:
        raise client.NoReply("No complete reply from rtpengine within 3 s")
    (finding,) = daemon.answers(Host(ask, fake.root))
    assert (finding.state.value, finding.found) == ("problem", "No complete reply from rtpengine within 3 s")


def test_a_daemon_that_answers(fake: Fake) -> None:
    fake.replies = replies()
    assert fake.look(daemon.answers) == [("ok", f"it answers, as process {PID}", "")]
    assert fake.look(daemon.settings) == [("ok", f"from {DAEMON}: table 0, ports 30000 to 39999", "")]


def test_a_daemon_in_a_container(fake: Fake) -> None:
    fake.replies = replies()
    fake.file(f"/proc/{PID}/cmdline", "/bin/bash\0")
    fake.file(f"/proc/{PID}/status", f"Name:\tbash\nNSpid:\t{PID}\n")
    assert fake.look(daemon.answers) == [("ok", "it answers", "")]
    fake.file("/proc/9000/cmdline", "python\0-m\0controlplane\0")
    fake.file("/proc/9000/status", "Name:\tpython\nNSpid:\t9000\t17\n")
    fake.file("/proc/9001/cmdline", "python\0-m\0controlplane\0")
    fake.file("/proc/9001/status", f"Name:\tpython\nNSpid:\t9001\t{PID}\nSpeculation_Store_Bypass: x\n")
    assert fake.look(daemon.answers) == [("ok", "it answers, as process 9001", "")]


@pytest.mark.parametrize("params, typed", [
    ("", "editor /etc/rtpengine/rtpengine.conf"), ("config-file = /other\n", "editor /other"),
    ("config-file = none\n", "systemctl edit rtpengine")])
def test_where_settings_are_to_be_changed(fake: Fake, params: str, typed: str) -> None:
    fake.replies = replies(params + "listen-ng = any:2223\n")
    assert fake.look(daemon.listeners)[0][2].startswith(f"{typed} && systemctl restart rtpengine   (listen-ng = ")


def test_a_daemon_that_tells_nothing(fake: Fake) -> None:
    fake.replies = dict.fromkeys(replies(), "")
    assert [state for state, _, _ in fake.look(daemon.answers) + fake.look(daemon.settings)] == ["warning"] * 2


def test_a_settings_file_that_only_root_may_read(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(NeedsRoot, match="^/etc/rtpengine/rtpengine.conf$"):
        fake.look(daemon.settings)
    assert fake.host.settings.table == -1, "checks that need no more go on with the defaults"


@pytest.mark.parametrize("sessions, used, most, states", [
    (5, 100, -1, ["ok", "ok", "ok"]), (80, 100, 100, ["warning", "ok", "ok"]), (96, 100, 100, ["problem", "ok", "ok"]),
    (5, 8100, -1, ["ok", "warning", "ok"]), (5, 9700, -1, ["ok", "problem", "ok"])])
def test_load(fake: Fake, sessions: int, used: int, most: int, states: list[str]) -> None:
    fake.replies = replies(f"max-sessions = {most}\n", sessions, used)
    fake.file("/proc/loadavg", "1.75 0.3 0.2 2/345 6789\n")
    found = fake.look(daemon.load)
    assert [state for state, _, _ in found] == states
    assert found[1][1] == f"{used} of 10000 ports of default/192.0.2.1"
    assert found[2][1] == "load average 1.75 with 4 processors"


def test_a_busy_host(fake: Fake) -> None:
    fake.replies = replies()
    fake.file("/proc/loadavg", "4.50 0.3 0.2 2/345 6789\n")
    assert fake.look(daemon.load)[-1] == ("warning", "load average 4.50 with 4 processors", "top -H")


@pytest.mark.parametrize("value, reach", [
    ("2223", ""), ("127.0.0.1:2223", ""), ("[::1]:2223", ""), ("10.0.0.1:2223", ""), ("localhost:2223", ""),
    ("unix:/run/rtpengine/ng.sock", ""), ("any:2223 allow=ping", ""), ("0.0.0.0:2223 allow=ping", ""),
    ("any:2223", "everybody"), ("0.0.0.0:2223", "everybody"), ("[::]:2223", "everybody"),
    ("8.8.8.8:2223", "everybody"), ("[2a00:1450::1]:2223", "everybody")])
def test_listeners(fake: Fake, value: str, reach: str) -> None:
    fake.configured(f"listen-ng = 127.0.0.1:1; {value}\n")
    (found,) = fake.look(daemon.listeners)
    if reach:
        assert found[:2] == ("warning", f"listen-ng = {value} takes commands from {reach}, without rules")
        assert found[2] == ("editor /etc/rtpengine/rtpengine.conf && systemctl restart rtpengine   "
                            "(listen-ng = 127.0.0.1:2223, or a rule allow= behind it)")
    else:
        assert found[0] == "ok"


def test_network_namespaces(fake: Fake) -> None:
    fake.replies = replies()
    assert fake.look(daemon.namespace) == []
    fake.link("/proc/self/ns/net", "net:[1]")
    fake.link(f"/proc/{PID}/ns/net", "net:[1]")
    assert fake.look(daemon.namespace)[0][0] == "ok"
    (fake.root / f"proc/{PID}/ns/net").unlink()
    fake.link(f"/proc/{PID}/ns/net", "net:[2]")
    assert fake.look(daemon.namespace)[0][::2] == (
        "warning", f"nsenter --net=/proc/{PID}/ns/net rtpengine-ctl doctor")


def loaded(fake: Fake) -> None:
    fake.file("/sys/module/xt_RTPENGINE/initstate", "live\n")
    fake.file("/proc/rtpengine/control")


def test_the_files_of_the_module(fake: Fake) -> None:
    assert fake.look(table.proc) == []
    fake.file("/sys/module/xt_RTPENGINE/initstate", "live\n")
    assert fake.look(table.proc)[0][0] == "problem"
    loaded(fake)
    user = os.geteuid()
    assert fake.look(table.proc) == [("ok", f"/proc/rtpengine belongs to user {user}", "")]
    fake.replies = replies()
    fake.file(f"/proc/{PID}/status", "Name:\trtpengine\nUid:\t{0}\t{0}\t{0}\t{0}\n".format(user + 7))
    (finding,) = fake.look(table.proc)
    assert finding[0] == "problem" and f"proc_uid={user + 7}" in finding[2]


@pytest.mark.parametrize("holder, runs, state, found", [
    (PID, True, "ok", "table 0 is the daemon's, with 8 ports in the kernel"),
    (42, True, "problem", f"table 0 belongs to process 42 (kamailio), not to the daemon ({PID})"),
    (43, True, "problem", f"table 0 belongs to process 43 (of another container), not to the daemon ({PID})"),
    (0, True, "problem", "table 0 has no owner: the daemon does not use it"),
    (42, False, "warning", "table 0 belongs to process 42 (kamailio), which cannot be asked"),
    (0, False, "warning", "table 0 with 8 ports was left by a daemon that ended; the next one takes it over"),
    (None, True, "problem", "there is no table 0: the daemon could not make it"),
    (None, False, "ok", "there is no table 0; the daemon makes it at its start")])
def test_whose_table_it_is(fake: Fake, holder: int | None, runs: bool, state: str, found: str) -> None:
    loaded(fake)
    fake.configured("table = 0\n")
    fake.file("/proc/42/comm", "kamailio\n")
    fake.replies = replies() if runs else None
    if holder is not None:
        fake.file("/proc/rtpengine/0/status", STATUS.format(holder))
    assert [each[:2] for each in fake.look(table.owner)] == [(state, found)]


def test_no_table_is_asked_for(fake: Fake) -> None:
    loaded(fake)
    assert fake.look(table.owner) == []


REDIS = ("127.0.0.1", 6390)


@pytest.mark.parametrize("reply, state, found", [
    (b"+PONG\r\n", "ok", "redis: 127.0.0.1 port 6390 answers"),
    (b"-NOAUTH Authentication required.\r\n", "ok", "redis: 127.0.0.1 port 6390 answers"),
    (b"-LOADING Redis is loading\r\n", "problem", "redis: 127.0.0.1 port 6390 answers '-LOADING Redis is loading'"),
    (None, "problem", "redis: 127.0.0.1 port 6390 cannot be reached: Connection refused")])
def test_redis(fake: Fake, reply: bytes | None, state: str, found: str) -> None:
    fake.configured("redis = file:/nowhere@127.0.0.1:6390/0\n")
    if reply is not None:
        fake.servers[REDIS] = reply
    assert [each[:2] for each in fake.look(redis.reachable)] == [(state, found)]


def test_redis_need_not_be_there(fake: Fake) -> None:
    fake.configured("redis = 192.0.2.7:6390/0\nno-redis-required = true\n")
    assert fake.look(redis.reachable) == [
        ("warning", "redis: 192.0.2.7 port 6390 cannot be reached: Connection refused",
         "redis-cli -h 192.0.2.7 -p 6390 ping")]
    fake.configured("table = 0\n")
    assert fake.look(redis.reachable) == [("ok", "not used", "")]


def test_each_server_is_asked_once(fake: Fake) -> None:
    fake.servers = {REDIS: b"+PONG\r\n", ("192.0.2.7", 6379): b"+PONG\r\n"}
    fake.replies = replies("redis = ***@127.0.0.1:6390/0\nredis-write = 192.0.2.7:6379/0\n"
                           "redis-subscribe = 192.0.2.7:6379/0\n")
    assert [found for _, found, _ in fake.look(redis.reachable)] == [
        "redis: 127.0.0.1 port 6390 answers", "redis-write: 192.0.2.7 port 6379 answers"]


@pytest.mark.parametrize("text", [
    "127.0.0.1:6390/0", "pass@word@127.0.0.1:6390/0", "[2001:db8::1]:6390/0", "redis://host/0", "***@host:1/2",
    "redis://user:word@host:6391/2", "rediss://word@host:6391/2", "rediss://host/1", "redis://us%40er:a%3A@host:1/2"])
def test_servers_are_named_as_the_daemon_reads_them(text: str) -> None:
    server = parse_server("redis", text, "")
    assert redis._place(text) == (server.host, server.port, server.tls)


@pytest.mark.parametrize("text", ["", "host:port/0", "redis://", "redis://host:99999/0", "[::1:6379/0"])
def test_servers_that_cannot_be_understood(fake: Fake, text: str) -> None:
    fake.configured(f"redis = {text}\n")
    assert [state for state, _, _ in fake.look(redis.reachable)] == (["problem"] if text else ["ok"])
