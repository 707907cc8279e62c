# SPDX-License-Identifier: GPL-3.0-or-later
"""T16: RTP and RTCP that is wrong in every field and of every length."""
from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.engines.packets import extension, is_rtcp, is_rtp, rtcp, rtp
from tests.engines.scenario import FAILS, LEFT_OUT, Out, Scenario, scenario
from tests.kernel.guest import abi
from tests.kernel.guest.case_rewrite import extensions, maps, mid, rule, rules, ssrc_map
from tests.peers.srtp import header_length, suite

HEADER = rtp(1, b"")


def broken() -> Iterator[bytes]:
    """Every odd packet, most of them a byte or a word from being right."""
    for size in range(13):
        yield HEADER[:size]
        yield rtcp(0, 200, bytes(8))[:size]
    for count in range(16):
        for size in {0, 4 * count, max(0, 4 * count - 1)}:
            yield bytes((0x80 | count,)) + HEADER[1:] + bytes(size)
    for profile in (0xBEDE, 0x1000, 0):
        for words in (0, 1, 5, 0xFFFF):
            for size in (0, 3, 4, 20):
                yield b"\x90" + HEADER[1:] + struct.pack("!HH", profile, words) + bytes(size)
    for first in (0x00, 0xF0, 0xFF, 0x1F, 0x10, 0x20):
        yield rtp(1, b"x", extension=extension(bytes((first, 1, 2, 3))))
        yield rtp(1, b"x", extension=extension(bytes((first, 9, 2, 3)), 0x1000))
    for padding in (0, 1, 2, 3, 255):
        yield rtp(1, b"", padding=bytes((0, padding)))
    yield b"\xa0" + HEADER[1:]
    for version in (0, 1, 3):
        yield bytes((version << 6,)) + HEADER[1:] + b"x"
    for kind in (193, 194, 200, 205, 207, 223, 224):
        for words in (0, 1, 6, 65535):
            for size in (0, 3, 4, 24):
                yield struct.pack("!BBH", 0x9F, kind, words) + bytes(size)
    for length in (0, 4, 65535):
        yield b"\0\1" + struct.pack("!HI", length, 0x2112A442) + bytes(12)


def others() -> Iterator[bytes]:
    """At random, beginning like something."""
    dice = random.Random(16)
    for _ in range(150):
        yield bytes((dice.choice((0x80, 0x90, 0x9F, 0xA0, 0, 22, 0xFF)),)) + dice.randbytes(dice.randrange(60))


PACKETS = tuple(dict.fromkeys((*broken(), *others(), rtp(9, bytes(1400)), b"\xff" * 1440)))


def _unknown(data: bytes) -> str:
    return "payload_type" if is_rtp(data) and data[1] & 127 not in (0, 8) else ""


@scenario()
def forwarded_as_they_are(s: Scenario) -> None:
    """Whatever the payload, it arrives unchanged, and counts as what it is."""
    s.add()
    for data in PACKETS:
        s.send(data, drop=_unknown(data))


@scenario()
def only_media(s: Scenario) -> None:
    """With RTPE_TARGET_RTP_ONLY what is neither RTP nor RTCP is not forwarded."""
    s.add(flags=abi.RTP | abi.RTP_ONLY)
    for data in PACKETS:
        media = is_rtp(data) or is_rtcp(data)
        s.send(data, up=not media, note="" if media else "malformed", drop=_unknown(data) if media else "")


@scenario(secure=True)
def to_a_target_with_keys(s: Scenario) -> None:
    """Nothing that is broken gets through, is tracked, or reads beyond its end."""
    for n, cipher in enumerate(("AES_CM_128", "AES_GCM_128")):
        s.add(local=f"near{n}", keys=suite(cipher))
        for data in PACKETS:
            s.send(b"", to=f"near{n}", wire=data, drop="auth" if is_rtp(data) or is_rtcp(data) else "malformed")


@scenario(secure=True)
def through_an_output_with_keys(s: Scenario) -> None:
    """What is neither RTP nor RTCP does not leave, and nothing is in the clear."""
    s.add(outputs=(Out(keys=suite("AES_CM_128")),))
    for n, data in enumerate(PACKETS):
        if is_rtp(data):
            data = data[:2] + struct.pack("!H", n) + data[4:8] + b"SSRC" + data[12:]
        s.send(data, drop=_unknown(data), out={} if is_rtp(data) or is_rtcp(data) else {0: FAILS})


def payload_of(data: bytes) -> int:
    """Bytes of payload; none where the padding lies."""
    size = len(data) - header_length(data)
    if not size or not data[0] & 0x20:
        return size
    return size - data[-1] if 0 < data[-1] <= size else 0


@scenario()
def through_rules(s: Scenario) -> None:
    """Patterns cover the payload, whatever the padding says."""
    types = tuple((n, 8000) for n in range(0, 128, 4))
    s.add(outputs=(Out(more=rules(*(rule(n, min_payload=1, pattern=b"p") for n, _ in types))), Out("far1", "b1")),
          payload_types=types)
    for data in PACKETS:
        if not is_rtp(data) or data[1] & 127 not in dict(types):
            s.send(data, drop="payload_type" if is_rtp(data) else "")
            continue
        size, at = payload_of(data), header_length(data)
        s.send(data, out={0: data[:at] + b"p" * size + data[at + size:] if size else LEFT_OUT})


def _adds_up(data: bytes) -> bool:
    """Whether RTCP consists of whole packets."""
    while data:
        if len(data) < 4 or data[0] >> 6 != 2 or not 194 <= data[1] <= 223:
            return False
        size = 4 + 4 * struct.unpack_from("!H", data, 2)[0]
        if size > len(data):
            return False
        data = data[size:]
    return True


@scenario()
def through_edits(s: Scenario) -> None:
    """Editors of SSRCs that are not there and extensions that may all stay change nothing, and break nothing."""
    everything = extensions(*range(256))
    s.add(outputs=(Out(more=maps(ssrc_map(0xDEAD, 1)) + everything), Out("far1", "b1")), flags=abi.RTP)
    for data in PACKETS:
        if is_rtp(data) and data[0] & 16:
            continue        # an extension that lies about its elements is put in order: rewrite.py
        out: dict[int, bytes | str] = {0: FAILS} if is_rtcp(data) and not _adds_up(data) else {}
        s.send(data, drop=_unknown(data), out=out)
    s.add(local="near1", outputs=(Out(more=mid(1, b"m")), Out("far1", "b1")))
    for data in PACKETS:
        if is_rtp(data) and not data[0] & 16 and len(data) < 1400:
            size = header_length(data)
            s.send(data, to="near1", drop=_unknown(data),
                   out={0: bytes((data[0] | 16,)) + data[1:size] + extension(b"\x10m") + data[size:]})


@scenario()
def jumbo(s: Scenario) -> None:
    """Datagrams larger than a link takes at once."""
    s.add()
    dice = random.Random(2)
    for n, size in enumerate((1461, 3000, 9000, 30000, 60000)):
        s.send(rtp(n, dice.randbytes(size)))
