# SPDX-License-Identifier: GPL-3.0-or-later
"""The consumed attributes of an m-section turned into fields; an attribute that makes no sense is ignored."""
from __future__ import annotations

from functools import lru_cache
from typing import Callable, Final

from controlplane.errors import PeerError
from controlplane.sdp.errors import IncompleteSdp
from controlplane.sdp.lex import decimal, network_address
from controlplane.sdp.model import Attribute, Extmap, MediaDescription, PayloadType, RtcpAttribute
from controlplane.sdp.payloads import STATIC_PAYLOADS, UNKNOWN_PAYLOAD, StaticPayload

MAX_PAYLOAD_TYPE: Final = 127
MAX_REPEATS: Final = 4
"""How often one payload type may stand in an m= line: a body must not grow without bound when it is printed."""
MAX_FEEDBACK = 64
_MAX_CLOCK_RATE = (1 << 31) - 1
_MAX_CHANNELS = 255
_MAX_PTIME = 65535
_EXTMAP_RESERVED: Final = 15
_MAX_EXTMAP: Final = 255
_SHARED_TEXT: Final = 256
_NUMBERS: Final = {str(number): number for number in range(MAX_PAYLOAD_TYPE + 1)}


class Facts:
    """What the attributes of one section have said so far."""

    __slots__ = ("media", "rtpmaps", "fmtps", "feedback", "extmaps")

    def __init__(self, media: MediaDescription):
        self.media = media
        self.rtpmaps: dict[int, str] = {}
        self.fmtps: dict[int, str] = {}
        self.feedback: dict[int, list[str]] = {}
        self.extmaps: list[Extmap] = []


def payload_number(text: str) -> int | None:
    """The payload type 0 to 127 that ``text`` is, None if it is none."""
    number = _NUMBERS.get(text)
    return decimal(text, MAX_PAYLOAD_TYPE) if number is None else number


def rtpmap(text: str) -> StaticPayload | None:
    """The meaning of ``opus/48000/2`` (RFC 8866 section 6.6), None if there is no name or no clock rate."""
    parts = text.strip(" ").split("/", 3)
    clock_rate = decimal(parts[1], _MAX_CLOCK_RATE) if len(parts) > 1 else None
    if not parts[0] or not clock_rate:
        return None
    channels = decimal(parts[2], _MAX_CHANNELS) if len(parts) > 2 else 1
    return StaticPayload(parts[0], clock_rate, channels or 1)


def _extmap(text: str) -> Extmap | None:
    """The header extension of ``5/sendonly URI parameters`` (RFC 8285 section 8), None if its id is unusable."""
    words = text.split(" ", 2)
    number = decimal(words[0].partition("/")[0], _MAX_EXTMAP)
    if not number or number == _EXTMAP_RESERVED or len(words) < 2 or not words[1]:
        return None
    return Extmap(number, words[1], words[2] if len(words) > 2 else "")


def extmaps(values: list[str]) -> tuple[Extmap, ...]:
    """The usable header extensions among the values of extmap attributes."""
    return tuple(found for found in map(_extmap, values) if found is not None)


def _read_rtpmap(facts: Facts, value: str) -> None:
    number_text, _, mapping = value.partition(" ")
    number = payload_number(number_text)
    if number is not None and (number not in facts.rtpmaps or rtpmap(mapping) is not None):
        facts.rtpmaps[number] = mapping


def _read_fmtp(facts: Facts, value: str) -> None:
    number_text, _, parameters = value.partition(" ")
    number = payload_number(number_text)
    if number is not None and parameters:
        facts.fmtps[number] = parameters


def _read_rtcp_fb(facts: Facts, value: str) -> None:
    number_text, _, feedback = value.partition(" ")
    number = payload_number(number_text)
    if number is not None and feedback:
        of_number = facts.feedback.setdefault(number, [])
        if len(of_number) < MAX_FEEDBACK:
            of_number.append(feedback)


def _read_rtcp(facts: Facts, value: str) -> None:
    port_text, _, rest = value.strip(" ").partition(" ")
    port = decimal(port_text, 65535)
    if not port:
        return
    try:
        facts.media.rtcp = RtcpAttribute(port, network_address(rest) if rest else None)
    except PeerError:
        return  # like any other attribute that makes no sense


def _read_rtcp_mux(facts: Facts, value: str) -> None:
    facts.media.rtcp_mux = True


def _read_mid(facts: Facts, value: str) -> None:
    facts.media.mid = value or None


def _read_label(facts: Facts, value: str) -> None:
    facts.media.label = value or None


def _read_ptime(facts: Facts, value: str) -> None:
    facts.media.ptime = decimal(value.strip(" "), _MAX_PTIME) or None


def _read_maxptime(facts: Facts, value: str) -> None:
    facts.media.maxptime = decimal(value.strip(" "), _MAX_PTIME) or None


def _read_extmap(facts: Facts, value: str) -> None:
    found = _extmap(value)
    if found is not None:
        facts.extmaps.append(found)


def _read_crypto(facts: Facts, value: str) -> None:
    facts.media.crypto += (value,)


READERS: Final[dict[str, Callable[[Facts, str], None]]] = {
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_rtcp_fb,
    "rtcp": _read_rtcp,
    "rtcp-mux": _read_rtcp_mux,
    "mid": _read_mid,
    "label": _read_label,
    "ptime": _read_ptime,
    "maxptime": _read_maxptime,
    "extmap": _read_extmap,
    "crypto": _read_crypto,
}


def evaluate(media: MediaDescription, attributes: list[Attribute], session_extmaps: tuple[Extmap, ...]) -> None:
    """Fill ``media`` from ``attributes``. IncompleteSdp if the format of an RTP section is no payload type."""
    facts = Facts(media)
    for attribute in attributes:
        reader = READERS.get(attribute.name)
        if reader is not None:
            reader(facts, attribute.value)
    media.attributes = tuple(attributes)
    media.extmaps = tuple(facts.extmaps) or session_extmaps
    media.direction = media.effective_direction
    if media.is_rtp and media.port:
        _set_payload_types(media, facts)


def lend_port(media: MediaDescription, head: MediaDescription) -> None:
    """A section with port 0 is part of a bundle, and has the address of its head. IncompleteSdp as above."""
    media.port, media.connection, media.crypto, media.lent = head.port, head.connection, (), True
    evaluate(media, [each for each in media.attributes if each.name != "bundle-only"], media.extmaps)
    media.rtcp, media.rtcp_mux = head.rtcp, head.rtcp_mux


def take_port_back(media: MediaDescription) -> None:
    """It is not: the section is rejected."""
    media.port, media.payload_types = 0, ()


def _set_payload_types(media: MediaDescription, facts: Facts) -> None:
    seen: dict[int, int] = {}
    numbers = []
    for text in media.formats:
        number = payload_number(text)
        if number is None:
            raise IncompleteSdp(f"not a payload type: {text[:32]!r}")
        count = seen[number] = seen.get(number, 0) + 1
        if count <= MAX_REPEATS:
            numbers.append(number)
    media.payload_types = tuple(
        payload_type(number, facts.rtpmaps.get(number, ""), facts.fmtps.get(number),
                     tuple(facts.feedback.get(number, ()))) for number in numbers)


def payload_type(number: int, mapping: str = "", fmtp: str | None = None,
                 feedback: tuple[str, ...] = ()) -> PayloadType:
    """The payload type that an rtpmap (empty: the static assignment), fmtp and rtcp-fb describe.

    Equal ones are shared, unless they are long: there are few different ones, and many calls.
    """
    if len(mapping) + len(fmtp or "") + sum(map(len, feedback)) > _SHARED_TEXT:
        return _payload_type(number, mapping, fmtp, feedback)
    return _shared_payload_type(number, mapping, fmtp, feedback)


def _payload_type(number: int, mapping: str, fmtp: str | None, feedback: tuple[str, ...]) -> PayloadType:
    meaning = rtpmap(mapping) or STATIC_PAYLOADS.get(number, UNKNOWN_PAYLOAD)
    return PayloadType(number, meaning.encoding, meaning.clock_rate, meaning.channels, fmtp, feedback)


_shared_payload_type = lru_cache(maxsize=512)(_payload_type)
