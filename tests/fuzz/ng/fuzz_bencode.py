# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target for everything between a payload and a typed request, in either encoding."""
from controlplane.errors import PeerError
from controlplane.ng import bencode
from controlplane.ng.frame import decode, detect
from controlplane.ng.reader import read_request
from controlplane.ng.values import text


def one_input(data: bytes) -> None:
    """Read ``data`` as the payload of a message; only a PeerError may come out."""
    try:
        encoding = detect(data)
        message = decode(encoding, data)
    except PeerError:
        return
    raw = message.first(b"command")
    try:
        read_request(text(raw) if isinstance(raw, bytes) else "offer", message, encoding, "192.0.2.1:1", 0.0)
    except PeerError:
        pass  # an edit of the SDP that makes no sense
    if data[:1] == b"d":
        assert bencode.decode(bencode.encode(message)) == message
