# SPDX-License-Identifier: GPL-3.0-or-later
"""The values in force: where each came from, what it was at the start, what it is now."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from controlplane.config.ini import IniFile
from controlplane.config.option import Value
from controlplane.config.options import ALL, BY_NAME
from controlplane.errors import ConfigError

ACTIONS = tuple(option.name for option in ALL if option.action)


@dataclass(frozen=True, slots=True)
class Change:
    """A runtime option whose value is not what it was."""

    name: str
    before: Value
    after: Value


class Settings:
    """All options by name, each also an attribute with underscores; units are those of the option table.

    ``start`` holds the values at the start, ``origin`` tells for each name ``default``, ``command line`` or
    ``file:line``, ``warnings`` is what the operator should know. Only runtime options can be changed.
    """

    table: int
    no_fallback: bool
    accelerator: str
    nfqueue_number: int
    iptables_rule: bool
    iptables_backend: str
    listen_ng: tuple[str, ...]
    listen_cli: tuple[str, ...]
    control_tos: int
    sip_source: bool
    reject_invalid_sdp: bool
    interface: tuple[str, ...]
    interfaces_config: str
    save_interface_ports: bool
    port_min: int
    port_max: int
    tos: int
    endpoint_learning: str
    timeout: int
    silent_timeout: int
    offer_timeout: int
    final_timeout: int
    delete_delay: int
    max_sessions: int
    max_load: float
    max_cpu: float
    max_bandwidth: int
    config_file: str
    config_section: str
    pidfile: str
    foreground: bool
    log_level: int
    log_facility: str
    log_format: str
    log_stderr: bool
    no_log_timestamps: bool
    split_logs: bool
    max_log_line_length: int
    log_name: str
    log_mark_prefix: str
    log_mark_suffix: str
    num_threads: int
    no_redis_required: bool

    def __init__(self, given: Mapping[str, Value] | None = None, origin: Mapping[str, str] | None = None,
                 file: IniFile | None = None, warnings: list[str] | None = None):
        self._values = {option.name: option.default for option in ALL} | dict(given or {})
        self.start: Mapping[str, Value] = MappingProxyType(dict(self._values))
        self.origin: Mapping[str, str] = MappingProxyType(
            {option.name: "default" for option in ALL} | dict(origin or {}))
        self.file = file or IniFile("none")
        self.warnings = warnings if warnings is not None else []

    if not TYPE_CHECKING:
        def __getattr__(self, attribute: str) -> Any:
            try:
                return self.__dict__["_values"][attribute.replace("_", "-")]
            except KeyError:
                raise AttributeError(f"no option is named {attribute!r}") from None

    @property
    def current(self) -> Mapping[str, Value]:
        """The values in force now, by option name."""
        return MappingProxyType(self._values)

    @property
    def action(self) -> str | None:
        """The one thing to do instead of running, such as ``help`` or ``nftables-stop``."""
        return next((name for name in ACTIONS if self._values[name]), None)

    def given(self, name: str) -> bool:
        """True if the operator set this option."""
        return self.origin[name] != "default"

    def shown(self, name: str, values: Mapping[str, Value] | None = None) -> str:
        """An option's value as text, flags as 0 or 1, lists joined by ``;``, secrets as ``***``."""
        value = (values or self._values)[name]
        if BY_NAME[name].secret and value:
            return "***"
        if isinstance(value, tuple):
            return ";".join(value)
        return str(int(value)) if isinstance(value, bool) else str(value)

    def set(self, name: str, value: Value) -> None:
        """Change a runtime option. ConfigError if it is none, or for a value that is not allowed."""
        option = BY_NAME.get(name)
        if option is None or not option.runtime:
            raise ConfigError(f"{name} cannot be changed at runtime")
        try:
            self._values[option.name] = option.checked(value)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from None

    def diff(self) -> list[Change]:
        """Runtime options whose value differs from that at the start, in table order."""
        return [Change(option.name, self.start[option.name], self._values[option.name]) for option in ALL
                if option.runtime and self.start[option.name] != self._values[option.name]]

    def revert(self) -> list[Change]:
        """Give every runtime option its value at the start; returns what that changed."""
        changes = [Change(change.name, change.after, change.before) for change in self.diff()]
        self._values.update((change.name, change.after) for change in changes)
        return changes
