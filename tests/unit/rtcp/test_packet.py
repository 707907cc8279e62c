# SPDX-License-Identifier: GPL-3.0-or-later
"""RTCP by the byte: what is read, what is refused, what is written."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.errors import PeerError
from controlplane.rtcp.packet import (Block, Description, Goodbye, ReceiverDelay, ReceiverTime, Report, Sender,
                                      VoipMetrics, middle, ntp, parse, write_description, write_report)
from tests.peers import rtcp

RECORDED = bytes.fromhex(
    "81c8000c00001234eeae0deaf3f51efb000022d800000025000018dc0000161c06000001000007f50000008000000000000000"
    "0081ca000500001234010c3939666438343230353966350000")
BLOCK = Block(0x161C, 6, 1, 2037, 128, 0, 0)
REPORT = Report(0x1234, Sender(0xEEAE0DEAF3F51EFB, 0x22D8, 37, 6364), (BLOCK,))
DESCRIPTION = Description(0x1234, ((1, b"99fd842059f5"),))


def extended(*blocks: bytes) -> bytes:
    body = struct.pack("!I", 5) + b"".join(blocks)
    return struct.pack("!BBH", 0x80, 207, len(body) // 4) + body


def test_recorded_report() -> None:
    assert parse(RECORDED) == [REPORT, DESCRIPTION]
    assert write_report(REPORT) + write_description(DESCRIPTION) == RECORDED


def test_others_reports() -> None:
    """What another implementation writes."""
    blocks = (rtcp.Block(7, 255, -3, 99, 12, 5, 6), rtcp.Block(8, 0, 0x7FFFFF, 1, 0, 0, 0))
    data = rtcp.Report(1, blocks).pack() + rtcp.sdes(1, "somebody@there") + rtcp.bye([1, 9])
    assert parse(data) == [
        Report(1, None, (Block(7, 255, -3, 99, 12, 5, 6), Block(8, 0, 0x7FFFFF, 1, 0, 0, 0))),
        Description(1, ((1, b"somebody@there"),)), Goodbye((1, 9))]


def test_extended_reports() -> None:
    voip = struct.pack("!BBHI4B6H", 7, 0, 8, 9, 0, 0, 0, 0, 0, 0, 150, 20, 0, 0) + bytes(12)
    time = struct.pack("!BBHQ", 4, 0, 2, 0x1122334455667788)
    delays = struct.pack("!BBHIIIIII", 5, 0, 6, 9, 0x33445566, 65536, 10, 1, 2)
    strange = struct.pack("!BBHI", 99, 0, 1, 0)
    assert parse(extended(time, strange, delays, voip)) == [
        ReceiverTime(5, 0x1122334455667788), ReceiverDelay(9, 0x33445566, 65536), ReceiverDelay(10, 1, 2),
        VoipMetrics(9, 150)]
    assert middle(0x1122334455667788) == 0x33445566


def test_extended_blocks_too_short_for_their_type_say_nothing() -> None:
    assert parse(extended(struct.pack("!BBH", 4, 0, 0), struct.pack("!BBHI", 7, 0, 1, 9))) == []


def test_padding_and_what_follows() -> None:
    goodbye = struct.pack("!BBHI4B", 0xA1, 203, 2, 9, 0, 0, 0, 4)
    assert parse(goodbye) == [Goodbye((9,))]
    assert parse(goodbye + b"\x80\xc8") == [Goodbye((9,))], "an end too short for a header"
    assert parse(struct.pack("!BBH", 0x8F, 206, 0) + rtcp.bye([3])) == [Goodbye((3,))], "an unknown type"
    assert parse(struct.pack("!BBH", 0x80, 203, 0)) == [Goodbye(())]


@pytest.mark.parametrize("data", [
    b"", b"\x80\xc9\x00",                                               # no header
    b"\x40\xc9\x00\x00",                                                # version 1
    RECORDED[:-4], RECORDED[:30],                                       # longer than what is there
    struct.pack("!BBHI", 0x80, 200, 1, 1),                              # sender report without its sender
    struct.pack("!BBHI", 0x81, 201, 1, 1),                              # a block that is not there
    struct.pack("!BBH", 0x80, 201, 0),                                  # no SSRC
    struct.pack("!BBHI", 0x82, 203, 1, 1),                              # goodbye of two
    struct.pack("!BBHI", 0x81, 202, 1, 1),                              # chunk without items
    struct.pack("!BBHIBBH", 0x81, 202, 2, 1, 1, 9, 0),                  # item cut off
    struct.pack("!BBHIBBH", 0x81, 202, 2, 1, 1, 2, 0),                  # items without end
    struct.pack("!BBHI4B", 0xA1, 203, 2, 9, 0, 0, 0, 0),                # padding of nothing
    struct.pack("!BBHI4B", 0xA1, 203, 2, 9, 0, 0, 0, 9),                # padding longer than the packet
    struct.pack("!BBH", 0x80, 207, 0),                                  # extended report of nobody
    extended(struct.pack("!BBH", 4, 0, 2)),                             # block cut off
    RECORDED + b"\x80\xc9\xff\xff",                                     # good, then bad
], ids=range(17))
def test_what_is_no_rtcp(data: bytes) -> None:
    with pytest.raises(PeerError):
        parse(data)


@given(st.binary(max_size=80), st.sampled_from([200, 201, 202, 203, 207]), st.integers(0, 63))
def test_garbage(body: bytes, kind: int, first: int) -> None:
    words = len(body) // 4
    try:
        parse(struct.pack("!BBH", 0x80 | first, kind, words) + body)
    except PeerError:
        pass


INTEGER = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(Block, INTEGER, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), INTEGER, INTEGER, INTEGER,
                   INTEGER)
SENDERS = st.none() | st.builds(Sender, st.integers(0, 2 ** 64 - 1), INTEGER, INTEGER, INTEGER)


@given(st.builds(Report, INTEGER, SENDERS, st.lists(BLOCKS, max_size=31).map(tuple)),
       st.builds(Description, INTEGER, st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=255)),
                                                max_size=3).map(tuple)))
def test_round_trip(report: Report, description: Description) -> None:
    assert parse(write_report(report) + write_description(description)) == [report, description]


def test_numbers_that_do_not_fit() -> None:
    block = Block(1, 300, 1 << 30, 1 << 32 | 5, 1 << 33, 0, 1 << 40)
    assert parse(write_report(Report(1, Sender(0, 0, 1 << 32, 1 << 33 | 7), (block,) * 40))) == [
        Report(1, Sender(0, 0, 0, 7), (Block(1, 255, 0x7FFFFF, 5, 0, 0, 0),) * 31)]
    assert parse(write_description(Description(1, ((1, b"x" * 300),)))) == [Description(1, ((1, b"x" * 255),))]


def test_time() -> None:
    assert abs(ntp(1_700_000_000.25) - rtcp.ntp(1_700_000_000.25)) < 1 << 12
    assert ntp(0.5) == 2208988800 << 32 | 1 << 31
