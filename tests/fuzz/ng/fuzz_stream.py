# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of the TCP framing: the first byte is the length of the pieces in which the rest arrives."""
from controlplane.errors import PeerError
from controlplane.ng.frame import decode, detect, split_cookie
from controlplane.ng.stream import MessageStream

LIMIT = 4096


def cut(data: bytes, size: int) -> tuple[list[bytes], bool, int]:
    """Messages found, whether the stream broke, and what is left waiting."""
    stream = MessageStream(LIMIT)
    messages: list[bytes] = []
    try:
        for at in range(0, len(data), size):
            messages += stream.feed(data[at:at + size])
    except PeerError:
        return messages, True, 0
    assert stream.pending <= LIMIT
    return messages, False, stream.pending


def one_input(data: bytes) -> None:
    """Pieces of any length give the same messages, each with a cookie and something a decoder takes to its end."""
    if len(data) < 2:
        return
    size, data = data[0] or 1, data[1:LIMIT]
    messages, broken, pending = cut(data, len(data))
    if not broken:
        assert cut(data, size) == (messages, broken, pending)
        assert b"".join(messages) == data[:len(data) - pending]
    for message in messages:
        framed = split_cookie(message)
        assert framed is not None
        try:
            decode(detect(framed[1]), framed[1])
        except PeerError:
            pass
