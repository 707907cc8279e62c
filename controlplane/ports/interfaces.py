# SPDX-License-Identifier: GPL-3.0-or-later
"""Logical interfaces: which local address a medium gets, by name, family and round robin."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from controlplane.config.interfaces import InterfaceSpec
from controlplane.errors import ConfigError
from controlplane.session.sockets import Place

_log = logging.getLogger("rtpengine.core")
_SHOWN = 80  # characters of a name in a log line
_OTHER_FAMILY = {4: 6, 6: 4}
_LEGACY_FAMILIES = {"internal": 4, "external": 6}
"""Names that old clients use without configuring them, with the address family they stand for."""


class Interfaces:
    """The configured interfaces; the first one is the default.

    ``has_ports`` tells whether a spec has free ports, for the choice among the members of a round-robin group
    (``BASE:SUFFIX``). ConfigError if there is no interface, or an alias leads nowhere.
    """

    def __init__(self, specs: Sequence[InterfaceSpec], aliases: Mapping[str, str],
                 has_ports: Callable[[InterfaceSpec], bool]):
        if not specs:
            raise ConfigError("Cannot start without any configured interfaces")
        self._has_ports = has_ports
        self._specs: dict[str, list[InterfaceSpec]] = {}
        for spec in specs:
            self._specs.setdefault(spec.name, []).append(spec)
        self._groups: dict[str, list[str]] = {}
        for name in self._specs:
            base, colon, _ = name.partition(":")
            if colon:
                self._groups.setdefault(base, []).append(name)
        self._aliases = dict(aliases)
        for alias, name in self._aliases.items():
            if name not in self._specs and name not in self._groups:
                raise ConfigError(f"interface alias {alias}: no interface is named {name!r}")
        self._turns = dict.fromkeys(self._groups, 0)
        first = specs[0].name
        base = first.partition(":")[0]
        self._default = base if base in self._groups else first

    def knows(self, name: str) -> bool:
        """True for the name of an interface, a group or an alias, or one that old clients use for a family."""
        name = self._aliases.get(name, name)
        return name in self._specs or name in self._groups or name in _LEGACY_FAMILIES

    def select(self, name: str | None, family: int, current: str | None) -> InterfaceSpec:
        """The primary address of the interface ``name`` or, if none is named, of ``current`` or the default.

        ``current`` stays if it has the family and is, or belongs to, what is named. An interface that is named and
        lacks the family is used with the other one; else another interface that has the family is used, and the
        other family is the last resort.
        """
        named = False
        if name is not None:
            name = self._aliases.get(name, name)
            if name not in self._specs and name not in self._groups:
                if name not in _LEGACY_FAMILIES:
                    _log.warning("no interface is named %r: it is ignored", name[:_SHOWN])
                family = _LEGACY_FAMILIES.get(name, family)
                name = None
            named = name is not None
        if current is not None and current in self._specs:
            if name is None or name == current or current in self._groups.get(name, ()):
                found = self._primary(current, family)
                if found is not None:
                    return found
            name = name or current
        name = name or self._default
        found = self._of_family(name, family)
        if found is None and named:
            found = self._of_family(name, _OTHER_FAMILY[family])
        return found or self._anywhere(family) or self._specs[self._members(name)[0]][0]

    def _members(self, name: str) -> list[str]:
        """The interface itself, or the members of a group."""
        return [name] if name in self._specs else self._groups[name]

    def _of_family(self, name: str, family: int) -> InterfaceSpec | None:
        """The next member of a group that has the family and free ports on all its addresses, else one without."""
        if name in self._specs:
            return self._primary(name, family)
        members = self._groups[name]
        start = self._turns[name]
        fallback = None
        for step in range(len(members)):
            position = (start + step) % len(members)
            found = self._primary(members[position], family)
            if found is None:
                continue
            if all(self._has_ports(spec) for spec in self._specs[members[position]]):
                self._turns[name] = position + 1
                return found
            fallback = fallback or found
        return fallback

    def _primary(self, name: str, family: int) -> InterfaceSpec | None:
        return next((spec for spec in self._specs[name] if spec.address.family == family), None)

    def _anywhere(self, family: int) -> InterfaceSpec | None:
        every: Iterable[InterfaceSpec] = (spec for specs in self._specs.values() for spec in specs)
        return next((spec for spec in every if spec.address.family == family), None)


def place_of(spec: InterfaceSpec) -> Place:
    """The address as the sessions see it."""
    return Place(spec.name, spec.address, spec.advertised or spec.address)
