# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphite lines and call records beside the reference daemon's, of the same call."""
from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.peers import debian, hep, rtcp
from tests.peers.call import Call
from tests.peers.collector import Collector, wait
from tests.peers.daemon import Command, Daemon, free_port, own_command, reference_command
from tests.peers.rtp import Endpoint, pump
from tests.peers.syslog import Line, Syslog

pytestmark = pytest.mark.e2e
_SWAPPED = re.compile(r"(?<=rb_rr_time_ntp_sec=)\d+|(?<=rb_rr_time_ntp_frac=)\d+|(?<=rb_dlrr_ssrc=)\d+"
                      r"|(?<=rb_dlrr_lrr=)\d+|(?<=rb_dlrr_dlrr=)\d+")
MOVING = (7, 8, 9, 10, 17)
"""Chunks that hold ports, time and call-ID."""
LOCAL1, LOCAL2, INFO = 17, 18, 6
BLOCK = rtcp.Block(0xB, 25, 3, 1000, 7, 0x11, 0x22)
RTCP = (rtcp.Report(0xA, (BLOCK,), 5 << 32 | 6, 8000, 50, 8600).pack() + rtcp.sdes(0xA, "a@example.net"),
        rtcp.Report(0xA, (BLOCK, BLOCK)).pack() + bytes.fromhex(
            "80cf0011 0000000a 04000002 00000005 00000006 05000003 0000000b 00000011 00000022"
            "07000008 0000000b 01020304 00050006 00070008 c4c3100a 5d484b2a 00010002 00030004"),
        rtcp.Report(0xA).pack())
_CHANGES = re.compile(r"(?<=_port=)\d+|(?<=time=)[\d.]+|(?<=duration=)[\d.]+|(?<=signal=)\d+|(?<=last_packet=)\d+"
                      r"|(?<=relay_ip=)[\d.]+|(?<=created_from=)[\d.:]+|(?<=tag=)[^,]+|(?<=ci=)[^,]+")


class Told:
    """What a daemon told of one call: Graphite's names in their order, the values of some, the record."""

    def __init__(self, command: Command, ends: tuple[Endpoint, Endpoint]):
        (a, b), port = ends, free_port()
        with Collector() as graphite, _datagrams() as homer, Syslog() as log, Daemon(
                log.command(command), bare=True, ng_port=port, options=(
                "--foreground", "--table=-1", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{port}",
                f"--graphite=127.0.0.1:{graphite.port}", "--graphite-interval=1", "--graphite-prefix=x.",
                f"--homer=127.0.0.1:{homer.getsockname()[1]}", "--homer-id=7", "--log-facility-rtcp=local2",
                "--delete-delay=0", "--log-facility-cdr=local1")) as daemon, daemon.client() as client:
            call = Call(client, a, b)
            call.offer()
            call.answer()
            call.talk()
            for packet in RTCP:
                a.transmit(packet, is_rtcp=True)
                pump((a, b), 0.1)
            self.call_id = call.call_id
            self.rtcp_ports = a.rtcp.getsockname()[1], a.rtcp_destination[1] if a.rtcp_destination else 0
            self.messages = [homer.recv(65536) for _ in RTCP]
            assert wait(lambda: self._reports(graphite) >= 3)
            call.delete()
            ended = self._reports(graphite)
            assert wait(lambda: self._reports(graphite) >= ended + 2)
            assert wait(lambda: self._records(log, LOCAL1))
            self.lines = graphite.data.decode().splitlines()
            (self.record,) = self._records(log, LOCAL1)
            self.rtcp_lines = [line.text.replace(call.call_id, "*") for line in self._records(log, LOCAL2)]

    @staticmethod
    def _records(log: Syslog, facility: int) -> list[Line]:
        return [line for line in log.lines if line.facility == facility]

    @staticmethod
    def _reports(graphite: Collector) -> int:
        return graphite.data.count(b"x.managed_sess ")

    @property
    def names(self) -> list[str]:
        """Each once; version 10.5 leaves spaces in names, which Graphite cannot read."""
        names = [line.rsplit(" ", 2)[0].replace(" ", "_") for line in self.lines]
        return list(dict.fromkeys(names))

    def values(self, name: str) -> list[float]:
        return [float(line.split()[-2]) for line in self.lines if line.rsplit(" ", 2)[0] == name]


def _datagrams() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(30)
    return sock


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Told, Told]]:
    if not Syslog.possible():
        pytest.skip("a syslog of its own needs root and unshare")
    try:
        reference = reference_command()
    except debian.Unobtainable as reason:
        pytest.skip(f"the reference daemon cannot be had: {reason}")
    ends = Endpoint(seed=1), Endpoint(seed=2)
    yield Told(reference, ends), Told(own_command(), ends)
    for end in ends:
        end.close()


def test_graphite(told: tuple[Told, Told]) -> None:
    theirs, ours = told
    assert [name for name in ours.names if name in theirs.names] == theirs.names
    for name in ("relayed_packets_user", "relayed_bytes_user", "regular_term_sess", "oneway_stream_sess",
                 "nopacket_relayed_sess", "relayed_packets"):
        assert sum(ours.values("x." + name)) == sum(theirs.values("x." + name)), name
    assert max(ours.values("x.current_sessions_own")) == 1 and ours.values("x.managed_sess")[-1] == 1
    assert sum(ours.values("x.call_dur")) > 1
    assert max(ours.values("x.offers_ps_max")) <= 1, "less if the second was longer"
    assert max(ours.values("x.offer_time_max")) > 0
    assert ours.values("x.offer_count")[-1] == 1


def test_call_record(told: tuple[Told, Told]) -> None:
    assert [each.record.level for each in told] == [INFO, INFO]
    theirs, ours = (_CHANGES.sub("*", each.record.text) for each in told)
    assert ours.split(", ") == theirs.split(", ")


def test_rtcp_lines(told: tuple[Told, Told]) -> None:
    """The reference leaves the numbers of two blocks in the wrong byte order."""
    theirs, ours = (each.rtcp_lines for each in told)
    assert [_SWAPPED.sub("*", line) for line in ours] == [_SWAPPED.sub("*", line) for line in theirs]
    assert "rb_rr_time_ntp_sec=5, rb_rr_time_ntp_frac=6," in ours[1]
    assert "rb_dlrr_ssrc=11, rb_dlrr_lrr=17, rb_dlrr_dlrr=34," in ours[1]


def test_homer(told: tuple[Told, Told]) -> None:
    for theirs, ours in zip(*(each.messages for each in told)):
        assert [chunk for chunk in hep.chunks(ours) if chunk[1] not in MOVING] == [
            chunk for chunk in hep.chunks(theirs) if chunk[1] not in MOVING]
        assert [chunk[:2] for chunk in hep.chunks(ours)] == [chunk[:2] for chunk in hep.chunks(theirs)]
    for each in told:
        for message in each.messages:
            found = {kind: data for _, kind, data in hep.chunks(message)}
            assert (int.from_bytes(found[7], "big"), int.from_bytes(found[8], "big")) == each.rtcp_ports
            assert found[17].decode() == each.call_id
            assert abs(int.from_bytes(found[9], "big") - time.time()) < 60
            assert json.loads(found[15])["ssrc"] == 0xA
