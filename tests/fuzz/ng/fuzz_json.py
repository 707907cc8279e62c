# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of the JSON encoding: what can be read can be written, and reads the same again."""
from controlplane.errors import PeerError
from controlplane.ng import bencode, json
from controlplane.ng.frame import JSON
from controlplane.ng.reader import read_request
from controlplane.ng.values import Dictionary, text


def one_input(data: bytes) -> None:
    """Read ``data`` as JSON; only a PeerError may come out."""
    try:
        message = json.decode(data)
    except PeerError:
        return
    raw = message.first(b"command")
    try:
        read_request(text(raw) if isinstance(raw, bytes) else "offer", message, JSON, "192.0.2.1:1", 0.0)
    except PeerError:
        pass  # an edit of the SDP that makes no sense
    if b"null" not in data and b"." not in data and b"e" not in data.lower():  # all of it is something in ng
        assert json.decode(json.encode(message)) == message
        assert bencode.decode(bencode.encode(message)) == message
    assert isinstance(message, Dictionary)
