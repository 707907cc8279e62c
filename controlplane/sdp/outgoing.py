# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed to a receiver: plain values in the order of the lines. ``write`` turns them into bytes.

Attribute texts are what follows ``a=``.
"""
from __future__ import annotations

from controlplane.addresses import Address
from controlplane.sdp.model import Extmap, Origin, PayloadType


class OutgoingMedia:
    """One m-section to print.

    ``protocol`` is the profile's canonical spelling. ``formats`` are printed as they are, ``0`` for an
    empty tuple.
    ``rejected`` prints port 0 and a zero address of the family of ``address``, then stops after mid and label.
    ``hidden_port`` prints port 0 as well, and everything else all the same (RFC 9143 section 6).
    ``bare`` prints the m= line alone, with port 0 (the unused twin of a pair of sections, RFC 8643 fallback).
    ``copied``, if set, is the sender's whole attribute list: of our own lines only ``candidates``,
    ``end_of_candidates`` and ``added`` are then printed. ``direction`` None prints no direction line,
    ``rtcp_port`` None no a=rtcp, ``rtcp_address`` makes that line a full one. ``ptime`` is milliseconds.
    """

    type: str
    port: int
    protocol: str
    address: Address
    formats: tuple[str, ...]
    title: str = ""
    bandwidths: dict[str, int]
    mid: str | None
    label: str | None = None
    bundle_only: bool = False
    hidden_port: bool = False
    rejected: bool
    bare: bool = False
    copied: list[str] | None = None
    payload_types: tuple[PayloadType, ...] = ()
    extmap_allow_mixed: bool = False
    extmaps: tuple[Extmap, ...] = ()
    generic: list[str]
    direction: str | None
    rtcp_port: int | None = None
    rtcp_address: Address | None = None
    rtcp_mux: bool = False
    crypto: list[str]
    dtls: list[str]
    ptime: int | None = None
    maxptime: int | None = None
    ice: list[str]
    candidates: list[str]
    end_of_candidates: bool = False
    added: list[str]

    def __init__(self, type: str, port: int, protocol: str, address: Address, formats: tuple[str, ...] = (),
                 mid: str | None = None, rejected: bool = False) -> None:
        self.type = type
        self.port = port
        self.protocol = protocol
        self.address = address
        self.formats = formats
        self.mid = mid
        self.rejected = rejected
        self.bandwidths = {}
        self.generic = []
        self.direction = "sendrecv"
        self.crypto = []
        self.dtls = []
        self.ice = []
        self.candidates = []
        self.added = []

    def in_clear(self, protocol: str) -> OutgoingMedia:
        """The same section without keys, under another profile."""
        made = OutgoingMedia(self.type, self.port, self.protocol, self.address)
        for name in dir(made):
            if not name.startswith("_") and name != "in_clear":
                setattr(made, name, getattr(self, name))
        made.protocol = protocol
        made.crypto = []
        made.dtls = []
        return made


class OutgoingSession:
    """A body to print. ``leading`` are our own session attributes, ``generic`` the sender's, ``added`` come last."""

    origin: Origin
    name: str
    info: str = ""
    uri: str = ""
    emails: list[str]
    phones: list[str]
    bandwidths: dict[str, int]
    timing: str = "0 0"
    leading: list[str]
    generic: list[str]
    added: list[str]
    medias: list[OutgoingMedia]

    def __init__(self, origin: Origin, name: str = "") -> None:
        self.origin = origin
        self.name = name
        self.emails = []
        self.phones = []
        self.bandwidths = {}
        self.leading = []
        self.generic = []
        self.added = []
        self.medias = []
