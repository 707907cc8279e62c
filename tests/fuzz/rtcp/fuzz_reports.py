# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of what is done with the RTCP of a call's parties, generated reports included."""
from __future__ import annotations

from controlplane.errors import PeerError
from controlplane.events import SsrcStats, StreamStats
from controlplane.rtcp.mos import Scale
from controlplane.rtcp.packet import Description, Report, parse, write_description, write_report
from controlplane.session.quality import Listener
from controlplane.session.reporting import reports
from tests.unit.session.calls import START, Daemon, sdp

SOURCES = (0x1234, 0x161C)


class _Calls:
    """One call, whose caller sends what the fuzzer has; made once."""

    def __init__(self) -> None:
        self.daemon = Daemon()
        self.daemon.offer(sdp(formats="0"), generate_rtcp=True)
        self.daemon.answer(sdp("198.51.100.20", 42000, formats="0"))
        self.medias = [self.daemon.party(tag).medias[0] for tag in "AB"]
        self.listener = Listener(Scale(), lambda media: None)
        self.now = START


_made: list[_Calls] = []


def one_input(data: bytes) -> None:
    """``data`` as a packet; the first byte chooses the party and its counters. Any exception is a finding."""
    if not _made:
        _made.append(_Calls())
    calls = _made[0]
    choice = data[0] if data else 0
    for media in calls.medias:
        media.hearing = None
    for media, ssrc in zip(calls.medias, SOURCES):
        local = media.streams[0].local
        assert local is not None
        calls.daemon.calls.update_stats({local: StreamStats(sources=(SsrcStats(
            ssrc, choice, choice << 40, choice << 8, 0, 0, choice << 33, 7.5 * choice, 0, 9, START),))}, START)
    for second in range(2):
        calls.now += 1
        try:
            calls.listener.hear(calls.medias[choice & 1], data[1:], calls.now, lambda name, value: None)
        except PeerError:
            return
        for packet in reports(calls.daemon.call, calls.now, "fuzz"):
            assert len(parse(packet.data)) == 2
    calls.daemon.send("query")
    for element in parse(data[1:]):
        if isinstance(element, Report):
            assert parse(write_report(element)) == [element]
        elif isinstance(element, Description):
            assert parse(write_description(element)) == [element]
