# SPDX-License-Identifier: GPL-3.0-or-later
"""ICE and DTLS of a medium in a document: who the party is, where it is, and the keys agreed on."""
from __future__ import annotations

from controlplane import VERSION
from controlplane.addresses import Endpoint
from controlplane.dtls.association import Association, Role
from controlplane.ice.memory import AgentMemory, Valid, remember, revive
from controlplane.persist.kinds import (BYTES, ENDPOINT, FLAG, LARGE, NUMBER, TEXT, BadDocument, Document, Field, Kind,
                                        Plain, by_number, fill, is_dict, is_number, many, one_of, read_fields, record,
                                        required, write_fields)
from controlplane.persist.sockets import Surroundings
from controlplane.persist.values import CANDIDATE, CREDENTIALS, FINGERPRINTS, SESSION_KEYS
from controlplane.sdp.rewrite import software_id
from controlplane.session.dtls import Dtls
from controlplane.session.ice import Ice, candidates_of
from controlplane.session.media import Media

_VALID = many(record(Valid, required("local", ENDPOINT), required("remote", CANDIDATE),
                     Field("nominated", FLAG, False)), tuple)


def _pair(plain: Plain) -> tuple[Endpoint, ...]:
    found: tuple[Endpoint, ...] = many(ENDPOINT, tuple).read(plain)
    if len(found) != 2:
        raise BadDocument("not a pair of endpoints")
    return found


_AGENT = record(
    AgentMemory, *(Field(name, FLAG, False) for name in ("controlling", "lite", "aggressive")),
    Field("components", NUMBER, 1), required("tie_breaker", LARGE), required("local", CREDENTIALS),
    Field("remote", CREDENTIALS), Field("remote_lite", FLAG, False), Field("remote_complete", FLAG, True),
    Field("valid", _VALID, ()), Field("sources", many(Kind(many(ENDPOINT).write, _pair), tuple), ()),
    Field("failed", TEXT, ""))
ICE = (Field("told", FLAG, False), Field("seen", CREDENTIALS), Field("lite", FLAG, False),
       Field("trickles", FLAG, False), Field("complete", FLAG, True), Field("declined", FLAG, False),
       Field("candidates", many(CANDIDATE), []))


def write_ice(media: Media) -> Document:
    """``mappings`` are the places of those in use among all that the medium has."""
    ice = media.ice
    assert ice is not None
    places = [media.mappings.index(each) for each in ice.mappings if each in media.mappings]
    return {"agent": _AGENT.write(remember(ice.agent)), "mappings": places, **write_fields(ice, ICE)}


def read_ice(media: Media, plain: Plain, around: Surroundings) -> Ice:
    """The medium has its mappings already."""
    document = is_dict(plain)
    memory: AgentMemory = read_fields(document, (required("agent", _AGENT),))["agent"]
    numbers = many(Kind(int, is_number)).read(document.get("mappings", []))
    if any(not 0 <= number < len(media.mappings) for number in numbers):
        raise BadDocument("ICE without its sockets")
    mappings = [media.mappings[number] for number in numbers]
    moved = around.claimed.moved
    memory = memory._replace(
        valid=tuple([each._replace(local=moved.get(each.local, each.local)) for each in memory.valid]),
        sources=tuple([(moved.get(local, local), source) for local, source in memory.sources]))
    locals_ = candidates_of(mappings, around.settings.instance_id) if mappings else []
    ice = Ice(revive(memory, locals_, around.random, around.now, software_id(VERSION)), mappings)
    fill(ice, document, ICE)
    return ice


_ROLE = one_of({role.value: role for role in Role})
_DTLS_HEAD = (required("certificate", BYTES), required("key", BYTES), required("tls_id", TEXT))
DTLS = (Field("hash", TEXT, "sha-256"), Field("role", _ROLE), Field("fingerprints", FINGERPRINTS, ()),
        Field("seen_tls_id", TEXT), Field("seen_ufrag", TEXT), Field("adopted", by_number(SESSION_KEYS), {}))
_PEERS = by_number(ENDPOINT)


def _identity_of(dtls: Dtls) -> Document:
    identity = dtls.identity
    return {"certificate": BYTES.write(identity.certificate), "key": BYTES.write(identity.key), "tls_id": dtls.tls_id}


def write_dtls(dtls: Dtls) -> Document:
    """``peers`` says where the handshakes have found the party, by component."""
    established = {number: each.peer for number, each in dtls.associations.items()
                   if each.peer is not None and each.keys is not None and each.keys is dtls.adopted.get(number)}
    return {**_identity_of(dtls), **write_fields(dtls, DTLS), "peers": _PEERS.write(established)}


def read_dtls(plain: Plain, around: Surroundings) -> Dtls:
    """Handshakes that were under way begin anew."""
    document = is_dict(plain)
    head = read_fields(document, _DTLS_HEAD)
    dtls = Dtls(around.settings.identities.load(head["certificate"], head["key"]), head["tls_id"])
    fill(dtls, document, DTLS)
    for number, peer in _PEERS.read(document.get("peers", {})).items():
        if number in dtls.adopted:
            association = dtls.associations[number] = Association(dtls.identity)
            association.resume(dtls.adopted[number], peer, dtls.role)
    return dtls
