# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares packets: equal bytes, but for what the daemon made up itself."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.conformance.tokens import Mapping
from tests.peers import rtcp
from tests.peers.rtp import Packet


Decrypt = Callable[[bytes, bytes], "tuple[bytes, bytes] | None"]
"""A recorded packet and ours in, both in the clear out; None if they are not encrypted."""


class NotComparable(Exception):
    """The packet needs a comparison that this replay does not have; the text says which."""


def kind(data: bytes) -> str:
    """stun, dtls, rtcp, rtp or other (RFC 7983, RFC 5761)."""
    if len(data) < 2:
        return "other"
    if data[0] < 4 and data[4:8] == b"\x21\x12\xa4\x42":
        return "stun"
    if 20 <= data[0] <= 63:
        return "dtls"
    if data[0] >> 6 != 2:
        return "other"
    return "rtcp" if 192 <= data[1] <= 223 else "rtp"


def _source(data: bytes) -> bytes:
    return data[4:8] if kind(data) == "rtcp" else data[8:12]


def _lasting(report: rtcp.Report) -> rtcp.Report:
    """Without what depends on the moment."""
    blocks = tuple(replace(block, jitter=0, last_report=0, delay=0) for block in report.blocks)
    return replace(report, blocks=blocks, ntp=report.ntp and 1)


class PacketComparison:
    """``sent`` are the packets that the ends of this call send: their SSRCs are not the daemon's choice.

    ``decrypt``, if given, is tried on packets that differ.
    """

    def __init__(self, sent: list[bytes], codec: bool, decrypt: Decrypt | None = None):
        self.decrypt = decrypt
        self.sent = set(sent)
        self.sources = {_source(data) for data in sent}
        self.codec = codec
        self.mapping = Mapping()
        self.offsets: dict[bytes, tuple[int, int]] = {}

    def compare(self, recorded: bytes, ours: bytes) -> str:
        """Empty if the packets match, else how they differ."""
        if recorded == ours:
            return ""
        what = kind(recorded)
        if what in ("stun", "dtls"):
            raise NotComparable(f"{what.upper()} packets")
        if kind(ours) != what:
            return f"a {kind(ours)} packet instead of {what}"
        opened = self.decrypt(recorded, ours) if self.decrypt is not None else None
        if opened is not None:
            recorded, ours = opened
            if recorded == ours:
                return ""
        if what == "rtcp":
            try:
                return self._rtcp(recorded, ours)
            except ValueError as error:
                return str(error)
        return self._rtp(recorded, ours) if what == "rtp" else "bytes differ"

    def _rtcp(self, recorded: bytes, ours: bytes) -> str:
        if recorded in self.sent and not self.codec:
            return "bytes differ"
        shapes = [[(packet, count) for packet, count, _ in rtcp.parts(data)] for data in (recorded, ours)]
        if shapes[0] != shapes[1]:
            return f"packets {shapes[1]} instead of {shapes[0]}"
        said = [[_lasting(report) for report in rtcp.reports(data)] for data in (recorded, ours)]
        return "" if self.codec or said[0] == said[1] else f"reports {said[1]} instead of {said[0]}"

    def _rtp(self, recorded: bytes, ours: bytes) -> str:
        theirs, mine = Packet.parse(recorded), Packet.parse(ours)
        if (theirs.payload_type, theirs.marker) != (mine.payload_type, mine.marker):
            return (f"payload type {mine.payload_type} marker {mine.marker} instead of "
                    f"{theirs.payload_type} {theirs.marker}")
        if theirs.payload != mine.payload:
            return "payload differs"
        if theirs.extension != mine.extension:
            return "header extension differs"
        source = _source(recorded)
        made = source not in self.sources
        if not made and not self.codec:
            return "header differs"
        if not self.mapping.bind("ssrc" if made else "same", source, _source(ours)):
            return "SSRC not the one of this stream"
        offset = (mine.sequence - theirs.sequence) & 0xFFFF, (mine.timestamp - theirs.timestamp) & 0xFFFFFFFF
        if self.offsets.setdefault(source, offset) != offset:
            return "sequence number or timestamp out of step with the packets before"
        return ""
