# SPDX-License-Identifier: GPL-3.0-or-later
"""One medium of a party in a document: what was negotiated, its sockets, streams and keys; links see document.py."""
from __future__ import annotations

from controlplane.addresses import Endpoint, zero_address
from controlplane.persist import paths
from controlplane.persist.kinds import (ADDRESS, ENDPOINT, FLAG, NUMBER, TEXT, TIME, BadDocument, Document, Field,
                                        Kind, Plain, fill, is_dict, is_list, is_number, is_text, many, one_of,
                                        read_fields, required, write_fields)
from controlplane.persist.sockets import Surroundings
from controlplane.persist.values import CODECS, EXTMAPS, HANDLING, SDES, SECTION, SOURCES, STATS, TWIN
from controlplane.session.dtls import Dtls
from controlplane.session.latching import MAX_CONSECUTIVE, MAX_MAPPINGS
from controlplane.session.media import DEFAULT_HANDLING, Media, PortMapping
from controlplane.session.stream import NO_STATS, Stream
from controlplane.srtp.sdes import Sdes

PAST = Endpoint(zero_address(4), 0)
"""Stands for the sockets of former processes; no stream has it as its own."""
_MUX = one_of({"no": False, "yes": True, "theirs": None})
HEAD = (required("index", NUMBER), required("type", TEXT))
FIELDS = (
    Field("number", NUMBER), *(Field(name, FLAG, False) for name in (
        "osrtp", "sdes_first", "agreed", "twins_offered", "mux", "mux_expected", "mux_offered", "mux_required",
        "offered", "withdrawn", "passthrough", "echo", "blackhole", "ice_lite", "generate_rtcp")),
    Field("send", FLAG, True), Field("recv", FLAG, True), Field("mixes_extensions", FLAG, True),
    Field("mux_answer", _MUX, False), Field("twin", TWIN),
    Field("handling", HANDLING, DEFAULT_HANDLING), Field("mid", TEXT), Field("label", TEXT),
    Field("interface", TEXT), Field("family", one_of({"IP4": 4, "IP6": 6})), Field("sends", CODECS, ()),
    Field("told", CODECS, ()), Field("extmaps", EXTMAPS, ()), Field("masked_extmaps", EXTMAPS, ()),
    Field("sdes", SDES), Field("heard", Kind(lambda heard: SOURCES.write(heard.values()),
                                             lambda plain: {each.ssrc: each for each in SOURCES.read(plain)}), {}))
"""Members of a Media that are written and read as they are."""
STREAM_HEAD = (required("component", NUMBER), required("created", TIME), Field("is_rtp", FLAG, False),
               Field("is_rtcp", FLAG, False))
STREAM = (
    *(Field(name, ENDPOINT) for name in ("endpoint", "advertised", "learned")), Field("best_rank", NUMBER),
    *(Field(name, FLAG, False) for name in ("pathless", "filled", "public", "confirmed", "received")),
    Field("stats", STATS, NO_STATS))


def write_media(media: Media, section: Plain = None) -> Document:
    """``section`` stands for the description, if it is written elsewhere."""
    document = write_fields(media, HEAD) | write_fields(media, FIELDS)
    if media.protocol:
        document["protocol"] = media.protocol
    if media.description is not None:
        document["description"] = SECTION.write(media.description) if section is None else section
    document["streams"] = [write_fields(each, STREAM_HEAD) | write_fields(each, STREAM) for each in media.streams]
    if media.mappings:
        document["mappings"] = [_write_mapping(mapping, media) for mapping in media.mappings]
    if media.mapping in media.mappings:
        document["mapping"] = media.mappings.index(media.mapping)
    if media.ice is not None:
        document["ice"] = paths.write_ice(media)
    if media.dtls is not None:
        document["dtls"] = paths.write_dtls(media.dtls)
    if media.keys is not None:
        document["keys"] = _write_keys(media)
    return document


def _write_keys(media: Media) -> Plain:
    """Those in force: the ones that are negotiated, or others that an offer has not done away with yet."""
    keys = media.keys
    if keys is media.sdes or keys is media.dtls:
        return "sdes" if keys is media.sdes else "dtls"
    if isinstance(keys, Dtls):
        return {"dtls": paths.write_dtls(keys)}
    assert isinstance(keys, Sdes)
    return {"sdes": SDES.write(keys)}


def _write_mapping(mapping: PortMapping, media: Media) -> Document:
    document: Document = {"interface": mapping.place.interface, "address": str(mapping.place.address),
                          "ports": [local.port for local in mapping.sockets]}
    if mapping.remote is not None:
        document["remote"] = str(mapping.remote)
    if mapping.leader in media.mappings:
        document["leader"] = media.mappings.index(mapping.leader)
    return document


def read_media(document: Document, around: Surroundings) -> Media:
    """PeerError if a socket is not to be had."""
    media = Media(**read_fields(document, HEAD))
    fill(media, document, FIELDS)
    media.set_protocol(is_text(document.get("protocol", "")))
    media.mappings = _read_mappings(_short(document.get("mappings", []), MAX_MAPPINGS), around)
    media.streams = [_read_stream(is_dict(each)) for each in _short(document.get("streams", []), MAX_CONSECUTIVE)]
    if "mapping" in document:
        _use(media, is_number(document["mapping"]))
    if "ice" in document:
        media.ice = paths.read_ice(media, document["ice"], around)
    if "dtls" in document:
        media.dtls = paths.read_dtls(document["dtls"], around)
    if "keys" in document:
        _read_keys(media, document["keys"], around)
    return media


def _short(plain: Plain, most: int) -> list[Plain]:
    if len(is_list(plain)) > most:
        raise BadDocument(f"more than {most}")
    return is_list(plain)


def _read_stream(document: Document) -> Stream:
    stream = Stream(**{"is_rtp": False, "is_rtcp": False, **read_fields(document, STREAM_HEAD)})
    fill(stream, document, STREAM)
    if stream.stats is not NO_STATS:
        stream.counted = {PAST: stream.stats}
    return stream


def _use(media: Media, number: int) -> None:
    """The streams have the sockets of this mapping."""
    if not 0 <= number < len(media.mappings):
        raise BadDocument("a medium without its sockets")
    mapping = media.mapping = media.mappings[number]
    for stream, local in zip(media.streams, mapping.sockets):
        stream.local = local
        if stream.counted is not None:
            stream.counted[local] = NO_STATS


_PORTS = many(NUMBER, tuple)
_MAPPING = (required("interface", TEXT), required("address", ADDRESS), required("ports", _PORTS),
            Field("remote", ENDPOINT), Field("leader", NUMBER))


def _read_mappings(plains: list[Plain], around: Surroundings) -> list[PortMapping]:
    documents = [read_fields(is_dict(plain), _MAPPING) for plain in plains]
    mappings = [_read_mapping(found, around) for found in documents]
    for mapping, found in zip(mappings, documents):
        leader = found.get("leader")
        if leader is not None:
            if not 0 <= leader < len(mappings):
                raise BadDocument("sockets that follow none")
            mapping.leader = mappings[leader]
    return mappings


def _read_mapping(found: Document, around: Surroundings) -> PortMapping:
    ports: tuple[int, ...] = found["ports"]
    if not ports or len(ports) > MAX_CONSECUTIVE or len(set(ports)) < len(ports) or not all(
            0 < port < 65536 for port in ports):
        raise BadDocument(f"ports {ports}")
    return PortMapping(*around.claimed.claim(found["interface"], found["address"], ports), found.get("remote"))


def _read_keys(media: Media, plain: Plain, around: Surroundings) -> None:
    if plain in ("sdes", "dtls"):
        media.keys = media.sdes if plain == "sdes" else media.dtls
        if media.keys is None:
            raise BadDocument("keys that are not there")
        return
    document = is_dict(plain)
    if "dtls" in document:
        media.keys = paths.read_dtls(document["dtls"], around)
    else:
        media.keys = read_fields(document, (required("sdes", SDES),))["sdes"]
