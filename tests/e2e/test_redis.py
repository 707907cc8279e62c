# SPDX-License-Identifier: GPL-3.0-or-later
"""Daemons with their calls in Redis: restarts, another node, servers that stall, vanish or ask who is there."""
from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from controlplane.persist.encoding import from_bytes
from controlplane.srtp.suites import find_suite
from tests.peers.call import Call
from tests.peers.daemon import Daemon, DaemonFailed, free_port
from tests.peers.phones import Call as EncryptedCall
from tests.peers.phones import Phone
from tests.peers.ports import media_ports
from tests.peers.quiet import rest
from tests.peers.redis import PROGRAM, RedisServer
from tests.peers.rtp import Endpoint, pump

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(PROGRAM is None, reason="no redis-server (package redis-server)")]
PATIENCE = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as made:
        yield made


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def node(stack: ExitStack, *options: str, **more: object) -> Daemon:
    options = "--delete-delay=0", "--redis-connect-timeout=20000", *media_ports(), *options
    return stack.enter_context(Daemon(options=options, **more))  # type: ignore[arg-type]


def wait(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


class Talk:
    """A call of two ends whose media are heard in both directions, or not."""

    def __init__(self, stack: ExitStack, daemon: Daemon, call_id: str = "c1"):
        self.stack = stack
        self.a, self.b = Endpoint(), Endpoint()
        stack.callback(self.a.close)
        stack.callback(self.b.close)
        self.call = Call(stack.enter_context(daemon.client()), self.a, self.b, call_id=call_id)
        self.call.offer()
        self.call.answer()

    def flows(self, packets: int = 10) -> bool:
        """Whether as many arrive on both sides."""
        before = len(self.a.arrivals), len(self.b.arrivals)
        for _ in range(packets):
            self.a.send(b"a" * 160)
            self.b.send(b"b" * 160)
        return pump([self.a, self.b], 20.0, lambda: len(self.a.arrivals) - before[0] >= packets
                    and len(self.b.arrivals) - before[1] >= packets)


def test_calls_survive_a_restart(stack: ExitStack, server: RedisServer) -> None:
    first = node(stack, f"--redis={server.url(3)}")
    talk = Talk(stack, first)
    assert talk.flows()
    store = server.client(3)
    wait(lambda: store.exists("c1"))
    assert from_bytes(store.get("c1"))["call_id"] == "c1" and 86000 < store.ttl("c1") <= 86400
    assert "redis: 3" in first.cli("list sessions all")
    first.stop()
    assert store.exists("c1"), "what goes on stays"
    second = node(stack, f"--redis={server.url(3)}")
    assert "Redis restore time" in second.log_text()
    assert talk.flows(), "media flow again without any signalling"
    with second.client() as client:
        assert client.call("delete", **{"call-id": "c1", "from-tag": talk.call.from_tag})["result"] == "ok"
    wait(lambda: not store.exists("c1"))


def test_the_document_is_newer_than_the_last_answer(stack: ExitStack, server: RedisServer) -> None:
    """A process that is killed has written what it answered; encrypted media go on behind a roll-over."""
    first = node(stack, f"--redis={server.url(0)}", "--redis-format=bencode")
    phones = encrypted(stack, first)
    store = server.client(0)
    wait(lambda: store.exists(phones.call_id))
    phones.talk(5)
    time.sleep(0.5)
    assert store.get(phones.call_id)[:1] == b"d"
    phones.talk(60)
    first.process.kill()
    first.process.wait()
    second = node(stack, f"--redis={server.url(0)}")
    phones.talk(60)
    phones.client = stack.enter_context(second.client())
    phones.negotiate()
    phones.talk(10)


def encrypted(stack: ExitStack, daemon: Daemon) -> EncryptedCall:
    suites = [find_suite("AES_CM_128_HMAC_SHA1_80"), find_suite("AEAD_AES_256_GCM")]
    a, b = (Phone("RTP/SAVP", suite, seed) for seed, suite in enumerate(suites, 1))
    call = EncryptedCall(stack.enter_context(daemon.client()), a, b)
    stack.callback(a.close)
    stack.callback(b.close)
    return call


def test_requests_do_not_wait_for_a_server_that_stalls(stack: ExitStack, server: RedisServer) -> None:
    daemon = node(stack, f"--redis={server.url(0)}")
    store = server.client(0)
    Talk(stack, daemon, "before")
    wait(lambda: store.exists("before"))
    server.stall()
    for number in range(40):
        talk = Talk(stack, daemon, f"c{number}")
        assert Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    assert talk.flows()
    with daemon.client() as client:
        client.call("delete", **{"call-id": "before", "from-tag": "x", "all": "all"})
        client.call("delete", **{"call-id": "before"})
    server.go_on()
    wait(lambda: store.dbsize() == 40 and not store.exists("before"))


def test_a_server_that_vanishes_gets_the_last_states_when_it_is_back(stack: ExitStack, server: RedisServer) -> None:
    daemon = node(stack, f"--redis={server.url(0)}", "--redis-allowed-errors=1", "--redis-disable-time=1")
    Talk(stack, daemon, "before")
    wait(lambda: server.client(0).exists("before"))
    server.stop()
    talks = [Talk(stack, daemon, f"c{number}") for number in range(3)]
    assert talks[0].flows()
    time.sleep(1.5)
    talks[1].call.delete()
    server.start()
    wait(lambda: {b"c0", b"c2"} <= set(server.client(0).keys("*")))
    assert not server.client(0).exists("c1") and "Redis cannot be used" in daemon.log_text()


def test_without_redis_there_is_no_start_unless_it_may_be_missing(stack: ExitStack, server: RedisServer) -> None:
    server.stop()
    with pytest.raises(DaemonFailed, match="Refusing to continue without working Redis database"):
        node(stack, f"--redis={server.url(0)}")
    daemon = node(stack, f"--redis={server.url(0)}", "--no-redis-required")
    Talk(stack, daemon)
    server.start()
    wait(lambda: server.client(0).exists("c1"))


def test_what_cannot_be_restored_is_kept(stack: ExitStack, server: RedisServer) -> None:
    store = server.client(0)
    store.set("junk", b"\xff\x00")
    store.set("old", b'{"json":{"created":"1"},"tag-0":{}}')
    store.rpush("list", 1)
    daemon = node(stack, f"--redis={server.url(0)}")
    assert set(store.keys("*")) == {b"junk", b"old", b"list"} and "cannot be restored" in daemon.log_text()
    assert "0 calls, 2 failed" in daemon.log_text()


def test_a_request_may_say_that_it_is_not_to_be_written(stack: ExitStack, server: RedisServer) -> None:
    daemon = node(stack, f"--redis={server.url(0)}")
    talk = Talk(stack, daemon)
    store = server.client(0)
    wait(lambda: store.exists("c1"))
    time.sleep(0.2)
    rest(daemon.pid)
    store.delete("c1")
    talk.call.query()
    talk.call.offer(flags=["no-redis-update"])
    time.sleep(0.3)
    assert not store.exists("c1")
    talk.call.offer()
    wait(lambda: store.exists("c1"))


# --- two nodes ---

def pair(stack: ExitStack, server: RedisServer, *more: str) -> tuple[Daemon, Daemon]:
    """Each with a data base of its own, and with the other's calls as foreign ones; their addresses differ."""
    one = node(stack, f"--redis={server.url(1)}", "--subscribe-keyspace=2", *more, interfaces=["127.0.0.1"])
    other = node(stack, f"--redis={server.url(2)}", "--subscribe-keyspace=1", *more, interfaces=["127.0.0.2"])
    return one, other


def foreign(daemon: Daemon) -> int:
    return daemon.cli("list sessions foreign").count("frgn:y")


def test_another_node_follows(stack: ExitStack, server: RedisServer) -> None:
    one, other = pair(stack, server)
    talk = Talk(stack, one)
    wait(lambda: foreign(other) == 1)
    assert "redis: 1" in other.cli("list sessions all")
    Talk(stack, one, "c2")
    wait(lambda: foreign(other) == 2)
    assert not server.client(2).keys("*"), "foreign calls are not written"
    talk.call.delete()
    wait(lambda: foreign(other) == 1)
    assert "Success" in one.cli("set timeout 1")
    wait(lambda: "No own" in one.cli("list sessions own"))
    wait(lambda: foreign(other) == 0)
    assert not server.client(1).keys("*")
    assert "Current sessions foreign: 0" in other.cli("list numsessions")


def test_foreign_calls_become_own(stack: ExitStack, server: RedisServer) -> None:
    one, other = pair(stack, server)
    talk = Talk(stack, one)
    wait(lambda: foreign(other) == 1)
    assert other.cli("active") == "Ok, all calls set to 'owned (active)'\n"
    assert one.cli("standby") == "Ok, all calls set to 'foreign (standby)'\n"
    assert foreign(other) == 0 and foreign(one) == 1
    wait(lambda: server.client(2).exists("c1"))
    assert "redis: 2" in other.cli("list sessions all")
    talk.a.connect("127.0.0.2", talk.a.destination[1])
    talk.b.connect("127.0.0.2", talk.b.destination[1])
    assert talk.flows()
    with other.client() as client:
        client.call("delete", **{"call-id": "c1"})
    wait(lambda: "No sessions" in other.cli("list sessions all") and not server.client(2).exists("c1"))
    wait(lambda: "No sessions" in one.cli("list sessions all"))


def joined(stack: ExitStack, daemon: Daemon, store: Any) -> Talk:
    """The caller of one call and the callee of another one, which have been connected; both were stored before."""
    talks = [Talk(stack, daemon, call_id) for call_id in ("c1", "c2")]
    wait(lambda: store.exists("c1") and store.exists("c2"))
    first, second = talks
    first.call.client.call("connect", **{"call-id": "c1", "from-tag": first.call.from_tag, "to-call-id": "c2",
                                         "to-tag": second.call.to_tag})
    first.b = second.b
    return first


def test_what_was_connected_is_stored_as_one(stack: ExitStack, server: RedisServer) -> None:
    first, store = node(stack, f"--redis={server.url(3)}"), server.client(3)
    talk = joined(stack, first, store)
    assert talk.flows()
    wait(lambda: store.keys("*") == [b"c1"])
    first.stop()
    second = node(stack, f"--redis={server.url(3)}")
    assert "1 calls, 0 failed" in second.log_text() and talk.flows()
    with second.client() as client:
        client.call("delete", **{"call-id": "c2"})
        client.call("delete", **{"call-id": "c1"})
    wait(lambda: not store.keys("*"))


def test_who_follows_gets_what_was_connected(stack: ExitStack, server: RedisServer) -> None:
    one, other = pair(stack, server)
    talk = joined(stack, one, server.client(1))
    wait(lambda: foreign(other) == 1)
    other.cli("active"), one.cli("standby")
    for end in (talk.a, talk.b):
        end.connect("127.0.0.2", end.destination[1])
    assert talk.flows()


def test_media_or_signalling_take_a_call_over(stack: ExitStack, server: RedisServer) -> None:
    one, other = pair(stack, server, "--active-switchover")
    talk, second = Talk(stack, one), Talk(stack, one, "c2")
    wait(lambda: foreign(other) == 2)
    talk.a.connect("127.0.0.2", talk.a.destination[1])
    talk.a.send(b"x" * 160)
    wait(lambda: foreign(other) == 1)
    second.call.client = stack.enter_context(other.client())
    second.call.offer()
    assert foreign(other) == 0


def test_keyspaces(stack: ExitStack, server: RedisServer) -> None:
    one = node(stack, f"--redis={server.url(1)}")
    other = node(stack, f"--redis={server.url(2)}", "--subscribe-keyspace=-1", interfaces=["127.0.0.2"])
    assert one.cli("kslist") == "Keyspace notification feature has not been configured.\n" == one.cli("ksadd 1")
    Talk(stack, one)
    assert other.cli("kslist") == "\nSubscribed-on keyspaces:\n-1 \n"
    assert other.cli("ksadd 1") == "Success adding keyspace 1 to redis notifications.\n"
    assert other.cli("ksadd 1") == "Keyspace 1 is already among redis notifications.\n"
    assert other.cli("ksadd") == "More parameters required.\n"
    assert other.cli("ksadd x") == "Fail adding keyspace x to redis notifications; no digits found\n"
    assert other.cli("ksadd -1") == "Fail adding keyspace -1 to redis notifications; errno=0\n"
    wait(lambda: foreign(other) == 1)
    assert other.cli("ksrm 1") == ("Successfully unsubscribed from keyspace 1.\n"
                                   "Successfully removed all foreign calls for keyspace 1.\n")
    assert other.cli("ksrm 1") == "Keyspace 1 is not among redis notifications.\n"
    assert foreign(other) == 0 and server.client(1).exists("c1")
    Talk(stack, one, "c2")
    time.sleep(0.5)
    assert foreign(other) == 0


def test_what_was_missed_is_made_good(stack: ExitStack, server: RedisServer) -> None:
    """Connections are cut while calls come and go; nobody is told of that."""
    one, other = pair(stack, server)
    talks = [Talk(stack, one, f"c{number}") for number in range(3)]
    wait(lambda: foreign(other) == 3)
    store = server.client(0)
    store.config_set("notify-keyspace-events", "")
    Talk(stack, one, "new")
    talks[0].call.delete()
    wait(lambda: server.client(1).dbsize() == 3)
    assert foreign(other) == 3 and "new" not in other.cli("list sessions all")
    assert "tells nobody" not in other.log_text()
    store.client_kill_filter(_type="pubsub")
    wait(lambda: "tells nobody of changed calls" in other.log_text())
    wait(lambda: "new" in other.cli("list sessions all"))
    talks[1].call.delete()
    store.config_set("notify-keyspace-events", "KA")
    store.client_kill_filter(_type="pubsub")
    wait(lambda: foreign(other) == 2)
    assert "c0" not in other.cli("list sessions all")


def test_options_at_run_time(stack: ExitStack, server: RedisServer) -> None:
    daemon = node(stack, f"--redis={server.url(0)}", f"--redis-write={server.url(5)}")
    for keyword, name, value in (("redisallowederrors", "redis-allowed-errors", 3),
                                 ("redisdisabletime", "redis-disable-time", 4),
                                 ("redisconnecttimeout", "redis-connect-timeout", 500),
                                 ("rediscmdtimeout", "redis-cmd-timeout", 900)):
        assert daemon.cli(f"set {keyword} {value}") == f"Success setting {name} to {value}\n"
        assert daemon.cli(f"list {keyword}") == f"{value}\n"
    assert daemon.cli("set redisconnecttimeout 0") == "Invalid redis-connect-timeout value 0, must be > 0\n"
    assert daemon.cli("set redisdisabletime -1") == "Invalid redis-disable-time value -1, must be >= 0\n"
    Talk(stack, daemon)
    wait(lambda: server.client(5).exists("c1"))
    assert daemon.cli("set redisdisable 1") == "Success disable redis write\n"
    talk = Talk(stack, daemon, "c2")
    wait(lambda: server.client(0).exists("c2"))
    assert daemon.cli("set redisdisable 0") == "Success re-enable redis write\n"
    talk.call.delete()
    wait(lambda: not server.client(0).exists("c2"))
    assert node(stack).cli("set redisdisable 1") == "No redis write to disable\n"


# --- who may ---

SECRET = "not/for@everybody"


def shown(daemon: Daemon) -> str:
    """All that others can see of a daemon."""
    processes = Path(f"/proc/{daemon.pid}/cmdline").read_text()
    return processes + daemon.log_text() + daemon.cli("params current") + daemon.cli("params start")


def test_passwords(stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stack.enter_context(RedisServer(tmp_path, ["--requirepass", SECRET]))
    settings = tmp_path / "rtpengine.conf"
    settings.write_text(f"[rtpengine]\nredis = {server.url(0, SECRET)}\n")
    daemon = node(stack, f"--config-file={settings}")
    Talk(stack, daemon)
    wait(lambda: server.client(0, password=SECRET).exists("c1"))
    assert SECRET not in shown(daemon)
    monkeypatch.setenv("RTPENGINE_REDIS_AUTH_PW", SECRET + "x")
    with pytest.raises(DaemonFailed, match="Refusing to continue") as failed:
        node(stack, f"--redis={server.url(0)}")
    assert SECRET not in str(failed.value)


def test_users_and_tls(stack: ExitStack, tmp_path: Path) -> None:
    make_certificate(tmp_path)
    port = free_port(socket.SOCK_STREAM)
    server = stack.enter_context(RedisServer(tmp_path, [
        "--tls-port", str(port), "--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file", f"{tmp_path}/key.pem",
        "--tls-ca-cert-file", f"{tmp_path}/cert.pem", "--tls-auth-clients", "no",
        "--user", "media", "on", f">{SECRET}", "~*", "&*", "+@all", "-config"]))
    (tmp_path / "password").write_text(SECRET)
    url = f"rediss://media:{quote(f'file:{tmp_path}/password', safe='')}@localhost:{port}/4"
    daemon = node(stack, f"--redis={url}", f"--redis-tls-ca={tmp_path}/cert.pem", "--subscribe-keyspace=5")
    Talk(stack, daemon)
    wait(lambda: server.client(4).exists("c1"))
    server.client(5).set("junk", "junk")
    wait(lambda: "'junk' of data base 5 cannot be restored" in daemon.log_text())
    assert SECRET not in shown(daemon)
    with pytest.raises(DaemonFailed, match="certificate verify failed|Refusing to continue"):
        node(stack, f"--redis={url}")


def make_certificate(directory: Path) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", directory / "key.pem", "-out", directory / "cert.pem", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
