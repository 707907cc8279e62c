# SPDX-License-Identifier: GPL-3.0-or-later
"""The printer: an outgoing description as bytes, every line ended by CRLF.

The order of the lines is fixed and part of the interface: proxies and peers compare bodies.
"""
from __future__ import annotations

from typing import Iterable

from controlplane.addresses import Address, zero_address
from controlplane.sdp.fmtp import printed_fmtp
from controlplane.sdp.manipulate import SESSION, Edits, Manipulations
from controlplane.sdp.model import Origin, PayloadType
from controlplane.sdp.outgoing import OutgoingMedia, OutgoingSession

BANDWIDTH_ORDER = ("AS", "RR", "RS", "CT", "TIAS")


def write(session: OutgoingSession, manipulations: Manipulations | None = None) -> bytes:
    """Print ``session``, its attributes changed by ``manipulations`` (ng ``sdp-attr``) if any are given."""
    edits = manipulations or {}
    lines = ["v=0", origin_line(session.origin), "s=" + session.name]
    lines += (letter + text for letter, text in (("i=", session.info), ("u=", session.uri)) if text)
    lines += ("e=" + text for text in session.emails)
    lines += ("p=" + text for text in session.phones)
    _put_bandwidths(lines, session.bandwidths)
    lines.append("t=" + session.timing)
    sink = _Attributes(lines, edits.get(SESSION))
    sink.put(session.leading)
    sink.put(session.generic)
    sink.add(session.added)
    for media in session.medias:
        _put_media(lines, media, edits.get(media.type.lower()))
    lines.append("")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def origin_line(origin: Origin) -> str:
    """The o= line without its end."""
    return (f"o={origin.username} {origin.session_id} {origin.version} {origin.network_type} "
            f"{origin.address_type} {origin.address}")


def connection_line(address: Address) -> str:
    """The c= line without its end."""
    return f"c=IN {address.sdp_family} {address}"


class _Attributes:
    """Collects the a= lines of one section and applies the edits of its type."""

    __slots__ = ("lines", "edits")

    def __init__(self, lines: list[str], edits: Edits | None):
        self.lines = lines
        self.edits = edits

    def put(self, texts: Iterable[str]) -> None:
        """Print ``texts``, each as the edits want it."""
        if self.edits is None:
            self.lines.extend(["a=" + text for text in texts])
            return
        for text in texts:
            edited = self.edits.apply(text)
            if edited is not None:
                self.lines.append("a=" + edited)

    def add(self, texts: list[str]) -> None:
        """Print ``texts`` as they are, then those the edits add."""
        self.lines.extend(["a=" + text for text in texts])
        if self.edits is not None:
            self.lines.extend(["a=" + text for text in self.edits.added])


def _put_bandwidths(lines: list[str], bandwidths: dict[str, int]) -> None:
    if bandwidths:
        lines += (f"b={name}:{bandwidths[name]}" for name in BANDWIDTH_ORDER if name in bandwidths)


def _put_media(lines: list[str], media: OutgoingMedia, edits: Edits | None) -> None:
    port = 0 if media.rejected or media.bare or media.hidden_port else media.port
    formats = " ".join(media.formats) if media.formats else "0"
    lines.append(f"m={media.type} {port} {media.protocol} {formats}")
    if media.bare:
        return
    if media.title:
        lines.append("i=" + media.title)
    lines.append(connection_line(zero_address(media.address.family) if media.rejected else media.address))
    _put_bandwidths(lines, media.bandwidths)
    sink = _Attributes(lines, edits)
    if media.copied is not None and not media.rejected:
        _put_copied(sink, media, media.copied)
        return
    sink.put(_identity(media))
    if media.rejected:
        return
    for payload_type in media.payload_types:
        sink.put(codec_texts(payload_type))
    if media.extmaps:
        sink.put(_extmaps(media))
    sink.put(media.generic)
    sink.put(_transport(media))
    sink.put(media.ice)
    sink.put(media.candidates)
    if media.end_of_candidates:
        sink.put(["end-of-candidates"])
    sink.add(media.added)


def _put_copied(sink: _Attributes, media: OutgoingMedia, texts: list[str]) -> None:
    """The sender's own attributes, then our candidates; the end of candidates closes both lists."""
    sink.put([text for text in texts if text != "end-of-candidates"])
    sink.put(media.candidates)
    if media.end_of_candidates or "end-of-candidates" in texts:
        sink.put(["end-of-candidates"])
    sink.add(media.added)


def _identity(media: OutgoingMedia) -> list[str]:
    texts = []
    if media.mid is not None:
        texts.append("mid:" + media.mid)
    if media.label is not None:
        texts.append("label:" + media.label)
    if media.bundle_only:
        texts.append("bundle-only")
    return texts


def codec_texts(payload_type: PayloadType) -> list[str]:
    """The rtpmap, fmtp and rtcp-fb attributes of one payload type (RFC 8866 section 6.6, RFC 4585 section 4.2).

    One that is neither mapped nor static has an empty name and clock rate 0: ``rtpmap:96 /0``.
    """
    number = payload_type.number
    channels = f"/{payload_type.channels}" if payload_type.channels > 1 else ""
    texts = [f"rtpmap:{number} {payload_type.encoding}/{payload_type.clock_rate}{channels}"]
    parameters = printed_fmtp(payload_type)
    if parameters is not None:
        texts.append(f"fmtp:{number} {parameters}")
    texts += (f"rtcp-fb:{number} {feedback}" for feedback in payload_type.rtcp_fb)
    return texts


def _extmaps(media: OutgoingMedia) -> list[str]:
    texts = ["extmap-allow-mixed"] if media.extmap_allow_mixed else []
    texts += (f"extmap:{extmap.id} {extmap.uri}" + (" " + extmap.parameters if extmap.parameters else "")
              for extmap in media.extmaps)
    return texts


def _transport(media: OutgoingMedia) -> list[str]:
    """Direction, RTCP, keys and packet time, in this order."""
    texts = [media.direction] if media.direction is not None else []
    if media.rtcp_port is not None:
        address = media.rtcp_address
        full = f" IN {address.sdp_family} {address}" if address is not None else ""
        texts.append(f"rtcp:{media.rtcp_port}{full}")
    if media.rtcp_mux:
        texts.append("rtcp-mux")
    texts += media.crypto
    texts += media.dtls
    if media.ptime is not None:
        texts.append(f"ptime:{media.ptime}")
    if media.maxptime is not None:
        texts.append(f"maxptime:{media.maxptime}")
    return texts
