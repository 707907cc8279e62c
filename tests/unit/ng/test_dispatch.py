# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import json

import pytest

from controlplane.errors import DataPlaneError, PeerError
from controlplane.ng.commands import NG_NAMES
from controlplane.ng.cookies import GENERATION, CookieCache
from controlplane.ng.dispatch import Dispatcher, Hooks
from controlplane.ng.later import Later
from controlplane.sdp.errors import SdpError
from controlplane.ng.reply import LoadLimitReached, RequestFailed
from tests.unit.ng.messages import OFFER, SDP

SOURCE = "192.0.2.1:5060"


class Bench:
    """A dispatcher with handlers that record their requests and a clock that ticks once per look."""

    def __init__(self):
        self.requests, self.observed, self.warnings, self.bugs = [], [], [], []
        self.outcome, self.repeated = {}, []
        handlers = {command: self.handle for command in ("ping", "offer", "delete", "list", "query")}
        self.dispatcher = Dispatcher(handlers, CookieCache(0.0), itertools.count().__next__,
                                     Hooks(lambda *seen: self.observed.append(seen),
                                           lambda kind, line: self.warnings.append(line), self.repeated.append,
                                           lambda *bug: self.bugs.append(bug)))

    def handle(self, request):
        self.requests.append(request)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def send(self, data: bytes, now: float = 0.0) -> bytes | None:
        return self.dispatcher.message(data, SOURCE, now)


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize("outcome, request_, reply", [
    ({"result": "pong"}, b"81_a d7:command4:pinge", b"81_a d6:result4:ponge"),
    ({}, b"82_a d7:comm", b"82_a d6:result5:error12:error-reason35:Could not decode bencode dictionarye"),
    ({"sdp": b"v=0\r\n"}, b"83_a " + OFFER, b"83_a d3:sdp5:v=0\r\n6:result2:oke"),
    ({"calls": ["c-9001", "c-9002"]}, b"84_a d7:command4:list5:limiti2ee",
     b"84_a d5:callsl6:c-90016:c-9002e6:result2:oke"),
    ({"warning": "Call-ID not found or tags didn't match"}, b"85_a d7:command6:delete7:call-id4:none8:from-tag2:A1e",
     b"85_a d7:warning38:Call-ID not found or tags didn't match6:result2:oke"),
    (PeerError("Unknown call-id"), b'87_a {"command":"query","call-id":"nope"}',
     b'87_a {"result":"error","error-reason":"Unknown call-id"}'),
    (RequestFailed("Error rewriting SDP", sdp=""), b"88_a " + OFFER,
     b"88_a d3:sdp0:6:result5:error12:error-reason19:Error rewriting SDPe"),
])
def test_wire_examples(bench, outcome, request_, reply):
    bench.outcome = outcome
    assert bench.send(request_) == reply
    assert not bench.bugs


def error(reason: str) -> bytes:
    return b"1 d6:result5:error12:error-reason%d:%se" % (len(reason), reason.encode())


@pytest.mark.parametrize("payload, reason", [
    (b"", "Invalid data (no payload)"), (b" de", "Invalid NG data format"), (b"le", "Invalid NG data format"),
    (b"d1:a", "Could not decode bencode dictionary"), (b"de", 'Dictionary contains no key "command"'),
    (b"d7:commandi1ee", 'Dictionary contains no key "command"'), (b"d7:command4:Pinge", "Unrecognized command"),
    (b"d7:command0:e", "Unrecognized command"), (b"d7:command1:\xffe", "Unrecognized command"),
    (b"d7:command10:block_DTMFe", "Unrecognized command"), (b"d7:command10:block DTMFe", "No command handler"),
    (b"d7:command3:CLIe", "No command handler")])
def test_generic_errors(bench, payload, reason):
    assert bench.send(b"1 " + payload) == error(reason)
    assert len(bench.observed) == 1 and bench.observed[0][3] is True


def test_json_errors_are_json(bench):
    assert bench.send(b"1 {nonsense") == b'1 {"result":"error","error-reason":"Failed to parse JSON document"}'
    assert bench.send(b"2 {}") == b'2 {"result":"error","error-reason":"Dictionary contains no key \\"command\\""}'


@pytest.mark.parametrize("command", sorted(NG_NAMES - {"ping", "offer", "delete", "list", "query"}))
def test_every_known_command_without_a_handler(bench, command):
    assert bench.send(b"1 d7:command%d:%se" % (len(command), command.encode())) == error("No command handler")


def test_there_are_33_commands():
    assert len(NG_NAMES) == 33


@pytest.mark.parametrize("data", [b"", b"no-space", b" d7:command4:pinge"])
def test_without_a_cookie_there_is_no_reply(bench, data):
    assert bench.send(data) is None
    assert bench.warnings and not bench.observed and not bench.requests


def test_duplicates_are_answered_again_and_not_executed(bench):
    first = bench.send(b"1 d7:command4:pinge")
    assert bench.send(b"1 utter nonsense", now=2 * GENERATION - 1) == first
    assert len(bench.requests) == len(bench.observed) == 1 and bench.repeated == [SOURCE]
    bench.send(b"1 d7:command4:pinge", now=5 * GENERATION)
    bench.send(b"1 d7:command4:pinge", now=6 * GENERATION)
    assert len(bench.requests) == 2


def test_error_replies_are_cached_too(bench):
    assert bench.send(b"1 x") == bench.send(b"1 d7:command4:pinge")
    assert not bench.requests


def test_plain_messages_bypass_the_cache(bench):
    bench.outcome = {"result": "pong"}
    for _ in range(2):
        assert bench.dispatcher.plain(b"d7:command4:pinge", SOURCE, 0.0) == b"d6:result4:ponge"
    assert len(bench.requests) == 2


def test_handlers_get_the_typed_request(bench):
    bench.send(b"1 " + OFFER, now=77.0)
    request, = bench.requests
    assert (request.command, request.created_from, request.received_at) == ("offer", SOURCE, 77.0)
    assert (request.call_id, request.from_tag, request.sdp) == ("c-9001", "A1", SDP)


@pytest.mark.parametrize("supports, reply", [
    (b"8:supportsl10:load limite", b"1 d6:result10:load limit7:message19:Load limit exceedede"),
    (b"", error("Parallel session limit reached"))])
def test_load_limit(bench, supports, reply):
    bench.outcome = LoadLimitReached("Load limit exceeded")
    assert bench.send(b"1 d7:command5:offer" + supports + b"e") == reply


@pytest.mark.parametrize("outcome", [ValueError("bug"), DataPlaneError(12, "add"), {"a": object()}, {"a": None}, None])
def test_a_bug_is_reported_and_answered(bench, outcome):
    bench.outcome = outcome
    assert bench.send(b"1 d7:command4:pinge") == error("Internal error")
    assert len(bench.bugs) == 1
    assert bench.bugs[0][1].__traceback__ is not None
    bench.outcome = {"result": "pong"}
    assert bench.send(b"2 d7:command4:pinge") == b"2 d6:result4:ponge"


def test_the_log_says_what_was_wrong_with_a_body(bench):
    bench.outcome = SdpError("second c= line: 'IN IP4 x'")
    assert bench.send(b"1 " + OFFER) == error("Failed to parse SDP")
    assert "Failed to parse SDP: second c= line" in bench.warnings[0]


def test_requests_are_observed(bench):
    bench.send(b"1 d7:command4:pinge")
    bench.outcome = PeerError("no")
    bench.send(b"2 " + OFFER)
    bench.dispatcher.plain(b"d7:command5:bogus", "[2001:db8::1]:7", 0.0)
    assert bench.observed == [("ping", "192.0.2.1", 1, False), ("offer", "192.0.2.1", 1, True),
                              ("bogus", "2001:db8::1", 1, True)]


def test_what_is_not_implemented_is_logged_on_one_line(bench):
    bench.send(b"1 d7:command5:offer5:flagsl11:record-call7:bo\ngus!e7:call-id1:\xffe")
    assert len(bench.warnings) == 2
    assert "record-call" in bench.warnings[0] and "bo\\ngus" in bench.warnings[1]
    assert all(line.isprintable() for line in bench.warnings)


def test_what_counts_for_nothing_is_told_in_the_reply_and_in_the_log(bench):
    """What nobody knows in the log only."""
    reply = bench.send(b'1 {"command":"offer","TOS":"a\\u00e9","flags":["record-call","?"]}')
    assert json.loads(reply[2:]) == {"result": "ok", "warning": "Not supported: record-call; "
                                                                "Ignored: TOS: 'a\\xe9' is not an integer"}
    assert [line.partition(": ")[2][:8] for line in bench.warnings] == ["unsuppor", "unknown ", "ignored "]


def test_an_error_tells_besides_what_counted_for_nothing(bench):
    bench.outcome = PeerError("No call-id in message")
    assert bench.send(b"1 d7:command5:offer7:call-idi5ee") == (
        b"1 d7:warning31:Ignored: call-id: 5 is not text6:result5:error12:error-reason21:No call-id in messagee")
    bench.outcome = RequestFailed("Error rewriting SDP", sdp="")
    assert bench.send(b"2 d7:command5:offer3:TOS1:xe").startswith(b"2 d3:sdp0:7:warning")


def test_a_reply_that_comes_later_has_the_warning_too(bench):
    bench.outcome = later = Later()
    delivered = []
    bench.send(b"1 d7:command5:offer3:TOS1:xe").then(delivered.append)
    later.finish({"result": "ok"})
    assert delivered == [b"1 d7:warning35:Ignored: TOS: 'x' is not an integer6:result2:oke"]


def test_the_cause_of_a_decoding_error_is_logged(bench):
    bench.send(b"1 d1:a")
    assert "key without a value" in bench.warnings[0]


def test_a_reply_that_comes_later_is_framed_logged_and_kept_then(bench):
    bench.outcome = later = Later()
    first, second = bench.send(b"91_a d7:command4:pinge"), bench.send(b"91_a d7:command4:pinge", 100.0)
    delivered = []
    first.then(delivered.append)
    second.then(delivered.append)
    assert len(bench.requests) == 1 and bench.observed == []
    later.finish({"result": "pong"})
    assert delivered == [b"91_a d6:result4:ponge"] * 2
    assert bench.send(b"91_a d7:command4:pinge", 100.0) == b"91_a d6:result4:ponge"
    assert [seen[0] for seen in bench.observed] == ["ping"] and len(bench.requests) == 1


def test_plain_messages_are_executed_again_and_again(bench):
    bench.outcome = {"result": "pong"}
    for _ in range(2):
        assert bench.dispatcher.plain(b'{"command":"ping"}', SOURCE, 0.0) == b'{"result":"pong"}'
    assert len(bench.requests) == 2
