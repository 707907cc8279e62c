# SPDX-License-Identifier: GPL-3.0-or-later
"""The option table: command line, settings file, ``params``, help and manual are all made from it."""
from __future__ import annotations

from controlplane.config import options_media, options_network, options_process
from controlplane.config.option import Option

GROUPS: dict[str, tuple[Option, ...]] = {
    "General": options_process.GENERAL,
    "Control": options_network.CONTROL,
    "Interfaces and ports": options_network.INTERFACES,
    "Timeouts and limits": options_network.LIMITS,
    "Forwarding and firewall": options_network.FORWARDING,
    "Logging": options_process.LOGGING,
    "Threads": options_process.THREADS,
    "Redis": options_media.REDIS,
    "Media": options_media.MEDIA,
    "DTMF": options_media.DTMF,
    "Recording": options_media.RECORDING,
    "DTLS": options_media.DTLS,
    "Databases and statistics": options_media.EXPORT,
}

ALL: tuple[Option, ...] = tuple(option for group in GROUPS.values() for option in group)
BY_NAME: dict[str, Option] = {name: option for option in ALL for name in (option.name, *option.also)}
BY_SHORT: dict[str, Option] = {option.short: option for option in ALL if option.short}
