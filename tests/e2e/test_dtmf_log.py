# SPDX-License-Identifier: GPL-3.0-or-later
"""DTMF events in the log, over UDP and to ng clients, of plain and of encrypted calls, forwarded all the same."""
from __future__ import annotations

import json
import re
import socket
from contextlib import closing
from typing import Any

import pytest

from controlplane.ng.stream import MessageStream
from controlplane.ng.values import MAX_SIZE
from tests.peers import debian, ngclient, sdp
from tests.peers.collector import wait
from tests.peers.daemon import Command, Daemon, free_port, own_command, reference_command
from tests.peers.ngclient import NgClient
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, Packet, pump

pytestmark = pytest.mark.e2e
EVENTS = ("rtpmap:101 telephone-event/8000", "fmtp:101 0-16")
LINE = re.compile(r'INFO: (?:\[[^ ]*\]: )?(\{"callid".*\})$', re.MULTILINE)
SOURCE, CALL_ID = 0x1234, 'c"1'


def event(number: int, sequence: int, began: int, duration: int, end: bool) -> bytes:
    """A packet of an event at volume -10 dBm0 (RFC 4733 section 2.3)."""
    payload = bytes([number, 0x80 * end | 10]) + duration.to_bytes(2, "big")
    return Packet(101, sequence, began, SOURCE, payload).pack()


def agree(client: NgClient, caller: Endpoint, callee: Endpoint, flags: list[str]) -> None:
    """Offer and answer with events."""
    for command, end, other, tags in (("offer", caller, callee, {}), ("answer", callee, caller, {"to_tag": "b"})):
        body = sdp.body(end.address, end.port, payload_type=8, attributes=EVENTS).replace("RTP/AVP 8", "RTP/AVP 8 101")
        reply = client.call(command, call_id=CALL_ID, from_tag="a", label="A" if command == "offer" else "B",
                            flags=flags if command == "offer" else [], sdp=body, **tags)
        other.hear(sdp.sections(reply["sdp"])[0])


def speak(a: Endpoint, b: Endpoint) -> None:
    """Be heard once, on both sides."""
    for end in (a, b):
        end.send(b"x" * 160)
    assert pump((a, b), 20.0, lambda: len(a.arrivals) == len(b.arrivals) == 1)


@pytest.mark.parametrize("flags", [[], ["block-DTMF"]])
def test_an_event_is_told_once_at_its_end(flags: list[str]) -> None:
    with Daemon(options=["--log-facility-dtmf=local3"]) as daemon, daemon.client() as client, \
            closing(Endpoint(seed=1)) as a, closing(Endpoint(seed=2)) as b:
        agree(client, a, b, flags)
        speak(a, b)
        for sequence, (duration, last) in enumerate([(160, False), (320, False), *[(640, True)] * 3]):
            a.transmit(event(5, 100 + sequence, 5000, duration, last))
        b.transmit(event(11, 200, 9000, 800, True))
        a.transmit(event(1, 300, 7000, 400, False))    # goes on
        a.transmit(event(2, 301, 8000, 80, True))
        a.transmit(Packet(101, 302, 8500, SOURCE, b"\x05\x8a").pack())    # too short
        assert wait(lambda: len(LINE.findall(daemon.log_text())) == 3)
        told = sorted((json.loads(line) for line in LINE.findall(daemon.log_text())), key=lambda line: line["duration"])
        assert list(told[0]) == ["callid", "source_tag", "source_label", "tags", "type", "timestamp", "source_ip",
                                 "event", "duration", "volume"]
        assert told[1] | {"timestamp": 0} == {
            "callid": CALL_ID, "source_tag": "a", "source_label": "A", "tags": ["b", "a"], "type": "DTMF",
            "timestamp": 0, "source_ip": "127.0.0.1", "event": 5, "duration": 80, "volume": 10}
        assert [(each["source_tag"], each["event"], each["duration"]) for each in told] == [
            ("a", 2, 10), ("a", 5, 80), ("b", 11, 100)]
        forwarded = 0 if flags else 8
        rest(daemon.pid)
        pump((a, b), 0.05)
        assert len(b.arrivals) == 1 + forwarded


@pytest.mark.parametrize("command", ["offer", "publish"])
@pytest.mark.parametrize("everywhere", [False, True], ids=["else nowhere", "else to a collector"])
def test_a_call_may_have_a_place_of_its_own(command: str, everywhere: bool) -> None:
    """The collector of all calls hears nothing of its events."""
    with closing(receiver()) as general, closing(receiver()) as own, closing(Endpoint(seed=1)) as a:
        options = [f"--dtmf-log-dest=127.0.0.1:{general.getsockname()[1]}"] * everywhere
        with Daemon(options=options) as daemon, daemon.client() as client:
            body = sdp.body(a.address, a.port, payload_type=8, attributes=EVENTS).replace("AVP 8", "AVP 8 101")
            for number, keys in enumerate(({"DTMF-log-dest": f"127.0.0.1:{own.getsockname()[1]}"}, {}), 1):
                call_id = f"{command}-{number}"
                reply = client.request("publish" if command == "publish" else "offer", call_id=call_id, from_tag="a",
                                       sdp=body, **keys)
                assert "warning" not in reply
                if command == "offer":
                    reply = client.call("answer", call_id=call_id, from_tag="a", to_tag="b", sdp=body)
                a.hear(sdp.sections(reply["sdp"])[0])
                a.transmit(event(number, 100 * number, 5000, 640, True))
            assert json.loads(own.recv(4096))["event"] == 1
            if everywhere:
                assert json.loads(general.recv(4096))["event"] == 2
            client.call("delete", call_id=f"{command}-1", **{"delete-delay": 0})
            client.call("ping")
        for sock in (general, own):
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(4096)


def receiver() -> socket.socket:
    """A socket for a collector."""
    collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    collector.bind(("127.0.0.1", 0))
    collector.settimeout(30)
    return collector


def told_by(command: Command, collector: socket.socket, ng: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is told over UDP, and to a client of ng over TCP, of two events, one of which is sent in a hurry."""
    options = ["--log-facility-dtmf=local3", f"--dtmf-log-dest=127.0.0.1:{collector.getsockname()[1]}",
               "--dtmf-log-ng-tcp", f"--listen-tcp-ng=127.0.0.1:{ng}"]
    with Daemon(command, options=options) as daemon, daemon.client() as client, \
            closing(Endpoint(seed=1)) as a, closing(Endpoint(seed=2)) as b, \
            closing(socket.create_connection(("127.0.0.1", ng), 30)) as subscriber:
        subscriber.sendall(b"1 d7:command4:pinge")
        assert b"pong" in subscriber.recv(4096), "it is known by now"
        agree(client, a, b, [])
        speak(a, b)
        packets = [(5, 5000, 160, False), (5, 5000, 320, False), *[(5, 5000, 480, True)] * 3, (0, 6000, 160, False),
                   (15, 7000, 1600, True)]
        for sequence, (number, began, duration, last) in enumerate(packets):
            a.transmit(event(number, 100 + sequence, began, duration, last))
            pump((a, b), 0.02)
        lines = [collector.recv(4096).decode() for _ in "12"]
        pushed = messages(subscriber, 2)
    return ([json.loads(line.replace('c"1', "c1").replace('c\\"1', "c1")) | {"timestamp": 0} for line in lines],
            [each["data"] | {"timestamp": 0, "notify": each["notify"]} for each in pushed])


def messages(subscriber: socket.socket, count: int) -> list[dict[str, Any]]:
    """That many messages from the daemon, each behind a cookie of its own."""
    stream, found = MessageStream(MAX_SIZE), []
    while len(found) < count:
        data = subscriber.recv(4096)
        assert data, found
        found += [message.partition(b" ") for message in stream.feed(data)]
    cookies = {cookie for cookie, _, _ in found}
    assert len(cookies) == count and all(re.fullmatch(b"[0-9a-f]{16}", cookie) for cookie in cookies)
    return [ngclient.decode(body) for _, _, body in found]


def test_beside_the_reference() -> None:
    """The same, but for the label, which later ones have always, and the order of tags, which there is by hash."""
    try:
        reference = reference_command()
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")
    found = []
    for command in (reference, own_command()):
        with closing(receiver()) as collector:
            found.append(told_by(command, collector, free_port(socket.SOCK_STREAM)))
    for events in (events for told in found for events in told):
        assert [each.pop("source_label", "A") for each in events] == ["A"] * 2
        assert [sorted(each.pop("tags")) for each in events] == [["a", "b"]] * 2
    theirs, ours = found
    assert ours == theirs
