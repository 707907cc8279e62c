# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators read of requests and of calls that end."""
import itertools
import logging

import pytest

from controlplane import log, nglog
from controlplane.errors import PeerError
from controlplane.events import Counters
from controlplane.ng.later import Later
from controlplane.ng.request import Request
from controlplane.sdp.errors import SdpError
from tests.unit.requests import request
from tests.unit.session.calls import START
from tests.unit.session.test_quality import Reports
from tests.unit.report.fakes import NOW, FakeCall, FakeMedia, FakeParty, ssrc, stream

SOURCE = "192.0.2.1:5060"
OFFER = request("offer", SOURCE, call_id="c-1")


@pytest.fixture
def lines(monkeypatch):
    """The lines at INFO and above as they are written, without their time."""
    written: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record):
            written.extend(f"{record.levelname}: {line}" for line in log.Lines().lines(record))

    handler, root = Handler(), logging.getLogger("rtpengine")
    root.addHandler(handler)
    for name in ("rtpengine.control", "rtpengine.core"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "level", logging.INFO)
        logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield written
    root.removeHandler(handler)


def run(command, handler, request):
    return nglog.logged(command, handler, itertools.count(0, 0.5).__next__)(request)


def test_request_and_reply_name_call_and_client(lines):
    assert run("offer", lambda request: {"sdp": b"secret"}, OFFER) == {"sdp": b"secret"}
    assert lines == [f"INFO: [c-1]: Received command 'offer' from {SOURCE}",
                     f"INFO: [c-1]: Replying to 'offer' from {SOURCE} (elapsed time 0.500000 sec)"]


def test_what_is_logged_meanwhile_names_the_call_too(lines):
    def handler(request):
        logging.getLogger("rtpengine.core").warning("strange")
        return {}
    run("offer", handler, OFFER)
    logging.getLogger("rtpengine.core").warning("elsewhere")
    assert lines[1] == "WARNING: [c-1]: strange" and lines[-1] == "WARNING: elsewhere"


def test_errors_are_told_and_passed_on(lines):
    def handler(request):
        raise PeerError("Unknown call-id")
    with pytest.raises(PeerError, match="Unknown call-id"):
        run("answer", handler, request("answer", SOURCE, call_id="c-1"))
    assert lines[1:] == [f"INFO: [c-1]: Replying to 'answer' from {SOURCE} with an error "
                         "(elapsed time 0.500000 sec): Unknown call-id"]


def test_why_a_body_cannot_be_read_is_told_of_each_request(lines):
    def handler(request):
        raise SdpError("line without '=': 'junk'")
    for number in range(2):
        with pytest.raises(PeerError):
            run("offer", handler, OFFER)
        assert lines[-1].endswith("sec): Failed to parse SDP: line without '=': 'junk'")


@pytest.mark.parametrize("command", ["ping", "list", "query", "statistics"])
def test_what_monitoring_asks_is_not_told(lines, command):
    assert run(command, lambda request: {"result": "ok"}, Request(command, created_from=SOURCE)) == {"result": "ok"}
    assert lines == []


def test_a_call_that_ends_leaves_its_counters(lines):
    media = FakeMedia(streams=[
        stream("192.0.2.10:30552", "198.51.100.7:40000", user_in=Counters(50, 8600, 0, NOW - 30),
               kernel_in=Counters(2000, 344000, 1, NOW - 2), kernel_out=Counters(7, 1204, 0, NOW),
               sources=(ssrc(0x1f3c77aa, lost=3),)),
        stream("192.0.2.10:30553", rtp=False)])
    party = FakeParty("A\n1", label="alice", created=NOW - 124, medias=[media])
    call = FakeCall("c-9", created=NOW - 125, parties=[party])
    nglog.call_ended(call, "TIMEOUT", NOW)
    assert [line.removeprefix("INFO: [c-9]: ") for line in lines] == [
        "Call ended after 2:05: TIMEOUT", "Final packet stats:",
        "--- Tag 'A\\n1' (label 'alice'), created 2:04 ago",
        "------ Media #1 (audio over RTP/AVP) using PCMA/8000",
        "--------- Port      192.0.2.10:30552 <>    198.51.100.7:40000, in 2050 p, 352600 b, 1 e, 2 ts, "
        "out 7 p, 1204 b, 0 e",
        "--------- Port      192.0.2.10:30553 <>                :0     (RTCP), in 0 p, 0 b, 0 e, 41 ts, "
        "out 0 p, 0 b, 0 e",
        "--------- SSRC 1f3c77aa: 2050 p, 352600 b, lost 3, duplicate 0, out of order 0"]


def test_quality_of_what_was_heard(lines):
    reports = Reports()
    reports.exchange()
    reports.exchange(70)
    nglog.call_ended(reports.daemon.call, "REGULAR", START + 100)
    found = [line.removeprefix("INFO: [c1]: ") for line in lines if "------ " in line and "MOS" in line
             or "respective" in line]
    assert found[-2:] == [
        "------ Average MOS 2.5, lowest MOS 2.5 (at 0:01), highest MOS 2.5 (at 0:01) lost:5",
        "------ respective (avg/min/max) jitter 10/10/10 ms, RTT-e2e 60.0/60.0/60.0 ms, RTT-dsct 20.0/20.0/20.0 ms, "
        "packet loss 10/10/10%"]
    assert len(found) == 4, "the first answer of the other side had no score, its second has one"


def test_nothing_is_put_together_that_nobody_reads(monkeypatch):
    monkeypatch.setattr(nglog._core, "isEnabledFor", lambda level: False)
    monkeypatch.setattr(nglog, "_party_lines", None)
    nglog.call_ended(FakeCall("c-9", parties=[FakeParty("A")]), "REGULAR", NOW)


def test_what_is_asked_twice_is_told(lines):
    nglog.repeated(SOURCE)
    assert lines == [f"INFO: Detected command from {SOURCE} as a duplicate"]


def test_a_reply_that_comes_later_is_told_when_it_is_there(lines):
    later, replies = Later(), []
    run("transform", lambda request: later, Request("transform", created_from=SOURCE)).then(replies.append)
    assert len(lines) == 1
    later.finish({"result": "ok"})
    assert replies == [{"result": "ok"}]
    assert lines[1:] == [f"INFO: Replying to 'transform' from {SOURCE} (elapsed time 0.500000 sec)"]
