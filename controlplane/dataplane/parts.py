# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a target message that say what its media are and what outputs do to packets (kmod/uapi/rtpengine.h)."""
from __future__ import annotations

import struct
from functools import lru_cache

from controlplane.events import BundledMedia, WantedOutput
from controlplane.relay._native import lib

MAX_PAYLOAD_TYPES: int = lib.RTPE_MAX_PAYLOAD_TYPES
MAX_GROUPS: int = lib.RTPE_MAX_GROUPS
MAX_RULES: int = lib.RTPE_MAX_RULES
MAX_MID: int = lib.RTPE_MAX_MID
MAX_SOURCES: int = lib.RTPE_MAX_SOURCES

PART = struct.Struct("=HHI")
"""struct rtpe_part: kind, count, length."""
PAYLOAD_TYPE = struct.Struct("=BBHI")
"""struct rtpe_payload_type: number, group, flags, clock_rate."""
GROUP = struct.Struct("=5B3x256s")
"""struct rtpe_group: rtp_start, rtp_end, rtcp_start, rtcp_end, mid_len, mid."""
RULE = struct.Struct("=BBxxB3x16s")
"""struct rtpe_rule: number, flags, pattern_len, pattern."""
MID = struct.Struct("=BB6x256s")
"""struct rtpe_mid: id, len, text."""
SSRC_MAP = struct.Struct("=4s4sHH4x")
"""struct rtpe_ssrc_map: from, to, seq_offset, flags."""
EXTENSION_BYTES = 32
"""Size of struct rtpe_extensions."""
_PAYLOAD_TYPES, _REPORTED = lib.RTPE_PART_PAYLOAD_TYPES, lib.RTPE_PAYLOAD_TYPE_REPORTED
_GROUP_PART, _RULES, _DROPPED = lib.RTPE_PART_GROUPS, lib.RTPE_PART_RULES, lib.RTPE_RULE_BLACKHOLE
_SSRC_MAP, _OTHERS = lib.RTPE_PART_SSRC_MAP, lib.RTPE_SSRC_MAP_OTHERS
_EXTENSIONS, _MID, _SOURCES = lib.RTPE_PART_EXTENSIONS, lib.RTPE_PART_MID, lib.RTPE_PART_SOURCES


def part(kind: int, count: int, entries: bytes) -> bytes:
    """A struct rtpe_part with its entries."""
    return PART.pack(kind, count, PART.size + len(entries)) + entries


@lru_cache(256)
def payload_types(types: tuple[tuple[int, int], ...], reported: tuple[int, ...] = ()) -> bytes:
    """The part for what calls negotiate again and again; empty if there is none."""
    chosen = sorted(dict(types).items())[:MAX_PAYLOAD_TYPES]
    if not chosen:
        return b""
    entries = b"".join([PAYLOAD_TYPE.pack(number, 0, _REPORTED if number in reported else 0, clock_rate)
                        for number, clock_rate in chosen])
    return part(_PAYLOAD_TYPES, len(chosen), entries)


def bundled_types(bundle: tuple[BundledMedia, ...], reported: tuple[int, ...] = ()) -> bytes:
    """The part for the payload types of all media; one that several have belongs to the first of the bundle."""
    found: dict[int, tuple[int, int]] = {}
    for group, media in enumerate(bundle[:MAX_GROUPS]):
        for number, clock_rate in media.payload_types:
            found[number] = (0, found[number][1]) if number in found else (group, clock_rate)
    chosen = sorted(found.items())[:MAX_PAYLOAD_TYPES]
    entries = b"".join([PAYLOAD_TYPE.pack(number, group, _REPORTED if number in reported else 0, clock_rate)
                        for number, (group, clock_rate) in chosen])
    return part(_PAYLOAD_TYPES, len(chosen), entries) if chosen else b""


def groups(bundle: tuple[BundledMedia, ...]) -> bytes:
    """The part that says which outputs are whose."""
    entries, at = [], 0
    for media in bundle[:MAX_GROUPS]:
        rtcp = at + len(media.rtp_outputs)
        mid = (media.mid or "").encode("utf-8", "surrogateescape")
        mid = b"" if len(mid) > MAX_MID else mid
        entries.append(GROUP.pack(at, rtcp, rtcp, rtcp + len(media.rtcp_outputs), len(mid), mid))
        at = rtcp + len(media.rtcp_outputs)
    return part(_GROUP_PART, len(entries), b"".join(entries))


def mid_id(bundle: tuple[BundledMedia, ...]) -> int:
    """The header extension that carries the MIDs; 0 for none."""
    return next((media.mid_extension for media in bundle if media.mid_extension is not None), 0)


def sources(addresses: list[bytes]) -> bytes:
    """The part for sources (struct rtpe_addr) that are as good as the expected one."""
    used = addresses[:MAX_SOURCES]
    return part(_SOURCES, len(used), b"".join(used))


def rewriting(wanted: WantedOutput) -> bytes:
    """The parts for SSRCs, payload rules, header extensions and the MID."""
    parts = b""
    if wanted.ssrc_mask:
        parts += part(_SSRC_MAP, 1, SSRC_MAP.pack(bytes(4), wanted.ssrc_mask.to_bytes(4, "big"), 0, _OTHERS))
    if wanted.rules:
        rules = sorted(wanted.rules)[:MAX_RULES]
        parts += part(_RULES, len(rules), b"".join([
            RULE.pack(rule.number, _DROPPED if rule.dropped else 0, len(rule.pattern), rule.pattern)
            for rule in rules]))
    if wanted.extensions is not None:
        allowed = sum({1 << number for number in wanted.extensions.kept if 0 < number <= 255})
        parts += part(_EXTENSIONS, 1, allowed.to_bytes(EXTENSION_BYTES, "little"))
        if wanted.extensions.mid is not None:
            number, name = wanted.extensions.mid
            text = name.encode("utf-8", "surrogateescape")[:MAX_MID]
            parts += part(_MID, 1, MID.pack(number, len(text), text))
    return parts
