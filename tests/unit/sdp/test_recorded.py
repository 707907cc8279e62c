# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies recorded from real dialogues: each is accepted, and printed again byte for byte from what was understood.

The environment variable RTPENGINE_VECTORS names the directory of the recordings.
"""
import json
import os
import re
from pathlib import Path

import pytest

from controlplane.addresses import Address
from controlplane.sdp.model import Group, MediaDescription, SessionDescription
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.sdp.parse import parse
from controlplane.sdp.rewrite import copied_media, outgoing_media, outgoing_session
from controlplane.sdp.write import write

_DIRECTORY = os.environ.get("RTPENGINE_VECTORS", "")
pytestmark = pytest.mark.skipif(not _DIRECTORY or not Path(_DIRECTORY).is_dir(),
                                reason="RTPENGINE_VECTORS names no directory of recorded dialogues")
_PLAIN_KEYS = {"command", "call-id", "from-tag", "to-tag", "sdp", "replace", "ICE", "flags", "address-family"}
_PLAIN_FLAGS = {"replace-origin", "trust-address", "replace origin"}


def exchanges():
    """Name, request and reply of every recorded exchange that has a body in its reply."""
    for path in sorted(Path(_DIRECTORY).glob("*.json")):
        for block in json.loads(path.read_text("utf-8"))["blocks"]:
            for number, step in enumerate(block["steps"]):
                reply = step.get("response")
                if step["op"] == "ng" and isinstance(reply, dict) and reply.get("sdp"):
                    yield f"{path.stem}: {block['name']}: step {number}", step["request"], reply


def again(description: SessionDescription, section) -> bytes:
    """``description`` printed with each medium made by ``section``."""
    out = outgoing_session(description, description.origin)
    out.leading = [attribute.text for attribute in description.attributes if attribute.name == "group"]
    out.medias = [section(media) for media in description.medias]
    return write(out)


def own_lines(media: MediaDescription) -> OutgoingMedia:
    """The section as if every line of it were ours."""
    out = outgoing_media(media, media.port, media.address())
    out.bare = media.rejected and media.connection is None
    out.mid = media.mid
    out.bundle_only = "bundle-only" in out.generic
    out.generic = [text for text in out.generic if text != "bundle-only"]
    out.direction = media.received_direction
    if media.rtcp is not None:
        out.rtcp_port, out.rtcp_address = media.rtcp
    out.rtcp_mux = media.rtcp_mux
    out.crypto = [f"crypto:{value}" for value in media.values("crypto")]
    out.dtls = named(media, "setup", "fingerprint", "tls-id")
    out.ice = named(media, "ice-ufrag", "ice-pwd", "ice-options")
    out.candidates = named(media, "candidate", "remote-candidates")
    out.end_of_candidates = media.value("end-of-candidates") is not None
    return out


def named(media: MediaDescription, *names: str) -> list[str]:
    return [f"{name}:{value}" for name in names for value in media.values(name)]


def copied(media: MediaDescription) -> OutgoingMedia:
    return copied_media(media, media.port, media.address())


def test_replies_are_reproduced():
    total = ours = 0
    for name, _, reply in exchanges():
        body = reply["sdp"].encode("utf-8", "surrogateescape")
        description = parse(body)
        assert len(description.medias) == body.count(b"\nm="), name
        total += 1
        if again(description, own_lines) == body:
            ours += 1
        else:
            assert again(description, copied) == body, name
    assert total > 900 and ours > 0.97 * total


def test_requests_are_accepted():
    bodies = [request["sdp"] for _, request, _ in exchanges() if isinstance(request.get("sdp"), str)]
    for body in bodies:
        found = parse(body.encode("utf-8", "surrogateescape"))
        assert len(found.endpoints()) == len(re.findall("(?m)^m=", body)) > 0
        assert all(isinstance(group, Group) for group in found.groups)
    assert len(bodies) > 850


def plain(request) -> bool:
    """True for an offer without ICE and keys whose reply follows from its body alone."""
    body = request.get("sdp") or ""
    return (request["command"] == "offer" and set(request) <= _PLAIN_KEYS and request.get("ICE") in (None, "remove")
            and set(request.get("flags", ())) <= _PLAIN_FLAGS
            and set(request.get("replace", ())) <= {"origin"} and set(re.findall(r"(?m)^m=\S+ \S+ (\S+)", body))
            == {"RTP/AVP"} and not re.search("(?m)^a=(candidate|ice-|crypto|fingerprint|extmap|rtcp-mux)", body))


def test_first_offers_are_rewritten_alike():
    seen, compared = set(), 0
    for name, request, reply in exchanges():
        first = request["call-id"] not in seen
        seen.add(request["call-id"])
        if not first or not plain(request):
            continue
        body = reply["sdp"].encode()
        description, expected = parse(request["sdp"].encode()), parse(body)
        out = outgoing_session(description, description.origin)
        if "origin" in request.get("replace", ()) or "replace-origin" in request.get("flags", ()):
            out.origin = out.origin._replace(address_type=expected.origin.address_type,
                                             address=expected.origin.address)
        for sender, shown in zip(description.medias, expected.medias):
            local = Address.parse("203.0.113.1" if shown.connection.family == 4 else "2001:db8::1")
            address = local if shown.connection.is_zero else shown.connection
            media = outgoing_media(sender, shown.port, address)
            media.mid = sender.mid
            media.rtcp_port = shown.port + 1 if sender.is_rtp else None
            out.medias.append(media)
        assert write(out) == body, name
        compared += 1
    assert compared > 75
