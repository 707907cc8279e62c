# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the recorded ICE agents: their STUN messages, with what our daemon has made up in place of what was."""
from __future__ import annotations

from collections.abc import Iterable

from controlplane.addresses import Address, Endpoint
from controlplane.errors import PeerError
from controlplane.ice import stun
from controlplane.ice.stun import Kind, Message, Type
from tests.conformance.tokens import Mapping

_Source = tuple[str, int]


class StunDouble:
    """``mapping`` knows our ufrags and passwords by the recorded ones; ``passwords`` are those that were seen."""

    def __init__(self, mapping: Mapping):
        self.mapping = mapping
        self.passwords: set[str] = set()
        self._ours: dict[bytes, tuple[bytes, _Source]] = {}

    def heard(self, bodies: Iterable[str]) -> None:
        """Note the passwords of SDP bodies."""
        for body in bodies:
            self.passwords |= {line.partition(":")[2] for line in body.splitlines() if line.startswith("a=ice-pwd:")}

    def received(self, recorded: bytes, ours: bytes, source: _Source) -> str:
        """Empty if the daemon's message means what was recorded, else how it differs."""
        theirs, mine = stun.parse(recorded), stun.parse(ours)
        if theirs.kind is not mine.kind:
            return f"{mine.kind.name} instead of {theirs.kind.name}"
        self._ours[theirs.transaction] = mine.transaction, source
        left, right = ([number for number, _ in message.attributes] for message in (theirs, mine))
        if left != right:
            return f"STUN attributes {right} instead of {left}"
        if theirs.kind is Kind.REQUEST:
            username = self._username(theirs)
            if (mine.username, mine.priority) != (username, theirs.priority):
                return f"request of {mine.username} with {mine.priority} instead of {username} with {theirs.priority}"
        if (theirs.error, theirs.mapped) != (mine.error, mine.mapped):
            return f"{mine.error} {mine.mapped} instead of {theirs.error} {theirs.mapped}"
        return "" if mine.is_authentic(self._password(theirs)) else "wrong password"

    def sent(self, recorded: bytes) -> bytes:
        """What the recorded agent would have said to our daemon."""
        message = stun.parse(recorded)
        transaction, attributes = message.transaction, list(message.attributes)
        if message.kind is not Kind.REQUEST and transaction in self._ours:
            transaction, (host, port) = self._ours[transaction]
            mapped = stun.mapped_address(Endpoint(Address.parse(host), port), transaction)
            attributes = [mapped if number == Type.XOR_MAPPED_ADDRESS else (number, value)
                          for number, value in attributes]
        username = self._username(message)
        if username is not None:
            attributes = [stun.text(Type.USERNAME, username) if number == Type.USERNAME else (number, value)
                          for number, value in attributes]
        return stun.build(message.kind, transaction, attributes, self._password(message))

    def _username(self, message: Message) -> str | None:
        if message.username is None:
            return None
        return ":".join(self.mapping.ours("ufrag", part) for part in message.username.split(":"))

    def _password(self, message: Message) -> str:
        found = next((each for each in self.passwords if message.is_authentic(each)), None)
        if found is None:
            raise PeerError("a recorded message under an unknown password")
        return str(self.mapping.ours("pwd", found))
