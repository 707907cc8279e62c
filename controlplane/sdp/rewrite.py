# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an outgoing description that come from the sender; the caller adds what is the receiver's own."""
from __future__ import annotations

from typing import Collection, NamedTuple

from controlplane.addresses import Address, zero_address
from controlplane.sdp.model import Attribute, MediaDescription, Origin, SessionDescription
from controlplane.sdp.outgoing import OutgoingMedia, OutgoingSession

_REVERSED = {"sendonly": "recvonly", "recvonly": "sendonly"}


class Hold(NamedTuple):
    """The direction the receiver is told, and whether it is told a zero address too."""

    direction: str
    zero: bool


def hold(direction: str, held_by_address: bool, *, replace_zero: bool = False) -> Hold:
    """Say in today's words what a sender with c=0.0.0.0 means (RFC 3264 section 8.4).

    ``replace_zero`` (ng ``replace=zero-address``) keeps the zero address away from the receiver.
    """
    if not held_by_address:
        return _GOING_ON[direction]
    return Hold(_HELD[direction], not replace_zero)


_HELD = {"sendrecv": "sendonly", "sendonly": "sendonly", "recvonly": "inactive", "inactive": "inactive"}
_GOING_ON = {direction: Hold(direction, False) for direction in _HELD}


def reverse(direction: str) -> str:
    """The same direction seen from the other end."""
    return _REVERSED.get(direction, direction)


def software_id(version: str) -> str:
    """The session name of bodies that have no sender: only letters, digits and hyphens (RFC 8866 section 5.3)."""
    return "rtpengine-" + "".join(
        character if character.isascii() and character.isalnum() else "-" for character in version)


def outgoing_session(source: SessionDescription, origin: Origin, *, name: str | None = None,
                     drop: Collection[str] = ()) -> OutgoingSession:
    """Session lines as ``source`` has them, with ``origin``; the sections are still missing.

    ``name`` overrides s=, generic attributes whose name is in ``drop`` are left out.
    """
    session = OutgoingSession(origin, (source.name or "") if name is None else name)
    session.info = source.info
    session.uri = source.uri
    session.emails += source.emails
    session.phones += source.phones
    session.bandwidths.update(source.bandwidths)
    session.timing = source.timing or "0 0"
    session.generic = _generic(source.generic, drop)
    return session


def outgoing_media(sender: MediaDescription, port: int, address: Address, *, remote: Address | None = None,
                   original_sendrecv: bool = False, replace_zero: bool = False,
                   drop: Collection[str] = ()) -> OutgoingMedia:
    """A section that shows ``port`` and ``address`` and is otherwise the sender's.

    Direction and zero address follow ``hold``, by the address that the sender is at (``remote``, else that of its c=
    line); ``original_sendrecv`` (ng flag of that name) copies the direction
    lines instead. Not filled in, because they are the receiver's: mid, a=rtcp, mux, keys, ICE.
    """
    own = remote or sender.connection or sender.session_connection
    held = hold(sender.direction, own is not None and sender.held_by(own), replace_zero=replace_zero)
    generic = _generic(sender.generic, drop)
    direction: str | None = held.direction
    if original_sendrecv:
        direction = None
        if sender.received_direction is not None:
            generic.append(sender.received_direction)
    section = _section(sender, port, zero_address(address.family) if held.zero else address)
    section.label = sender.label
    section.payload_types = sender.payload_types
    section.extmaps = sender.extmaps
    section.extmap_allow_mixed = sender.extmap_allow_mixed
    section.generic = generic
    section.direction = direction
    section.ptime = sender.ptime
    section.maxptime = sender.maxptime
    return section


def copied_media(sender: MediaDescription, port: int, address: Address) -> OutgoingMedia:
    """A section that repeats all of the sender's attributes in their order (opaque media, forced relay)."""
    section = _section(sender, port, address)
    section.copied = texts(sender.attributes)
    return section


def _section(sender: MediaDescription, port: int, address: Address) -> OutgoingMedia:
    section = OutgoingMedia(sender.type, port, sender.protocol_text, address, printed_formats(sender),
                            rejected=sender.rejected)
    section.title = sender.title
    section.bandwidths.update(sender.bandwidths)
    return section


def printed_formats(sender: MediaDescription) -> tuple[str, ...]:
    """The formats of the sender's m= line; a profile that is not RTP may have none, and then shows none."""
    if sender.payload_types:
        return tuple([str(payload_type.number) for payload_type in sender.payload_types])
    return sender.formats if sender.formats or sender.is_rtp else ("",)


def texts(attributes: Collection[Attribute]) -> list[str]:
    """What follows ``a=`` on each of the lines."""
    return [attribute.text for attribute in attributes]


def _generic(attributes: list[str], drop: Collection[str]) -> list[str]:
    if not drop:
        return attributes
    return [text for text in attributes if text.partition(":")[0] not in drop]
