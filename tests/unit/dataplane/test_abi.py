# SPDX-License-Identifier: GPL-3.0-or-later
"""The packing formats against the structures of the header, field by field."""
import struct

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.errors import DataPlaneError
from controlplane.events import Mismatch, WantedOutput, WantedTarget
from controlplane.relay._native import ffi, lib

A, B, C = (Endpoint.parse(text) for text in ("192.0.2.1:40000", "192.0.2.2:258", "[2001:db8::3]:50000"))
TARGET = WantedTarget(
    A, rtp_outputs=(WantedOutput(A, B, 184), WantedOutput(B, A)), rtcp_outputs=(WantedOutput(B, B, 1),),
    expected_source=C, mismatch=Mismatch.PROPAGATE, is_rtp=True, learning=True, discard=True,
    payload_types=((101, 8000), (0, 8000), (9, 16000)))


@pytest.mark.parametrize("format_, name, fields", [
    (abi.BATCH, "batch", "magic version count length"),
    (abi.RECORD, "record", "command flags length cookie"),
    (abi.REPLY, "reply", "command status length cookie"),
    (abi.PAYLOAD_TYPE, "payload_type", "number clock_rate"),
    (abi.COUNTERS, "counters", "packets bytes errors last_us"),
    (abi.TRACKER, "ssrc", "ssrc valid last_pt ext_seq packets bytes last_us lost duplicates reordered jitter last_ts"),
])
def test_fields_lie_where_the_header_has_them(format_, name, fields):
    whole = ffi.sizeof(f"struct rtpe_{name}")
    assert format_.size == whole or name == "counters"
    for number, field in enumerate(fields.split()):
        raw = bytearray(whole)
        at = ffi.offsetof(f"struct rtpe_{name}", field)
        size = ffi.sizeof(dict(ffi.typeof(f"struct rtpe_{name}").fields)[field].type)
        raw[at:at + size] = b"\1" * size
        read = format_.unpack_from(raw)
        assert [bool(int.from_bytes(value, "big") if isinstance(value, bytes) else value) for value in read] == [
            other == number for other in range(len(read))], field


def test_sizes_of_what_is_packed_in_one_go():
    assert abi.ADDRESS.size == ffi.sizeof("struct rtpe_addr")
    assert abi.TARGET.size == ffi.sizeof("struct rtpe_target_msg")
    assert abi.OUTPUT.size == ffi.sizeof("struct rtpe_output_msg")
    assert abi.TRACKERS == ffi.sizeof("struct rtpe_ssrc[%d]" % abi.MAX_SSRCS)


@pytest.mark.parametrize("endpoint", [A, B, C], ids=str)
def test_address(endpoint):
    packed = abi.pack_address(endpoint)
    c = ffi.from_buffer("struct rtpe_addr *", packed)
    assert abi.read_address(c) == endpoint
    assert bytes(ffi.buffer(ffi.addressof(c, "port"))) == endpoint.port.to_bytes(2, "big")
    assert c.reserved == 0


def test_target_message():
    seeds = (b"\0\0\0\7\1" + bytes(83), b"\0\0\0\10\1" + bytes(83))
    record = abi.add_target(TARGET, seeds, cookie=77)
    head = ffi.from_buffer("struct rtpe_record *", record)
    assert (head.command, head.flags, head.length, head.cookie) == (
        lib.RTPE_ADD_TARGET, lib.RTPE_RECORD_REPLACE, len(record), 77)
    m = ffi.from_buffer("struct rtpe_target_msg *", record[abi.RECORD.size:])
    assert (abi.read_address(m.local), abi.read_address(m.expected_src)) == (A, C)
    assert m.flags == (lib.RTPE_TARGET_RTP | lib.RTPE_TARGET_RTP_ONLY | lib.RTPE_TARGET_LEARN
                       | lib.RTPE_TARGET_BLACKHOLE)
    assert (m.src_mismatch, m.num_outputs, m.num_payload_types, m.num_ssrcs) == (2, 3, 3, 2)
    assert (m.rtp_start, m.rtp_end, m.rtcp_start, m.rtcp_end) == (0, 2, 2, 3)
    assert [(m.payload_types[i].number, m.payload_types[i].clock_rate) for i in range(4)] == [
        (0, 8000), (9, 16000), (101, 8000), (0, 0)]
    assert abi.read_seeds(bytes(ffi.buffer(m.ssrc))) == seeds
    assert bytes(ffi.buffer(ffi.addressof(m, "decrypt"))) == bytes(184)
    at = abi.RECORD.size + abi.TARGET.size
    outputs = ffi.from_buffer("struct rtpe_output_msg[]", record[at:])
    assert [(abi.read_address(o.src), abi.read_address(o.dst), o.flags, o.tos) for o in outputs] == [
        (A, B, 0, 184), (B, A, 0, 0), (B, B, 0, 1)]


def test_a_target_for_anybody_without_anything():
    record = abi.add_target(WantedTarget(B, is_rtp=False), replace=False)
    m = ffi.from_buffer("struct rtpe_target_msg *", record[abi.RECORD.size:])
    assert (m.expected_src.family, m.flags, m.num_outputs, m.num_payload_types) == (0, 0, 0, 0)
    assert ffi.from_buffer("struct rtpe_record *", record).flags == 0


def test_outputs_that_rtp_and_rtcp_share_are_packed_once():
    both = (WantedOutput(A, B),)
    record = abi.add_target(WantedTarget(A, both, both))
    m = ffi.from_buffer("struct rtpe_target_msg *", record[abi.RECORD.size:])
    assert (m.num_outputs, m.rtp_start, m.rtp_end, m.rtcp_start, m.rtcp_end) == (1, 0, 1, 0, 1)


def test_batches_are_bounded():
    records = [abi.del_target(A, cookie) for cookie in range(abi.MAX_RECORDS + 1)]
    first, second = abi.batches(records)
    assert abi.BATCH.unpack_from(first) == (lib.RTPE_BATCH_MAGIC, lib.RTPE_ABI_VERSION, abi.MAX_RECORDS, len(first))
    assert abi.BATCH.unpack_from(second)[2] == 1
    assert first[abi.BATCH.size:] + second[abi.BATCH.size:] == b"".join(records)


def test_replies():
    added = struct.pack("=II32I", 5, 2, 6, 7, *[0] * 30)
    data = (abi.REPLY.pack(2, 0, abi.REPLY.size + len(added), 1) + added
            + abi.REPLY.pack(3, -2, abi.REPLY.size, 2))
    first, second = abi.replies(data)
    assert abi.read_slots(first.check("target")) == (5, (6, 7))
    assert (second.command, second.cookie, bytes(second.body)) == (3, 2, b"")
    with pytest.raises(DataPlaneError, match="target"):
        second.check("target")
