# SPDX-License-Identifier: GPL-3.0-or-later
"""A call as a document and back; what is restored and written again is the same.

Left out is what begins anew by itself: timers, checks and handshakes under way, and the quality that RTCP tells of.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple, TypeVar

from controlplane.addresses import Endpoint
from controlplane.events import KeyIndex
from controlplane.persist.kinds import (BYTES, ENDPOINT, FLAG, NUMBER, TEXT, TIME, WORDS, BadDocument, Document,
                                        Field, Kind, Plain, fill, is_dict, is_list, is_number, is_text, many,
                                        read_fields, required, write_fields)
from controlplane.persist.media import read_media, write_media
from controlplane.persist.sockets import Surroundings
from controlplane.persist.values import KEY_INDICES, ORIGIN_STATE, SECTION, SESSION, SOURCES
from controlplane.sdp.model import SessionDescription
from controlplane.sdp.origin import OriginState
from controlplane.session.call import MAX_PARTIES, Call
from controlplane.session.media import Bundle, Link, Media
from controlplane.session.party import Party

VERSION = 1
"""Of the document; whoever does not know it leaves the record alone."""

CALL = (required("call_id", TEXT), required("created", TIME), Field("created_from", TEXT, ""),
        required("last_signal", TIME), Field("tos", NUMBER, 0))
CALL_MORE = (
    Field("metadata", TEXT), Field("deleted_at", TIME), Field("drop_traffic", FLAG, False),
    Field("blocks", WORDS, frozenset()), Field("forwarding", FLAG, False), Field("aliases", many(TEXT), []),
    Field("numbered", NUMBER, 0), Field("dtmf_log", ENDPOINT))
PARTY = (
    Field("tag", TEXT), Field("type", TEXT, "UNKNOWN"), Field("label", TEXT), Field("deletion_at", TIME),
    Field("aliases", many(TEXT), []), Field("interface", TEXT), Field("session_name", TEXT),
    Field("origin", ORIGIN_STATE, OriginState()), Field("final", FLAG, False), Field("renewed", TIME, 0.0),
    Field("ended", TIME), Field("call_id", TEXT), Field("blocks", WORDS, frozenset()), Field("forwarding", FLAG, False))
LINK = (Field("answers", FLAG, False), Field("egress", FLAG, False), Field("rtcp_only", FLAG, False),
        Field("blocks", WORDS, frozenset()), Field("before", SOURCES, ()))
BUNDLE = (Field("accepted", FLAG, False), Field("mid_extension", NUMBER), Field("ours", FLAG, False))
_PARTY_HEAD = (required("created", TIME), Field("branch", TEXT))
_ALIASES: dict[Plain, Kind] = {"digest": BYTES, "endpoint": ENDPOINT}
_T = TypeVar("_T")


class Restored(NamedTuple):
    """A call with the SRTP indices that the engines have to go on from."""

    call: Call
    indices: tuple[KeyIndex, ...] = ()


def write_call(call: Call, indices: Sequence[KeyIndex] = ()) -> Document:
    """The document; ``indices`` are what was used under the keys of the call."""
    document: Document = {"ver": VERSION, **write_fields(call, CALL), **write_fields(call, CALL_MORE)}
    if call.report_at != inf:
        document["reports"] = 1
    parties = {id(party): number for number, party in enumerate(call.parties)}
    medias = {id(media): number for number, media in enumerate(call.medias)}
    document["parties"] = [_write_party(party, parties, medias) for party in call.parties]
    document["tags"] = {tag: parties[id(party)] for tag, party in call.tags.items() if id(party) in parties}
    document["alias_keys"] = [_write_alias(key, parties[id(party)]) for key, party in call.alias_keys.items()
                              if id(party) in parties]
    document["bundles"] = _write_bundles(call, medias)
    if indices:
        document["srtp"] = KEY_INDICES.write(indices)
    return document


def _write_alias(key: bytes | Endpoint, party: int) -> Plain:
    return [BYTES.write(key), "digest", party] if isinstance(key, bytes) else [str(key), "endpoint", party]


def _write_party(party: Party, parties: dict[int, int], medias: dict[int, int]) -> Document:
    document = write_fields(party, _PARTY_HEAD) | write_fields(party, PARTY)
    document["peers"] = [parties[id(peer)] for peer in party.peers if id(peer) in parties]
    sections = {} if party.session is None else {id(each): at for at, each in enumerate(party.session.medias)}
    if party.session is not None:
        document["session"] = {**write_fields(party.session, SESSION),
                               "medias": [SECTION.write(section) for section in party.session.medias]}
    document["medias"] = [
        write_media(media, sections.get(id(media.description))) | _write_links(media, medias) for media in party.medias]
    return document


def _write_links(media: Media, medias: dict[int, int]) -> Document:
    return {"sinks": [{"sink": medias[id(link.sink)], **write_fields(link, LINK)} for link in media.sinks
                      if id(link.sink) in medias],
            "sources": [medias[id(link.source)] for link in media.sources if id(link.source) in medias]}


def _write_bundles(call: Call, medias: dict[int, int]) -> list[Plain]:
    found: dict[int, tuple[Bundle, list[int]]] = {}
    for media in call.medias:
        if media.bundle is not None:
            found.setdefault(id(media.bundle), (media.bundle, []))[1].append(medias[id(media)])
    return [{"medias": [medias[id(each)] for each in bundle.medias if id(each) in medias], "of": members,
             **write_fields(bundle, BUNDLE)} for bundle, members in found.values()]


def read_call(plain: Plain, around: Surroundings) -> Restored:
    """The call with its sockets. PeerError, with all sockets given back, if it cannot be restored."""
    try:
        document = is_dict(plain)
        if document.get("ver") != VERSION:
            raise BadDocument(f"a document of version {document.get('ver')!r:.32}, which is not known here")
        call = Call(**{"created_from": "", "tos": 0, **read_fields(document, CALL)})
        fill(call, document, CALL_MORE)
        if "reports" in document:
            call.report_at = around.now
        _read_parties(call, is_list(document.get("parties")), around)
        _read_names(call, document)
        _read_bundles(call, is_list(document.get("bundles", [])))
        return Restored(call, KEY_INDICES.read(document.get("srtp", [])))
    except BaseException:
        around.claimed.give_back()
        raise


def _read_parties(call: Call, parties: list[Plain], around: Surroundings) -> None:
    if len(parties) > MAX_PARTIES:
        raise BadDocument("too many parties")
    documents = [is_dict(each) for each in parties]
    for document in documents:
        call.parties.append(_read_party(document, around))
    for party, document in zip(call.parties, documents):
        party.peers = [_at(call.parties, number) for number in is_list(document.get("peers", []))]
    medias = list(call.medias)
    sections = [is_dict(each) for document in documents for each in is_list(document.get("medias", []))]
    for media, section in zip(medias, sections):
        for each in is_list(section.get("sinks", [])):
            media.sinks.append(_read_link(media, is_dict(each), medias))
    for media, section in zip(medias, sections):
        for number in is_list(section.get("sources", [])):
            links = [link for link in _at(medias, number).sinks if link.sink is media]
            if len(links) != 1:
                raise BadDocument("a source that knows nothing of it")
            media.sources.append(links[0])


def _at(among: Sequence[_T], number: Plain) -> _T:
    if not 0 <= is_number(number) < len(among):
        raise BadDocument(f"there is no number {number}")
    return among[number]


def _read_party(document: Document, around: Surroundings) -> Party:
    party = Party(**{"branch": None, **read_fields(document, _PARTY_HEAD)})
    party.origin = OriginState()
    fill(party, document, PARTY)
    if "session" in document:
        session = is_dict(document["session"])
        party.session = SessionDescription()
        fill(party.session, session, SESSION)
        party.session.medias = [SECTION.read(each) for each in is_list(session.get("medias", []))]
    for each in is_list(document.get("medias", [])):
        section = is_dict(each)
        media = read_media(section, around)
        party.medias.append(media)
        said = section.get("description")
        if isinstance(said, dict):
            media.description = SECTION.read(said)
        elif said is not None:
            media.description = _at(party.session.medias if party.session is not None else (), said)
    return party


def _read_link(media: Media, document: Document, medias: list[Media]) -> Link:
    sink = _at(medias, document.get("sink"))
    if any(link.sink is sink for link in media.sinks):
        raise BadDocument("two links between two media")
    link = Link(media, sink, answers=False)
    fill(link, document, LINK)
    return link


def _read_names(call: Call, document: Document) -> None:
    """Tags, and what parties have offered."""
    for tag, number in is_dict(document.get("tags", {})).items():
        call.tags[is_text(tag)] = _at(call.parties, number)
    for each in is_list(document.get("alias_keys", [])):
        if len(is_list(each)) != 3 or is_text(each[1]) not in _ALIASES:
            raise BadDocument("an alias of no known kind")
        call.alias_keys[_ALIASES[each[1]].read(each[0])] = _at(call.parties, each[2])


def _read_bundles(call: Call, bundles: list[Plain]) -> None:
    medias = list(call.medias)
    for plain in bundles:
        document = is_dict(plain)
        bundle = Bundle([_at(medias, number) for number in is_list(document.get("medias"))])
        fill(bundle, document, BUNDLE)
        if not bundle.medias:
            raise BadDocument("an empty bundle")
        for number in is_list(document.get("of", [])):
            _at(medias, number).bundle = bundle
