# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of the session description parser; ``test_fuzz_parse`` runs it over the corpus."""
from pathlib import Path

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.sdp.model import Origin
from controlplane.sdp.parse import parse
from controlplane.sdp.rewrite import copied_media, outgoing_media, outgoing_session
from controlplane.sdp.write import write

CORPUS = Path(__file__).parent / "corpus"
LOCAL = Address.parse("203.0.113.5")
ORIGIN = Origin("-", "1", 1, "IN", "IP4", "203.0.113.5")


def one_input(data: bytes) -> None:
    """Parse, rewrite and print ``data``; the first byte chooses the flags. Any exception is a finding."""
    flags = data[0] if data else 0
    try:
        description = parse(data[1:], fragment=bool(flags & 1), strict=bool(flags & 2))
        description.endpoints(LOCAL if flags & 4 else None)
    except PeerError:
        return
    out = outgoing_session(description, ORIGIN)
    make = copied_media if flags & 8 else outgoing_media
    out.medias = [make(media, 30000, LOCAL) for media in description.medias]
    parse(write(out))
