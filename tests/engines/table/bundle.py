# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundled media: the section of a packet by MID, by its source, by payload type; of RTCP by whom it names."""
from __future__ import annotations

import struct

from tests.engines.packets import extension, rtcp, rtp, sender_report
from tests.engines.scenario import Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.kernel.guest.abi import part
from tests.kernel.guest.case_rewrite import group

OUTPUTS = tuple(Out(f"far{n}", f"b{n}") for n in range(4))
AUDIO, VIDEO, AUDIO_RTCP, VIDEO_RTCP = ((n, n + 1) for n in range(4))
MID_A, MID_V, MID_OTHER = (extension(b"\x40" + text) for text in (b"a", b"v", b"z"))


def bundle(types: tuple[tuple[int, int], ...] = ((0, 0), (97, 1)), groups: bytes = b"") -> bytes:
    """The parts of a target with two sections; `types` are payload types and their sections."""
    entries = b"".join(struct.pack("<BBHI", number, section, 0, 8000) for number, section in types)
    groups = groups or group((0, 1), (2, 3), b"a") + group((1, 2), (3, 4), b"v")
    return part(abi.PAYLOAD_TYPES, entries, len(types)) + part(abi.GROUPS, groups, len(groups) // 264)


def _install(s: Scenario, replaces: bool = False) -> None:
    """The books want to know the types that the message brings by hand."""
    s.add(outputs=OUTPUTS, ranges=(0, 0, 0, 0), payload_types=(), mid_id=4, more=bundle(), replaces=replaces,
          counted=((0, 8000), (97, 8000)))


@scenario()
def sections(s: Scenario) -> None:
    """By MID, by what the source's MID was, by payload type, else the first."""
    _install(s)
    s.send(rtp(1), via=AUDIO)
    s.send(rtp(2, pt=97, ssrc=2), via=VIDEO)
    s.send(rtp(2, pt=50, ssrc=3), via=AUDIO, drop="payload_type")
    s.send(rtp(2, extension=MID_V), via=VIDEO)
    s.send(rtp(3), via=VIDEO)
    s.send(rtp(4, extension=MID_OTHER), via=VIDEO)
    s.send(rtp(1, extension=MID_A), via=AUDIO)
    s.send(rtp(5), via=VIDEO)
    s.send(rtp(6, extension=MID_A, pt=97), via=AUDIO)
    s.send(rtp(7, pt=97), via=AUDIO)


@scenario()
def reports_of_sections(s: Scenario) -> None:
    """RTCP goes where the first source it names belongs, who sends before whom it is about; else to the first."""
    _install(s)
    s.send(sender_report(2), via=AUDIO_RTCP)
    s.send(rtp(1, ssrc=1), via=AUDIO)
    s.send(rtp(1, ssrc=2, pt=97), via=VIDEO)
    s.send(rtp(1, ssrc=3, extension=MID_V), via=VIDEO)
    for ssrc, via in ((1, AUDIO_RTCP), (2, VIDEO_RTCP), (3, VIDEO_RTCP), (4, AUDIO_RTCP)):
        s.send(sender_report(ssrc), via=via)
        s.send(rtcp(1, 206, struct.pack(">II", 99, ssrc)), via=via)
        s.send(rtcp(1, 201, struct.pack(">I", 99) + struct.pack(">IIIIII", ssrc, 0, 0, 0, 0, 0)), via=via)
    s.send(rtcp(0, 201, struct.pack(">I", 77)) + sender_report(3), via=VIDEO_RTCP)


@scenario()
def sections_after_replacement(s: Scenario) -> None:
    """What a source's MID said holds on; a packet that comes late does not undo it."""
    _install(s)
    s.send(rtp(10, extension=MID_V), via=VIDEO)
    _install(s, replaces=True)
    s.send(rtp(11), via=VIDEO)
    s.send(rtp(12, extension=MID_A), via=AUDIO)
    s.send(rtp(9, extension=MID_V), via=VIDEO)
    s.send(rtp(13), via=AUDIO)


@scenario(tables=2)
def sections_handed_over(s: Scenario) -> None:
    """And goes along to another engine."""
    _install(s)
    s.send(rtp(10, extension=MID_V), via=VIDEO)
    s.move(0, 1, counted=((0, 8000), (97, 8000)))
    s.send(rtp(11), via=VIDEO, table=1)
    s.send(rtp(12, extension=MID_A), via=AUDIO, table=1)


@scenario()
def two_byte_mids(s: Scenario) -> None:
    """Long MIDs in the two-byte form, one that is the beginning of another, an empty one."""
    long, short = b"m" * 40, b"m" * 39
    groups = group((0, 1), (2, 3), long) + group((1, 2), (3, 4), short)
    s.add(outputs=OUTPUTS, ranges=(0, 0, 0, 0), payload_types=(), mid_id=200, counted=((0, 8000),),
          more=bundle(((0, 0),), groups))
    for n, (text, via) in enumerate(((long, AUDIO), (short, VIDEO), (b"m", VIDEO), (b"", VIDEO), (long, AUDIO))):
        s.send(rtp(n, extension=extension(bytes((200, len(text))) + text, 0x1000)), via=via)
