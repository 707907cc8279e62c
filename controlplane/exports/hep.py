# SPDX-License-Identifier: GPL-3.0-or-later
"""RTCP as Homer takes it: HEP version 3 around JSON."""
from __future__ import annotations

import json
import struct
from collections.abc import Iterable

from controlplane.addresses import Endpoint
from controlplane.rtcp.packet import RR, SR, Block, Description, Element, Report

RTCP_JSON = 5
_UDP = 17
_FAMILIES = {4: 2, 6: 10}
_ADDRESS_CHUNKS = {4: (3, 4), 6: (5, 6)}
_HEAD = struct.Struct("!4sH")
_CHUNK = struct.Struct("!HHH")
_SECOND = 1_000_000


def packet(source: Endpoint, destination: Endpoint, at: float, kind: int, capture_id: int, correlation: str,
           payload: bytes) -> bytes:
    """A message from ``source`` to ``destination`` at Unix time ``at``; ``correlation`` is the call-ID."""
    microseconds = int(at * _SECOND)
    family = destination.family
    chunks = [(1, bytes([_FAMILIES[family]])), (2, bytes([_UDP])), (7, _short(source.port)),
              (8, _short(destination.port)), (9, _long(microseconds // _SECOND)), (10, _long(microseconds % _SECOND)),
              (11, bytes([kind])), (12, _long(capture_id)), (_ADDRESS_CHUNKS[family][0], source.address.packed),
              (_ADDRESS_CHUNKS[family][1], destination.address.packed),
              (17, correlation.encode("utf-8", "surrogateescape")), (15, payload)]
    body = b"".join([_CHUNK.pack(0, number, _CHUNK.size + len(data)) + data for number, data in chunks])
    return _HEAD.pack(b"HEP3", _HEAD.size + len(body)) + body


def _short(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _long(number: int) -> bytes:
    return (number & 0xFFFFFFFF).to_bytes(4, "big")


def rtcp_json(elements: Iterable[Element]) -> bytes | None:
    """What a compound packet says; None for one without a report."""
    members: list[str] = []
    items: list[str] = []
    reported = False
    for element in elements:
        if isinstance(element, Report) and not reported:
            members += _report(element)
            reported = True
        elif isinstance(element, Description):
            items += [f'{{"sdes_chunk_ssrc":{element.ssrc},"type":{kind},'
                      f'"text":{json.dumps(text.decode("utf-8", "replace"))}}}' for kind, text in element.items]
    if not reported:
        return None
    if items:
        members.append(f'"sdes_report_count":{len(items)},"sdes_information": [ {",".join(items)}]')
    return ("{ " + ",".join(members) + " }").encode()


def _report(report: Report) -> list[str]:
    members = []
    if sender := report.sender:
        members.append(f'"sender_information":{{"ntp_timestamp_sec":{sender.ntp >> 32},'
                       f'"ntp_timestamp_usec":{sender.ntp & 0xFFFFFFFF},"octets":{sender.octets},'
                       f'"rtp_timestamp":{sender.timestamp}, "packets":{sender.packets}}}')
    members.append(f'"ssrc":{report.ssrc},"type":{SR if report.sender else RR},"report_count":{len(report.blocks)},'
                   f'"report_blocks":[{",".join(map(_block, report.blocks))}]')
    return members


def _block(block: Block) -> str:
    return (f'{{"source_ssrc":{block.ssrc},"highest_seq_no":{block.highest},"fraction_lost":{block.fraction},'
            f'"ia_jitter":{block.jitter},"packets_lost":{block.lost},"lsr":{block.last_report},"dlsr":{block.delay}}}')
