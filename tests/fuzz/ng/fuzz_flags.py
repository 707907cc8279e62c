# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz target of the flags: strings in the syntax of ``rtpp_flags``, lists, and strings in place of lists.

The first byte chooses the key, command and form; the rest is the string, or the list with a line feed between members.
"""
from controlplane.errors import PeerError
from controlplane.ng.frame import BENCODE, JSON
from controlplane.ng.reader import read_request
from controlplane.ng.rtpp import parse
from controlplane.ng.values import Dictionary

KEYS = (b"rtpp_flags", b"rtpp-flags", b"flags", b"replace", b"rtcp-mux", b"SDES", b"DTLS", b"direction", b"codec",
        b"received-from", b"ICE", b"sdp-attr", b"sdp-media-remove", b"supports", b"OSRTP", b"address-family")
COMMANDS = ("offer", "answer", "delete", "publish")


def one_input(data: bytes) -> None:
    """Read the flags; only a PeerError may come out, and no request may name what is not text."""
    if not data:
        return
    choice, line = data[0], data[1:]
    key, command, as_list = KEYS[choice & 15], COMMANDS[choice >> 4 & 3], choice & 64
    for name, value in parse(line):
        assert name != b"" and value != b""
    message = Dictionary([(key, line.split(b"\n") if as_list else line)])
    try:
        request = read_request(command, message, JSON if choice & 128 else BENCODE, "192.0.2.1:1", 0.0)
    except PeerError as error:
        assert str(error)
        return
    for names in (request.flags, request.replace, request.rtcp_mux, *request.sdes, request.osrtp, request.dtls,
                  request.supports, request.unknown, request.unsupported):
        assert all(isinstance(name, str) for name in names)
