# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that calls consist of: what was said in SDP, what was counted, keys."""
from __future__ import annotations

from controlplane.dtls.fingerprint import HASHES, Fingerprint
from controlplane.dtls.keys import SessionKeys
from controlplane.events import NOTHING, Counters, KeyIndex, SrtpKeys, SsrcStats, StreamStats
from controlplane.ice.candidate import Candidate
from controlplane.ice.credentials import Credentials
from controlplane.persist.kinds import (ADDRESS, BYTES, ENDPOINT, FLAG, LARGE, NUMBER, REAL, TEXT, TIME,
                                        BadDocument, Document, Field, Kind, Plain, by_text, fill, is_dict, is_text,
                                        many, one_of, read_fields, record, required, write_fields)
from controlplane.sdp.model import (Attribute, Extmap, MediaDescription, Origin, PayloadType, RtcpAttribute, Twin)
from controlplane.sdp.origin import OriginState
from controlplane.sdp.protocols import lookup
from controlplane.session.media import Handling
from controlplane.srtp.crypto import Crypto
from controlplane.srtp.sdes import Sdes
from controlplane.srtp.suites import SUITES

TEXTS = many(TEXT, tuple)


def _attribute(plain: Plain) -> Attribute:
    text = is_text(plain)
    return Attribute(text.partition(":")[0], text)


ATTRIBUTE = Kind(lambda attribute: attribute.text, _attribute)
ORIGIN = record(Origin, *(required(name, LARGE if name == "version" else TEXT) for name in Origin._fields))
EXTMAPS = many(record(Extmap, required("id", NUMBER), required("uri", TEXT), Field("parameters", TEXT, "")), tuple)
TWIN = record(Twin, required("protocol", TEXT), required("first", FLAG))
CODECS = many(record(
    PayloadType, required("number", NUMBER), required("encoding", TEXT), required("clock_rate", NUMBER),
    Field("channels", NUMBER, 1), Field("fmtp", TEXT), Field("rtcp_fb", TEXTS, ())), tuple)
_RTCP = record(RtcpAttribute, required("port", NUMBER), Field("address", ADDRESS))
_BANDWIDTHS = by_text(NUMBER)

SECTION_HEAD = (required("type", TEXT), required("port", NUMBER), required("port_count", NUMBER),
                required("protocol_text", TEXT), required("formats", TEXTS))
SECTION_FIELDS = (
    Field("session_connection", ADDRESS), Field("inherited", by_text(many(TEXT)), {}), Field("title", TEXT, ""),
    Field("connection", ADDRESS), Field("bandwidths", _BANDWIDTHS, {}), Field("attributes", many(ATTRIBUTE, tuple), ()),
    Field("payload_types", CODECS, ()), Field("extmaps", EXTMAPS, ()), Field("direction", TEXT, "sendrecv"),
    Field("mid", TEXT), Field("label", TEXT), Field("rtcp", _RTCP),
    Field("rtcp_mux", FLAG, False), Field("ptime", NUMBER), Field("maxptime", NUMBER), Field("crypto", TEXTS, ()),
    Field("twin", TWIN))


def _write_section(section: MediaDescription) -> Document:
    return write_fields(section, SECTION_HEAD) | write_fields(section, SECTION_FIELDS)


def _read_section(plain: Plain) -> MediaDescription:
    document = is_dict(plain)
    head = read_fields(document, SECTION_HEAD)
    section = MediaDescription(**head, protocol=lookup(head["protocol_text"]))
    fill(section, document, SECTION_FIELDS)
    return section


SECTION = Kind(_write_section, _read_section)
SESSION = (
    Field("origin", ORIGIN), Field("name", TEXT), Field("info", TEXT, ""), Field("uri", TEXT, ""),
    Field("emails", many(TEXT), []), Field("phones", many(TEXT), []), Field("connection", ADDRESS),
    Field("bandwidths", _BANDWIDTHS, {}), Field("timing", TEXT),
    Field("session_attributes", many(many(ATTRIBUTE, tuple), tuple), ()))
"""Members of a SessionDescription, without its media."""
ORIGIN_STATE = record(OriginState, Field("origin", ORIGIN), Field("digest", BYTES))

_LEARNING = one_of({name: name for name in ("off", "immediate", "delayed", "heuristic")})
HANDLING = record(Handling, Field("learning", _LEARNING, "heuristic"), *(Field(name, FLAG, False) for name in (
    "asymmetric", "strict_source", "media_handover", "unidirectional", "nat_wait", "pierce_nat")))

SUITE = one_of({suite.name: suite for suite in SUITES})
_CRYPTO = many(record(Crypto, required("tag", NUMBER), required("suite", SUITE), required("key", BYTES),
                      required("salt", BYTES), Field("mki", BYTES, b""), Field("flags", NUMBER, 0)))
_ONE_CRYPTO = Kind(lambda crypto: _CRYPTO.write([crypto])[0], lambda plain: _CRYPTO.read([plain])[0])
SDES_FIELDS = (Field("received", _CRYPTO, []), Field("sent", _CRYPTO, []), Field("offered", _CRYPTO, []),
               Field("preferred", TEXTS, ()), Field("incoming", _ONE_CRYPTO), Field("outgoing", _ONE_CRYPTO))


def _read_sdes(plain: Plain) -> Sdes:
    sdes = Sdes()
    fill(sdes, is_dict(plain), SDES_FIELDS)
    return sdes


SDES = Kind(lambda sdes: write_fields(sdes, SDES_FIELDS), _read_sdes)
_KEYS = record(SrtpKeys, *(required(name, NUMBER) for name in ("cipher", "hmac")), required("key", BYTES),
               required("salt", BYTES), required("rtp_tag", NUMBER), required("rtcp_tag", NUMBER),
               Field("mki", BYTES, b""), Field("flags", NUMBER, 0))
SESSION_KEYS = record(SessionKeys, required("suite", SUITE), required("received", _KEYS), required("sent", _KEYS))
FINGERPRINTS = many(record(Fingerprint, required("hash", one_of({name: name for name in HASHES})),
                           required("digest", BYTES)), tuple)
KEY_INDICES = many(record(
    KeyIndex, required("sent", FLAG), required("key", BYTES), required("ssrc", NUMBER),
    Field("rtp", NUMBER, 0), Field("rtcp", NUMBER, 0)), tuple)

CREDENTIALS = record(Credentials, required("ufrag", TEXT), required("password", TEXT))
_WORD_PAIRS = many(Kind(list, lambda plain: _two(TEXTS.read(plain))), tuple)
CANDIDATE = record(
    Candidate, required("foundation", TEXT), required("component", NUMBER), required("transport", TEXT),
    required("priority", NUMBER), required("endpoint", ENDPOINT), required("type", TEXT), Field("related", ENDPOINT),
    Field("extensions", _WORD_PAIRS, ()))

SOURCES = many(record(SsrcStats, *(required(
    name, {"jitter": REAL, "last_packet": TIME}.get(name, NUMBER)) for name in SsrcStats._fields)), tuple)
_COUNTERS = record(Counters, *(Field(name, NUMBER, 0) for name in ("packets", "bytes", "errors")),
                   Field("last_packet", TIME, 0.0))
STATS = record(StreamStats, *(Field(name, _COUNTERS, NOTHING) for name in (
    "user_in", "kernel_in", "user_out", "kernel_out")), Field("sources", SOURCES, ()))


def _two(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) != 2:
        raise BadDocument("not a pair of words")
    return words
