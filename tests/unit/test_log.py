# SPDX-License-Identifier: GPL-3.0-or-later
import io
import logging
import os
import re
import sys

import pytest
from hypothesis import given, strategies as st

from controlplane import log
from controlplane.config.settings import Settings


@pytest.fixture
def start():
    running = []

    def starter(**options):
        stream = io.StringIO()
        given_options = {"log-stderr": True, **{key.replace("_", "-"): value for key, value in options.items()}}
        running.append(log.setup(Settings(given_options), stream))
        return running[-1], stream
    yield starter
    for each in running:
        each.close()


def logger(name: str) -> logging.Logger:
    return logging.getLogger(f"rtpengine.{name}")


def record(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("rtpengine.core", logging.INFO, "", 0, message, values, None)


def test_a_line_has_time_level_and_call(start):
    _, stream = start()
    with log.about_call("abc@host"):
        logger("core").warning("text %d", 5)
    assert re.fullmatch(r"\[\d{9,}\.\d{6}\] WARNING: \[abc@host\]: text 5\n", stream.getvalue())


def test_lines_without_time(start):
    _, stream = start(no_log_timestamps=True)
    logger("core").error("a")
    logger("core").log(log.NOTICE, "b")
    logging.getLogger("asyncio").error("c")
    assert stream.getvalue() == "ERR: a\nNOTICE: b\nERR: c\n"


def test_subsystems_have_their_own_levels(start):
    running, stream = start(no_log_timestamps=True, log_level=5, log_level_control=7)
    for name in ("core", "control", "internals"):
        logger(name).debug("%s", name)
    assert stream.getvalue() == "DEBUG: control\n"
    assert (running.levels["core"], running.levels["control"], running.levels["internals"]) == (5, 7, -1)
    running.set_level(7, "core")
    assert logger("core").isEnabledFor(logging.DEBUG) and not logger("ice").isEnabledFor(logging.INFO)
    running.set_level(3)
    assert not logger("control").isEnabledFor(logging.WARNING) and logger("internals").isEnabledFor(logging.ERROR)
    running.set_level(-1, "internals")
    running.shift(-4)
    assert running.levels["core"] == 0 and not logger("core").isEnabledFor(logging.CRITICAL)
    running.shift(9)
    assert (running.levels["core"], running.levels["internals"]) == (7, -1)


@pytest.mark.parametrize("parsable,context,prefix", [
    (False, log.CallContext("c"), "[c]: "),
    (False, log.CallContext("c", "t", 1, 30000), "[c/t/1 port 30000]: "),
    (True, log.CallContext("c"), '[ID="c"]: '),
    (True, log.CallContext("c", "t", 0, 30000), '[ID="c" tag="t" index="0" port="30000"]: '),
    (True, log.CallContext('c" tag="x'), '[ID="c\\x22 tag=\\x22x"]: '),
    (False, None, ""),
])
def test_prefixes(parsable, context, prefix):
    assert log.Lines(parsable=parsable).prefix(context) == prefix


def test_marks_surround_what_is_sensitive():
    assert log.Lines(mark=("<", ">")).prefix(log.CallContext("c", "t")) == "[<c>/<t>]: "


def test_a_call_id_cannot_forge_a_line():
    lines = log.Lines(split=True)
    with log.about_call("x\n[1.0] ERR: forged\x1b[2J\u202e" + "y" * 1000):
        assert lines.lines(record("text"))[0].startswith("[x\\n[1.0] ERR: forged\\x1b[2J\\u202eyyy")
        assert len(lines.lines(record("text"))) == 1 and len(lines.lines(record("text"))[0]) < 320


def test_line_ends_in_messages_are_shown_or_split():
    assert log.Lines().lines(record("a\r\nb\n")) == ["a\\r\\nb\\n"]
    with log.about_call("c"):
        assert log.Lines(split=True).lines(record("a\r\nb\n")) == ["[c]: a", "[c]: b"]


def test_long_lines_are_cut_in_pieces():
    pieces = log.Lines(length=20).lines(record("x" * 30))
    assert pieces == ["x" * 12 + " ...", "... " + "x" * 12 + " ...", "... " + "x" * 6]
    assert log.Lines(length=30).lines(record("x" * 30)) == ["x" * 30]


def test_tracebacks_are_lines_of_their_own(start):
    _, stream = start(no_log_timestamps=True)
    try:
        raise ValueError("bad")
    except ValueError:
        logger("core").exception("failed")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "ERR: failed" and lines[-1] == "ERR: ValueError: bad" and len(lines) > 3


def test_syslog_gets_level_and_line_and_standard_error_warnings_until_detached(start, monkeypatch):
    sent = []
    monkeypatch.setattr(log.LOCAL, "open", lambda *values: sent.append(values))
    running, stream = start(log_stderr=False, log_facility="local3", log_name="abc")
    handler = next(each for each in logging.getLogger().handlers if isinstance(each, log.SyslogHandler))
    handler.send = lambda number, text: sent.append((number, text))
    logger("core").warning("one")
    logger("core").info("two")
    running.detached()
    running.detached()
    logger("core").error("three")
    assert sent == [("abc", log.syslog.LOG_LOCAL3), (4, "one"), (6, "two"), (3, "three")]
    assert handler.lines.length == 500
    assert stream.getvalue().endswith("WARNING: one\n") and stream.getvalue().count("\n") == 1


def test_the_journal_is_recognised_by_device_and_inode(tmp_path):
    with open(tmp_path / "x", "w") as file:
        status = os.fstat(file.fileno())
        assert log.stderr_is_journal({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, file.fileno())
        assert not log.stderr_is_journal({"JOURNAL_STREAM": "1:2"}, file.fileno())
        assert not log.stderr_is_journal({}, file.fileno())
    assert not log.stderr_is_journal({}, 10 ** 6)


def test_journal_lines_begin_with_the_level():
    stream = io.StringIO()
    log.StderrHandler(log.Lines(), timestamps=False, journal=True, stream=stream).emit(record("a"))
    assert stream.getvalue() == "<6>INFO: a\n"


def test_a_handler_that_fails_does_not_fail_its_caller(monkeypatch):
    reports = io.StringIO()
    monkeypatch.setattr(sys, "stderr", reports)
    log.SyslogHandler(log.Lines(), send=lambda number, text: 1 / 0).emit(record("a"))
    assert "ZeroDivisionError" in reports.getvalue()


def test_like_messages_are_held_back_and_counted(start):
    _, stream = start(no_log_timestamps=True)
    now = [0.0]
    seldom = log.Seldom(clock=lambda: now[0], most=2)
    for moment in (0.0, 1.0, 14.9, 15.0, 16.0):
        now[0] = moment
        seldom.log(logger("core"), logging.WARNING, "kind", "bad %s", "thing")
    assert stream.getvalue() == "WARNING: bad thing\nWARNING: bad thing (and 2 more like this)\n"
    for kind in range(5):
        assert seldom.log(logger("core"), logging.DEBUG, kind, "x")
    assert len(seldom._seen) == 2


@given(st.text(), st.text(), st.text())
def test_any_text_becomes_printable_lines(message, call_id, tag):
    with log.about_call(call_id, tag):
        for line in log.Lines(split=True, length=40).lines(record("%s", message)):
            assert "\n" not in line and line.isprintable() or not log._UNSAFE.search(line)
            line.encode("utf-8")


def test_everything_about_a_debugged_call_is_logged_and_nothing_else():
    stream = io.StringIO()
    running = log.setup(Settings({"log-stderr": True, "no-log-timestamps": True}), stream)
    logger = logging.getLogger("rtpengine.control")
    try:
        running.debug_call("wanted", True)
        for call in ("wanted", "other"):
            with log.about_call(call):
                logger.debug("detail of %s", call)
        logger.debug("detail of nobody")
        running.debug_call("wanted", False)
        with log.about_call("wanted"):
            logger.debug("too late")
    finally:
        running.close()
    assert stream.getvalue() == "DEBUG: [wanted]: detail of wanted\n"
