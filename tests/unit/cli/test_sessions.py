# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.cli.dispatcher import Dispatcher

from ..report.fakes import FakeCall, two_party_call
from .fakes import FakeBackend, with_calls


@pytest.fixture
def backend() -> FakeBackend:
    return with_calls(two_party_call("one"), FakeCall("two words"), FakeCall("abroad", foreign=True))


def test_list_one_line_each(backend: FakeBackend) -> None:
    run = Dispatcher(backend).text
    assert [line[:70].split()[1] for line in run("list sessions all").splitlines()] == ["one", "two", "abroad"]
    assert "abroad" not in run("list sessions own") and run("list sessions own").count("\n") == 2
    assert run("list sessions foreign").count("\n") == 1
    assert run("list sessions recording") == "No recording sessions on this media relay.\n"


def test_calls_not_wanted_are_passed_one_by_one() -> None:
    """So that a search through very many can be interrupted; all at once it held up the daemon."""
    reply = Dispatcher(with_calls(*(FakeCall(str(number)) for number in range(100)))).run("list sessions foreign")
    assert list(reply) == [""] * 100 + ["No foreign sessions on this media relay.\n"]


def test_list_nothing() -> None:
    run = Dispatcher(FakeBackend()).text
    assert run("list sessions") == "More parameters required.\n"
    assert run("list sessions own") == "No own sessions on this media relay.\n"
    assert run("list sessions foreign") == "No foreign sessions on this media relay.\n"
    assert run("list sessions nobody") == "\nCall ID not found (nobody).\n\n"


def test_details(backend: FakeBackend) -> None:
    run = Dispatcher(backend).text
    assert run("list sessions one") == run("call one info")
    assert run("list sessions one").startswith("\ncallid: one\n")
    assert run("list sessions two words").startswith("\ncallid: two words\n")
    assert run("call one tag totag88 info").startswith("--- Tag 'totag88', type: TO_TAG,")
    assert backend.refreshed == ["one", "one", "one", "two words", "one"], "counters are read when somebody looks"


def test_the_listing_survives_calls_ending_meanwhile(backend: FakeBackend) -> None:
    reply = iter(Dispatcher(backend).run("list sessions all"))
    next(reply)
    backend.registry.clear()
    assert len(list(reply)) == 2


@pytest.mark.parametrize("line, reply, left", [
    ("terminate", "More parameters required.\n", ["one", "two words", "abroad"]),
    ("terminate one", "\nCall Id (one) successfully terminated by operator.\n\n", ["two words", "abroad"]),
    ("terminate two words", "\nCall Id (two words) successfully terminated by operator.\n\n", ["one", "abroad"]),
    ("terminate all", "All calls terminated by operator.\n", []),
    ("terminate own", "All own calls terminated by operator.\n", ["abroad"]),
    ("terminate foreign", "All foreign calls terminated by operator.\n", ["one", "two words"]),
    ("terminate al", "\nCall Id not found (al).\n\n", ["one", "two words", "abroad"]),
    ("terminate o", "\nCall Id not found (o).\n\n", ["one", "two words", "abroad"]),
    ("terminate allx", "\nCall Id not found (allx).\n\n", ["one", "two words", "abroad"]),
    ("call one terminate", "\nCall 'one' terminated.\n\n", ["two words", "abroad"]),
])
def test_terminate(backend: FakeBackend, line: str, reply: str, left: list[str]) -> None:
    assert Dispatcher(backend).text(line) == reply
    assert list(backend.registry) == left


@pytest.mark.parametrize("line, reply", [
    ("debug", "No call ID specified\n"),
    ("debug nobody", "Call ID 'nobody' not found\n"),
    ("debug one", "Enabled debugging for call 'one'\n"),
    ("debug one on", "Enabled debugging for call 'one'\n"),
    ("debug one enable", "Enabled debugging for call 'one'\n"),
    ("debug one off", "Disabled debugging for call 'one'\n"),
    ("debug one disable", "Disabled debugging for call 'one'\n"),
    ("debug one foo", "Invalid on/off flag ('foo') specified\n"),
    ("call one debug", "Enabled debugging for call 'one'\n"),
    ("call one debug off", "Disabled debugging for call 'one'\n"),
])
def test_debug(backend: FakeBackend, line: str, reply: str) -> None:
    assert Dispatcher(backend).text(line) == reply
    assert backend.registry["one"].debug == reply.startswith("Enabled")


def test_active_and_standby() -> None:
    own, abroad = with_calls(FakeCall("a")), with_calls(FakeCall("b", foreign=True))
    assert Dispatcher(own).text("active") == "Ok, all calls set to 'owned (active)'\n"
    assert Dispatcher(abroad).text("active") == "Ok, all calls set to 'owned (active)'\n"
    assert not abroad.registry["b"].foreign
    assert Dispatcher(own).text("standby") == "Ok, all calls set to 'foreign (standby)'\n"
    assert own.registry["a"].foreign
    assert Dispatcher(FakeBackend()).text("standby") == "Ok, all calls set to 'foreign (standby)'\n"


def test_drain_and_undrain(backend: FakeBackend) -> None:
    run = Dispatcher(backend).text
    assert run("drain") == "New calls are refused; own calls left: 2\n" and backend.draining
    assert run("undrain") == "New calls are taken.\n" and not backend.draining


@pytest.mark.parametrize("line, reply", [
    ("explain", "More parameters required.\n"), ("events", "More parameters required.\n"),
    ("explain one", "why one is\n  as it is\n"), ("events one", "what befell one\n"),
    ("explain gone", "what befell gone\n"), ("events two words", "what befell two words\n"),
    ("explain nobody", "\nCall ID not found (nobody).\n\n"), ("events nobody", "\nCall ID not found (nobody).\n\n")])
def test_explain_and_events(backend: FakeBackend, line: str, reply: str) -> None:
    assert Dispatcher(backend).text(line) == reply
