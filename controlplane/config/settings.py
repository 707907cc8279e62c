# SPDX-License-Identifier: GPL-3.0-or-later
"""The values in force: where each came from, what it was at the start, what it is now."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from controlplane.config.ini import IniFile, string
from controlplane.config.option import Value
from controlplane.config.options import ALL, BY_NAME
from controlplane.errors import ConfigError

ACTIONS = tuple(option.name for option in ALL if option.action)


class Settings:
    """All options by name, each also an attribute with underscores; units are those of the option table.

    ``again`` reads them once more, ``secrets`` are words of the command line that nobody may see, ``start`` holds the
    values at the start, ``origin`` tells for each name ``default``, ``command line`` or ``file:line``, ``warnings`` is
    what the operator should know. Only runtime options can be changed.
    """

    table: int
    no_fallback: bool
    accelerator: str
    nfqueue_number: int
    iptables_rule: bool
    iptables_backend: str
    ingress_device: tuple[str, ...]
    keep_flows: str
    listen_ng: tuple[str, ...]
    listen_tcp_ng: tuple[str, ...]
    listen_cli: tuple[str, ...]
    listen_http: tuple[str, ...]
    listen_https: tuple[str, ...]
    https_cert: str
    https_key: str
    http_buf_size: int
    http_idle_timeout: int
    control_tos: int
    control_pmtu: str
    sip_source: bool
    dtls_passive: bool
    dtls_cert_cipher: str
    dtls_rsa_key_size: int
    dtls_signature: str
    dtls_ciphers: str
    dtls_mtu: int
    reject_invalid_sdp: bool
    templates: str
    jb_adaptive_min: int
    cn_payload: tuple[str, ...]
    jb_adaptive_max: int
    interface: tuple[str, ...]
    interfaces_config: str
    port_min: int
    port_max: int
    reserve_ports: bool
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
    log_facility_cdr: str
    log_facility_rtcp: str
    log_facility_dtmf: str
    dtmf_log_dest: str
    dtmf_log_ng_tcp: bool
    log_format: str
    log_stderr: bool
    no_log_timestamps: bool
    split_logs: bool
    max_log_line_length: int
    log_name: str
    log_mark_prefix: str
    log_mark_suffix: str
    num_threads: int
    rtcp_interval: int
    mos: tuple[str, ...]
    measure_rtp: bool
    ssrc_reporting: str
    no_redis_required: bool
    redis: str
    redis_write: str
    redis_subscribe: str
    subscribe_keyspace: tuple[str, ...]
    redis_expires: int
    redis_format: str
    redis_allowed_errors: int
    redis_disable_time: int
    redis_cmd_timeout: int
    redis_connect_timeout: int
    redis_resolve_on_reconnect: bool
    redis_tcp_keepalive_time: int
    redis_tcp_keepalive_intvl: int
    redis_tcp_keepalive_probes: int
    redis_tls_ca: str
    redis_tls_cert: str
    redis_tls_key: str
    active_switchover: bool
    graphite: str
    graphite_interval: int
    graphite_prefix: str
    graphite_timeout: int
    homer: str
    homer_protocol: str
    homer_id: int
    homer_disable_rtcp_stats: bool
    homer_enable_ng: bool
    homer_ng_capture_proto: int
    mqtt_host: str
    mqtt_port: int
    mqtt_id: str
    mqtt_keepalive: int
    mqtt_user: str
    mqtt_pass: str
    mqtt_cafile: str
    mqtt_capath: str
    mqtt_certfile: str
    mqtt_keyfile: str
    mqtt_tls_alpn: str
    mqtt_publish_qos: int
    mqtt_publish_topic: str
    mqtt_publish_interval: int
    mqtt_publish_scope: str

    def __init__(self, given: Mapping[str, Value] | None = None, origin: Mapping[str, str] | None = None,
                 file: IniFile | None = None, warnings: list[str] | None = None,
                 again: Callable[[], Settings] | None = None, secrets: tuple[str, ...] = ()):
        self._values = {option.name: option.default for option in ALL} | dict(given or {})
        self.start: Mapping[str, Value] = MappingProxyType(dict(self._values))
        self.origin: Mapping[str, str] = MappingProxyType(
            {option.name: "default" for option in ALL} | dict(origin or {}))
        self.file = file or IniFile("none")
        self.warnings = warnings if warnings is not None else []
        self.again: Callable[[], Settings] = again or self.at_start
        self.secrets = secrets

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

    def section(self, name: str) -> dict[str, str]:
        """The values of another section of the settings file by key; none if there is no such section.

        ConfigError naming the line of a value that cannot be read.
        """
        found = {}
        for key, entry in self.file.sections.get(name, {}).items():
            try:
                found[key] = string(entry.raw)
            except ValueError as error:
                raise ConfigError(f"{self.file.path}:{entry.line}: {key}: {error}") from None
        return found

    def template_lines(self) -> dict[str, str]:
        """The signalling templates by name in lower case, which is how requests find them. ConfigError as above."""
        return {name.lower(): line for name, line in (self.section(self.templates) if self.templates else {}).items()}

    def log_levels(self, subsystems: Iterable[str]) -> dict[str, int]:
        """The log level of each subsystem at the start: its own, or that of all."""
        levels = {name: self.start[f"log-level-{name}"] or self.start["log-level"] for name in subsystems}
        return {name: level for name, level in levels.items() if isinstance(level, int)}

    def at_start(self) -> Settings:
        """The settings as they were before anything was changed at runtime."""
        return Settings(self.start, self.origin, self.file, self.warnings, self.again)

    def set(self, name: str, value: Value) -> None:
        """Change a runtime option, named with dashes or underscores.

        ConfigError if it is none, or for a value that is not allowed.
        """
        option = BY_NAME.get(name.replace("_", "-"))
        if option is None or not option.runtime:
            raise ConfigError(f"{name} cannot be changed at runtime")
        try:
            self._values[option.name] = option.checked(value)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from None
