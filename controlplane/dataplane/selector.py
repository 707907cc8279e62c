# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing the accelerator: the kernel module's table, an NFQUEUE, or none."""
from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from typing import Protocol

from controlplane.dataplane.abi import TargetState
from controlplane.dataplane.kernel import KernelError, KernelTable
from controlplane.dataplane.rtcp import TappedEngine
from controlplane.dataplane.stats import Engine
from controlplane.errors import ConfigError

_log = logging.getLogger("rtpengine.core")


class Accelerator(Engine, TappedEngine, Protocol):
    """An engine that packets may go through instead of the relay, and that can be given back."""

    def close(self) -> None: ...


def adopted_by(accelerator: Accelerator | None) -> Sequence[TargetState]:
    """The targets of another process with which it goes on."""
    return accelerator.adopted if isinstance(accelerator, KernelTable) else ()


def hook_devices(table: KernelTable, devices: Iterable[str]) -> None:
    """Have the module take packets from these network devices. ConfigError for one that it cannot."""
    for device in devices:
        try:
            table.hook(device)
        except KernelError as error:
            raise ConfigError(f"ingress-device {device}: {error.cause}; {error.cure}") from None
        _log.info("The kernel module takes packets from %s before the IP stack", device)


def kernel_table(number: int, required: bool, adopt: bool = False) -> KernelTable | None:
    """Take a kernel table; without one, say why and how to mend it, and return None.

    With ``required`` (option no-fallback) a missing table is a ConfigError; ``adopt``: with what goes on in it.
    """
    try:
        table = KernelTable(number, adopt=adopt)
    except KernelError as error:
        reason = os.strerror(error.errno or 0)
        _log.error("FAILED TO CREATE KERNEL TABLE %d (%s), KERNEL FORWARDING DISABLED", number, reason)
        _log.error("Cause: %s. Cure: %s", error.cause, error.cure)
        if required:
            raise ConfigError(f"no-fallback is set and kernel table {number} cannot be used: {error.cause}") from None
        return None
    _log.info("Kernel table %d is ours: confirmed streams are forwarded by the kernel module", number)
    if table.adopted:
        _log.info("The kernel module goes on with %d streams of the process before", len(table.adopted))
    return table
