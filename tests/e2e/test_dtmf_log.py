# SPDX-License-Identifier: GPL-3.0-or-later
"""DTMF events in the log (option log-facility-dtmf), of plain and of encrypted calls, forwarded all the same."""
from __future__ import annotations

import json
import re
from contextlib import closing

import pytest

from tests.peers import sdp
from tests.peers.collector import wait
from tests.peers.daemon import Daemon
from tests.peers.ngclient import NgClient
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


@pytest.mark.parametrize("flags", [[], ["block-DTMF"]])
def test_an_event_is_told_once_at_its_end(flags: list[str]) -> None:
    with Daemon(options=["--log-facility-dtmf=local3"]) as daemon, daemon.client() as client, \
            closing(Endpoint(seed=1)) as a, closing(Endpoint(seed=2)) as b:
        agree(client, a, b, flags)
        for end in (a, b):
            end.send(b"x" * 160)
        assert pump((a, b), 3.0, lambda: len(a.arrivals) == len(b.arrivals) == 1)
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
        pump((a, b), 1.0, lambda: len(b.arrivals) >= 1 + forwarded)
        assert len(b.arrivals) == 1 + forwarded
