# SPDX-License-Identifier: GPL-3.0-or-later
"""``--check-config``: everything about the settings that can be told without running on them."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from controlplane.config.faults import Faults
from controlplane.config.interfaces import build_interfaces
from controlplane.config.listen import listens
from controlplane.config.netdevs import is_local, system_resolver
from controlplane.config.settings import Settings
from controlplane.errors import ConfigError


def check(settings: Settings) -> None:
    """Add to ``settings.warnings`` what the daemon would warn of at its start. ConfigError for what would stop it."""
    faults = Faults()
    for option, listen in listens(settings):
        try:
            listen.places(system_resolver())
        except ConfigError as error:
            faults.add(f"{settings.origin[option]}: {option}: {error}")
    with faults.kept():
        _interfaces(settings)
    faults.settle()
    for option, path in _files(settings):
        folder = Path(path).parent
        if not folder.is_dir():
            settings.warnings.append(f"{settings.origin[option]}: {option}: {folder} does not exist, and has to at the "
                                     "start")


def _interfaces(settings: Settings) -> None:
    specs, _ = build_interfaces(settings, system_resolver())
    settings.warnings += [f"interface {spec.name}: this host does not have the address {spec.address}"
                          for spec in specs if not is_local(spec.address)]


def _files(settings: Settings) -> Iterator[tuple[str, str]]:
    """What the daemon makes as it starts."""
    if settings.pidfile:
        yield "pidfile", settings.pidfile
    for option, listen in listens(settings):
        if listen.path:
            yield option, listen.path
