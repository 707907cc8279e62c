# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of calls and of RTCP, whatever peers call themselves."""
from __future__ import annotations

import logging
import re
import syslog

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.exports import cdr, rtcpline
from controlplane.exports.records import recorder
from controlplane.session.call import Call
from tests.peers import rtcp
from tests.unit.session.calls import START, Daemon, sdp


def call() -> Call:
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    return daemon.call


@given(st.text(), st.text())
def test_no_name_passes_for_another_item(call_id: str, tag: str) -> None:
    ended = call()
    plain = cdr.line(ended, "TIMEOUT", START + 2.5)
    ended.call_id, ended.parties[0].tag = call_id, tag
    written: list[str] = []
    recorder("local1", False, lambda priority, line: written.append(line))(
        cdr.line(ended, "TIMEOUT", START + 2.5) or "")
    assert plain is not None and len(written[0].split(", ")) == len(plain.split(", "))
    assert written[0].isprintable() or not any(ord(char) < 32 for char in written[0])
    assert "ml0_duration=2.500000, ml0_termination=TIMEOUT, " in plain


def test_times_are_those_of_the_signalling() -> None:
    """Ringing is not talking, and neither is the delay of a deletion."""
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.pass_time(10)
    daemon.answer(sdp("198.51.100.20", 42000))
    daemon.pass_time(5)
    daemon.send("delete", from_tag="A", delete_delay=30)
    daemon.pass_time(25)
    line = cdr.line(daemon.call, "REGULAR", daemon.now) or ""
    assert re.findall(r"ml\d_(\w+time|duration)=([\d.]+),", line) == [
        ("start_time", f"{START:.6f}"), ("end_time", f"{START + 15:.6f}"), ("duration", "15.000000"),
        ("start_time", f"{START + 10:.6f}"), ("end_time", f"{START + 15:.6f}"), ("duration", "5.000000")]


def test_calls_of_others_have_no_record() -> None:
    ended = call()
    ended.foreign = True
    assert cdr.line(ended, "TIMEOUT", START) is None


def test_facility_and_level(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[tuple[int, str]] = []
    recorder("local6", False, lambda *line: sent.append(line))("ci=a\n")
    assert sent == [(syslog.LOG_LOCAL6 | syslog.LOG_INFO, "ci=a\\n")]
    with caplog.at_level(logging.INFO, "rtpengine.records"):
        recorder("local6", True)("ci=b, ")
    assert caplog.messages == ["ci=b, "]


def test_reports_as_a_line() -> None:
    block = rtcp.Block(0xB, 25, 3, 1000, 7, 0x11, 0x22)
    line = rtcpline.line("c1", rtcp.Report(0xA, (block,), 5 << 32 | 6, 8000, 50, 8600).pack())
    assert line == ("[c1] version=2, padding=0, count=1, payloadtype=200, length=12, ssrc=10, ntp_sec=5, "
                    "ntp_fractions=6, rtp_ts=8000, "
                    "sender_packets=50, sender_bytes=8600, ssrc=11, fraction_lost=25, packet_loss=3, "
                    "last_seq=1000, jitter=7, last_sr=17, delay_since_last_sr=34")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_line_or_none(data: bytes) -> None:
    line = rtcpline.line("c1", b"\x81\xc9" + data)
    assert line is None or line.startswith("[c1] ")
