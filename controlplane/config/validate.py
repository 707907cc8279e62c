# SPDX-License-Identifier: GPL-3.0-or-later
"""What options must and must not be given together, and which of them do nothing yet."""
from __future__ import annotations

from controlplane.config.faults import Faults
from controlplane.config.listen import LISTENERS, parse_listen
from controlplane.config.nearest import meant
from controlplane.config.option import Support
from controlplane.config.options import ALL
from controlplane.config.settings import ACTIONS, Settings
from controlplane.errors import ConfigError

_LISTENERS = ("listen-ng", "listen-tcp-ng", "listen-http", "listen-https")
_INTERFACES = {"interface", "interfaces-config"}
_OLD_LISTENERS = ("listen-udp", "listen-tcp")
_CURE = "it needs a table from 0 to 63, or accelerator=nfqueue"


def validate(settings: Settings, faults: Faults) -> None:
    """Check all settings together; adds to ``settings.warnings``, and to ``faults`` what cannot work."""
    _actions(settings, faults)
    _support(settings, faults)
    if settings.port_min > settings.port_max and not faults.options & {"port-min", "port-max"}:
        faults.add(f"port-min {settings.port_min} ({settings.origin['port-min']}) is greater than "
                   f"port-max {settings.port_max} ({settings.origin['port-max']})")
    if settings.jb_adaptive_min > settings.jb_adaptive_max:
        faults.add(f"jb-adaptive-min {settings.jb_adaptive_min} is greater than jb-adaptive-max "
                   f"{settings.jb_adaptive_max}")
    if settings.cn_payload and (level := int(settings.cn_payload[0])) > 127:
        faults.add(f"{settings.origin['cn-payload']}: cn-payload begins with a level from 0 to 127, and not with "
                   f"{level}")
    _sections(settings, faults)
    if settings.action in (None, "check-config"):
        _needed(settings, faults)
    if not _has_accelerator(settings):
        settings.warnings += [f"{name} has nothing to do: {_CURE}" for name in ("no-fallback", "iptables-rule")
                              if settings.current[name]]
    if settings.ingress_device and (settings.accelerator != "kernel" or settings.table < 0):
        settings.warnings.append("ingress-device has nothing to do: it needs a table from 0 to 63")


def _has_accelerator(settings: Settings) -> bool:
    return settings.accelerator == "nfqueue" or settings.accelerator == "kernel" and settings.table >= 0


def _actions(settings: Settings, faults: Faults) -> None:
    wanted = [name for name in ACTIONS if settings.current[name]]
    if len(wanted) > 1:
        faults.add(f"only one of {', '.join('--' + name for name in wanted)} can be done")
    if wanted and wanted[0] != "check-config" and not _has_accelerator(settings):
        faults.add(f"--{wanted[0]} has nothing to do: {_CURE}")


def _support(settings: Settings, faults: Faults) -> None:
    for option in ALL:
        value = settings.current[option.name]
        if option.support is Support.WORKS or value == option.default:
            continue
        place = settings.origin[option.name]
        if option.support is Support.REFUSED:
            faults.add(f"{place}: {option.name} is {Support.REFUSED.value}: {option.why}")
            continue
        settings.warnings.append(f"{place}: {option.name} is {Support.NO_EFFECT.value}")


def _sections(settings: Settings, faults: Faults) -> None:
    """The section that an option names must be there; without a settings file there are none to look for."""
    sections = settings.file.sections
    if settings.templates and sections and settings.templates not in sections:
        faults.add(f"{settings.origin['templates']}: templates: {settings.file.path} has no section "
                   f"[{settings.templates}]{meant(settings.templates, sections)}")


def _needed(settings: Settings, faults: Faults) -> None:
    for name in LISTENERS:
        values = settings.current[name]
        for text in values if isinstance(values, tuple) else ():
            try:
                parse_listen(name, text)
            except ConfigError as error:
                faults.add(f"{settings.origin[name]}: {name}: {error}")
    if not any(settings.current[name] for name in _LISTENERS) and not faults.options & set(_LISTENERS):
        others = [name for name in _OLD_LISTENERS if settings.current[name]]
        faults.add(f"{', '.join(others)} cannot be served yet; give at least one listen-ng" if others else
                   "nothing to listen on; give at least one listen-ng, such as listen-ng=127.0.0.1:2223")
    if settings.listen_https and not settings.https_cert and "https-cert" not in faults.options:
        faults.add(f"{settings.origin['listen-https']}: listen-https needs a certificate; give https-cert")
    if settings.mqtt_host and not settings.mqtt_publish_topic and "mqtt-publish-topic" not in faults.options:
        faults.add(f"{settings.origin['mqtt-host']}: mqtt-host needs something to publish to; give mqtt-publish-topic")
    if not settings.interface and not settings.interfaces_config and not faults.options & _INTERFACES:
        faults.add("Cannot start without any configured interfaces; give at least one, such as interface=any")
