# SPDX-License-Identifier: GPL-3.0-or-later
"""Local media interfaces as the operator names them: ``interface`` values and ``[PREFIX-name]`` sections."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from controlplane.addresses import Address
from controlplane.config import ini
from controlplane.config.faults import Faults
from controlplane.config.ini import Entry
from controlplane.config.listen import parse_listen
from controlplane.config.nearest import meant
from controlplane.config.netdevs import Resolver
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError, PeerError

DEFAULT_NAME = "default"
_ADVERTISED = ("advertised", "advertised address", "advertised-address", "advertised_address")
_KEYS = ("address", "alias", "name", *_ADVERTISED, "port-min", "port-max", "exclude-ports")


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """One address of a logical interface: ports ``port_min`` to ``port_max`` inclusive, less ``exclude_ports``.

    Several specs with one ``name`` form one logical interface, the first of a family being primary.
    ``advertised`` is what the peers are told, if it differs from ``address``.
    """

    name: str
    address: Address
    advertised: Address | None
    port_min: int
    port_max: int
    exclude_ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Ports:
    port_min: int
    port_max: int
    exclude: frozenset[int]


@dataclass(slots=True)
class _Collected:
    resolver: Resolver
    specs: list[InterfaceSpec] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, address: str, advertised: str, ports: _Ports) -> None:
        if name in self.aliases:
            raise ConfigError(f"interface {name[:64]!r} is already an alias")
        locals_ = _resolve(address, self.resolver)
        told = _resolve_host(advertised, self.resolver) if advertised else []
        families = {each.family for each in locals_}
        if told and not families & {each.family for each in told}:
            raise ConfigError(f"advertised address {advertised[:64]!r} is of another family than {address[:64]!r}")
        for local in locals_:
            shown = next((each for each in told if each.family == local.family), None)
            spec = InterfaceSpec(name, local, shown if shown != local else None,
                                 ports.port_min, ports.port_max, ports.exclude)
            if spec not in self.specs:
                self.specs.append(spec)

    def alias(self, name: str, target: str) -> None:
        real = self.aliases.get(target, target)
        names = {spec.name for spec in self.specs}
        if not name or not target:
            raise ConfigError("an alias needs a name on both sides, ALIAS=NAME")
        if name in names or name in self.aliases:
            raise ConfigError(f"alias {name[:64]!r} is already taken")
        if real not in names and not any(each.startswith(real + ":") for each in names):
            raise ConfigError(f"alias {name[:64]!r} stands for {target[:64]!r}, which no earlier interface is named")
        self.aliases[name] = real


def build_interfaces(settings: Settings, resolver: Resolver) -> tuple[list[InterfaceSpec], dict[str, str]]:
    """All interface addresses in order of preference (the first is the default), and aliases with their real names.

    Ports of listen-ng are taken out of every range. ConfigError names each value or section that is wrong.
    """
    everything, faults = _Collected(resolver), Faults()
    ports = _Ports(settings.port_min, settings.port_max, frozenset(_listening(settings)))
    for text in settings.interface:
        try:
            _from_value(text.strip(), everything, ports)
        except ConfigError as error:
            faults.add(f"{settings.origin['interface']}: interface {text.strip()[:64]!r}: {error}")
    prefix = settings.interfaces_config + "-"
    for section, entries in settings.file.sections.items() if settings.interfaces_config else ():
        if not section.startswith(prefix):
            continue
        for key, entry in entries.items():
            if key not in _KEYS:
                faults.add(f"{settings.file.path}:{entry.line}: [{section}] unknown key '{key[:64]}'"
                           f"{meant(key, _KEYS)}")
        try:
            _from_section(section[len(prefix):], entries, everything, ports)
        except (ConfigError, ValueError) as error:
            faults.add(f"{settings.file.path}: [{section}]: {error}")
    faults.settle()
    if not everything.specs:
        raise ConfigError("Cannot start without any configured interfaces; give at least one, such as interface=any")
    return everything.specs, everything.aliases


def _listening(settings: Settings) -> Iterator[int]:
    """The ports of listen-ng, less the values that validate.py complains about."""
    for text in settings.listen_ng:
        try:
            yield parse_listen("listen-ng", text).port
        except ConfigError:
            pass


def _from_value(text: str, everything: _Collected, ports: _Ports) -> None:
    if "=" in text and "/" not in text:
        alias, _, target = (piece.strip() for piece in text.partition("="))
        everything.alias(alias, target)
        return
    name, slash, rest = (piece.strip() for piece in text.partition("/"))
    if not slash:
        name, rest = DEFAULT_NAME, text
    elif not name:
        raise ConfigError("there is no name before the slash")
    address, exclamation, advertised = (piece.strip() for piece in rest.partition("!"))
    if exclamation and not advertised:
        raise ConfigError("there is no advertised address behind the exclamation mark")
    everything.add(name, address, advertised, ports)


def _from_section(name: str, entries: dict[str, Entry], everything: _Collected, ports: _Ports) -> None:
    values = {key: ini.string(entries[key].raw) for key in ("address", "alias", "name", *_ADVERTISED)
              if key in entries}
    name = values.get("name") or name
    if not name:
        raise ConfigError("the interface has no name")
    if "alias" in values:
        everything.alias(name, values["alias"])
        return
    if not values.get("address"):
        raise ConfigError("the key 'address' is missing")
    own = _Ports(_port(entries, "port-min", ports.port_min), _port(entries, "port-max", ports.port_max),
                 ports.exclude | _excluded(entries))
    if own.port_min > own.port_max:
        raise ConfigError(f"port-min {own.port_min} is greater than port-max {own.port_max}")
    advertised = next((values[key] for key in _ADVERTISED if values.get(key)), "")
    everything.add(name, values["address"], advertised, own)


def _port(entries: dict[str, Entry], key: str, default: int) -> int:
    return _checked_port(key, ini.integer(entries[key].raw)) if key in entries else default


def _excluded(entries: dict[str, Entry]) -> frozenset[int]:
    if "exclude-ports" not in entries:
        return frozenset()
    return frozenset(_checked_port("exclude-ports", ini.integer(piece))
                     for piece in ini.strings(entries["exclude-ports"].raw))


def _checked_port(key: str, port: int) -> int:
    if not 0 < port <= 65535:
        raise ConfigError(f"{key}: {port} is outside 1 to 65535")
    return port


def _literal(text: str) -> Address | None:
    try:
        address = Address.parse(text.removeprefix("[").removesuffix("]"))
    except PeerError:
        return None
    if address.is_zero:
        raise ConfigError(f"{text[:64]} stands for every address; name one, or use 'any'")
    if address.family == 6 and address.packed[0] == 0xfe and address.packed[1] & 0xc0 == 0x80:
        raise ConfigError(f"{text[:64]} is a link-local address, which means nothing without its device")
    return address


def _resolve(text: str, resolver: Resolver) -> list[Address]:
    """An address literal, else a network device, else ``any``, else a host name."""
    literal = _literal(text)
    if literal:
        return [literal]
    found = resolver.device(text)
    if not found and text == "any":
        found = resolver.everything()
        if not found:
            raise ConfigError("this host has no address but loopback")
    return found or _resolve_host(text, resolver)


def _resolve_host(text: str, resolver: Resolver) -> list[Address]:
    literal = _literal(text)
    found = [literal] if literal else resolver.host(text) if text else []
    if not found:
        raise ConfigError(f"{text[:64]!r} is no IP address, no network device that is up, and no host name with one")
    for address in found:
        if address.is_zero:
            raise ConfigError(f"{text[:64]!r} leads to {address}, which stands for every address")
    return found
