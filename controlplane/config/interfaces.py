# SPDX-License-Identifier: GPL-3.0-or-later
"""Local media interfaces as the operator names them: ``interface`` values and ``[PREFIX-name]`` sections."""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controlplane.addresses import Address
from controlplane.config import ini
from controlplane.config.faults import Faults
from controlplane.config.ini import Entry, IniFile
from controlplane.config.listen import listens
from controlplane.config.nearest import meant, nearest
from controlplane.config.netdevs import Resolver
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError, PeerError

DEFAULT_NAME = "default"
_ADVERTISED = ("advertised", "advertised address", "advertised-address", "advertised_address")
_NAME_SECTIONS = ("interfaces-config", "transcode-config", "templates")
_SEPARATOR = re.compile(r"[-:._/ ]")
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
    """``wanted`` has the names of interfaces that are wrong as well."""

    resolver: Resolver
    specs: list[InterfaceSpec] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)

    def add(self, name: str, local: list[Address], advertised: list[Address], ports: _Ports) -> None:
        for address in local:
            shown = next((each for each in advertised if each.family == address.family), None)
            spec = InterfaceSpec(name, address, shown if shown != address else None,
                                 ports.port_min, ports.port_max, ports.exclude)
            if spec not in self.specs:
                self.specs.append(spec)

    def local(self, name: str, text: str) -> list[Address]:
        """The addresses of interface ``name``."""
        self.wanted.add(name)
        if name in self.aliases:
            raise ConfigError(f"interface {name[:64]!r} is already an alias")
        return _resolve(text, self.resolver)

    def advertised(self, text: str, local: list[Address]) -> list[Address]:
        """What the peers are told of these; empty if there is no such text."""
        told = _resolve_host(text, self.resolver) if text else []
        if told and not {each.family for each in local} & {each.family for each in told}:
            raise ConfigError(f"advertised address {text[:64]!r} is of another family than {local[0]}")
        return told

    def alias(self, name: str, target: str) -> None:
        real = self.aliases.get(target, target)
        names = {spec.name for spec in self.specs}
        if not name or not target:
            raise ConfigError("an alias needs a name on both sides, ALIAS=NAME")
        if name in names or name in self.aliases:
            raise ConfigError(f"alias {name[:64]!r} is already taken")
        known = names | self.wanted
        if real not in known and not any(each.startswith(real + ":") for each in known):
            raise ConfigError(f"alias {name[:64]!r} stands for {target[:64]!r}, which no earlier interface is named"
                              f"{meant(target, known)}")
        self.aliases[name] = real


@dataclass(frozen=True, slots=True)
class _Section:
    """A section of the settings file, and where its keys are."""

    file: IniFile
    title: str
    name: str

    @property
    def entries(self) -> dict[str, Entry]:
        return self.file.sections[self.title]

    def place(self, *keys: str) -> str:
        """File, line of the last of these keys that are there, or of the section, and the section."""
        line = max((self.entries[key].line for key in keys if key in self.entries), default=self.file.lines[self.title])
        return f"{self.file.path}:{line}: [{self.title}]"

    @contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """What goes wrong within is told with the place of these keys."""
        try:
            yield
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"{self.place(*keys)} {error}") from None

    def text(self, *keys: str) -> str:
        """The value of the first of these keys that has one, else empty. ValueError for one that cannot be read."""
        return next(filter(None, (ini.string(self.entries[key].raw) for key in keys if key in self.entries)), "")

    def port(self, key: str, default: int) -> int:
        if key not in self.entries:
            return default
        with self.at(key):
            return _checked_port(key, self.entries[key].raw)

    def excluded(self, key: str) -> frozenset[int]:
        with self.at(key):
            return frozenset(_checked_port(key, piece) for piece in ini.strings(self.entries[key].raw)
                             ) if key in self.entries else frozenset()


def build_interfaces(settings: Settings, resolver: Resolver) -> tuple[list[InterfaceSpec], dict[str, str]]:
    """All interface addresses in order of preference (the first is the default), and aliases with their real names.

    Ports of listen-ng are taken out of every range. ConfigError names each value or section that is wrong.
    """
    everything, faults = _Collected(resolver), Faults()
    ports = _Ports(settings.port_min, settings.port_max,
                   frozenset(listen.port for option, listen in listens(settings) if option == "listen-ng"))
    for text in settings.interface:
        try:
            _from_value(text.strip(), everything, ports)
        except ConfigError as error:
            faults.add(f"{settings.origin['interface']}: interface {text.strip()[:64]!r}: {error}")
    for section in _sections(settings) if settings.interfaces_config else ():
        for key in section.entries:
            if key not in _KEYS:
                faults.add(f"{section.place(key)} unknown key '{key[:64]}'{meant(key, _KEYS)}")
        with faults.kept():
            _from_section(section, everything, ports)
    faults.settle()
    if not everything.specs:
        raise ConfigError("Cannot start without any configured interfaces; give at least one, such as interface=any")
    return everything.specs, everything.aliases


def _sections(settings: Settings) -> list[_Section]:
    """The sections of interfaces; warns of those that are none but for a slip, and if there are none at all."""
    file, prefix = settings.file, settings.interfaces_config
    found = [_Section(file, title, title[len(prefix) + 1:]) for title in file.sections
             if title.startswith(f"{prefix}-")]
    if not found:
        settings.warnings.append(f"{settings.origin['interfaces-config']}: interfaces-config: {file.path} has no "
                                 f"section [{prefix}-NAME]")
    used = {prefix, *(entry.raw for entries in file.sections.values() for key, entry in entries.items()
                      if key in _NAME_SECTIONS)}
    parts = len(_SEPARATOR.findall(prefix)) + 1
    for title in file.sections:
        *head, name = _SEPARATOR.split(title, parts)
        if title not in used and len(head) == parts and nearest("-".join(head), [prefix]) and not title.startswith(
                tuple(f"{each}-" for each in used)):
            settings.warnings.append(f"{file.path}:{file.lines[title]}: [{title}] is no interface; did you mean "
                                     f"[{prefix}-{name}]?")
    return found


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
    local = everything.local(name, address)
    everything.add(name, local, everything.advertised(advertised, local), ports)


def _from_section(section: _Section, everything: _Collected, ports: _Ports) -> None:
    with section.at("name"):
        name = section.text("name") or section.name
    if not name:
        raise ConfigError(f"{section.place()} the interface has no name")
    if "alias" in section.entries:
        with section.at("alias"):
            everything.alias(name, section.text("alias"))
        return
    with section.at("address"):
        if not section.text("address"):
            raise ConfigError("the key 'address' is missing")
        local = everything.local(name, section.text("address"))
    own = _Ports(section.port("port-min", ports.port_min), section.port("port-max", ports.port_max),
                 ports.exclude | section.excluded("exclude-ports"))
    with section.at("port-min", "port-max"):
        if own.port_min > own.port_max:
            raise ConfigError(f"port-min {own.port_min} is greater than port-max {own.port_max}")
    with section.at(*_ADVERTISED):
        advertised = everything.advertised(section.text(*_ADVERTISED), local)
    everything.add(name, local, advertised, own)


def _checked_port(key: str, text: str) -> int:
    try:
        port = ini.integer(text)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None
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
    if _is_link_local(address):
        raise ConfigError(f"{text[:64]} is a link-local address, which means nothing without its device")
    return address


def _is_link_local(address: Address) -> bool:
    return address.family == 6 and address.packed[0] == 0xfe and address.packed[1] & 0xc0 == 0x80


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
    usable = [address for address in found if not _is_link_local(address)]
    if not usable:
        raise ConfigError(f"{text[:64]!r} leads to link-local addresses alone, which calls cannot use")
    return usable
