# SPDX-License-Identifier: GPL-3.0-or-later
"""Publications to Debian's MQTT broker."""
from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers import debian
from tests.peers.call import Call
from tests.peers.collector import wait
from tests.peers.daemon import Daemon, DaemonFailed
from tests.peers.mosquitto import PASSWORD, USER, Broker, Subscriber
from tests.peers.rtp import Endpoint, pump
from tests.unit.servers.test_tls import certificate

pytestmark = pytest.mark.e2e
TOPIC = "voice/rtpengine"
PACKETS, LOST = 120, 12


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    try:
        with Broker() as running:
            yield running
    except debian.Unobtainable as reason:
        pytest.skip(f"mosquitto cannot be had: {reason}")


def options(broker: Broker, folder: Path, scope: str, *more: str) -> tuple[str, ...]:
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n")
    return ("--mqtt-host=127.0.0.1", f"--mqtt-port={broker.port}", f"--mqtt-user={USER}", f"--mqtt-pass=file:{secret}",
            f"--mqtt-publish-topic={TOPIC}", "--mqtt-publish-interval=200", f"--mqtt-publish-scope={scope}",
            "--mqtt-publish-qos=1", *more)


def talk(daemon: Daemon, ends: tuple[Endpoint, Endpoint]) -> Call:
    a, b = ends
    call = Call(daemon.client(), a, b)
    call.offer()
    call.answer()
    for number in range(PACKETS):
        if number % 10 == 5:
            a.next_packet(b"x" * 160)
        else:
            a.send(b"x" * 160)
        b.send(b"y" * 160)
        pump((a, b), 0.004)
    return call


def found(subscriber: Subscriber, key: str) -> list[dict[str, Any]]:
    return [message for message in map(json.loads, list(subscriber.messages)) if key in message]


def test_everything_about_calls(broker: Broker, ends: tuple[Endpoint, Endpoint], tmp_path: Path) -> None:
    with Subscriber(broker.port, TOPIC) as subscriber, Daemon(options=options(broker, tmp_path, "global")) as daemon:
        call = talk(daemon, ends)

        def source() -> Any:
            for message in reversed(found(subscriber, "calls")):
                for each in message["calls"]:
                    for leg in each["legs"]:
                        for one in leg["medias"][0]["ingress"]["SSRC"]:
                            if one["SSRC"] == ends[0].ssrc and one["metrics"]["packets"] == PACKETS - LOST:
                                return message, each, leg["medias"][0], one
            return None
        assert wait(lambda: source() and len(found(subscriber, "calls")) > 8)
        message, published, media, one = source()
        assert published["call_id"] == call.call_id
        assert (media["media_index"], media["type"], media["status"], media["transcoding"]) == (
            1, "audio", "sendrecv", False)
        assert (media["ingress"]["packets"], media["egress"]["packets"]) == (PACKETS - LOST, PACKETS)
        assert (one["codec"], one["clock_rate"]) == ("PCMA", 8000)
        assert 0 < one["metrics"]["lost"] <= LOST, "what may still come late is not lost yet"
        assert one["metrics"]["bytes_per_second"] >= 0
        assert message["totalstatistics"]["uptime"] >= 0 and message["currentstatistics"]["sessionsown"] == 1
        (interface,) = message["interfaces"]
        assert interface["ingress_interval"]["packets"] >= 0
        assert interface["rate"].keys() == interface["interval"].keys()
        rates = [each["ingress_rate"]["packets"] for each in (m["interfaces"][0] for m in found(subscriber, "calls"))
                 if "ingress_rate" in each]
        assert max(rates) > 0
        assert subscriber.kinds == {(False, 1)}
        shown = subprocess.run(["ps", "-o", "args=", "-p", str(daemon.pid)], capture_output=True, text=True,
                               timeout=60).stdout
        assert PASSWORD not in shown and PASSWORD not in daemon.cli("list params") + daemon.log_text()


@pytest.mark.parametrize("scope, key, messages", [
    ("call", "legs", 1), ("media", "media_index", 2), ("summary", "-", 0)])
def test_scopes(broker: Broker, ends: tuple[Endpoint, Endpoint], tmp_path: Path, scope: str, key: str,
                messages: int) -> None:
    with Subscriber(broker.port, TOPIC) as subscriber, Daemon(options=options(broker, tmp_path, scope)) as daemon:
        call = talk(daemon, ends)
        subscriber.messages.clear()
        assert wait(lambda: len(found(subscriber, "totalstatistics")) >= 4)
        each = [json.loads(message) for message in list(subscriber.messages)]
        summaries = [at for at, message in enumerate(each) if "totalstatistics" in message]
        between = each[summaries[1] + 1:summaries[2]]
        assert len(between) == messages and all(message["call_id"] == call.call_id and key in message
                                                for message in between)
        assert all(isinstance(message["timestamp"], float) for message in each)


def test_a_broker_that_comes_back_gets_the_next_messages(tmp_path: Path) -> None:
    try:
        running = Broker()
    except debian.Unobtainable as reason:
        pytest.skip(f"mosquitto cannot be had: {reason}")
    with running, Daemon(options=options(running, tmp_path, "summary")) as daemon:
        with Subscriber(running.port, TOPIC) as subscriber:
            assert wait(lambda: subscriber.messages)
        running.stop()
        assert wait(lambda: "MQTT broker" in daemon.log_text().replace("Connected to the MQTT broker", ""))
        with daemon.client() as client:
            assert client.call("ping")["result"] == "pong"
        running.start()
        with Subscriber(running.port, TOPIC) as subscriber:
            assert wait(lambda: subscriber.messages)


# --- with TLS ---

@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, dict[str, tuple[Path, Path]]]]:
    """A broker that listens with TLS alone and wants certificates, and who has which, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("certificates")
    files = {name: certificate(folder, name) for name in ("broker", "daemon", "stranger")}
    cert, key = files["broker"]
    try:
        with Broker((f"certfile {cert}", f"keyfile {key}", f"cafile {files['daemon'][0]}", "require_certificate true",
                     "tls_version tlsv1.2")) as running:
            yield running, files
    except debian.Unobtainable as reason:
        pytest.skip(f"mosquitto cannot be had: {reason}")


def trust(files: dict[str, tuple[Path, Path]], authority: str, ours: str | None) -> tuple[str, ...]:
    shown = () if ours is None else tuple(map("--mqtt-{}={}".format, ("certfile", "keyfile"), files[ours]))
    return f"--mqtt-cafile={files[authority][0]}", *shown


def test_tls_with_certificates_of_both_sides(encrypted: tuple[Broker, dict[str, tuple[Path, Path]]],
                                             tmp_path: Path) -> None:
    broker, files = encrypted
    context = ssl.create_default_context(cafile=str(files["broker"][0]))
    context.load_cert_chain(*files["daemon"])
    more = trust(files, "broker", "daemon")
    with Subscriber(broker.port, TOPIC, context) as subscriber, \
            Daemon(options=options(broker, tmp_path, "summary", *more)) as daemon:
        assert wait(lambda: len(found(subscriber, "totalstatistics")) > 2), daemon.log_tail()


@pytest.mark.parametrize(("authority", "ours", "reason"), [
    ("stranger", "daemon", "certificate verify failed"), ("broker", None, " alert "),
    ("broker", "stranger", "alert unknown ca")])
def test_tls_with_a_broker_that_is_another_or_takes_us_for_one(
        encrypted: tuple[Broker, dict[str, tuple[Path, Path]]], tmp_path: Path, authority: str, ours: str | None,
        reason: str) -> None:
    broker, files = encrypted
    context = ssl.create_default_context(cafile=str(files["broker"][0]))
    context.load_cert_chain(*files["daemon"])
    more = trust(files, authority, ours)
    with Subscriber(broker.port, TOPIC, context) as subscriber, \
            Daemon(options=options(broker, tmp_path, "summary", *more)) as daemon:
        assert wait(lambda: reason in daemon.log_text()), daemon.log_tail()
        assert "Connected to the MQTT broker" not in daemon.log_text() and not subscriber.messages
        with daemon.client() as client:
            assert client.call("ping")["result"] == "pong"


def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    with pytest.raises(DaemonFailed, match=f"mqtt-cafile.* {missing}: No such file"):
        Daemon(options=("--mqtt-host=127.0.0.1", "--mqtt-publish-topic=x", f"--mqtt-cafile={missing}"))
