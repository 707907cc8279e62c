# SPDX-License-Identifier: GPL-3.0-or-later
"""The packing formats against the structures of the header, field by field."""
import struct

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.parts import EXTENSION_BYTES, GROUP, MID, PART, PAYLOAD_TYPE, RULE, SSRC_MAP
from controlplane.errors import DataPlaneError
from controlplane.events import (BundledMedia, Extensions, Mismatch, PayloadRule, SrtpKeys, WantedOutput,
                                 WantedTarget)
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
    (PAYLOAD_TYPE, "payload_type", "number group flags clock_rate"),
    (GROUP, "group", "rtp_start rtp_end rtcp_start rtcp_end mid_len mid"),
    (RULE, "rule", "number flags pattern_len pattern"), (MID, "mid", "id len text"),
    (SSRC_MAP, "ssrc_map", "from to seq_offset flags"),
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
    for packed, name in ((abi.ADDRESS, "addr"), (abi.TARGET, "target_msg"), (abi.OUTPUT, "output_msg"),
                         (PART, "part"), (PAYLOAD_TYPE, "payload_type"), (abi.SRTP, "srtp"),
                         (abi.TRACKER, "ssrc")):
        assert packed.size == ffi.sizeof(f"struct rtpe_{name}"), name
    assert EXTENSION_BYTES == ffi.sizeof("struct rtpe_extensions")
    assert abi.TRACKERS == ffi.sizeof("struct rtpe_ssrc[%d]" % abi.MAX_SSRCS)


def message_of(record):
    """The target message in a record, and its parts as (kind, entries)."""
    at = abi.RECORD.size + abi.TARGET.size
    found = []
    while at < len(record):
        kind, count, length = PART.unpack_from(record, at)
        found.append((kind, count, record[at + PART.size:at + length]))
        at += length
    assert at == len(record)
    return ffi.from_buffer("struct rtpe_target_msg *", record[abi.RECORD.size:]), found


def part(kind, count, entries):
    """A part as an engine writes it."""
    return PART.pack(kind, count, PART.size + len(entries)) + entries


@pytest.mark.parametrize("endpoint", [A, B, C], ids=str)
def test_address(endpoint):
    packed = abi.pack_address(endpoint)
    c = ffi.from_buffer("struct rtpe_addr *", packed)
    assert abi.read_address(c) == endpoint
    assert bytes(ffi.buffer(ffi.addressof(c, "port"))) == endpoint.port.to_bytes(2, "big")
    assert c.reserved == 0


def test_target_message():
    trackers = b"\0\0\0\7\1" + bytes(67) + b"\0\0\0\10\1" + bytes(67)
    seeds = abi.Seeds(part(lib.RTPE_PART_SSRCS, 2, trackers))
    record = abi.add_target(TARGET, seeds, cookie=77)
    head = ffi.from_buffer("struct rtpe_record *", record)
    assert (head.command, head.flags, head.length, head.cookie) == (
        lib.RTPE_ADD_TARGET, lib.RTPE_RECORD_REPLACE, len(record), 77)
    m, parts = message_of(record)
    assert (abi.read_address(m.local), abi.read_address(m.expected_src)) == (A, C)
    assert m.flags == (lib.RTPE_TARGET_RTP | lib.RTPE_TARGET_RTP_ONLY | lib.RTPE_TARGET_LEARN
                       | lib.RTPE_TARGET_BLACKHOLE)
    assert (m.src_mismatch, m.num_outputs, m.mid_id, m.stream, m.rtcp_stream) == (2, 3, 0, 0, 0)
    assert (m.rtp_start, m.rtp_end, m.rtcp_start, m.rtcp_end) == (0, 2, 2, 3)
    assert [(kind, count) for kind, count, _ in parts] == [
        (lib.RTPE_PART_PAYLOAD_TYPES, 3), (lib.RTPE_PART_SSRCS, 2), *[(lib.RTPE_PART_OUTPUT, 1)] * 3]
    types = ffi.from_buffer("struct rtpe_payload_type[]", parts[0][2])
    assert [(t.number, t.group, t.clock_rate) for t in types] == [(0, 0, 8000), (9, 0, 16000), (101, 0, 8000)]
    assert parts[1][2] == trackers
    outputs = [ffi.from_buffer("struct rtpe_output_msg *", entries) for _, _, entries in parts[2:]]
    assert [(abi.read_address(o.src), abi.read_address(o.dst), o.flags, o.tos) for o in outputs] == [
        (A, B, 0, 184), (B, A, 0, 0), (B, B, 0, 1)]


@pytest.mark.parametrize("bundle", [(), (BundledMedia("a", 4, TARGET.payload_types, (), ()),
                                         BundledMedia("b", 4, ((8, 8000),), (), ()))])
def test_reported_payload_types(bundle):
    _, parts = message_of(abi.add_target(WantedTarget(A, payload_types=TARGET.payload_types, bundle=bundle,
                                                      reported=(101, 13))))
    types = ffi.from_buffer("struct rtpe_payload_type[]", parts[0][2])
    assert {t.number: t.flags for t in types} == {
        number: lib.RTPE_PAYLOAD_TYPE_REPORTED if number == 101 else 0
        for number in ([0, 8, 9, 101] if bundle else [0, 9, 101])}


def test_further_sources():
    wanted = WantedTarget(A, expected_source=B, sources=(C, *[B._replace(port=port) for port in range(1, 20)]))
    _, ((kind, count, entries),) = message_of(abi.add_target(wanted))
    assert (kind, count) == (lib.RTPE_PART_SOURCES, lib.RTPE_MAX_SOURCES)
    assert entries[:48] == abi.pack_address(C) + abi.pack_address(B._replace(port=1))


def test_keys_and_indices():
    keys = SrtpKeys(lib.RTPE_CIPHER_AES_CM_128, lib.RTPE_HMAC_SHA1, bytes(range(16)), bytes(range(100, 114)), 10, 4,
                    b"mki", 1)
    state = b"SSRC" + bytes([1]) + bytes(275)
    received, sent = part(lib.RTPE_PART_SRTP_STATES, 1, state), part(lib.RTPE_PART_SRTP_STATES, 2, state + state)
    wanted = WantedTarget(A, (WantedOutput(B, C, encrypt=keys, strip_feedback=True), WantedOutput(C, A)), decrypt=keys)
    _, parts = message_of(abi.add_target(wanted, abi.Seeds(b"", received, ((B, sent),))))
    assert [kind for kind, _, _ in parts] == [
        lib.RTPE_PART_SRTP, lib.RTPE_PART_SRTP_STATES, lib.RTPE_PART_OUTPUT, lib.RTPE_PART_SRTP,
        lib.RTPE_PART_SRTP_STATES, lib.RTPE_PART_OUTPUT]
    for n in (0, 3):
        c = ffi.from_buffer("struct rtpe_srtp *", parts[n][2])
        assert (c.cipher, c.hmac, c.key_len, c.salt_len, c.rtp_tag_len, c.rtcp_tag_len, c.mki_len, c.flags) == (
            2, 2, 16, 14, 10, 4, 3, 1)
        assert bytes(c.key) == keys.key + bytes(16) and bytes(c.salt) == keys.salt + bytes(2)
        assert bytes(c.mki) == b"mki" + bytes(125)
    assert (parts[1][2], parts[4][2]) == (state, state + state)
    assert ffi.from_buffer("struct rtpe_output_msg *", parts[2][2]).flags == lib.RTPE_OUTPUT_STRIP_FEEDBACK
    assert all(repr(secret)[2:-1] not in repr(wanted) for secret in (keys.key, keys.salt, keys.mki))


def test_a_target_for_anybody_without_anything():
    record = abi.add_target(WantedTarget(B, is_rtp=False), replace=False)
    m, parts = message_of(record)
    assert (m.expected_src.family, m.flags, m.num_outputs, parts) == (0, 0, 0, [])
    assert ffi.from_buffer("struct rtpe_record *", record).flags == 0


def test_outputs_that_rtp_and_rtcp_share_are_packed_once():
    both = (WantedOutput(A, B),)
    record = abi.add_target(WantedTarget(A, both, both))
    m, parts = message_of(record)
    assert (m.num_outputs, m.rtp_start, m.rtp_end, m.rtcp_start, m.rtcp_end) == (1, 0, 1, 0, 1)
    assert len(parts) == 1


def test_what_outputs_do_to_packets():
    rules = PayloadRule(101, True), PayloadRule(8, False, b"\xd5")
    record = abi.add_target(WantedTarget(A, (
        WantedOutput(A, B, rules=rules, extensions=Extensions((1, 9, 255), (3, "audio"))),
        WantedOutput(A, B, extensions=Extensions(()), ssrc_mask=0x01020304))))
    m, parts = message_of(record)
    assert [(kind, count) for kind, count, _ in parts] == [
        (lib.RTPE_PART_OUTPUT, 1), (lib.RTPE_PART_RULES, 2), (lib.RTPE_PART_EXTENSIONS, 1), (lib.RTPE_PART_MID, 1),
        (lib.RTPE_PART_OUTPUT, 1), (lib.RTPE_PART_SSRC_MAP, 1), (lib.RTPE_PART_EXTENSIONS, 1)]
    packed = ffi.from_buffer("struct rtpe_rule[]", parts[1][2])
    assert [(r.number, r.flags, r.min_payload, bytes(r.pattern)[:r.pattern_len]) for r in packed] == [
        (8, 0, 0, b"\xd5"), (101, lib.RTPE_RULE_BLACKHOLE, 0, b"")]
    allowed = bytes(parts[2][2])
    assert {at for at in range(256) if allowed[at // 8] >> at % 8 & 1} == {1, 9, 255}
    mid = ffi.from_buffer("struct rtpe_mid *", parts[3][2])
    assert (mid.id, ffi.string(mid.text)[:mid.len]) == (3, b"audio")
    assert bytes(parts[5][2]) == struct.pack("=4s4sHH4x", bytes(4), b"\1\2\3\4", 0, lib.RTPE_SSRC_MAP_OTHERS)
    assert not any(parts[6][2])


def test_a_bundle():
    media = (BundledMedia("a", 4, ((0, 8000), (100, 1000)), (WantedOutput(A, B), WantedOutput(A, C)), ()),
             BundledMedia("v", 4, ((105, 90000), (100, 90000)), (WantedOutput(A, B),), (WantedOutput(A, C),)),
             BundledMedia("x" * 256, None, (), (), ()))
    wanted = WantedTarget(A, media[0].rtp_outputs, payload_types=media[0].payload_types, bundle=media)
    m, parts = message_of(abi.add_target(wanted))
    assert (m.num_outputs, m.mid_id) == (4, 4) == (len(abi.outputs_of(wanted)), 4)
    assert (m.rtp_start, m.rtp_end, m.rtcp_start, m.rtcp_end) == (0, 0, 0, 0)
    types = ffi.from_buffer("struct rtpe_payload_type[]", parts[0][2])
    assert [(t.number, t.group, t.clock_rate) for t in types] == [(0, 0, 8000), (100, 0, 1000), (105, 1, 90000)]
    packed = ffi.from_buffer("struct rtpe_group[]", parts[1][2])
    assert [(g.rtp_start, g.rtp_end, g.rtcp_start, g.rtcp_end) for g in packed] == [
        (0, 2, 2, 2), (2, 3, 3, 4), (4, 4, 4, 4)]
    assert [bytes(ffi.buffer(g.mid))[:g.mid_len] for g in packed] == [b"a", b"v", b""]


def test_state_with_all_its_parts():
    tracker = b"SSRC" + bytes([1, 8]) + bytes(66)
    state = b"SSRC" + bytes([1]) + bytes(275)
    output = ffi.new("struct rtpe_output_state *", {"slot": 9, "counters": {"packets": 5, "bytes": 50}})
    head = ffi.new("struct rtpe_state *", {"slot": 4, "counters": {"sum": {"packets": 7, "passed": 2},
                                                                   "drops": list(range(8))}})
    for c, local, other in ((head, "local", "expected_src"), (output, "src", "dst")):
        ffi.buffer(ffi.addressof(c, local))[:] = abi.pack_address(A)
        ffi.buffer(ffi.addressof(c, other))[:] = abi.pack_address(B)
    body = (part(lib.RTPE_PART_SSRCS, 1, tracker) + part(lib.RTPE_PART_PT_STATS, 1, bytes(24))
            + part(lib.RTPE_PART_SRTP_STATES, 1, state)
            + part(lib.RTPE_PART_OUTPUT_STATE, 1, bytes(ffi.buffer(output)))
            + part(lib.RTPE_PART_SRTP_STATES, 1, state))
    head.length = ffi.sizeof("struct rtpe_state") + len(body)
    (found,) = abi.read_states(bytes(ffi.buffer(head)) + body)
    assert (found.local, found.slot, found.counters.packets, found.passed) == (A, 4, 7, 2)
    assert found.drops == tuple(range(8))
    assert [s.ssrc for s in found.sources] == [int.from_bytes(b"SSRC", "big")]
    assert [(o.source, o.destination, o.slot, o.counters.packets) for o in found.outputs] == [(A, B, 9, 5)]
    assert found.seeds.sources == part(lib.RTPE_PART_SSRCS, 1, tracker)
    assert found.seeds.srtp == part(lib.RTPE_PART_SRTP_STATES, 1, state)
    ((source, sent),) = found.seeds.outputs
    c = ffi.from_buffer("struct rtpe_srtp_state *", sent[PART.size:])
    assert source == A and (c.rtp.top, c.rtcp.top) == (0, lib.RTPE_SRTCP_RESERVE)


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
