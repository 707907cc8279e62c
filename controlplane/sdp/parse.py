# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of received bodies (RFC 8866): total, and linear in the size of the body."""
from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import Callable, Final

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.sdp.attributes import SESSION_FALLBACK
from controlplane.sdp.errors import SdpError
from controlplane.sdp.evaluate import evaluate, extmaps
from controlplane.sdp.lex import decimal, lines, network_address, tokens
from controlplane.sdp.model import Attribute, Extmap, MediaDescription, Origin, SessionDescription
from controlplane.sdp.protocols import lookup

BANDWIDTHS = ("AS", "RR", "RS", "CT", "TIAS")
_SESSION_ONLY_BANDWIDTHS = frozenset(("CT",))
_MAX_BANDWIDTH = (1 << 63) - 1
MAX_VERSION = (1 << 64) - 1
MAX_PORT_COUNT = 10
_SHARED_TEXT: Final = 64


def parse(body: bytes, *, fragment: bool = False, strict: bool = False) -> SessionDescription:
    """Read a body; one that is empty or starts with an empty line gives a description without sections.

    ``fragment`` allows any line to come first (RFC 8840), ``strict`` refuses empty lines
    (``reject-invalid-sdp``). SdpError if a line cannot be read, IncompleteSdp if a format is no payload type.
    """
    reader = _Reader()
    for line in lines(body, strict=strict):
        letter = line[0]
        if not reader.sessions and letter != "v":
            if not fragment:
                raise SdpError(f"first line is {line[:32]!r}")
            reader.begin_session()
        if letter == "a":
            reader.attributes.append(_long_attribute(line[2:]) if len(line) > _SHARED_TEXT else _attribute(line[2:]))
            continue
        handler = _HANDLERS.get(letter)
        if handler is None:
            raise SdpError(f"unknown line {line[:32]!r}")
        handler(reader, line[2:])
    return reader.finish()


def _long_attribute(text: str) -> Attribute:
    return Attribute(intern(text.partition(":")[0]), text)


_attribute: Final = lru_cache(maxsize=2048)(_long_attribute)
"""Most short attributes are the same in every call: shared, they cost a call eight bytes each."""


class _Reader:
    """The place in the body: the session and section that the next line belongs to."""

    __slots__ = ("sessions", "medias", "session", "media", "attributes", "has_connection", "session_extmaps",
                 "inherited", "session_attributes")

    def __init__(self) -> None:
        self.sessions: list[SessionDescription] = []
        self.session_attributes: list[tuple[Attribute, ...]] = []
        self.medias: list[MediaDescription] = []
        self.media: MediaDescription | None = None
        self.attributes: list[Attribute] = []
        self.session_extmaps: tuple[Extmap, ...] = ()
        self.inherited: dict[str, list[str]] = {}

    def begin_session(self) -> None:
        """Start the next session of the body."""
        if self.sessions:
            self._end_section()
        self.session = SessionDescription()
        self.sessions.append(self.session)
        self.media = None
        self.attributes = []

    def begin_media(self, media: MediaDescription) -> None:
        """Start the next section of the session."""
        self._end_section()
        media.session_connection = self.session.connection
        media.inherited = self.inherited
        self.media = media
        self.medias.append(media)
        self.attributes = []

    def finish(self) -> SessionDescription:
        """End the body and return the first session with the sections of all."""
        if not self.sessions:
            return SessionDescription()
        self._end_section()
        description = self.sessions[0]
        description.session_attributes = tuple(self.session_attributes)
        description.medias = self.medias
        return description

    def _end_section(self) -> None:
        if self.media is not None:
            evaluate(self.media, self.attributes, self.session_extmaps)
            return
        self.session_attributes.append(tuple(self.attributes))
        self.inherited = {}
        for attribute in self.attributes:
            if attribute.name in SESSION_FALLBACK:
                self.inherited.setdefault(attribute.name, []).append(attribute.value)
        self.session_extmaps = extmaps(self.inherited.get("extmap", []))

    def session_line(self, letter: str) -> SessionDescription:
        """The session that a session-level line belongs to. SdpError after the first m=."""
        if self.media is not None:
            raise SdpError(f"{letter}= line after the first m= line")
        return self.session


def _version(reader: _Reader, value: str) -> None:
    if value != "0":
        raise SdpError(f"SDP version {value[:32]!r}")
    reader.begin_session()


def _origin(reader: _Reader, value: str) -> None:
    session = reader.session_line("o")
    words = tokens(value)
    if session.origin is not None or len(words) < 6:
        raise SdpError(f"second or short o= line: {value[:64]!r}")
    session.origin = Origin(words[0], words[1], _leading_number(words[2]), words[3], words[4], words[5])


def _leading_number(text: str) -> int:
    """The digits that ``text`` begins with as a number of 64 bits, the largest one if there are too many."""
    digits = 0
    while digits < len(text) and "0" <= text[digits] <= "9":
        digits += 1
    significant = text[:digits].lstrip("0") or "0"
    number = decimal(significant, MAX_VERSION)
    return MAX_VERSION if number is None else number


def _name(reader: _Reader, value: str) -> None:
    reader.session_line("s").name = value


def _timing(reader: _Reader, value: str) -> None:
    reader.session_line("t").timing = value


def _uri(reader: _Reader, value: str) -> None:
    reader.session_line("u").uri = value


def _email(reader: _Reader, value: str) -> None:
    reader.session_line("e").emails.append(value)


def _phone(reader: _Reader, value: str) -> None:
    reader.session_line("p").phones.append(value)


def _information(reader: _Reader, value: str) -> None:
    if reader.media is None:
        reader.session.info = value
    else:
        reader.media.title = value


def _connection(reader: _Reader, value: str) -> None:
    scope = reader.media or reader.session
    if scope.connection is not None:
        raise SdpError(f"second c= line: {value[:64]!r}")
    scope.connection = _literal(value)


def _literal(value: str) -> Address:
    try:
        return network_address(value)
    except PeerError as error:
        raise SdpError(f"c= line: {error}") from error


def _bandwidth(reader: _Reader, value: str) -> None:
    name, _, amount = value.partition(":")
    number = decimal(amount.strip(" "), _MAX_BANDWIDTH)
    if number is None or name not in BANDWIDTHS or (reader.media and name in _SESSION_ONLY_BANDWIDTHS):
        return
    (reader.media or reader.session).bandwidths[name] = number


def _media(reader: _Reader, value: str) -> None:
    words = tokens(value)
    if len(words) < 3:
        raise SdpError(f"short m= line: {value[:64]!r}")
    port_text, slash, count_text = words[1].partition("/")
    port = decimal(port_text, 65535)
    count = decimal(count_text, MAX_PORT_COUNT) if slash else 1
    if port is None or not count:
        raise SdpError(f"port of m= line: {value[:64]!r}")
    protocol = lookup(words[2])
    formats = tuple(words[3:])
    if len(value) < _SHARED_TEXT:
        formats = _shared(formats)
    reader.begin_media(MediaDescription(intern(words[0]), port, count, protocol.name if protocol else words[2],
                                        protocol, formats))


@lru_cache(maxsize=256)
def _shared(formats: tuple[str, ...]) -> tuple[str, ...]:
    return formats


def _skip(reader: _Reader, value: str) -> None:
    """A line that is neither needed nor handed on (k=, r=, z=)."""


_HANDLERS: Final[dict[str, Callable[[_Reader, str], None]]] = {
    "v": _version, "o": _origin, "s": _name, "t": _timing, "i": _information, "u": _uri, "e": _email, "p": _phone,
    "c": _connection, "b": _bandwidth, "m": _media, "k": _skip, "r": _skip, "z": _skip,
}
