# SPDX-License-Identifier: GPL-3.0-or-later
"""``--check-config``: everything about the settings that can be told without running on them."""
from __future__ import annotations

from controlplane.config.interfaces import build_interfaces
from controlplane.config.netdevs import is_local, system_resolver
from controlplane.config.settings import Settings


def check(settings: Settings) -> None:
    """Add to ``settings.warnings`` what the daemon would warn of at its start. ConfigError for what would stop it."""
    specs, _ = build_interfaces(settings, system_resolver())
    settings.warnings += [f"interface {spec.name}: this host does not have the address {spec.address}"
                          for spec in specs if not is_local(spec.address)]
