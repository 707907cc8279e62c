# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers measure what they say they measure."""
from __future__ import annotations

import struct
from pathlib import Path

import pytest

from demo.mos import mos
from tests.peers import ngclient, pcap, rtcp
from tests.peers.reception import Reception
from tests.peers.rtp import Endpoint, Packet, pump


def _receive(sequences: list[int]) -> Reception:
    heard = Reception(1)
    for number, sequence in enumerate(sequences):
        heard.receive(sequence, number * 160, number * 0.02)
    return heard


@pytest.mark.parametrize("sequences, expected, lost, duplicates, reordered", [
    ([1, 2, 3, 4], 4, 0, 0, 0),
    ([1, 2, 4, 5], 5, 1, 0, 0),
    ([1, 3, 2, 4], 4, 0, 0, 1),
    ([1, 2, 2, 3], 3, 0, 1, 0),
    ([65534, 65535, 0, 1, 3], 6, 1, 0, 0),
    ([65535, 1, 0], 3, 0, 0, 1),
    ([5, 4, 6], 3, 0, 0, 1)])
def test_loss_and_order(sequences: list[int], expected: int, lost: int, duplicates: int, reordered: int) -> None:
    heard = _receive(sequences)
    assert (heard.expected, heard.lost, heard.duplicates, heard.reordered) == (expected, lost, duplicates, reordered)


def test_jitter_of_alternating_delays_approaches_their_difference() -> None:
    heard = Reception(1)
    for number in range(500):
        heard.receive(number, number * 160, number * 0.02 + (0.004 if number % 2 else 0.0))
    assert heard.jitter_ms == pytest.approx(4.0, rel=0.01)


def test_jitter_survives_the_wrap_of_timestamps() -> None:
    heard = Reception(1)
    for number in range(100):
        heard.receive(number, (0xFFFFFF00 + number * 160) & 0xFFFFFFFF, number * 0.02)
    assert heard.jitter_ms < 0.01


def test_report_block_carries_the_loss_since_the_last() -> None:
    heard = _receive([0, 1, 2, 3])
    heard.heard_report(0x12345678, 10.0)
    first = heard.block(10.5)
    assert (first.fraction_lost, first.lost, first.last_report, first.delay) == (0, 0, 0x12345678, 32768)
    for sequence in (5, 7):
        heard.receive(sequence, 0, 0.0)
    assert (heard.block(11.0).fraction_lost, heard.lost) == (128, 2)


def test_rtcp_round_trip() -> None:
    block = rtcp.Block(7, 12, -3, 0x10005, 40, 0xABCD, 99)
    report = rtcp.Report(1, (block, block), 0x1122334455667788, 160, 5, 800)
    compound = report.pack() + rtcp.sdes(1, "somebody") + rtcp.bye([1])
    assert rtcp.reports(compound) == [report]
    assert [kind for kind, _, _ in rtcp.parts(compound)] == [rtcp.SR, rtcp.SDES, rtcp.BYE]
    with pytest.raises(ValueError):
        rtcp.parts(compound[:-2])


def test_rtp_round_trip() -> None:
    packet = Packet(96, 65535, 0xFFFFFFFF, 5, b"payload", True, (0xBEDE, b"\x10\xff\x00\x00"))
    assert Packet.parse(packet.pack()) == packet
    padded = bytearray(Packet(0, 1, 2, 3, b"ab" + b"\0\2").pack())
    padded[0] |= 0x20
    assert Packet.parse(bytes(padded)).payload == b"ab"
    for bad in (b"", b"\x80" * 11, b"\x00" * 20, b"\x8f" + bytes(20)):
        with pytest.raises(ValueError):
            Packet.parse(bad)


def test_two_end_points_measure_each_other() -> None:
    a, b = Endpoint(), Endpoint()
    a.connect(b.address, b.port)
    b.connect(a.address, a.port)
    for number in range(3):
        a.send(b"%d" % number * 20)
        b.send(b"%d" % number * 20)
        pump([a, b], 0.05, lambda: len(a.arrivals) > number and len(b.arrivals) > number)
        a.send_report()
        pump([a, b], 0.05, lambda: bool(b.compounds))
        b.send_report()
    assert pump([a, b], 20.0, lambda: len(a.compounds) == 3 and bool(a.round_trips) and bool(b.round_trips))
    assert (a.payloads(), b.payloads()) == (b.sent, a.sent)
    assert 0 <= max(a.round_trips) < 0.05
    a.close()
    b.close()


def test_bencode() -> None:
    value = {"b": [1, -2, {"x": ""}], "a": "t\udcff"}
    raw = ngclient.encode(value)
    assert raw == b"d1:bli1ei-2ed1:x0:ee1:a2:t\xffe"
    assert ngclient.decode(raw) == value
    for bad in (b"", b"d", b"5:ab", b"i1", b"i1ei2e", b"l" * 2000):
        with pytest.raises(ValueError):
            ngclient.decode(bad)


def test_capture_files(tmp_path: Path) -> None:
    rtp = Packet(8, 1, 2, 3, b"speech").pack()
    udp = struct.pack("!HHHH", 4000, 5000, 8 + len(rtp), 0) + rtp
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\2") + udp
    path = tmp_path / "one.pcap"
    for link, frame in ((101, ip), (1, bytes(12) + b"\x08\x00" + ip), (1, bytes(12) + b"\x81\x00\0\1\x08\x00" + ip)):
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
        path.write_bytes(head + struct.pack("<IIII", 7, 500000, len(frame), len(frame)) + frame)
        found, = pcap.datagrams(path)
        assert (found.at, found.source[1], found.destination[1], found.data) == (7.5, 4000, 5000, rtp)
        assert [packet.payload for packet in pcap.rtp_packets(path)] == [b"speech"]
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError):
        list(pcap.datagrams(path))


@pytest.mark.parametrize("round_trip, jitter, loss, expected", [
    (30.7, 0, 0, 43), (30.7, 10, 3, 37), (30.7, 50, 25, 30)])
def test_opinion_scores(round_trip: float, jitter: float, loss: float, expected: int) -> None:
    assert int(10 * mos(round_trip, jitter, loss)) == expected
