# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks in the order of the report."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ctl.doctor import clock, daemon, firewall, kernel, limits, network, ports, redis, table
from ctl.doctor.finding import Finding, NeedsRoot, unknown
from ctl.doctor.host import Host


@dataclass(frozen=True, slots=True)
class Check:
    """One row; ``look`` yields what it finds, nothing if the question does not arise."""

    name: str
    look: Callable[[Host], Iterable[Finding]]

    @property
    def question(self) -> str:
        """What it is about, for the manual page."""
        return (self.look.__doc__ or "").partition(".")[0]


CHECKS = (
    Check("daemon", daemon.answers),
    Check("settings", daemon.settings),
    Check("namespace", daemon.namespace),
    Check("load", daemon.load),
    Check("listeners", daemon.listeners),
    Check("module", kernel.installed),
    Check("module loaded", kernel.loaded),
    Check("module version", kernel.version),
    Check("kernel headers", kernel.headers),
    Check("dkms", kernel.dkms),
    Check("module signature", kernel.signing),
    Check("/proc/rtpengine", table.proc),
    Check("table", table.owner),
    Check("iptables extension", firewall.extension),
    Check("rule", firewall.rule),
    Check("early drops", firewall.before),
    Check("media let in", firewall.passage),
    Check("port range", ports.ephemeral),
    Check("ports in use", ports.occupied),
    Check("open files", limits.open_files),
    Check("socket buffers", limits.buffers),
    Check("receive queues", network.queues),
    Check("conntrack", network.tracking),
    Check("redis", redis.reachable),
    Check("clock", clock.synchronised),
    Check("clock source", clock.source),
)


def examine(host: Host, checks: Iterable[Check] = CHECKS) -> Iterator[tuple[str, Finding]]:
    """Each finding with the name of its check."""
    for check in checks:
        try:
            for finding in check.look(host):
                yield check.name, finding
        except NeedsRoot as reason:
            yield check.name, unknown(f"only root may look at this ({reason})", "sudo rtpengine-ctl doctor")
